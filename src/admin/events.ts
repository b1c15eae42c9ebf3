import type { Clock } from '../clock.ts'
import type { AdminEvent, GateService } from './service.ts'
import type { GateView } from './views.ts'

/** A client's connection as the hub needs it; a Node response is one. */
export interface EventSink {
  write(text: string): unknown
  /** Bytes that wait because the client does not read. */
  readonly writableLength: number
  destroy(): unknown
}

/** A gate is sent at most this often. */
const GATE_MS = 200
/** Rates move without an event; all gates are looked at this often while somebody listens. */
const REFRESH_MS = 1000
/** A comment keeps proxies and clients from giving the stream up. */
const HEARTBEAT_MS = 15_000
/** A client that lets more than this wait is dropped. */
const MAX_WAITING_BYTES = 1024 * 1024
/** Streams at once. */
export const MAX_STREAMS = 64

interface Client {
  sink: EventSink
  /** `namespace/name` of the only gate wanted; undefined: all. */
  only: string | undefined
}

/**
 * Fans events out to streams. A gate's view is built and written out once however many clients there are, at most 5 times a
 * second, and only while there is a client; one that equals the last one is not sent.
 */
export class EventHub {
  readonly #service: GateService
  readonly #clock: Clock
  readonly #clients = new Set<Client>()
  /** By gate: the last view sent, as text. */
  readonly #sent = new Map<string, string>()
  readonly #changed = new Set<string>()
  #stop: (() => void)[] = []
  #flushing: (() => void) | undefined

  constructor(service: GateService, clock: Clock) {
    this.#service = service
    this.#clock = clock
  }

  /** Streams that are open. */
  get size(): number {
    return this.#clients.size
  }

  /** Sends all gates as they are, then every event, until the returned function is called. */
  add(sink: EventSink, only?: string): () => void {
    if (this.#clients.size === 0) this.#begin()
    const client: Client = { sink, only }
    this.#clients.add(client)
    for (const gate of this.#service.list()) {
      const text = JSON.stringify(gate)
      // The others have not seen this view: the next flush must send even if it finds what they have seen.
      if (this.#sent.get(key(gate)) !== text) this.#sent.set(key(gate), '')
      this.#send(client, key(gate), frame('gate', text))
    }
    return () => this.#remove(client)
  }

  /** Drops every client. */
  close(): void {
    for (const client of [...this.#clients]) {
      this.#remove(client)
      client.sink.destroy()
    }
  }

  #begin(): void {
    this.#stop = [
      this.#service.subscribe((event) => this.#on(event)),
      this.#clock.every(REFRESH_MS, () => this.#refresh()),
      this.#clock.every(HEARTBEAT_MS, () => this.#broadcast(undefined, ': heartbeat\n\n')),
    ]
    for (const gate of this.#service.list()) this.#sent.set(key(gate), JSON.stringify(gate))
  }

  #remove(client: Client): void {
    if (!this.#clients.delete(client) || this.#clients.size > 0) return
    for (const stop of this.#stop) stop()
    this.#flushing?.()
    this.#flushing = undefined
    this.#stop = []
    this.#changed.clear()
    this.#sent.clear()
  }

  #on(event: AdminEvent): void {
    if (event.type === 'decision') {
      this.#broadcast(key(event.decision), frame('decision', JSON.stringify(event.decision)))
      return
    }
    this.#changed.add(key(event))
    this.#flushing ??= this.#clock.after(GATE_MS, () => this.#flush())
  }

  #flush(): void {
    this.#flushing = undefined
    for (const name of this.#changed) {
      const slash = name.indexOf('/')
      const gate = this.#service.get(name.slice(0, slash), name.slice(slash + 1))
      if (gate) this.#publish(gate)
      else this.#gone(name)
    }
    this.#changed.clear()
  }

  /** Through the same queue as events, so that the limit of 5 a second holds for both together. */
  #refresh(): void {
    const present = new Set<string>()
    for (const gate of this.#service.list()) present.add(key(gate))
    for (const name of [...present, ...this.#sent.keys()]) this.#changed.add(name)
    this.#flushing ??= this.#clock.after(GATE_MS, () => this.#flush())
  }

  #publish(gate: GateView): void {
    const text = JSON.stringify(gate)
    if (this.#sent.get(key(gate)) === text) return
    this.#sent.set(key(gate), text)
    this.#broadcast(key(gate), frame('gate', text))
  }

  #gone(name: string): void {
    if (!this.#sent.delete(name)) return
    const slash = name.indexOf('/')
    const data = { namespace: name.slice(0, slash), name: name.slice(slash + 1) }
    this.#broadcast(name, frame('removed', JSON.stringify(data)))
  }

  #broadcast(gate: string | undefined, text: string): void {
    for (const client of this.#clients) this.#send(client, gate, text)
  }

  #send(client: Client, gate: string | undefined, text: string): void {
    if (client.only !== undefined && gate !== undefined && client.only !== gate) return
    client.sink.write(text)
    if (client.sink.writableLength <= MAX_WAITING_BYTES) return
    this.#remove(client)
    client.sink.destroy()
  }
}

const key = (gate: { namespace: string; name: string }): string => `${gate.namespace}/${gate.name}`
const frame = (event: string, json: string): string => `event: ${event}\ndata: ${json}\n\n`
