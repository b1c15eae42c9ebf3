import { toBps, toPercent } from '../config/units.ts'

/** Weights as they were asked for, made whole; or what is wrong with them. */
export type CheckedWeights = { ok: true; weights: Record<string, number> } | { ok: false; detail: string }

/** Pure: names must be variants, values have two decimals, all is 100 in basis points; variants not named get 0. */
export function checkWeights(asked: Record<string, number>, variants: readonly string[]): CheckedWeights {
  const unknown = Object.keys(asked).filter((name) => !variants.includes(name))
  if (unknown.length > 0) {
    return { ok: false, detail: `No variant ${quoted(unknown)}. Variants of this gate: ${variants.join(', ')}.` }
  }
  const weights: Record<string, number> = {}
  let sumBps = 0
  for (const name of variants) {
    const percent = Object.hasOwn(asked, name) ? asked[name]! : 0
    const bps = toBps(percent)
    if (!Number.isFinite(percent) || percent < 0 || percent > 100 || Math.abs(percent - toPercent(bps)) > 1e-9) {
      return { ok: false, detail: `Weight of ${name} must be 0 to 100 with up to two decimals, not ${percent}.` }
    }
    weights[name] = toPercent(bps)
    sumBps += bps
  }
  if (sumBps !== 10_000) return { ok: false, detail: `Weights must sum to 100, not ${toPercent(sumBps)}.` }
  return { ok: true, weights }
}

const quoted = (names: string[]): string => names.map((name) => `"${name}"`).join(', ')
