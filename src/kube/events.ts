import type { Decision } from '../controller/index.ts'
import type { KubeClient } from './client.ts'
import { isAlreadyExists } from './errors.ts'
import type { KubeLog } from './log.ts'
import { apiVersionOf, EVENTS, GATES, type ObjectMeta } from './objects.ts'

/** Who reports events. */
export const REPORTER = 'streamgate.dev/streamgate'
const MAX_NOTE = 1024
/** Events that may wait while the API server is slow; beyond them the newest are left out. */
const MAX_QUEUED = 200

/** events.k8s.io/v1 Event, as `kubectl describe gate` shows it. */
export interface EventBody {
  metadata: { name: string; namespace: string }
  eventTime: string
  type: 'Normal' | 'Warning'
  reason: string
  action: string
  note: string
  regarding: {
    apiVersion: string
    kind: string
    namespace: string
    name: string
    uid?: string
    resourceVersion?: string
  }
  reportingController: string
  reportingInstance: string
}

/** The Event of a decision. Pure. The same decision gives the same name, so that it is told once, whoever tells it again. */
export function eventOf(gate: ObjectMeta, release: string, decision: Decision, instance: string): EventBody {
  const namespace = gate.namespace ?? 'default'
  const { time, phase, reason, verdict, message } = decision
  const failed = verdict === 'Degraded' || phase === 'RolledBack'
  const digits = time.replace(/\D/g, '')
  const id = `${release}-${phase}-${reason}-${digits}`.toLowerCase().replace(/[^a-z0-9-]+/g, '-')
  return {
    metadata: { name: `${gate.name}.${id}`.slice(0, 253).replace(/[^a-z0-9]+$/, ''), namespace },
    eventTime: micro(time),
    type: failed ? 'Warning' : 'Normal',
    reason,
    action: phase,
    note: message.length > MAX_NOTE ? `${message.slice(0, MAX_NOTE - 3)}...` : message,
    regarding: {
      apiVersion: apiVersionOf(GATES),
      kind: GATES.kind,
      namespace,
      name: gate.name,
      ...(gate.uid === undefined ? {} : { uid: gate.uid }),
      ...(gate.resourceVersion === undefined ? {} : { resourceVersion: gate.resourceVersion }),
    },
    reportingController: REPORTER,
    reportingInstance: instance.slice(0, 128),
  }
}

/** MicroTime has six decimals, no more and no less. */
const micro = (time: string): string => time.replace(/(?:\.(\d{1,6})\d*)?Z$/, (_, d = '') => `.${d.padEnd(6, '0')}Z`)

/** Sends events one after the other. They inform people; losing one loses nothing else. */
export class EventSink {
  readonly #client: Pick<KubeClient, 'create'>
  readonly #log: KubeLog
  readonly #queue: EventBody[] = []
  #running: Promise<void> | undefined

  constructor(client: Pick<KubeClient, 'create'>, log: KubeLog) {
    this.#client = client
    this.#log = log
  }

  send(event: EventBody): void {
    if (this.#queue.length >= MAX_QUEUED) {
      this.#log.warn({ event: event.metadata.name, note: event.note }, 'an event is left out: too many wait')
      return
    }
    this.#queue.push(event)
    this.#running ??= this.#drain()
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #drain(): Promise<void> {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      try {
        await this.#client.create(EVENTS, event.metadata.namespace, event)
      } catch (error) {
        if (isAlreadyExists(error)) continue
        this.#log.warn({ error: (error as Error).message, note: event.note }, 'an event could not be sent')
      }
    }
    this.#running = undefined
  }
}
