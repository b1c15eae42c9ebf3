import { joinedHeader } from '../headers/raw.ts'

/** Statuses that blame the server: UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const FAILED = new Set(['2', '4', '8', '13', '14', '15'])

/** The answer is gRPC's: its status is in the trailers, or in the head where there is no body. */
export const isGrpc = (rawHeaders: readonly string[]): boolean =>
  joinedHeader(rawHeaders, 'content-type').startsWith('application/grpc')

/** The head or the trailers say that the call failed on the server. */
export const grpcFailed = (fields: readonly string[]): boolean => FAILED.has(joinedHeader(fields, 'grpc-status'))
