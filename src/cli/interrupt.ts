import type { CliContext } from './context.ts'

/** Runs `task` until Ctrl-C: by the context's signal, or by the process's own SIGINT and SIGTERM. */
export async function interruptible<T>(context: CliContext, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (context.interrupt) return task(context.interrupt)
  const controller = new AbortController()
  const stop = () => controller.abort()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    return await task(controller.signal)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}
