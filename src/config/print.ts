import { Encode } from 'typebox/value'
import { stringify } from 'yaml'
import type { Config } from './load.ts'
import { resolveGate } from './resolve.ts'
import { type GateConfig, GateDocument, ProxyDocument } from './schema.ts'
import { toPercent } from './units.ts'
import { keys, type Schema } from './words.ts'

/**
 * YAML of the configuration with all defaults, those too that depend on other keys; durations and sizes as text. Files
 * of secrets are named, never read. Addresses of hooks and checks may hold a token: only their origin is printed.
 */
export function printConfig(config: Config): string {
  const documents = [
    inOrder(ProxyDocument as unknown as Schema, Encode(ProxyDocument, structuredClone(config.proxy))),
    ...config.gates.map((gate) => inOrder(GateDocument as unknown as Schema, Encode(GateDocument, withDefaults(gate)))),
  ]
  return documents.map((document) => stringify(document, { aliasDuplicateObjects: false })).join('---\n')
}

function withDefaults(gate: GateConfig): GateConfig {
  const { spec, ...rest } = structuredClone(gate)
  const resolved = resolveGate(gate)
  const { release, sticky } = spec
  for (const [index, variant] of spec.variants.entries()) variant.weight = toPercent(resolved.weightsBps[index] ?? 0)
  if (release !== undefined && resolved.promotion !== undefined) {
    release.promotion = resolved.promotion
    release.steps = resolved.steps.map(({ weightBps, minDurationMs, minRequests, pause }) => ({
      weight: toPercent(weightBps),
      minDuration: minDurationMs,
      minRequests,
      pause,
    }))
  }
  if (sticky !== undefined && resolved.stickyName !== undefined) sticky.name = resolved.stickyName
  for (const hook of spec.hooks) hook.url = withoutSecrets(hook.url)
  for (const { webhook, prometheus } of spec.analysis.checks) {
    if (webhook !== undefined) webhook.url = withoutSecrets(webhook.url)
    if (prometheus !== undefined) prometheus.url = withoutSecrets(prometheus.url)
  }
  return { ...rest, spec }
}

/** `https://hooks.slack.com/services/T0/B0/key` -> `https://hooks.slack.com/***`. */
function withoutSecrets(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return pathname === '/' && search === '' ? url : `${origin}/***`
}

/** The keys in the order of the schema, which is the order of the reference. */
function inOrder(schema: Schema | undefined, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((element) => inOrder(schema?.items, element))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const order = keys(schema ?? {})
  entries.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
  return Object.fromEntries(entries.map(([key, child]) => [key, inOrder(schema?.properties?.[key], child)]))
}
