/** Exit codes of the command line. */
export const Exit = {
  done: 0,
  /** Failed, or the release did not end as it was asked to. */
  failed: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  timeout: 3,
  unreachable: 4,
  /** Ctrl-C while waiting: 128 + SIGINT, as shells say it. */
  interrupted: 130,
} as const

/** Ends the command: `message` says what and where, `hint` what to do next. */
export class CliError extends Error {
  override name = 'CliError'
  readonly exitCode: number
  readonly hint: string | undefined
  constructor(exitCode: number, message: string, hint?: string) {
    super(message)
    this.exitCode = exitCode
    this.hint = hint
  }
}
