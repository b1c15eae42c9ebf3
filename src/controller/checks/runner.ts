import type { CheckConfig } from '../../config/schema.ts'
import { callHook, pause, readSecret, reasonOf } from '../hooks/call.ts'
import { HookClient } from '../hooks/client.ts'
import type { HookPayload } from '../hooks/payload.ts'
import { bodyOf } from '../hooks/payload.ts'
import type { CheckResult } from '../release/observation.ts'
import { compared, measured } from './prometheus.ts'

type Answer = Pick<CheckResult, 'result' | 'detail'>

/** Runs the external checks of one gate, each at its interval, and keeps their last results. */
export class CheckRunner {
  readonly #client: HookClient
  readonly #payload: () => HookPayload
  readonly #onResult: (check: CheckConfig, result: CheckResult) => void
  #of: string | null = null
  #results = new Map<string, CheckResult>()
  #stop = new AbortController()

  constructor(options: {
    client: HookClient
    payload: () => HookPayload
    onResult: (check: CheckConfig, result: CheckResult) => void
  }) {
    this.#client = options.client
    this.#payload = options.payload
    this.#onResult = options.onResult
  }

  get of(): string | null {
    return this.#of
  }

  results(): CheckResult[] {
    return [...this.#results.values()]
  }

  /** Results begin anew; null ends the running. `now`: the first time at once, not after the interval. */
  run(checks: readonly CheckConfig[], of: string | null, now: boolean): void {
    this.#stop.abort()
    this.#stop = new AbortController()
    this.#of = of
    this.#results = new Map()
    if (of === null) return
    for (const check of checks) void this.#repeat(check, now, this.#stop.signal)
  }

  async #repeat(check: CheckConfig, now: boolean, signal: AbortSignal): Promise<void> {
    let failures = 0
    if (!now) await pause(this.#client.clock, check.interval, signal)
    while (!signal.aborted) {
      const { result, detail } = await this.#ask(check, signal)
      if (signal.aborted) return
      // What says nothing neither adds to the failures nor forgives them.
      if (result === 'fail') failures++
      else if (result === 'pass') failures = 0
      const outcome: CheckResult = { name: check.name, result, failures, detail }
      this.#results.set(check.name, outcome)
      this.#onResult(check, outcome)
      await pause(this.#client.clock, check.interval, signal)
    }
  }

  async #ask(check: CheckConfig, signal: AbortSignal): Promise<Answer> {
    if (check.webhook !== undefined) return this.#webhook(check.webhook, signal)
    if (check.prometheus !== undefined) return this.#prometheus(check.prometheus, signal)
    return { result: 'inconclusive', detail: 'it has neither webhook nor prometheus' }
  }

  async #webhook(webhook: NonNullable<CheckConfig['webhook']>, signal: AbortSignal): Promise<Answer> {
    const { url, timeout, secretFile } = webhook
    const body = bodyOf(this.#payload(), 'Json')
    const { result, detail } = await callHook(
      this.#client,
      { url, body, timeoutMs: timeout, retries: 0, secretFile },
      signal,
    )
    if (result === 'passed') return { result: 'pass', detail }
    return { result: result === 'refused' ? 'fail' : 'inconclusive', detail }
  }

  async #prometheus(prometheus: NonNullable<CheckConfig['prometheus']>, signal: AbortSignal): Promise<Answer> {
    const { url, query, min, max, timeout, caFile, tokenFile } = prometheus
    const client = caFile === undefined ? this.#client : new HookClient(this.#client.clock, caFile)
    try {
      const headers: Record<string, string> = {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
      }
      if (tokenFile !== undefined) headers.authorization = `Bearer ${(await readSecret(tokenFile)).toString('latin1')}`
      const target = new URL(url)
      target.pathname = `${target.pathname.replace(/\/$/, '')}/api/v1/query`
      const options = { method: 'POST' as const, headers, body: new URLSearchParams({ query }).toString() }
      const { status, body } = await client.exchange(target.href, options, timeout, signal)
      const reading = measured(body)
      if ('inconclusive' in reading) {
        return {
          result: 'inconclusive',
          detail: status === 200 ? reading.inconclusive : `Prometheus answered ${status}`,
        }
      }
      const wrong = compared(reading.value, { min, max })
      return wrong === undefined ? { result: 'pass', detail: `${reading.value}` } : { result: 'fail', detail: wrong }
    } catch (error) {
      return { result: 'inconclusive', detail: reasonOf(error, timeout) }
    } finally {
      if (client !== this.#client) await client.close()
    }
  }

  close(): void {
    this.run([], null, false)
  }
}
