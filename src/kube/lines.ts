import { TransportError } from './exchange.ts'

const LINE_FEED = 10

/** Cuts a stream into lines, each at most `maxBytes`; a line's UTF-8 is decoded as a whole. */
export class Lines {
  readonly #maxBytes: number
  readonly #onLine: (line: string) => void
  #parts: Buffer[] = []
  #bytes = 0

  constructor(maxBytes: number, onLine: (line: string) => void) {
    this.#maxBytes = maxBytes
    this.#onLine = onLine
  }

  /** Throws a TransportError when a line is too long, and what `onLine` throws. */
  push(chunk: Buffer): void {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start)
      if (end < 0) break
      this.#take(chunk.subarray(start, end))
      start = end + 1
      const line = Buffer.concat(this.#parts).toString('utf8')
      this.#parts = []
      this.#bytes = 0
      if (line.trim() !== '') this.#onLine(line)
    }
    if (start < chunk.length) this.#take(chunk.subarray(start))
  }

  #take(part: Buffer): void {
    this.#bytes += part.length
    if (this.#bytes > this.#maxBytes) throw new TransportError('TooLarge', `an event is over ${this.#maxBytes} bytes`)
    if (part.length > 0) this.#parts.push(part)
  }
}
