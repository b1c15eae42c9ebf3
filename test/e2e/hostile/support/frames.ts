import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

/** HTTP/2 frame types (RFC 9113 section 6). */
export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  rst: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
}
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 }

/** One frame, well-formed or not. */
export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

/** A block of literal fields without indexing and without Huffman coding (RFC 7541 6.2.2): any bytes can be said. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value, 'latin1')
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
    const length: number[] = [127]
    let rest = bytes.length - 127
    for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) | 128)
    return Buffer.concat([Buffer.from([...length, rest]), bytes])
  }
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** The fields of a sound GET. */
export const GET = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/h2'],
  [':authority', 'localhost'],
] as const

/** A frame that arrived. */
export interface Arrived {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

/** A client that writes frames as they are, over TLS. */
export class FrameClient {
  readonly socket: TLSSocket
  readonly arrived: Arrived[] = []
  ended = false
  #bytes = Buffer.alloc(0)
  #waiting: (() => void)[] = []

  private constructor(socket: TLSSocket) {
    this.socket = socket
    const wake = () => {
      for (const each of this.#waiting.splice(0)) each()
    }
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#take()
      wake()
    })
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.ended = true
        wake()
      })
  }

  /** Connects, and says the preface and empty settings. */
  static async connect(port: number, ca: string): Promise<FrameClient> {
    const socket = connect({ port, host: '127.0.0.1', ca, servername: 'localhost', ALPNProtocols: ['h2'] })
    await once(socket, 'secureConnect')
    const client = new FrameClient(socket)
    client.send(Buffer.from(PREFACE), frame(TYPE.settings, 0, 0))
    return client
  }

  send(...frames: Buffer[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(frames))
  }

  /** Waits for the next frame that `wanted` accepts; undefined when the peer ended before. */
  async next(wanted: (frame: Arrived) => boolean): Promise<Arrived | undefined> {
    for (;;) {
      const found = this.arrived.find(wanted)
      if (found || this.ended) return found
      await new Promise<void>((wake) => this.#waiting.push(wake))
    }
  }

  /** What became of a stream: its response's HEADERS, a reset, or the end of the connection. */
  async outcome(stream: number): Promise<'answered' | 'reset' | 'gone'> {
    const mine = await this.next(
      ({ type, stream: id }) => (id === stream && (type === TYPE.headers || type === TYPE.rst)) || type === TYPE.goaway,
    )
    return mine === undefined || mine.type === TYPE.goaway ? 'gone' : mine.type === TYPE.rst ? 'reset' : 'answered'
  }

  close(): void {
    this.socket.destroy()
  }

  #take(): void {
    while (this.#bytes.length >= 9) {
      const length = this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < 9 + length) return
      const payload = this.#bytes.subarray(9, 9 + length)
      const { 3: type, 4: flags } = this.#bytes
      this.arrived.push({ type: type!, flags: flags!, stream: this.#bytes.readUInt32BE(5) & 0x7fffffff, payload })
      this.#bytes = this.#bytes.subarray(9 + length)
    }
  }
}
