import type { StaticDecode } from 'typebox'
import type { GateDocument } from './schema/gate.ts'
import type { Listener, ProxyDocument } from './schema/proxy.ts'
import type { AnalysisSpec, Check, Hook, ReleaseSpec, Step } from './schema/release.ts'

/**
 * The one source of the documents' types, validation, defaults and descriptions, and of the custom resource's schema.
 * Decoding turns durations into milliseconds and sizes into bytes; names stay the contract's.
 */
export { GateDocument, GateSpec, UpstreamSpec } from './schema/gate.ts'
export { Listener, ProxyDocument, ProxySpec } from './schema/proxy.ts'
export { AnalysisSpec, HOOK_PHASES, ReleaseSpec } from './schema/release.ts'

/** Decoded documents, all defaults filled in. */
export type ProxyConfig = StaticDecode<typeof ProxyDocument>
export type GateConfig = StaticDecode<typeof GateDocument>
export type ListenerConfig = StaticDecode<typeof Listener>
export type ReleaseConfig = StaticDecode<typeof ReleaseSpec>
export type AnalysisConfig = StaticDecode<typeof AnalysisSpec>
export type StepConfig = StaticDecode<typeof Step>
export type HookConfig = StaticDecode<typeof Hook>
export type CheckConfig = StaticDecode<typeof Check>
