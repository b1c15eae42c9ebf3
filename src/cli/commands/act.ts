import type { ActionBody, Verb } from '../../admin/index.ts'
import type { AdminClient, Done, GateName } from '../client.ts'
import type { CliContext } from '../context.ts'
import { Exit } from '../exit.ts'
import { type Aim, followRelease } from '../follow.ts'
import { resolveGate } from '../gate-name.ts'
import { connect, type RemoteOptions, type WaitOptions } from '../options.ts'
import { print } from '../print.ts'
import { gateText } from '../render/gates.ts'

export interface ActOptions extends RemoteOptions, WaitOptions {
  image?: string
  revision?: string
}

/** `streamgate start|pause|resume|skip|promote|abort|rollback|retry GATE` */
export async function act(context: CliContext, verb: Verb, typed: string, options: ActOptions): Promise<number> {
  const { image, revision } = options
  const body: ActionBody = {}
  if (image !== undefined) body.image = image
  if (revision !== undefined) body.revision = revision
  return perform(context, verb, typed, body, options)
}

/** `streamgate deploy GATE IMAGE`: a start with an image. */
export async function deploy(
  context: CliContext,
  typed: string,
  image: string,
  options: ActOptions & { timeout?: number; step?: number },
): Promise<number> {
  const body: ActionBody = { image }
  if (options.timeout !== undefined) body.readyTimeoutSeconds = options.timeout
  if (options.step !== undefined) body.stepSeconds = options.step
  return perform(context, 'start', typed, body, options)
}

async function perform(
  context: CliContext,
  verb: Verb,
  typed: string,
  body: ActionBody,
  options: ActOptions,
): Promise<number> {
  const client = connect(options, context)
  const gate = await resolveGate(client, typed)
  const done = await client.act(gate, verb, body)
  if (!options.wait || done.gate.release === null) {
    await print(context.stdout, options.output, done, () => [said(done)])
    return Exit.done
  }
  // A rollback to a revision is a release of its own, which must get through.
  const back = verb === 'abort' || (verb === 'rollback' && body.revision === undefined)
  return wait(context, client, gate, back ? 'back' : 'forward', done, options)
}

const said = (done: Done): string => `${gateText(done.gate)}: ${done.message}`

/** Lines go to stderr where stdout is for a program. */
async function wait(
  context: CliContext,
  client: AdminClient,
  gate: GateName,
  aim: Aim,
  done: Done,
  options: ActOptions,
): Promise<number> {
  const data = options.output === 'json' || options.output === 'yaml'
  const output = data ? context.stderr : context.stdout
  output.write(`${said(done)}\n`)
  const end = await followRelease(context, client, gate, done.gate.release!.id, aim, options.waitTimeout, output)
  if (data) await print(context.stdout, options.output, end.record ?? done, () => [])
  return end.exitCode
}
