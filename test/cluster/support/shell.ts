import { type SpawnOptions, spawn } from 'node:child_process'
import { sleep, systemClock } from '../../../src/clock.ts'

/** A command that ended with another code than 0; the message ends with what it said on stderr. */
export class CommandError extends Error {
  readonly code: number | null
  readonly stderr: string

  constructor(command: string, code: number | null, stderr: string) {
    super(`${command}: exit ${code}\n${stderr.trim().split('\n').slice(-20).join('\n')}`)
    this.name = 'CommandError'
    this.code = code
    this.stderr = stderr
  }
}

export interface RunOptions extends Pick<SpawnOptions, 'cwd' | 'env'> {
  /** Written to the command's standard input, which is empty otherwise. */
  input?: string
  /** Shows the command's output on our stderr instead of collecting it. */
  show?: boolean
}

/** Runs a command to its end and resolves to its standard output; rejects with a CommandError. */
export function run(command: string[], options: RunOptions = {}): Promise<string> {
  const [file, ...args] = command as [string, ...string[]]
  const output = options.show ? 2 : 'pipe'
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', output, output],
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
  // A command that does not read its input says why on stderr; EPIPE would hide that.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input)
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new CommandError(file, null, error.message)))
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString())
      else reject(new CommandError(command.slice(0, 6).join(' '), code, Buffer.concat(err).toString()))
    })
  })
}

/**
 * Asks `probe` until it answers something other than undefined, at most `timeoutMs` long. The error names `what` was
 * waited for and the last reason why it was not there. For things outside this process, which send no event.
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined>,
  intervalMs = 250,
): Promise<T> {
  const deadline = systemClock.nowMs() + timeoutMs
  let reason = ''
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== undefined) return answer
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      reason = `: ${error.message}`
    }
    if (systemClock.nowMs() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}${reason}`)
    await sleep(intervalMs)
  }
}
