import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** A request as it was on the wire towards the upstream; text is latin1. */
export interface Recorded {
  method: string
  target: string
  /** Names and values in turn, as sent. */
  fields: string[]
  body: string
}

const START = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\/[\x21\x22\x24-\x7e\x80-\xff]*|\*) HTTP\/1\.1$/
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)$/

/** Values of one field of a recorded request. */
export function fieldsOf({ fields }: Recorded, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i < fields.length; i += 2) if (fields[i]!.toLowerCase() === name) values.push(fields[i + 1]!)
  return values
}

/**
 * An upstream that writes down every byte and reads it as strictly as RFC 9112 allows: what is no complete, well-formed
 * request is a violation. Answers 200 with the request's `x-id` as header and body, so that a mixed-up answer shows.
 */
export class Recorder {
  readonly requests: Recorded[] = []
  /** Bytes that are no HTTP: must stay empty, whatever clients send. */
  readonly violations: string[] = []
  /** Held back until `release`: requests to `/held`. */
  #held: (() => void)[] = []
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #waiting: (() => void)[] = []

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => this.#serve(socket))
  }

  static async start(): Promise<Recorder> {
    const server = createServer({ noDelay: true })
    const recorder = new Recorder(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return recorder
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Resolves when so many requests have come since the last `clear`. */
  async came(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((wake) => this.#waiting.push(wake))
  }

  /** Answers what is held. */
  release(): void {
    for (const answer of this.#held.splice(0)) answer()
  }

  clear(): void {
    this.requests.length = 0
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #serve(socket: Socket): void {
    let text = ''
    this.#sockets.add(socket)
    socket.setEncoding('latin1')
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk: string) => {
      text += chunk
      for (;;) {
        const taken = take(text)
        if (taken === undefined) return
        if (typeof taken === 'string') {
          this.violations.push(`${taken}: ${JSON.stringify(text.slice(0, 300))}`)
          socket.destroy()
          return
        }
        text = text.slice(taken.length)
        this.requests.push(taken.request)
        for (const wake of this.#waiting.splice(0)) wake()
        this.#answer(socket, taken.request)
      }
    })
  }

  #answer(socket: Socket, request: Recorded): void {
    const id = fieldsOf(request, 'x-id')[0] ?? 'none'
    const body = request.method === 'HEAD' ? '' : id
    const answer = () =>
      void socket.write(`HTTP/1.1 200 OK\r\nx-id: ${id}\r\ncontent-length: ${id.length}\r\n\r\n${body}`, 'latin1')
    if (request.target.startsWith('/held')) this.#held.push(answer)
    else answer()
  }
}

/** The first request of `text`, undefined while it is incomplete, or what is wrong. */
function take(text: string): { request: Recorded; length: number } | string | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return text.length > 100_000 ? 'endless head' : undefined
  const [first, ...lines] = text.slice(0, headEnd).split('\r\n')
  const start = START.exec(first!)
  if (!start) return 'request line'
  const request: Recorded = { method: start[1]!, target: start[2]!, fields: [], body: '' }
  for (const line of lines) {
    const field = FIELD.exec(line)
    if (!field) return `field ${JSON.stringify(line)}`
    request.fields.push(field[1]!, field[2]!)
  }
  if (fieldsOf(request, 'host').length !== 1) return 'not one Host'
  const lengths = fieldsOf(request, 'content-length')
  const codings = fieldsOf(request, 'transfer-encoding')
  if (lengths.length + codings.length > 1) return 'ambiguous framing'
  let at = headEnd + 4
  if (codings.length === 0) {
    if (lengths.length === 1 && !/^\d{1,15}$/.test(lengths[0]!)) return 'content length'
    const length = Number(lengths[0] ?? 0)
    if (text.length < at + length) return undefined
    request.body = text.slice(at, at + length)
    return { request, length: at + length }
  }
  if (codings[0]!.toLowerCase() !== 'chunked') return 'transfer coding'
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return text.length - at > 20 ? 'chunk size' : undefined
    const size = text.slice(at, lineEnd)
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) return 'chunk size'
    const bytes = Number.parseInt(size, 16)
    const end = lineEnd + 2 + bytes
    if (text.length < end + 2) return undefined
    if (text.slice(end, end + 2) !== '\r\n') return 'chunk end or trailers'
    request.body += text.slice(lineEnd + 2, end)
    at = end + 2
    if (bytes === 0) return { request, length: at }
  }
}
