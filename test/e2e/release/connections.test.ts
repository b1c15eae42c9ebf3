import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { RawClient } from '../../support/raw-client.ts'
import { frame, readFrames } from '../../support/websocket.ts'
import { scenario } from '../support/scenario.ts'

t.setTimeout(600_000)

/** So many that all on one variant is a chance of one in a million. */
const EACH = 20
const MASK = Buffer.from([1, 2, 3, 4])

class WebSocketClient {
  readonly #raw: RawClient
  readonly variant: string
  #sent = 0

  constructor(raw: RawClient, variant: string) {
    this.#raw = raw
    this.variant = variant
  }

  static async open(port: number): Promise<WebSocketClient> {
    const raw = await RawClient.connect(port)
    await raw.write(
      'GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    const { status, headers } = await raw.response()
    if (status !== 101) throw new Error(`upgrade: ${status}`)
    return new WebSocketClient(raw, headers.get('x-backend') ?? '')
  }

  /** A frame there and back; throws when the connection is gone. */
  async echo(): Promise<void> {
    const text = `frame ${++this.#sent}`
    await this.#raw.write(frame(1, Buffer.from(text), MASK))
    await this.#raw.until((bytes) => readFrames(bytes).frames.at(-1)?.payload.toString() === text)
  }

  /** Resolves when the proxy has ended it. */
  ended(): Promise<unknown> {
    return this.#raw.untilEnd()
  }

  close(): void {
    this.#raw.destroy()
  }
}

class EventClient {
  readonly #raw: RawClient
  readonly variant: string

  constructor(raw: RawClient, variant: string) {
    this.#raw = raw
    this.variant = variant
  }

  static async open(port: number): Promise<EventClient> {
    const raw = await RawClient.connect(port)
    await raw.get('/events')
    await raw.until((bytes) => bytes.includes('data: hello'))
    return new EventClient(raw, /\r\nx-backend: (\w+)/.exec(raw.buffered.toString('latin1'))?.[1] ?? '')
  }

  /** Resolves when the event was seen; throws when the stream is gone. */
  event(text: string): Promise<void> {
    return this.#raw.until((bytes) => bytes.includes(`data: ${text}\n\n`))
  }

  close(): void {
    this.#raw.destroy()
  }
}

t.test(
  'WebSockets and event streams stay open across steps, flip and rollback, until the drain deadline',
  async (t) => {
    const streams = new Set<ServerResponse>()
    const events = {
      handle(request: { url?: string | undefined }, response: unknown) {
        if (request.url !== '/events') return false
        const stream = response as ServerResponse
        streams.add(stream.writeHead(200, { 'content-type': 'text/event-stream' }))
        stream.write('data: hello\n\n')
        return true
      },
    }
    const s = await scenario(t, {
      stable: [events],
      canary: [events],
      release: {
        steps: [
          { weight: 50, minDuration: '1s', pause: true },
          { weight: 100, minDuration: '1s' },
        ],
      },
      proxy: '  timeouts: {drain: 2s}\n',
    })
    const sockets: WebSocketClient[] = []
    const listeners: EventClient[] = []
    t.teardown(() => {
      for (const one of [...sockets, ...listeners]) one.close()
    })
    const openAll = async () => {
      const { http } = s.program.ports
      for (let i = 0; i < EACH; i++) {
        sockets.push(await WebSocketClient.open(http))
        listeners.push(await EventClient.open(http))
      }
    }
    const alive = async (t: Test, when: string) => {
      for (const stream of streams) stream.write(`data: ${when}\n\n`)
      await t.resolves(
        Promise.all([...sockets.map((one) => one.echo()), ...listeners.map((one) => one.event(when))]),
        when,
      )
    }

    await openAll()
    await alive(t, 'before the release')
    await s.done('start')
    await s.phase('Paused')
    await openAll()
    t.same([...new Set(sockets.map(({ variant }) => variant))].sort(), ['canary', 'stable'])
    t.same([...new Set(listeners.map(({ variant }) => variant))].sort(), ['canary', 'stable'])
    await alive(t, 'at 50 %')
    await s.done('resume')
    t.match(await s.over(), { serving: 'canary', release: { phase: 'Succeeded' } })
    await alive(t, 'after the flip')
    await s.done('rollback')
    t.match(await s.gate(), { serving: 'stable', release: { phase: 'RolledBack' } })
    await s.load.more(100)
    await alive(t, 'after the rollback')
    s.unharmed(t)

    s.load.pause()
    s.program.signal('SIGTERM')
    await s.program.line(({ message }) => String(message).startsWith('draining'))
    await alive(t, 'while draining')
    await Promise.all(sockets.map((one) => one.ended()))
    t.equal(await s.program.ended, 0, 'the deadline ended them, and the program went in order')
  },
)
