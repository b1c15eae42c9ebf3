import { runCli } from './cli/index.ts'
import { systemClock } from './clock.ts'
import { VERSION } from './version.ts'

const argv = process.argv.slice(2)
const interrupt = new AbortController()
// `run` and `demo` drain on signals themselves; all other commands end at once, having put the terminal right.
if (argv[0] !== 'run' && argv[0] !== 'demo') {
  process.once('SIGINT', () => {
    interrupt.abort()
    setTimeout(() => process.exit(130), 1000).unref()
  })
}
const code = await runCli(argv, {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  clock: systemClock,
  version: () => VERSION,
  async startProgram({ config }) {
    const { run } = await import('./app/run.ts')
    return run(config, process.stderr)
  },
  async demo(options) {
    const { demo } = await import('./demo/demo.ts')
    return demo(options, process.stdout)
  },
  interrupt: interrupt.signal,
})
process.exit(code)
