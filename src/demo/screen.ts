import type { Clock } from '../clock.ts'

/** A stream that may be a terminal. */
export interface Screen {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
}

/** A block of lines at the bottom that is redrawn in place on a terminal, above it a log; one line every 2 s elsewhere. */
export class LiveScreen {
  readonly #out: Screen
  readonly #clock: Clock
  readonly #live: boolean
  #drawn = 0
  #lineMs = -Infinity

  constructor(out: Screen, clock: Clock) {
    this.#out = out
    this.#clock = clock
    this.#live = out.isTTY === true && process.env.TERM !== 'dumb'
  }

  /** A line that stays. */
  say(text = ''): void {
    this.#erase()
    this.#out.write(`${text}\n`)
  }

  /** The present state: `lines` on a terminal, `line` elsewhere. */
  draw(lines: readonly string[], line: string): void {
    if (this.#live) {
      this.#erase()
      const width = this.#out.columns ?? 80
      this.#out.write(lines.map((one) => `${one.slice(0, width - 1)}\n`).join(''))
      this.#drawn = lines.length
      return
    }
    const now = this.#clock.nowMs()
    if (now - this.#lineMs < 2000) return
    this.#lineMs = now
    this.#out.write(`${line}\n`)
  }

  #erase(): void {
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\x1b[J`)
    this.#drawn = 0
  }
}
