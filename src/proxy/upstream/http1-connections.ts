import type { Socket } from 'node:net'
import type { Attempt } from './attempt.ts'
import { CLIENT_OPTIONS, type Connections } from './connections.ts'
import type { Dialer } from './dial.ts'
import { skipContinue, type Waiting } from './skip-continue.ts'
import { type Client, type Dispatcher, loadClient } from './undici.ts'

/** How much earlier than the endpoint's `Keep-Alive: timeout` a connection is given up: its last packets may cross ours. */
const KEEP_ALIVE_MARGIN_MS = 1000

/** One undici Client holds one connection at a time. */
interface Lane extends Waiting {
  client: Client
  /** Connecting or connected. */
  socket: Socket | undefined
  /** Requests begun on the present connection. */
  served: number
  attempt: Attempt | undefined
  state: 'idle' | 'busy' | 'gone'
}

/**
 * HTTP/1.1 connections to one endpoint: a stack of idle ones, the last used on top, so that those that are not needed
 * age and close. A Pool of undici's would do the same, but hides which connection serves a request and looks through
 * all of them for each; `reused`, on which the safety of a replay rests, can be known only here.
 */
export class Http1Connections implements Connections {
  readonly dialer: Dialer
  readonly #Client = loadClient()
  readonly #origin: string
  readonly #idleMs: number
  readonly #idle: Lane[] = []
  readonly #lanes = new Set<Lane>()
  readonly #laneOf = new WeakMap<Attempt, Lane>()
  #closed = false
  #onEmpty: (() => void) | undefined

  /** `idleMs`: how long an unused connection is kept; 0 = for 10 minutes. */
  constructor(origin: string, dialer: Dialer, idleMs: number) {
    this.#origin = origin
    this.dialer = dialer
    this.#idleMs = idleMs === 0 ? 600_000 : idleMs
  }

  /** Connections that are open or being opened, and those of them that are idle. */
  get counts(): { open: number; idle: number } {
    return { open: this.#lanes.size, idle: this.#idle.length }
  }

  dispatch(options: Dispatcher.DispatchOptions, attempt: Attempt): void {
    const lane = this.#idle.pop() ?? this.#open()
    lane.state = 'busy'
    lane.attempt = attempt
    this.#laneOf.set(attempt, lane)
    lane.client.dispatch(options, attempt)
  }

  started(attempt: Attempt): void {
    const lane = this.#laneOf.get(attempt)
    if (!lane) return
    attempt.reused = lane.served++ > 0
    lane.waiting = true
  }

  blocked(attempt: Attempt): boolean {
    return this.#laneOf.get(attempt)?.socket?.writableNeedDrain === true
  }

  failed(attempt: Attempt, error: Error): void {
    // Whatever went wrong, this connection's state is not known any more.
    const lane = this.#laneOf.get(attempt)
    if (lane?.attempt === attempt && lane.state === 'busy') this.#retire(lane, error)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const lane of [...this.#idle]) this.#retire(lane)
    if (this.#lanes.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
  }

  #open(): Lane {
    const lane: Lane = {
      client: new this.#Client(this.#origin, {
        ...CLIENT_OPTIONS,
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: this.#idleMs,
        keepAliveMaxTimeout: this.#idleMs,
        keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
        connect: (_, callback) => {
          lane.socket = this.dialer.dial((error, socket) => {
            if (socket) skipContinue(socket, lane)
            if (error) callback(error, null)
            else callback(null, socket!)
          })
          lane.socket.on('error', (error) => lane.attempt?.broken(error))
        },
      }),
      socket: undefined,
      served: 0,
      attempt: undefined,
      state: 'busy',
      waiting: false,
      onFirstByte: () => lane.attempt?.onResponseStarted(),
    }
    this.#lanes.add(lane)
    lane.client.on('connect', () => {
      lane.served = 0
    })
    // undici's word that the client takes the next request: one turn of the event loop after the answer, so that
    // whatever the endpoint sent too much has been seen.
    lane.client.on('drain', () => this.#free(lane))
    lane.client.on('disconnect', () => {
      // With a request waiting undici connects anew: the connection died while it was idle, nothing was sent on it.
      if (lane.attempt === undefined || lane.attempt.done) this.#retire(lane)
    })
    return lane
  }

  #free(lane: Lane): void {
    if (lane.state !== 'busy' || lane.attempt?.done === false) return
    lane.attempt = undefined
    if (this.#closed || lane.socket === undefined || lane.socket.destroyed) {
      this.#retire(lane)
      return
    }
    lane.state = 'idle'
    this.#idle.push(lane)
  }

  #retire(lane: Lane, error: Error | null = null): void {
    if (lane.state === 'gone') return
    if (lane.state === 'idle') this.#idle.splice(this.#idle.indexOf(lane), 1)
    lane.state = 'gone'
    lane.attempt = undefined
    this.#lanes.delete(lane)
    const gone = () => {
      if (this.#lanes.size === 0) this.#onEmpty?.()
    }
    lane.client.destroy(error, gone)
    // A connection that is still being made belongs to nobody yet: undici cannot end it.
    lane.socket?.destroy()
  }
}
