export { AccessLog, type AccessLogOptions } from './access-log.ts'
export type { AccessEntry } from './entry.ts'
export { type LogSink, openSink, type WriteResult } from './sink.ts'
