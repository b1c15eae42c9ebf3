/**
 * The seam between the exchange and the wire towards a client: one request and its answer. Implemented over node:http
 * and node:http2; a server of our own on raw sockets can take its place without a change of the exchange.
 */
export interface Downstream {
  readonly method: string
  /** The request target as it came, latin1; `:path` in HTTP/2. */
  readonly target: string
  /** Raw names and values in the order in which they came; pseudo-headers of HTTP/2 apart. */
  readonly rawHeaders: string[]
  readonly httpVersion: '1.0' | '1.1' | '2.0'
  /** `:authority` of HTTP/2, else undefined. */
  readonly authority: string | undefined
  /** Address and port of the peer, of the client itself where a PROXY protocol header named it. */
  readonly peerAddress: string
  readonly peerPort: number
  /** Port of the listener, for X-Forwarded-Port. */
  readonly localPort: number
  readonly secure: boolean
  /** The framing says that a body follows; it may turn out to be empty. */
  readonly hasBody: boolean

  /** Starts reading the body into `sink` (and sends 100 Continue to a client that waits for it). */
  readBody(sink: BodySink): void
  pauseBody(): void
  resumeBody(): void

  /** Sends a 1xx answer where the client's protocol has them. */
  inform(status: number, rawHeaders: string[]): void
  /** The head of the answer. False: the headers cannot be sent (an illegal byte), nothing was. */
  respond(status: number, rawHeaders: string[]): boolean
  /** False: call again only after `onDrain`. */
  write(chunk: Buffer): boolean
  /** The answer is complete. Trailers as a raw list, sent where the protocol and the head allow. */
  end(trailers: string[]): void
  /** Breaks the answer off so that the client cannot take it for complete: reset, or RST_STREAM. */
  destroy(): void
}

/** Who is told what happens on the client's side: the exchange. */
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
