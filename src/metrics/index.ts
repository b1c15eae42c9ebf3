export * from './block/block.ts'
export * from './block/layout.ts'
export type { GateRecorder, RequestObservation, Role } from './recording.ts'
