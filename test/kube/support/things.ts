import { systemClock } from '../../../src/clock.ts'
import { KubeClient, type KubeLog, type KubeObject } from '../../../src/kube/index.ts'
import type { ScriptedApi } from './api-server.ts'

/** A client of a scripted API server. */
export const clientOf = (api: ScriptedApi, options: { timeoutMs?: number; maxBytes?: number } = {}): KubeClient =>
  new KubeClient({
    access: { server: api.url, namespace: 'shop', origin: 'test' },
    clock: systemClock,
    userAgent: 'test/1',
    ...options,
  })

/** An object with a name and a version. */
export const object = (name: string, resourceVersion: string, more: object = {}): KubeObject => ({
  metadata: { namespace: 'shop', name, uid: `uid-${name}`, resourceVersion },
  ...more,
})

/** A log that keeps what it was told. */
export function keptLog(): KubeLog & { lines: { level: string; fields: object; message: string }[] } {
  const lines: { level: string; fields: object; message: string }[] = []
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message })
  return { lines, info: at('info'), warn: at('warn'), error: at('error') }
}

/** A condition that becomes true through calls of `tick`: an event to wait for. */
export class Bell {
  #waiting: (() => void)[] = []

  readonly ring = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

/** Waits for what nothing tells of; keeps the process alive meanwhile, which timers of the program never do. */
export function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!condition()) return
      clearInterval(timer)
      resolve()
    }, 5)
  })
}
