import type { Clock } from '../../clock.ts'
import type { HookConfig } from '../../config/schema.ts'
import type { Log } from '../environment.ts'
import type { HookAnswer } from '../release/observation.ts'
import type { HookPhase } from '../release/plan.ts'
import { callHook, hostOf } from './call.ts'
import { HookClient } from './client.ts'
import { bodyOf, type HookPayload } from './payload.ts'

/** Events that wait for one hook; of more the oldest are dropped and counted: an unreachable hook costs no memory. */
const MAX_WAITING = 100

interface Waiting {
  queue: HookPayload[]
  dropped: number
  busy: boolean
}

/** Calls the hooks of all gates. One owner; `close` gives up what is on its way. */
export class HookCaller {
  readonly #log: Log
  /** Shared with the checks. */
  readonly client: HookClient
  readonly #closing = new AbortController()
  readonly #events = new Map<string, Waiting>()

  constructor(options: { clock: Clock; log: Log }) {
    this.client = new HookClient(options.clock)
    this.#log = options.log
  }

  /** Asks all hooks of a phase, one after the other; the first that does not pass decides. Never throws. */
  async ask(
    hooks: readonly HookConfig[],
    phase: HookPhase,
    payload: HookPayload,
    signal: AbortSignal,
  ): Promise<HookAnswer> {
    let answer: HookAnswer = { result: 'passed', detail: 'no hook' }
    for (const hook of hooks) {
      if (hook.phase !== phase) continue
      answer = await this.#call(hook, payload, AbortSignal.any([signal, this.#closing.signal]))
      if (answer.result === 'passed') continue
      this.#log.warn(
        { gate: nameOf(payload), phase, hook: hostOf(hook.url), result: answer.result },
        `hook ${phase} ${answer.result}: ${answer.detail}`,
      )
      return answer
    }
    return answer
  }

  /** Tells the OnEvent hooks, in order, each in its own time. Never blocks. */
  tell(hooks: readonly HookConfig[], payload: HookPayload): void {
    for (const hook of hooks) {
      if (hook.phase !== 'OnEvent' || this.#closing.signal.aborted) continue
      const key = `${nameOf(payload)} ${hook.url} ${hook.format}`
      let waiting = this.#events.get(key)
      if (waiting === undefined) {
        waiting = { queue: [], dropped: 0, busy: false }
        this.#events.set(key, waiting)
      }
      if (waiting.queue.length >= MAX_WAITING) {
        waiting.queue.shift()
        waiting.dropped++
      }
      waiting.queue.push(payload)
      if (!waiting.busy) void this.#drain(key, hook, waiting)
    }
  }

  async #drain(key: string, hook: HookConfig, waiting: Waiting): Promise<void> {
    waiting.busy = true
    for (let next = waiting.queue.shift(); next !== undefined; next = waiting.queue.shift()) {
      const answer = await this.#call(hook, next, this.#closing.signal)
      if (this.#closing.signal.aborted) break
      if (answer.result !== 'passed') {
        this.#log.warn(
          { gate: nameOf(next), hook: hostOf(hook.url), dropped: waiting.dropped },
          `event not delivered: ${answer.detail}`,
        )
      }
    }
    this.#events.delete(key)
  }

  #call(hook: HookConfig, payload: HookPayload, signal: AbortSignal): Promise<HookAnswer> {
    const { url, timeout, retries, secretFile, format } = hook
    const call = { url, timeoutMs: timeout, retries, secretFile, body: bodyOf(payload, format) }
    return callHook(this.client, call, signal)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.client.close()
  }
}

const nameOf = ({ gate }: HookPayload): string => `${gate.namespace}/${gate.name}`
