import type { GateConfig } from '../config/schema.ts'
import type { Condition, KubeObject } from './objects.ts'

/** The custom resource: the spec as the API server has it, defaults filled in, units not decoded. */
export interface GateResource extends KubeObject {
  spec?: unknown
  status?: { conditions?: Condition[]; [key: string]: unknown }
}

/** Why a Gate, or its latest change, is not in force. */
export interface GateProblem {
  reason: 'Invalid' | 'Conflict'
  /** Every mistake, one a line, with its path. */
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

/** Annotation that sets weights by hand: `stable=90,canary=10`. */
export const WEIGHTS_ANNOTATION = 'streamgate.dev/weights'

export interface GateCatalogOptions {
  /** Folder of files that Gates may name, one folder a namespace in it; undefined: they may name none. */
  filesDir?: string
}

/** Custom resources in, valid configurations out: remembers the last good one of each, so that a bad change takes nothing out of service. */
export declare class GateCatalog {
  constructor(options?: GateCatalogOptions)
  /** All Gates that there are; in the order of their age. */
  admit(resources: readonly GateResource[]): AdmittedGate[]
}
