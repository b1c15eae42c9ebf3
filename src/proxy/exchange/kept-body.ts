import { Readable } from 'node:stream'
import type { BodySink, Downstream } from './downstream.ts'

/** Who is told that the body is larger than allowed; the rest of it is not read. */
export interface BodyOwner {
  onBodyTooLarge(): void
  /** All of it has arrived. */
  onBodyComplete(): void
}

/**
 * A request's body on its way: handed on as it comes, with back-pressure, counted against the limit, and kept up to
 * `keepBytes` so that another attempt can have it from its start. Nothing is read before somebody wants it.
 */
export class KeptBody implements BodySink {
  /** Bytes that came from the client. */
  bytes = 0
  complete = false
  readonly #downstream: Downstream
  readonly #owner: BodyOwner
  readonly #maxBytes: number
  readonly #keepBytes: number
  #kept: Buffer[] | undefined = []
  #reader: BodyReader | undefined
  #reading = false
  #stopped = false

  /** `maxBytes`: 0 = no limit. */
  constructor(downstream: Downstream, owner: BodyOwner, maxBytes: number, keepBytes: number) {
    this.#downstream = downstream
    this.#owner = owner
    this.#maxBytes = maxBytes
    this.#keepBytes = keepBytes
  }

  /** Another attempt could have the whole body: nothing of it has been let go. */
  get replayable(): boolean {
    return this.#kept !== undefined
  }

  /** Everything, once it is complete and was kept. */
  get whole(): Buffer | undefined {
    return this.complete && this.#kept ? Buffer.concat(this.#kept) : undefined
  }

  /** The body for an attempt, from its start; the reader of an earlier attempt gets no more. */
  open(): Buffer | Readable {
    if (this.#kept === undefined) throw new Error('the body was not kept')
    const whole = this.whole
    this.#reader = undefined
    if (whole) return whole
    const reader = new BodyReader(this)
    for (const chunk of this.#kept) reader.push(chunk)
    this.#reader = reader
    return reader
  }

  /** Nobody needs the rest. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#reader = undefined
    this.#kept = undefined
    if (this.#reading && !this.complete) this.#downstream.pauseBody()
  }

  /** The reader can take more. */
  wanted(): void {
    if (this.#stopped || this.complete) return
    if (this.#reading) this.#downstream.resumeBody()
    else {
      this.#reading = true
      this.#downstream.readBody(this)
    }
  }

  /** The reader of an attempt that ended; the body waits for the next attempt. */
  closed(reader: BodyReader): void {
    if (this.#reader === reader) this.#reader = undefined
  }

  onBodyData(chunk: Buffer): boolean {
    if (this.#stopped) return false
    this.bytes += chunk.length
    if (this.#maxBytes > 0 && this.bytes > this.#maxBytes) {
      this.stop()
      this.#owner.onBodyTooLarge()
      return false
    }
    if (this.#kept) {
      if (this.bytes <= this.#keepBytes) this.#kept.push(chunk)
      else this.#kept = undefined
    }
    return this.#reader?.push(chunk) ?? false
  }

  onBodyEnd(): void {
    this.complete = true
    if (this.#stopped) return
    this.#reader?.push(null)
    this.#owner.onBodyComplete()
  }
}

/** What one attempt reads. Destroying it (undici does, when an attempt fails) touches neither the client nor the body. */
class BodyReader extends Readable {
  readonly #body: KeptBody

  constructor(body: KeptBody) {
    super()
    this.#body = body
    // An attempt may end while nobody listens any more.
    this.on('error', () => {})
  }

  override _read(): void {
    this.#body.wanted()
  }

  override _destroy(_error: Error | null, callback: (error?: Error | null) => void): void {
    this.#body.closed(this)
    callback()
  }
}
