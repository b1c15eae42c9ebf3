import { sleep } from '../clock.ts'

/** Resolves after `ms`, or at once when the signal comes. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = () => resolve()
  signal.addEventListener('abort', stop, { once: true })
  await Promise.race([sleep(ms), promise])
  signal.removeEventListener('abort', stop)
}
