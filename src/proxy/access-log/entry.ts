/** What the access log says about one request. Strings are the wire's (latin1) and are escaped and bounded by the log. */
export interface AccessEntry {
  /** When the request began: Clock.wallMs. */
  wallMs: number
  durationUs: number
  method: string
  requestId: string
  /** Body bytes read from the client. */
  requestBytes: number
  /** 499: the client went away. */
  status: number
  /** Body bytes written to the client. */
  responseBytes: number
  /** The Host that was asked for, without its port. */
  host: string
  /** The request target; what follows `?` is never logged. */
  path: string
  clientIp: string
  userAgent?: string | undefined
  traceId?: string | undefined
  /** `namespace/name`; undefined where no gate matched, here and below. */
  gate?: string | undefined
  variant?: string | undefined
  /** Why this variant: the split's reason. */
  variantReason?: string | undefined
  /** Name of the endpoint that answered or was tried last. */
  endpoint?: string | undefined
  /** Milliseconds from sending to the first byte of the answer. */
  upstreamMs?: number | undefined
  attempts: number
  rescued: boolean
  /** Words about what was special, e.g. `retried`, `aborted`, `mirrored`, and failure kinds. */
  flags: readonly string[]
}
