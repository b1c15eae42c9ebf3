export type { BoundListener, FailureSample } from './messages.ts'
export type * from './snapshot.ts'
export { ListenError, type ProxyLog, Workers, type WorkersOptions } from './workers.ts'
