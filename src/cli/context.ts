import type { Clock } from '../clock.ts'

/** What the command line writes to; a process's stdout or stderr, or a test's collector. */
export interface Output {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
  rows?: number
}

/** What the `run` command asks of the program. */
export interface RunOptions {
  /** Files or folders, as given. */
  config: string[]
}

/** What the `demo` command asks of the program. */
export interface DemoOptions {
  /** Stay up when the show is over. */
  keep: boolean
}

/** All that the command line needs from outside. */
export interface CliContext {
  stdout: Output
  stderr: Output
  env: Record<string, string | undefined>
  clock: Clock
  /** Version of StreamGate, read only when it is printed. */
  version(): string
  /** Runs the proxy until it is told to stop; resolves with the exit code. */
  startProgram(options: RunOptions): Promise<number>
  /** Runs the demo; resolves with the exit code. */
  demo(options: DemoOptions): Promise<number>
  /** Aborted when the user presses Ctrl-C; `status --watch` and `--wait` end then. Left out: nothing interrupts. */
  interrupt?: AbortSignal
}
