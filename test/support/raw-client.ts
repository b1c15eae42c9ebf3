import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'

/** An HTTP/1 response as it was on the wire. Text is latin1. */
export interface RawResponse {
  version: string
  status: number
  reason: string
  /** Raw name/value list, names as sent. */
  rawHeaders: string[]
  /** Lower-case name -> first value. */
  headers: Map<string, string>
  body: Buffer
  trailers: string[]
  /** How the body ended: by length, by the last chunk, by the end of the connection, or there was none. */
  framing: 'none' | 'length' | 'chunked' | 'close'
}

/** Values of one header, in order. */
export function valuesOf(response: RawResponse, name: string): string[] {
  const values: string[] = []
  for (let i = 0; i < response.rawHeaders.length; i += 2) {
    if (response.rawHeaders[i]!.toLowerCase() === name.toLowerCase()) values.push(response.rawHeaders[i + 1]!)
  }
  return values
}

/** A client that writes exactly the bytes it is told to and reads answers strictly: anything malformed throws. */
export class RawClient {
  readonly socket: Socket
  /** What arrived and was not read yet. */
  buffered: Buffer = Buffer.alloc(0)
  ended = false
  error: Error | undefined
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    const wake = () => this.#wake?.()
    socket.on('data', (chunk: Buffer) => {
      this.buffered = Buffer.concat([this.buffered, chunk])
      wake()
    })
    socket.on('error', (error) => {
      this.error = error
      this.ended = true
      wake()
    })
    const ended = () => {
      this.ended = true
      wake()
    }
    socket.on('end', ended)
    socket.on('close', ended)
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host, noDelay: true, allowHalfOpen: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  static async connectTls(
    port: number,
    options: { ca: string; servername?: string; alpn?: string[] },
  ): Promise<RawClient> {
    const socket = tlsConnect({
      port,
      host: '127.0.0.1',
      ca: options.ca,
      servername: options.servername ?? 'localhost',
      ALPNProtocols: options.alpn ?? ['http/1.1'],
    })
    await once(socket, 'secureConnect')
    return new RawClient(socket)
  }

  /** Writes bytes; a string is latin1. */
  write(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      const done = () => resolve()
      if (typeof bytes === 'string') this.socket.write(bytes, 'latin1', done)
      else this.socket.write(bytes, done)
    })
  }

  /** `GET path` with Host and the given extra header lines (each with CRLF). */
  get(path: string, host = 'localhost', extra = ''): Promise<void> {
    return this.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${extra}\r\n`)
  }

  /** Waits until what is buffered satisfies `done`; throws when the peer ended before. */
  async until(done: (buffered: Buffer) => boolean): Promise<void> {
    while (!done(this.buffered)) {
      if (this.ended) throw new Error(`ended after ${JSON.stringify(this.buffered.toString('latin1'))}`)
      await this.#more()
    }
  }

  /** Everything until the peer ends, and how it ended. */
  async untilEnd(): Promise<{ text: string; error: Error | undefined }> {
    while (!this.ended) await this.#more()
    return { text: this.#take(this.buffered.length).toString('latin1'), error: this.error }
  }

  /** The next response. `method`: of its request, as HEAD has no body. 1xx answers are returned as responses of their own. */
  async response(method = 'GET'): Promise<RawResponse> {
    const head = (await this.#line('\r\n\r\n')).toString('latin1')
    const [first, ...lines] = head.split('\r\n')
    const start = /^(HTTP\/1\.[01]) ([1-9]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/.exec(first!)
    if (!start) throw new Error(`bad status line ${JSON.stringify(first)}`)
    const rawHeaders = parseFields(lines)
    const headers = new Map<string, string>()
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!.toLowerCase()
      if (!headers.has(name)) headers.set(name, rawHeaders[i + 1]!)
    }
    const status = Number(start[2])
    const response: RawResponse = {
      version: start[1]!,
      status,
      reason: start[3]!,
      rawHeaders,
      headers,
      body: Buffer.alloc(0),
      trailers: [],
      framing: 'none',
    }
    const coding = valuesOf(response, 'transfer-encoding')
    const length = valuesOf(response, 'content-length')
    if (coding.length > 0 && length.length > 0) throw new Error('both Transfer-Encoding and Content-Length')
    if (length.length > 1) throw new Error('two Content-Lengths')
    if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return response
    if (coding.length > 0) {
      if (coding.length > 1 || coding[0]!.toLowerCase() !== 'chunked') throw new Error(`coding ${coding}`)
      response.framing = 'chunked'
      response.body = await this.#chunks(response)
    } else if (length.length === 1) {
      if (!/^\d+$/.test(length[0]!)) throw new Error(`bad length ${length[0]}`)
      response.framing = 'length'
      response.body = await this.#exactly(Number(length[0]))
    } else {
      response.framing = 'close'
      while (!this.ended) await this.#more()
      if (this.error) throw this.error
      response.body = this.#take(this.buffered.length)
    }
    return response
  }

  destroy(): void {
    this.socket.destroy()
  }

  async #chunks(response: RawResponse): Promise<Buffer> {
    const parts: Buffer[] = []
    for (;;) {
      const sizeText = (await this.#line('\r\n')).toString('latin1')
      if (!/^[0-9a-fA-F]{1,8}$/.test(sizeText)) throw new Error(`bad chunk size ${JSON.stringify(sizeText)}`)
      const size = Number.parseInt(sizeText, 16)
      if (size === 0) break
      parts.push(await this.#exactly(size))
      if ((await this.#exactly(2)).toString('latin1') !== '\r\n') throw new Error('chunk without CRLF')
    }
    for (;;) {
      const line = (await this.#line('\r\n')).toString('latin1')
      if (line === '') return Buffer.concat(parts)
      response.trailers.push(...parseFields([line]))
    }
  }

  async #line(end: string): Promise<Buffer> {
    await this.until((buffered) => buffered.includes(end, 0, 'latin1'))
    const line = this.#take(this.buffered.indexOf(end, 0, 'latin1'))
    this.#take(end.length)
    return line
  }

  async #exactly(length: number): Promise<Buffer> {
    await this.until((buffered) => buffered.length >= length)
    return this.#take(length)
  }

  #take(length: number): Buffer {
    const taken = this.buffered.subarray(0, length)
    this.buffered = this.buffered.subarray(length)
    return taken
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

function parseFields(lines: string[]): string[] {
  const fields: string[] = []
  for (const line of lines) {
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line)
    if (!match) throw new Error(`bad header line ${JSON.stringify(line)}`)
    fields.push(match[1]!, match[2]!)
  }
  return fields
}
