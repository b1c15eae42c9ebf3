/** Text that fits. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
const ANSI = /\x1b\[[0-9;]*m/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same, kept by split
const ANSI_PARTS = /(\x1b\[[0-9;]*m)/
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not reach a terminal
const CONTROL = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g

/** Without control characters: a message from elsewhere must not steer the terminal. */
export const clean = (text: string): string => text.replace(CONTROL, '\ufffd')

/** Columns that the text takes, colours not counted. */
export const widthOf = (text: string): number => [...text.replace(ANSI, '')].length

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)))
export const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - widthOf(text))) + text

/** At most `width` columns; what is cut off is shown by an ellipsis. For text without colours. */
export function truncate(text: string, width: number, ellipsis = '…'): string {
  if (widthOf(text) <= width) return text
  return `${[...text].slice(0, Math.max(0, width - ellipsis.length)).join('')}${ellipsis}`.slice(0, Math.max(0, width))
}

/** The same for text with colours, without an ellipsis: what is beyond is dropped, colours end. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let out = ''
  let used = 0
  for (const part of text.split(ANSI_PARTS)) {
    if (part.startsWith('\x1b')) out += part
    else {
      const letters = [...part].slice(0, width - used)
      used += letters.length
      out += letters.join('')
    }
  }
  return out
}

/** Lines of at most `width` columns, broken at spaces; a longer word is cut. For text without colours. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (let word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line)
      line = ''
    }
    while (widthOf(word) > width) {
      lines.push([...word].slice(0, width).join(''))
      word = [...word].slice(width).join('')
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
