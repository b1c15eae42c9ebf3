import type { CliContext } from './context.ts'

/**
 * Runs `task` until somebody ends it: by Ctrl-C (the context's signal, else the process's own), or by a signal that would
 * otherwise leave the terminal on its second screen without a cursor.
 */
export async function interruptible<T>(context: CliContext, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const stop = () => controller.abort()
  const names: NodeJS.Signals[] = context.interrupt ? ['SIGTERM', 'SIGHUP'] : ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const name of names) process.once(name, stop)
  try {
    return await task(context.interrupt ? AbortSignal.any([context.interrupt, controller.signal]) : controller.signal)
  } finally {
    for (const name of names) process.off(name, stop)
  }
}
