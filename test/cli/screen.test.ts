import t from 'tap'
import { Screen } from '../../src/cli/screen.ts'

/** A terminal that keeps what is written. */
function terminal(columns: number, rows: number) {
  const writes: string[] = []
  return { columns, rows, isTTY: true, writes, write: (text: string) => writes.push(text) }
}

t.test('a frame is one write, cut to the terminal as it is now', async (t) => {
  const output = terminal(10, 2)
  const screen = new Screen(output)
  screen.draw(['0123456789abc', 'b', 'c'])
  t.same(output.writes, ['\x1b[?1049h\x1b[?25l\x1b[?2026h\x1b[H012345678\x1b[K\r\nb\x1b[K\x1b[J\x1b[?2026l'])
  output.columns = 20
  output.rows = 5
  screen.draw(['0123456789abc', 'b', 'c'])
  t.equal(output.writes[1], '\x1b[?2026h\x1b[H0123456789abc\x1b[K\r\nb\x1b[K\r\nc\x1b[K\x1b[J\x1b[?2026l')
})

t.test('the end shows the cursor again and leaves the last frame, whole', async (t) => {
  const output = terminal(10, 1)
  const screen = new Screen(output)
  screen.close()
  t.same(output.writes, [], 'nothing was drawn, nothing to put right')
  screen.draw(['a', 'b'])
  screen.close()
  screen.close()
  t.same(output.writes.slice(1), ['\x1b[?25h\x1b[?1049la\nb\n'])
})
