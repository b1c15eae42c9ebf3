import { createHash } from 'node:crypto'

/** Version of what the store's files hold; a file of a newer one is left as it is. */
export const FORMAT = 1

/** A file that a newer version has written: nothing is wrong with it. */
export class NewerFormat extends Error {
  override readonly name = 'NewerFormat'
}

/** Wraps a value so that a torn, edited or foreign file is told from a good one: a line with a checksum, a line of JSON. */
export function seal(value: unknown): string {
  const body = JSON.stringify(value)
  return `${JSON.stringify({ streamgate: FORMAT, sha256: digest(body) })}\n${body}\n`
}

/** Throws NewerFormat, or an Error that says what is wrong with the file. */
export function unseal(data: Buffer): unknown {
  const text = data.toString('utf8')
  const end = text.indexOf('\n')
  const header = parse(end < 0 ? text : text.slice(0, end))
  if (typeof header !== 'object' || header === null || !('streamgate' in header) || !('sha256' in header)) {
    throw new Error('is no state file of StreamGate')
  }
  if (header.streamgate !== FORMAT) {
    const message = `has format ${header.streamgate}, this version reads ${FORMAT}`
    throw Number(header.streamgate) > FORMAT ? new NewerFormat(message) : new Error(message)
  }
  const body = text.slice(end + 1).replace(/\n$/, '')
  if (digest(body) !== header.sha256) throw new Error('is damaged: its checksum is wrong')
  return JSON.parse(body)
}

const digest = (body: string): string => createHash('sha256').update(body).digest('hex')

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
