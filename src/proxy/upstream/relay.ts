import { Readable } from 'node:stream'
import { CallError } from './failure.ts'

/**
 * Stands between a client's body and undici, which destroys the stream that it is given when an answer comes early or a
 * connection breaks: the client's side must survive that. Back-pressure passes through. A source that breaks off
 * before its end ends the call as `aborted`, so that it is never taken for an upstream's failure.
 */
export class BodyRelay extends Readable {
  readonly #source: Readable
  #listening = false
  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#source.pause()
  }
  readonly #onEnd = (): void => {
    this.#detach()
    this.push(null)
  }
  readonly #onError = (): void => {
    this.destroy(new CallError('ABORTED', 'the request body broke off'))
  }
  readonly #onClose = (): void => {
    if (!this.#source.readableEnded) this.#onError()
  }

  constructor(source: Readable) {
    super({ highWaterMark: 65_536 })
    this.#source = source
    if (source.destroyed && !source.readableEnded) {
      queueMicrotask(this.#onError)
      return
    }
    if (source.readableEnded) {
      this.push(null)
      return
    }
    source.on('end', this.#onEnd)
    source.on('error', this.#onError)
    source.on('close', this.#onClose)
  }

  override _read(): void {
    // Listened to only now: attaching 'data' starts the flow, and nothing is read before there is a connection to send it on.
    if (!this.#listening) {
      this.#listening = true
      this.#source.on('data', this.#onData)
    }
    this.#source.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#detach()
    callback(error)
  }

  #detach(): void {
    const source = this.#source
    source.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    // The 'error' listener stays: a source that breaks later must not bring the process down.
    if (!source.readableEnded) source.pause()
  }
}
