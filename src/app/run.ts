import { flushCompileCache } from 'node:module'
import { systemClock } from '../clock.ts'
import { createLog } from './log.ts'
import { ConfigurationError, Program } from './program.ts'

/** `streamgate run`: serves until SIGTERM or SIGINT, then drains; a second signal ends at once. Resolves with the exit code. */
export async function run(paths: readonly string[], stderr: { write(text: string): unknown }): Promise<number> {
  const log = createLog()
  let program: Program
  try {
    program = await Program.start(paths, systemClock, log)
  } catch (error) {
    if (error instanceof ConfigurationError) {
      stderr.write(`${error.message}\n`)
      return 2
    }
    stderr.write(`streamgate: ${(error as Error).message}\n`)
    return 1
  }
  // Now rather than at the end, which kill -9 would take away.
  flushCompileCache()
  const signal = await firstSignal()
  log.info({ signal }, 'draining; a second signal ends at once')
  const second = firstSignal().then((again) => {
    log.warn({ signal: again }, 'ended at once')
    return 1
  })
  const drained = program.drain().then(async () => {
    await program.close()
    log.info({}, 'drained')
    return 0
  })
  return Promise.race([drained, second])
}

function firstSignal(): Promise<string> {
  return new Promise((resolve) => {
    const take = (signal: string) => {
      process.off('SIGTERM', take)
      process.off('SIGINT', take)
      resolve(signal)
    }
    process.on('SIGTERM', take)
    process.on('SIGINT', take)
  })
}
