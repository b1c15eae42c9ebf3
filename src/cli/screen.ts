import type { Output } from './context.ts'
import { fit } from './render/text.ts'

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
/** Terminals that know it show the frame at once, the others ignore it. */
const BEGIN_FRAME = '\x1b[?2026h'
const END_FRAME = '\x1b[?2026l'
const HOME = '\x1b[H'
const CLEAR_LINE_END = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'

/** Draws frames in place, on the terminal's second screen, each with one write. What was there before is there again at the end. */
export class Screen {
  readonly #output: Output
  #open = false
  #last: readonly string[] = []

  constructor(output: Output) {
    this.#output = output
  }

  draw(lines: readonly string[]): void {
    this.#last = lines
    const rows = Math.max(1, this.#output.rows ?? 24)
    // A full last column makes some terminals wrap.
    const width = Math.max(1, (this.#output.columns ?? 80) - 1)
    const shown = lines.slice(0, rows).map((line) => fit(line, width) + CLEAR_LINE_END)
    const enter = this.#open ? '' : ENTER
    this.#open = true
    this.#output.write(`${enter}${BEGIN_FRAME}${HOME}${shown.join('\r\n')}${CLEAR_BELOW}${END_FRAME}`)
  }

  /** Leaves the last frame behind, as plain lines. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#output.write(`${LEAVE}${this.#last.join('\n')}\n`)
  }
}
