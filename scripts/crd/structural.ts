import { HOST, METHOD, NAME, PATH, TOKEN } from '../../src/config/schema/terms.ts'
import { DURATION, POSITIVE_DURATION, SIZE } from '../../src/config/units.ts'
import type { Schema } from '../../src/config/words.ts'

/** A structural schema of apiextensions.k8s.io/v1. */
export type Structural = Record<string, unknown> & { properties?: Record<string, Structural>; items?: Structural }

/** A rule in CEL, at the object that it is about. */
export interface Rule {
  rule: string
  message: string
  /** The field that is meant, relative to the object. */
  fieldPath?: string
}

/** What a JSON Schema has no words for, by path: `spec.variants[]`. */
export interface Additions {
  rules: Readonly<Record<string, readonly Rule[]>>
  /** How lists merge when several managers apply; the others are atomic, replaced as a whole. */
  lists: Readonly<Record<string, { type: 'map'; keys: readonly string[] } | { type: 'set' }>>
}

/** Longest texts of the patterns: without a bound the cost of CEL rules is estimated as if texts had megabytes. */
const LENGTHS: Readonly<Record<string, number>> = {
  [NAME]: 63,
  [HOST]: 255,
  [METHOD]: 20,
  [TOKEN]: 128,
  [PATH]: 4096,
  [DURATION]: 32,
  [POSITIVE_DURATION]: 32,
  [SIZE]: 16,
}

/** API servers take `multipleOf` for a whole number: 0.01 is 0 to them, and every value an error. */
const TWO_DECIMALS: Rule = {
  rule: '[self * 100.0].all(x, x - double(int(x + 0.5)) < 0.00001 && double(int(x + 0.5)) - x < 0.00001)',
  message: 'must have at most two decimals',
}

/** Keywords that mean the same in both. */
const SAME = ['pattern', 'minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems', 'format'] as const

/** Translates a schema of the documents, which has no unions but of a number and a text. */
export function structural(schema: Schema, path: string, additions: Additions): Structural {
  const out: Structural = {}
  if (schema.description !== undefined) out.description = described(schema)
  Object.assign(out, typeOf(schema), limits(schema))
  if (schema.properties !== undefined) {
    const entries = Object.entries(schema.properties)
    const required = (schema.required ?? []).filter((key) => schema.properties?.[key]?.default === undefined)
    out.properties = Object.fromEntries(
      entries.map(([key, child]) => [key, structural(child, `${path}.${key}`, additions)]),
    )
    // What has a default need not be given.
    if (required.length > 0) out.required = required
  }
  const [values] = Object.values(schema.patternProperties ?? {})
  if (values !== undefined) out.additionalProperties = structural(values, `${path}.*`, additions)
  if (schema.items !== undefined) {
    out.items = structural(schema.items, `${path}[]`, additions)
    const list = additions.lists[path]
    out['x-kubernetes-list-type'] = list?.type ?? 'atomic'
    if (list?.type === 'map') out['x-kubernetes-list-map-keys'] = list.keys
  }
  const rules = [...(schema.multipleOf === 0.01 ? [TWO_DECIMALS] : []), ...(additions.rules[path] ?? [])]
  if (rules.length > 0) out['x-kubernetes-validations'] = rules
  if (schema.default !== undefined) out.default = schema.default
  return out
}

/** `kubectl explain` tells neither defaults nor what a duration looks like. */
function described({ description = '', unit, default: value, properties }: Schema): string {
  const what = unit === 'duration' ? ' A duration: 250ms, 30s, 5m.' : unit === 'size' ? ' A size: 512, 16Ki, 8Mi.' : ''
  // A section's default is that of its keys.
  if (value === undefined || properties !== undefined) return description + what
  const text = Array.isArray(value) ? value.join(', ') || 'none' : String(value)
  return `${description}${what} Default: ${text}.`
}

function typeOf(schema: Schema): Structural {
  if (schema.anyOf !== undefined) {
    const types = schema.anyOf.map(({ type }) => type)
    if (types.join() !== 'integer,string') throw new Error(`no structural form of a union of ${types.join(' and ')}`)
    // What is said of numbers holds for numbers alone, and so with texts.
    return { 'x-kubernetes-int-or-string': true, ...limits(schema.anyOf[0]!), ...limits(schema.anyOf[1]!) }
  }
  if (schema.const !== undefined) return { type: 'string', enum: [schema.const] }
  if (schema.enum !== undefined) return { type: 'string', enum: schema.enum }
  return { type: schema.type }
}

function limits(schema: Schema): Structural {
  const out: Structural = {}
  const given = schema as Readonly<Record<string, unknown>>
  for (const key of SAME) if (given[key] !== undefined) out[key] = given[key]
  const length = schema.pattern === undefined ? undefined : LENGTHS[schema.pattern]
  if (length !== undefined) out.maxLength ??= length
  // OpenAPI 3.0, not JSON Schema: a flag beside the limit.
  if (schema.exclusiveMinimum !== undefined) {
    Object.assign(out, { minimum: schema.exclusiveMinimum, exclusiveMinimum: true })
  }
  if (schema.exclusiveMaximum !== undefined) {
    Object.assign(out, { maximum: schema.exclusiveMaximum, exclusiveMaximum: true })
  }
  return out
}
