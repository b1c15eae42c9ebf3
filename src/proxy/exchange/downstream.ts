/** The head of a request and where it came from, as the wire gave it. */
export interface Incoming {
  readonly method: string
  /** The request target as it came, latin1; `:path` in HTTP/2. */
  readonly target: string
  /** Raw names and values in the order in which they came; in HTTP/2 the pseudo-headers first. */
  readonly rawHeaders: readonly string[]
  /** `1.1`, `1.0`, `2.0`, or whatever else the client claims. */
  readonly httpVersion: string
  /** `:authority` of HTTP/2, else undefined. */
  readonly authority: string | undefined
  /** Address and port of the peer, of the client itself where a trusted PROXY protocol header named it. */
  readonly peerAddress: string
  readonly peerPort: number
  /** Port of the listener, for X-Forwarded-Port. */
  readonly localPort: number
  readonly secure: boolean
}

/**
 * The seam between the exchange and the wire towards a client: one request and its answer. Implemented over node:http
 * and node:http2; a server of our own on raw sockets can take its place without a change of the exchange.
 */
export interface Downstream extends Incoming {
  /** A body may follow: the framing says so, or (HTTP/2) the stream did not end with the head. */
  readonly hasBody: boolean

  /** Who is told what happens; called once, before anything else. */
  attach(events: DownstreamEvents): void
  /** Starts reading the body into `sink`, and sends 100 Continue to a client that waits for it. */
  readBody(sink: BodySink): void
  pauseBody(): void
  resumeBody(): void

  /** Sends a 1xx answer where the client's protocol has them. */
  inform(status: number, rawHeaders: readonly string[]): void
  /**
   * The head of the answer, on the wire by the end of this turn of the event loop at the latest. A request body that
   * is not complete by now closes the connection after the answer. False: the headers cannot be sent, nothing was.
   */
  respond(status: number, rawHeaders: readonly string[]): boolean
  /** False: call again only after `onDrain`. */
  write(chunk: Buffer): boolean
  /** The answer is complete. Trailers as a raw list, sent where the protocol and the head allow. */
  end(trailers: readonly string[]): void
  /** Breaks the answer off so that the client cannot take it for complete: a cut connection, or RST_STREAM. */
  destroy(): void
}

/** What the exchange is told of the client's side. */
export interface DownstreamEvents {
  /** The client takes data again. */
  onDrain(): void
  /** The client went away, or stalled beyond the idle timeout, before the answer was complete. */
  onAbort(): void
}

/** Who takes the request's body. */
export interface BodySink {
  /** False: stop until `resumeBody` is called. */
  onBodyData(chunk: Buffer): boolean
  onBodyEnd(): void
}
