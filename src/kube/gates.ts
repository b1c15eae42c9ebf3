import { formatPath, type Path } from '../config/errors.ts'
import { checkGate } from '../config/rules.ts'
import { API_VERSION } from '../config/schema/terms.ts'
import type { GateConfig } from '../config/schema.ts'
import { validateDocument } from '../config/validate.ts'
import { type Claims, conflictOf } from './claims.ts'
import { checkFiles } from './gate-files.ts'
import { type Condition, type KubeObject, keyOf } from './objects.ts'
import { parseWeights, WEIGHTS_ANNOTATION } from './weights-annotation.ts'

/** The custom resource: the spec as the API server has it, defaults filled in, units not decoded. */
export interface GateResource extends KubeObject {
  spec?: unknown
  status?: { conditions?: Condition[]; [key: string]: unknown }
}

/** Why a Gate, or its latest change, is not in force. */
export interface GateProblem {
  reason: 'Invalid' | 'Conflict'
  /** Every mistake, with its path. */
  message: string
}

/** What becomes of one custom resource. */
export interface AdmittedGate {
  /** `namespace/name`. */
  key: string
  resource: GateResource
  /** What is in force: of this generation, or, with a problem, the last one that was valid; undefined: nothing is. */
  config: GateConfig | undefined
  problem: GateProblem | undefined
  /** Weights set by hand through the annotation, percent by variant; undefined: none (or not usable, see `weightsProblem`). */
  weights: Record<string, number> | undefined
  weightsProblem: string | undefined
}

export interface GateCatalogOptions {
  /**
   * Folder of the files that Gates may name, with a folder for each namespace in it; undefined: they may name none. Whoever
   * may write a Gate must not learn or send away what else the proxy can read.
   */
  filesDir?: string
}

/** What is known of one object, by its uid. */
interface Entry {
  generation: number | undefined
  parsed: Parsed
  /** The last one that was in force. */
  lastGood: GateConfig | undefined
}

type Parsed = { config: GateConfig } | { mistakes: string }

/**
 * Custom resources in, valid configurations out. Remembers the last good one of each, so that a bad change takes nothing
 * out of service, and what it parsed: a Gate is looked at again only when its generation has changed, which a status
 * never does. A configuration that did not change is the same object again.
 */
export class GateCatalog {
  readonly #filesDir: string | undefined
  #entries = new Map<string, Entry>()

  constructor(options: GateCatalogOptions = {}) {
    this.#filesDir = options.filesDir
  }

  /**
   * All Gates that there are; the oldest first. Of two that claim the same host and path the older one has it. The other
   * one is not in force at all: half of a Gate would be a surprise.
   */
  admit(resources: readonly GateResource[]): AdmittedGate[] {
    const entries = new Map<string, Entry>()
    const claims: Claims = new Map()
    const admitted = [...resources].sort(byAge).map((resource): AdmittedGate => {
      const key = keyOf(resource)
      const id = resource.metadata.uid ?? key
      const entry = this.#entry(id, resource)
      entries.set(id, entry)
      const result = admitOne(entry, key, claims)
      entry.lastGood = result.config
      return { key, resource, ...result, ...weightsOf(resource, result.config) }
    })
    this.#entries = entries
    return admitted
  }

  #entry(id: string, resource: GateResource): Entry {
    const known = this.#entries.get(id)
    const { generation } = resource.metadata
    // A file that was missing may be there by now.
    const final = known !== undefined && ('config' in known.parsed || this.#filesDir === undefined)
    if (final && generation !== undefined && known.generation === generation) return known
    return { generation, parsed: parseGate(resource, this.#filesDir), lastGood: known?.lastGood }
  }
}

function admitOne(entry: Entry, key: string, claims: Claims): Pick<AdmittedGate, 'config' | 'problem'> {
  const { parsed } = entry
  let problem: GateProblem | undefined
  if ('mistakes' in parsed) problem = { reason: 'Invalid', message: parsed.mistakes }
  else {
    const conflict = conflictOf(parsed.config, key, claims)
    if (conflict === undefined) return { config: parsed.config, problem: undefined }
    problem = { reason: 'Conflict', message: conflict }
  }
  // What was in force stays, as far as nobody older claims it by now.
  const last = entry.lastGood
  if (last === undefined) return { config: undefined, problem }
  const conflict = conflictOf(last, key, claims)
  return { config: conflict === undefined ? last : undefined, problem }
}

/** Validates one resource by the same rules as a file. */
function parseGate(resource: GateResource, filesDir: string | undefined): Parsed {
  const { name, namespace = 'default' } = resource.metadata
  const mistakes: string[] = []
  const report = (path: Path, message: string, more: { hint?: string } = {}): void => {
    const hint = more.hint === undefined ? '' : ` (${more.hint})`
    mistakes.push(`${formatPath(path)}: ${message}${hint}`)
  }
  // Labels and annotations come and go without a new generation, and mean nothing to the configuration.
  const document = { apiVersion: API_VERSION, kind: 'Gate', metadata: { name, namespace }, spec: resource.spec }
  const { findings, decoded } = validateDocument(withoutNulls(document))
  for (const { path, message, ...more } of findings) report(path, message, more)
  if (decoded?.kind === 'Gate' && mistakes.length === 0) {
    checkGate(decoded.document, report)
    checkFiles(decoded, filesDir, report)
    if (mistakes.length === 0) return { config: decoded.document }
  }
  return { mistakes: mistakes.join('; ') }
}

/** A null means the default, as in a file. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)]))
}

function weightsOf(
  resource: GateResource,
  config: GateConfig | undefined,
): Pick<AdmittedGate, 'weights' | 'weightsProblem'> {
  const text = resource.metadata.annotations?.[WEIGHTS_ANNOTATION]
  if (text === undefined || config === undefined) return { weights: undefined, weightsProblem: undefined }
  const parsed = parseWeights(
    text,
    config.spec.variants.map(({ name }) => name),
  )
  return 'weights' in parsed
    ? { weights: parsed.weights, weightsProblem: undefined }
    : { weights: undefined, weightsProblem: parsed.problem }
}

/** The older first; of the same second, by name, so that all replicas agree. */
function byAge(a: GateResource, b: GateResource): number {
  const of = ({ metadata }: GateResource) =>
    `${metadata.creationTimestamp ?? '9'} ${metadata.namespace} ${metadata.name}`
  const [x, y] = [of(a), of(b)]
  return x < y ? -1 : x > y ? 1 : 0
}
