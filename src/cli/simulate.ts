import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { formatConfigError } from '../config/errors.ts'
import { loadConfig } from '../config/load.ts'
import type { GateConfig } from '../config/schema.ts'
import { BUILTIN } from '../simulate/builtin.ts'
import { type Comparison, compare } from '../simulate/compare.ts'
import { parseScenario } from '../simulate/file.ts'
import { triedPolicy } from '../simulate/policy.ts'
import type { Scenario } from '../simulate/scenario.ts'
import { Trace } from '../simulate/trace.ts'

export interface SimulateOptions {
  config?: string[]
  /** An access log, JSON lines. */
  trace?: string
  /** Name of a built-in scenario, or a YAML file. */
  scenario?: string
  /** `name` or `namespace/name`; default: the only gate with a release. */
  gate?: string
  seeds?: number
  list?: boolean
  /** `json`: one Comparison on standard output. */
  output?: 'json'
}

/** Where a command prints; the process's own by default. */
interface Output {
  out(text: string): void
  err(text: string): void
}

const standard: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
}

const DEFAULT_SEEDS = 20
const DONE = 0
const USAGE = 2

/** A mistake of the caller: printed, exit code 2. */
class Usage extends Error {}

/** `streamgate simulate`: what a Gate's policy would have made of a scenario or a trace. Exit code 0 or 2. */
export async function simulateCommand(options: SimulateOptions, output: Output = standard): Promise<number> {
  try {
    if (options.list) {
      for (const { name, description } of BUILTIN) output.out(`${name.padEnd(16)}${description}\n`)
      return DONE
    }
    const gate = gateOf(options)
    const { left, ...policy } = triedPolicy(gate)
    if (left.length > 0) output.err(`not simulated: ${left.join(', ')}\n`)
    const scenario = await scenarioOf(options, gate, output)
    const comparison = compare(policy, scenario, options.seeds ?? DEFAULT_SEEDS)
    output.out(options.output === 'json' ? `${JSON.stringify(comparison)}\n` : print(comparison))
    return DONE
  } catch (error) {
    if (!(error instanceof Usage || error instanceof RangeError)) throw error
    output.err(`${error.message}\n`)
    return USAGE
  }
}

function gateOf({ config, gate }: SimulateOptions): GateConfig {
  if (!config || config.length === 0) throw new Usage('-c FILE is missing: the configuration whose policy is tried')
  const loaded = loadConfig(config)
  if (!loaded.ok) throw new Usage(loaded.errors.map(formatConfigError).join('\n'))
  const gates = loaded.config.gates.filter(({ spec }) => spec.release !== undefined)
  const nameOf = ({ metadata }: GateConfig) => `${metadata.namespace}/${metadata.name}`
  const wanted = gates.filter((one) => gate === undefined || gate === nameOf(one) || gate === one.metadata.name)
  if (wanted.length === 1) return wanted[0]!
  const known = gates.map(nameOf).join(', ')
  if (gates.length === 0) throw new Usage('no gate in the configuration has a release section')
  throw new Usage(wanted.length === 0 ? `no gate ${gate}; there are: ${known}` : `which --gate? There are: ${known}`)
}

async function scenarioOf(options: SimulateOptions, gate: GateConfig, output: Output): Promise<Scenario> {
  const { scenario: name, trace } = options
  if ((name === undefined) === (trace === undefined)) throw new Usage('either --scenario NAME or --trace FILE, please')
  if (name !== undefined) {
    const builtin = BUILTIN.find((one) => one.name === name)
    if (builtin) return builtin
    if (existsSync(name)) return parseScenario(readFileSync(name, 'utf8'), name)
    throw new Usage(`no scenario and no file ${name}; built in: ${BUILTIN.map((one) => one.name).join(', ')}`)
  }
  if (!existsSync(trace!)) throw new Usage(`no file ${trace}`)
  const { release, analysis } = gate.spec
  const recorded = new Trace({
    gate: `${gate.metadata.namespace}/${gate.metadata.name}`,
    serving: release!.serving,
    candidate: release!.candidate,
    quantile: analysis.latency.quantile,
  })
  for await (const line of createInterface({ input: createReadStream(trace!) })) recorded.add(line)
  if (recorded.skipped > 0)
    output.err(`${recorded.skipped} of ${recorded.lines} lines are not of this gate's split traffic\n`)
  return recorded.scenario(trace!)
}

/** The first run's decisions, then all runs in numbers. */
function print({ scenario, description, first, summaries }: Comparison): string {
  const at = (seconds: number) => `${seconds.toFixed(1)} s`.padStart(9)
  const lines = [`${scenario}: ${description}`, '', 'First run:']
  for (const { time, phase, step, weights, reason, message } of first.decisions) {
    const split = Object.entries(weights).map(([name, weight]) => `${name} ${weight}`)
    lines.push(
      `${at(Date.parse(time) / 1000)}  ${phase}${step > 0 ? ` ${step}` : ''} (${split.join(', ')})  ${reason}: ${message}`,
    )
  }
  lines.push(
    `${at(first.seconds)}  ${first.phase}: ${first.requests} requests, ${first.candidateRequests} on the candidate, ${first.failed} of them failed, ${first.harmed} seen by users`,
    '',
    `${summaries[0]!.runs} runs:`,
    'judged by'.padEnd(44) +
      ['promoted', 'rolled back', 'undecided', 'failed', '95 %', 'seen', 'seconds']
        .map((word) => word.padStart(12))
        .join(''),
  )
  for (const one of summaries) {
    const numbers = [
      one.promoted,
      one.rolledBack,
      one.undecided,
      one.failed.toFixed(1),
      one.failedP95,
      one.harmed.toFixed(1),
      one.seconds.toFixed(0),
    ]
    lines.push(one.policy.padEnd(44) + numbers.map((number) => String(number).padStart(12)).join(''))
  }
  lines.push(
    '',
    'failed: requests that failed on the candidate, mean and 95 %; seen: those that no rescue hid from users',
    '',
  )
  return lines.join('\n')
}
