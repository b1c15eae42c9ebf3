import { Settings } from 'typebox/system'
import { DecodeUnsafe, Default, Errors } from 'typebox/value'
import { formatPath, type Path } from './errors.ts'
import { API_VERSION } from './schema/terms.ts'
import { type GateConfig, GateDocument, type ProxyConfig, ProxyDocument } from './schema.ts'
import { didYouMean, suggest } from './suggest.ts'
import { allowed, hintFor, keys, type Schema, shown } from './words.ts'

/** A mistake at a path; `at` says whether the key or its value is meant. */
export interface Finding {
  path: Path
  at: 'key' | 'value'
  message: string
  hint?: string
  /** Where the document is not what its writer meant: a rule broken there may be no mistake of its own. */
  doubt: Path
}

/** A document of the kind, decoded with all defaults; undefined where too much is wrong to go on. */
export type Validated = { findings: Finding[]; decoded?: Decoded }
export type Decoded = { kind: 'Proxy'; document: ProxyConfig } | { kind: 'Gate'; document: GateConfig }

const SCHEMAS = { Proxy: ProxyDocument, Gate: GateDocument } as const
/**
 * TypeBox stops after 8 errors by default; people want to see all, and a hostile file may hold a million. Sorting the
 * members of unions is for codecs that overlap, which ours do not, and takes ten times as long as all the rest.
 */
const SETTINGS = { maxErrors: 200, unionPrioritySort: false }

interface RawError {
  keyword: string
  schemaPath: string
  instancePath: string
  params: { requiredProperties?: string[]; additionalProperties?: string[] }
}

/**
 * Checks one document against the schema of its kind. Where unknown keys and wrong optional values are all that is
 * wrong, `decoded` is the document without them, so that the rules can go on and everything is told at once.
 */
export function validateDocument(value: unknown): Validated {
  const { maxErrors, unionPrioritySort } = Settings.Get()
  Settings.Set(SETTINGS)
  try {
    return validate(value)
  } finally {
    Settings.Set({ maxErrors, unionPrioritySort })
  }
}

function validate(value: unknown): Validated {
  const kind = kindOf(value)
  if (typeof kind !== 'string') return kind
  const schema = SCHEMAS[kind]
  const filled = Default(schema, structuredClone(value)) as Record<string, unknown>
  const raw = errorsOf(schema, filled)
  const findings = raw.flatMap((error) => explain(error, schema as unknown as Schema, filled))
  if (raw.length > 0) {
    for (const { path } of findings) remove(filled, path)
    Default(schema, filled)
    if (errorsOf(schema, filled).length > 0) return { findings }
  }
  // Checked above: only the codecs are left to run.
  const document = DecodeUnsafe({}, schema, filled)
  return { findings, decoded: { kind, document } as Decoded }
}

function kindOf(value: unknown): 'Proxy' | 'Gate' | Validated {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const message = `must be a document with apiVersion, kind, metadata and spec, not ${shown(value)}`
    return { findings: [{ path: [], at: 'value', message, doubt: [] }] }
  }
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown }
  const findings: Finding[] = []
  const wrong = (key: string, given: unknown, right: string, hint = {}): void => {
    const message = given === undefined ? `is required: ${right}` : `must be ${right}, not ${shown(given)}`
    findings.push({ path: [key], at: 'value', message, doubt: [key], ...hint })
  }
  if (apiVersion !== API_VERSION) wrong('apiVersion', apiVersion, API_VERSION)
  if (kind === 'Proxy' || kind === 'Gate') {
    if (findings.length === 0) return kind
    const rest = validate({ ...value, apiVersion: API_VERSION })
    return { ...rest, findings: [...findings, ...rest.findings] }
  }
  wrong('kind', kind, 'Proxy or Gate', typeof kind === 'string' ? didYouMean(kind, ['Proxy', 'Gate']) : {})
  return { findings }
}

function errorsOf(schema: object, value: unknown): RawError[] {
  const seen = new Set<string>()
  return (Errors(schema as never, value) as unknown as RawError[]).filter((error) => {
    // Members of a union and the false schema of an unknown key are told by their parents.
    if (error.keyword === 'boolean' || error.schemaPath.includes('/anyOf/')) return false
    const place = `${error.instancePath} ${error.params.requiredProperties ?? error.params.additionalProperties ?? ''}`
    return !seen.has(place) && seen.add(place)
  })
}

function explain(error: RawError, root: Schema, document: unknown): Finding[] {
  const schema = schemaAt(root, error.schemaPath)
  const { path, value } = valueAt(document, error.instancePath)
  if (error.keyword === 'required') {
    return (error.params.requiredProperties ?? []).map((key) => {
      const missing = schema.properties?.[key]
      const at = [...path, key]
      return { path: at, at: 'value', message: `is required: ${allowed(missing ?? {})}`, doubt: at }
    })
  }
  if (error.keyword === 'additionalProperties') {
    return (error.params.additionalProperties ?? []).map((key) => unknownKey(key, path, schema, root))
  }
  const message = `must be ${allowed(schema)}, not ${shown(value)}`
  // A wrong `strategy` or `protocol` changes what its neighbours have to be.
  const doubt = schema.enum === undefined ? beforeIndex(path) : path.slice(0, -1)
  return [{ path, at: 'value', message, doubt, ...hintFor(schema, value) }]
}

function unknownKey(key: string, parent: Path, schema: Schema, root: Schema): Finding {
  const known = keys(schema)
  const path = [...parent, key]
  const finding = { path, at: 'key', message: `unknown key; known here: ${known.join(', ')}`, doubt: path } as const
  const near = suggest(key, known)
  if (near !== undefined) return { ...finding, doubt: [...parent, near], hint: `did you mean ${near}?` }
  const home = pathsOf(key, root, [])
  return home.length === 1 ? { ...finding, hint: `it belongs to ${formatPath(home[0]!.slice(0, -1))}` } : finding
}

/** Every place of the schema that has this key, lists left out. */
function pathsOf(key: string, schema: Schema, path: Path): Path[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => [
    ...(name === key ? [[...path, name]] : []),
    ...pathsOf(key, child, [...path, name]),
  ])
}

function schemaAt(root: Schema, pointer: string): Schema {
  let schema: unknown = root
  for (const part of pointer.split('/').slice(1)) schema = (schema as Record<string, unknown> | undefined)?.[part]
  return (schema ?? {}) as Schema
}

function valueAt(root: unknown, pointer: string): { path: Path; value: unknown } {
  const path: (string | number)[] = []
  let value = root
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(value) ? Number(key) : key)
    value = (value as Record<string, unknown> | undefined)?.[key]
  }
  return { path, value }
}

/** Leaves a value out; for an element its whole list, since the others would change their index. */
function remove(root: unknown, path: Path): void {
  const whole = beforeIndex(path)
  let parent = root as Record<string | number, unknown> | undefined
  for (const key of whole.slice(0, -1)) parent = parent?.[key] as typeof parent
  const last = whole.at(-1)
  if (last !== undefined && typeof parent === 'object' && parent !== null) delete parent[last]
}

const beforeIndex = (path: Path): Path => (typeof path.at(-1) === 'number' ? beforeIndex(path.slice(0, -1)) : path)
