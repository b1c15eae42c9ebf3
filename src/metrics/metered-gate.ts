import type { GateMeter } from './meter.ts'
import type { GateStats } from './rates.ts'

/** A gate as the registry of metrics sees it: identity for the labels, and where its numbers come from. */
export interface MeteredGate {
  /** `namespace/name`, the `gate` label. */
  key: string
  namespace: string
  variants: readonly MeteredVariant[]
  /** Where the gate has a release: its strategy. Without, the gate has no series about releases. */
  strategy?: string | undefined
  meter: GateMeter
  stats: GateStats
}

export interface MeteredVariant {
  name: string
  /** The variant's Service; standalone its own name. */
  service: string
  /** Slots of its endpoints at this moment. */
  slots(): readonly number[]
}
