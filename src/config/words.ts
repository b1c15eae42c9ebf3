import { HOST, METHOD, NAME, PATH, PATH_PREFIX, TOKEN, URL_ANY, URL_PREFIX } from './schema/terms.ts'
import { didYouMean } from './suggest.ts'
import { DURATION, POSITIVE_DURATION } from './units.ts'

/** The part of JSON Schema that the documents use. */
export interface Schema {
  type?: string
  unit?: string
  description?: string
  default?: unknown
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly Schema[]
  properties?: Readonly<Record<string, Schema>>
  patternProperties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  items?: Schema
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
  exclusiveMaximum?: number
  multipleOf?: number
  minItems?: number
  maxItems?: number
}

/** What a text has to look like, for people. */
const PATTERNS: Readonly<Record<string, string>> = {
  [DURATION]: 'a duration such as 250ms, 30s or 5m, at most 24 days',
  [POSITIVE_DURATION]: 'a duration above 0 such as 250ms, 30s or 5m, at most 24 days',
  [NAME]: 'a name of 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end',
  [URL_PREFIX]: 'a URL such as http://127.0.0.1:9001, without query and fragment',
  [URL_ANY]: 'a URL such as http://127.0.0.1:9001/check',
  [HOST]: 'a host name such as shop.example.com or *.example.com, without a port',
  [PATH_PREFIX]: 'a path such as /shop, without query and fragment',
  [PATH]: 'a path such as /healthz',
  [METHOD]: 'a method such as GET, in capitals',
  [TOKEN]: 'a name of letters, digits and hyphens, such as sg_bucket',
}

/** What a schema allows, for people: it follows "must be". */
export function allowed(schema: Schema): string {
  if (schema.unit === 'size') return 'a size in bytes such as 512, 16Ki or 8Mi'
  if (schema.const !== undefined) return String(schema.const)
  if (schema.enum !== undefined) return list(schema.enum.map(String))
  if (schema.anyOf !== undefined) return schema.anyOf.map(allowed).join(' or ')
  switch (schema.type) {
    case 'string':
      return schema.pattern === undefined ? text(schema) : (PATTERNS[schema.pattern] ?? `a text like ${schema.pattern}`)
    case 'integer':
      return `a whole number${after(range(schema))}`
    case 'number':
      return `a number${after(range(schema))}${schema.multipleOf === 0.01 ? ' with up to two decimals' : ''}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return `a list${count(schema)}`
    default:
      return schema.properties === undefined ? 'a map of texts' : `a map with the keys ${keys(schema).join(', ')}`
  }
}

/** What the writer of a wrong value probably meant. */
export function hintFor(schema: Schema, value: unknown): { hint?: string } {
  if (schema.unit === 'duration') return typeof value === 'number' ? { hint: `did you mean ${value}s?` } : {}
  if (schema.enum !== undefined) return didYouMean(String(value), schema.enum.map(String))
  if (schema.pattern === HOST && value === '*') return { hint: 'leave hosts out for any host' }
  if (schema.type === 'boolean') {
    if (/^(yes|on|true)$/i.test(String(value))) return { hint: 'did you mean true?' }
    if (/^(no|off|false)$/i.test(String(value))) return { hint: 'did you mean false?' }
  }
  if (schema.type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    return { hint: `put it in quotes: "${value}"` }
  }
  if ((schema.type === 'number' || schema.type === 'integer') && typeof value === 'string') {
    const bare = value.replace(/%$/, '').trim()
    if (bare !== '' && Number.isFinite(Number(bare))) return { hint: `did you mean ${Number(bare)}?` }
  }
  if (schema.type === 'array' && schema.items !== undefined && ['string', 'number'].includes(typeof value)) {
    return { hint: `did you mean [${value}]?` }
  }
  return {}
}

/** A value as it may stand in a message: short, and never a password of a URL. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`
  if (value === null) return 'empty'
  if (typeof value === 'object') return 'a map'
  const plain = typeof value === 'string' ? JSON.stringify(value.replace(/\/\/[^/]*@/, '//***@')) : String(value)
  return plain.length > 60 ? `${plain.slice(0, 56)}..."` : plain
}

/** The keys of an object's schema, in the order of the documents. */
export const keys = (schema: Schema): string[] => Object.keys(schema.properties ?? {})

const list = (values: readonly string[]): string =>
  values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`

const after = (words: string): string => (words === '' ? '' : ` ${words}`)

function text({ minLength, maxLength }: Schema): string {
  if (maxLength === undefined) return minLength === undefined ? 'a text' : 'a text that is not empty'
  return `a text of ${minLength ?? 0} to ${maxLength} characters`
}

function range({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Schema): string {
  // 2^31-1 is no limit that anybody meets: leave it out.
  const bounded = maximum !== undefined && maximum < 2_147_483_647
  const upper = exclusiveMaximum === undefined ? (bounded ? `to ${maximum}` : '') : `to below ${exclusiveMaximum}`
  if (exclusiveMinimum !== undefined) return `above ${exclusiveMinimum}${upper === '' ? '' : ` up ${upper}`}`
  if (minimum === undefined) return upper === '' ? '' : `up ${upper}`
  return upper === '' ? `of ${minimum} or more` : `from ${minimum} ${upper}`
}

function count({ minItems, maxItems }: Schema): string {
  if (maxItems === undefined) return minItems === undefined ? '' : ` of ${minItems} or more`
  return minItems === undefined ? ` of at most ${maxItems}` : ` of ${minItems} to ${maxItems}`
}
