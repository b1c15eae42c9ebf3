/** The response head on a connection that undici does not read (upgrades). Strict: RFC 9112 without its leniencies. Pure. */
export interface ResponseHead {
  status: number
  /** Raw name/value list, latin1. */
  rawHeaders: string[]
}

/** How a response's body ends (RFC 9112 section 6.3), for a request that is not HEAD or CONNECT. */
export type BodyFraming = { kind: 'none' } | { kind: 'length'; bytes: number } | { kind: 'chunked' } | { kind: 'close' }

const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/

/** Parses a head without its final empty line, or says why it is not one. */
export function parseResponseHead(text: string): ResponseHead | Error {
  const lines = text.split('\r\n')
  const start = STATUS_LINE.exec(lines[0]!)
  if (!start) return new Error('bad status line')
  const rawHeaders: string[] = []
  for (let i = 1; i < lines.length; i++) {
    const field = FIELD.exec(lines[i]!)
    // obs-fold, bare CR or LF, NUL, a space before the colon: all end here.
    if (!field) return new Error('bad header line')
    rawHeaders.push(field[1]!, field[2]!.replace(/[\t ]+$/, ''))
  }
  return { status: Number(start[1]), rawHeaders }
}

/** Values of one header, in order. */
export function headerValues(rawHeaders: readonly string[], lowerName: string): string[] {
  const values: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === lowerName) values.push(rawHeaders[i + 1]!)
  }
  return values
}

/** How the body after `head` ends, or why that cannot be known. */
export function bodyFraming(head: ResponseHead): BodyFraming | Error {
  const codings = headerValues(head.rawHeaders, 'transfer-encoding')
  const lengths = headerValues(head.rawHeaders, 'content-length')
  if (head.status < 200 || head.status === 204 || head.status === 304) return { kind: 'none' }
  if (codings.length > 0) {
    if (lengths.length > 0) return new Error('both Transfer-Encoding and Content-Length')
    if (codings.length > 1 || codings[0]!.toLowerCase() !== 'chunked') return new Error('unknown transfer coding')
    return { kind: 'chunked' }
  }
  if (lengths.length === 0) return { kind: 'close' }
  if (lengths.length > 1 || !/^\d{1,15}$/.test(lengths[0]!)) return new Error('bad Content-Length')
  return { kind: 'length', bytes: Number(lengths[0]) }
}
