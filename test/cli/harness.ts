import { runCli } from '../../src/cli/index.ts'
import { systemClock } from '../../src/clock.ts'

/** What a command printed and its exit code. */
export interface Printed {
  code: number
  out: string
  err: string
}

export interface Terminal {
  isTTY?: boolean
  columns?: number
  rows?: number
}

export interface Setting {
  env?: Record<string, string>
  terminal?: Terminal
  interrupt?: AbortSignal
  /** Called after each write to stdout, with all of it. */
  onOut?: (out: string) => void
  started?: object[]
}

/** Runs a command with captured streams. */
export async function cli(argv: readonly string[], setting: Setting = {}): Promise<Printed> {
  const printed: Printed = { code: -1, out: '', err: '' }
  const started = setting.started ?? []
  printed.code = await runCli(argv, {
    stdout: {
      ...setting.terminal,
      write: (text) => {
        printed.out += text
        setting.onOut?.(printed.out)
      },
    },
    stderr: {
      write: (text) => {
        printed.err += text
      },
    },
    env: setting.env ?? {},
    clock: systemClock,
    version: () => '1.2.3',
    startProgram: async (options) => started.push({ run: options }) - 1,
    demo: async (options) => started.push({ demo: options }) - 1,
    ...(setting.interrupt ? { interrupt: setting.interrupt } : {}),
  })
  return printed
}

/** Words of a command line. */
export const words = (line: string): string[] => line.split(' ').filter((word) => word !== '')
