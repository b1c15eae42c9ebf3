import { isName } from '../headers/raw.ts'
import type { OverrideSpec } from '../snapshot.ts'
import { cookieValue } from './cookie.ts'

/**
 * The variant that the request chose itself, or -1. The first override that matches wins; values match exactly, so one that is
 * hard to guess is a key.
 */
export function overrideOf(overrides: readonly OverrideSpec[], raw: readonly string[]): number {
  for (const override of overrides) {
    const matches =
      override.kind === 'cookie'
        ? cookieValue(raw, override.name) === override.value
        : hasHeader(raw, override.name, override.value)
    if (matches) return override.variant
  }
  return -1
}

function hasHeader(raw: readonly string[], name: string, value: string): boolean {
  for (let i = 0; i < raw.length; i += 2) if (raw[i + 1] === value && isName(raw[i]!, name)) return true
  return false
}
