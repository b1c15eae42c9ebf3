import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { CallError } from './failure.ts'
import type { BodyFraming } from './response-head.ts'

const MAX_TRAILER_BYTES = 16_384
/** Longest line in each place, its CRLF included. */
const MAX_LINE = { size: 256, 'chunk-end': 2, trailers: MAX_TRAILER_BYTES } as const

/**
 * The body of an ordinary answer to an upgrade request, read off a connection that ends with it. A body that is cut
 * short is destroyed with an error, never ended.
 */
export class ResponseBody extends Readable {
  readonly #socket: Socket
  readonly #kind: BodyFraming['kind']
  /** Bytes left of the body (length) or of the present chunk. */
  #left: number
  #state: 'data' | 'size' | 'chunk-end' | 'trailers' | 'done'
  /** An incomplete line. */
  #line = ''
  #trailerBytes = 0

  /** `head`: what had arrived after the head. */
  constructor(socket: Socket, framing: BodyFraming, head: Buffer, idleMs: number) {
    super()
    // It may break before its reader has come to listen, and must not end the process: readers see `errored`.
    this.on('error', () => {})
    this.#socket = socket
    this.#kind = framing.kind
    this.#left = framing.kind === 'length' ? framing.bytes : 0
    this.#state = framing.kind === 'chunked' ? 'size' : 'data'
    if (framing.kind === 'none' || (framing.kind === 'length' && framing.bytes === 0)) {
      this.#finish()
      return
    }
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.#onEnd())
    socket.setTimeout(idleMs, () => this.destroy(new CallError('IDLE_TIMEOUT', 'the response body made no progress')))
    this.#take(head)
  }

  override _read(): void {
    if (this.#state !== 'done') this.#socket.resume()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#state = 'done'
    this.#socket.destroy()
    callback(error)
  }

  #take(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const part = this.#kind === 'close' ? bytes.subarray(at) : bytes.subarray(at, at + this.#left)
        at += part.length
        this.#left -= part.length
        if (!this.push(part)) this.#socket.pause()
        if (this.#kind === 'length' && this.#left === 0) this.#finish()
        else if (this.#kind === 'chunked' && this.#left === 0) this.#state = 'chunk-end'
        continue
      }
      const newline = bytes.indexOf(10, at)
      const end = newline < 0 ? bytes.length : newline + 1
      this.#line += bytes.toString('latin1', at, end)
      at = end
      if (this.#line.length > MAX_LINE[this.#state as keyof typeof MAX_LINE]) this.#bad()
      else if (newline >= 0) {
        const line = this.#line
        this.#line = ''
        if (line.endsWith('\r\n')) this.#onLine(line.slice(0, -2))
        else this.#bad()
      }
    }
  }

  #onLine(line: string): void {
    if (this.#state === 'chunk-end') {
      if (line === '') this.#state = 'size'
      else this.#bad()
    } else if (this.#state === 'size') {
      const size = /^([0-9a-fA-F]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line)
      if (size) {
        this.#left = Number.parseInt(size[1]!, 16)
        this.#state = this.#left === 0 ? 'trailers' : 'data'
      } else this.#bad()
    } else if (line === '') {
      this.#finish()
    } else {
      // Trailers of a refused upgrade are read and dropped: nobody asked for them.
      this.#trailerBytes += line.length
      if (this.#trailerBytes > MAX_TRAILER_BYTES) this.#bad()
    }
  }

  #bad(): void {
    this.destroy(new Error('malformed chunked body'))
  }

  #onEnd(): void {
    if (this.#state === 'done') return
    if (this.#kind === 'close') this.#finish()
    else this.destroy(new Error('the response body was cut short'))
  }

  #finish(): void {
    this.#state = 'done'
    this.push(null)
    this.#socket.destroy()
  }
}
