import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { CliContext } from './context.ts'
import { CliError, Exit } from './exit.ts'
import { seconds } from './options.ts'
import { VERB_TEXTS, VERBS } from './verbs.ts'

/** What a command does; loaded only when it is the one that runs. */
type Run = () => Promise<number>

/** Runs one command to its exit code. Every error ends here, in words. */
export async function runProgram(argv: readonly string[], context: CliContext): Promise<number> {
  let code: number = Exit.done
  const program = createProgram(context, async (run) => {
    code = await run()
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.done : Exit.usage
    if (error instanceof CliError) {
      context.stderr.write(`error: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`)
      return error.exitCode
    }
    context.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
    return Exit.failed
  }
}

/** The tree of commands: what may be typed, and nothing of what it does. */
export function createProgram(context: CliContext, start: (run: Run) => Promise<void>): Command {
  const program = new Command('streamgate')
    .description('Traffic-splitting edge proxy with a built-in release controller.')
    .version(context.version(), '-V, --version', 'print the version')
    .helpCommand('help [COMMAND]', 'help of a command')
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns ?? 80,
      getErrHelpWidth: () => context.stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .showHelpAfterError('Use --help for what is possible.')
    .addHelpText(
      'after',
      `\nExamples:\n${indent('streamgate demo\nstreamgate run -c shop.yaml\nstreamgate status shop --watch')}`,
    )
  const command = (usage: string, description: string, example: string): Command =>
    program
      .command(usage)
      .description(description)
      .addHelpText('after', `\nExample:\n${indent(example)}`)

  command('run', 'run the proxy and its controller', 'streamgate run -c shop.yaml')
    .requiredOption('-c, --config <path...>', 'files or folders of the configuration')
    .action(({ config }) => start(() => context.startProgram({ config })))
  command('demo', 'a proxy, sample backends and load, live', 'streamgate demo')
    .option('--keep', 'stay up at the end', false)
    .action(({ keep }) => start(() => context.demo({ keep })))
  command('check', 'check configuration files', 'streamgate check shop.yaml\nstreamgate check --print-config shop.yaml')
    .argument('<file...>', 'files or folders')
    .option('--print-config', 'print the configuration with all defaults')
    .addOption(new Option('-o, --output <format>', 'format').choices(['json']))
    .action((files, options) =>
      start(async () => (await import('./check.ts')).checkCommand(files, options, streams(context))),
    )
  addRemote(command, context, start)
  command(
    'simulate',
    'try a release policy on a scenario or a recorded trace',
    'streamgate simulate -c shop.yaml --scenario fails-5\nstreamgate simulate -c shop.yaml --trace access.log',
  )
    .option('-c, --config <path...>', 'files or folders of the configuration')
    .addOption(new Option('--trace <file>', 'access log to replay').conflicts('scenario'))
    .option('--scenario <name>', 'name of a built-in scenario, or a file')
    .option('--gate <gate>', 'gate whose policy is tried; default: the only one')
    .option('--seeds <n>', 'runs', positive)
    .option('--list', 'list the scenarios')
    .addOption(new Option('-o, --output <format>', 'format').choices(['json']))
    .action((options) => start(async () => (await import('./simulate.ts')).simulateCommand(options)))
  command('completion', 'print a completion script', 'source <(streamgate completion bash)')
    .addArgument(new Argument('<shell>', 'shell').choices(['bash', 'zsh', 'fish']))
    .action((shell) =>
      start(async () => (await import('./commands/completion.ts')).completion(context, program, shell)),
    )
  command('version', 'print the version', 'streamgate version -o json')
    .addOption(new Option('-o, --output <format>', 'format').choices(['json', 'yaml']))
    .action((options) => start(async () => (await import('./commands/version.ts')).version(context, options)))
  return program
}

/** Commands that speak to the admin API. */
function addRemote(
  command: (usage: string, description: string, example: string) => Command,
  context: CliContext,
  start: (run: Run) => Promise<void>,
): void {
  const gate = 'NAME or NAMESPACE/NAME'
  remote(command('status', 'show all gates, or one', 'streamgate status\nstreamgate status shop --watch'))
    .argument('[gate]', gate)
    .option('-w, --watch', 'follow live', false)
    .action((name, options) => start(async () => (await import('./commands/status.ts')).status(context, name, options)))
  remote(command('weights', 'set weights by hand', 'streamgate weights shop stable=90 canary=10'))
    .argument('<gate>', gate)
    .argument('<variant=percent...>', 'weights; 100 in all')
    .option('--force', 'pause a running release', false)
    .action((name, weights, options) =>
      start(async () => (await import('./commands/weights.ts')).weights(context, name, weights, options)),
    )
  for (const verb of VERBS) {
    const { summary, example } = VERB_TEXTS[verb]
    const added = waiting(remote(command(verb, summary, example))).argument('<gate>', gate)
    if (verb === 'start') added.option('--image <image>', 'image of the candidate')
    if (verb === 'start') added.option('--revision <name>', 'name of what is released')
    if (verb === 'rollback') added.option('--revision <name>', 'recorded revision or release to go back to')
    added.action((name, options) =>
      start(async () => (await import('./commands/act.ts')).act(context, verb, name, options)),
    )
  }
  remote(
    command(
      'history',
      "a gate's releases, or one with its decisions",
      'streamgate history shop\nstreamgate history shop 7f3a',
    ),
  )
    .argument('<gate>', gate)
    .argument('[release]', 'id of a release')
    .action((name, id, options) =>
      start(async () => (await import('./commands/history.ts')).history(context, name, id, options)),
    )
  waiting(
    remote(
      command(
        'deploy',
        'release an image, by the strategy of the gate',
        'streamgate deploy shop registry.example/shop:v2 --wait',
      ),
    ),
  )
    .argument('<gate>', gate)
    .argument('<image>', 'image of the candidate')
    .option('--timeout <time>', 'readiness limit of each rollout: seconds, or 90s, 5m', seconds)
    .option('--step <time>', "each step's least duration: seconds, or 90s, 5m", seconds)
    .action((name, image, options) =>
      start(async () => (await import('./commands/act.ts')).deploy(context, name, image, options)),
    )
  command('setup', 'set a cluster up: custom resources, proxy, autoscalers', 'streamgate setup crds')
    .addArgument(new Argument('<part>', 'what to set up').choices(['crds', 'proxy', 'hpa', 'vpa']))
    .argument('[gate]', gate)
    .action((part) => start(async () => (await import('./commands/setup.ts')).setup(context, part)))
}

/** The context's outputs as `check` and `simulate` take them. */
const streams = ({ stdout, stderr }: CliContext) => ({
  out: (text: string) => stdout.write(text),
  err: (text: string) => stderr.write(text),
})

/** Options of all that speaks to the admin API. */
function remote(command: Command): Command {
  return command
    .option('--server <url>', 'admin API (STREAMGATE_SERVER; default http://127.0.0.1:8081)')
    .option('--token <token>', 'bearer token (STREAMGATE_TOKEN); others can see it in the list of processes')
    .option('--token-file <file>', 'file that holds the token (STREAMGATE_TOKEN_FILE)')
    .option('--ca-file <file>', "CA of the server's certificate (STREAMGATE_CA_FILE)")
    .option('--cert-file <file>', 'client certificate (STREAMGATE_CERT_FILE)')
    .option('--key-file <file>', 'its key (STREAMGATE_KEY_FILE)')
    .addOption(new Option('-o, --output <format>', 'format').choices(['json', 'yaml', 'wide']))
}

/** Options of all that can wait for the end of a release. */
function waiting(command: Command): Command {
  return command
    .option('--wait', 'wait for the end of the release', false)
    .option('--wait-timeout <time>', 'give up waiting after this: seconds, or 90s, 5m; 0: never', seconds, 0)
}

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1.')
  return value
}

const indent = (text: string): string => text.replace(/^/gm, '  ')
