import type {
  ActionBody,
  DecisionEvent,
  GateView,
  ReleaseRecord,
  ReleaseSummary,
  Verb,
  VersionView,
} from '../admin/index.ts'
import { CliError, Exit } from './exit.ts'
import { EventParser } from './sse.ts'
import { open, type Reply, send, type Target, unreachable } from './transport.ts'

/** What the API sends while it is watched. */
export type WatchEvent =
  | { event: 'gate'; gate: GateView }
  | { event: 'decision'; decision: DecisionEvent }
  | { event: 'removed'; namespace: string; name: string }

export interface Done {
  message: string
  gate: GateView
}

/** Names a gate. */
export interface GateName {
  namespace: string
  name: string
}

/** The admin API as calls. All reject with a CliError that says what is wrong. */
export class AdminClient {
  readonly target: Target

  constructor(target: Target) {
    this.target = target
  }

  version = (): Promise<VersionView> => this.#call('GET', '/v1/version')
  gates = async (): Promise<GateView[]> => (await this.#call<{ items: GateView[] }>('GET', '/v1/gates')).items
  gate = (gate: GateName): Promise<GateView> => this.#call('GET', pathOf(gate))
  releases = async (gate: GateName): Promise<ReleaseSummary[]> =>
    (await this.#call<{ items: ReleaseSummary[] }>('GET', `${pathOf(gate)}/releases`)).items
  release = (gate: GateName, id: string): Promise<ReleaseRecord> =>
    this.#call('GET', `${pathOf(gate)}/releases/${encodeURIComponent(id)}`)
  setWeights = (gate: GateName, weights: Record<string, number>, force: boolean): Promise<Done> =>
    this.#call('PUT', `${pathOf(gate)}/weights`, { weights, ...(force ? { force } : {}) })
  act = (gate: GateName, verb: Verb, body: ActionBody): Promise<Done> =>
    this.#call('POST', `${pathOf(gate)}/${verb}`, body)

  /** Events of one gate or of all, from the state now, until the stream breaks (then it rejects or ends) or the signal stops it. */
  async *events(gate: GateName | undefined, signal: AbortSignal): AsyncGenerator<WatchEvent, void, undefined> {
    const only = gate ? `?gate=${encodeURIComponent(`${gate.namespace}/${gate.name}`)}` : ''
    const response = await open(this.target, 'GET', `/v1/events${only}`, undefined, signal)
    const contentType = response.headers['content-type'] ?? ''
    response.setEncoding('utf8')
    if (response.statusCode !== 200 || !contentType.startsWith('text/event-stream')) {
      let body = ''
      for await (const chunk of response) body += chunk
      throw refused(this.target, { status: response.statusCode ?? 0, contentType, body })
    }
    const parser = new EventParser()
    try {
      for await (const chunk of response) for (const event of parser.push(chunk)) yield* decode(event.event, event.data)
    } catch (error) {
      throw unreachable(this.target, error)
    }
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const reply = await send(this.target, method, path, body)
    if (reply.status !== 200) throw refused(this.target, reply)
    return parse(this.target, reply.body) as T
  }
}

const pathOf = ({ namespace, name }: GateName): string =>
  `/v1/gates/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`

function* decode(event: string, data: string): Generator<WatchEvent> {
  if (event === 'gate') yield { event, gate: JSON.parse(data) }
  else if (event === 'decision') yield { event, decision: JSON.parse(data) }
  else if (event === 'removed') yield { event, ...(JSON.parse(data) as GateName) }
}

function parse(target: Target, body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw stranger(target)
  }
}

/** What a status that is not 200 means for who typed the command. */
function refused(target: Target, { status, contentType, body }: Reply): CliError {
  if (!contentType.startsWith('application/problem+json')) return stranger(target)
  const { detail, code } = parse(target, body) as { detail: string; code: string }
  if (status === 401) {
    return new CliError(Exit.usage, `${target.server}: ${detail}`, 'Use --token-file, or set STREAMGATE_TOKEN.')
  }
  const usage = status === 400 || status === 403 || status === 404
  return new CliError(usage ? Exit.usage : Exit.failed, usage ? detail : `${detail} (${code})`)
}

const stranger = (target: Target): CliError =>
  new CliError(Exit.unreachable, `${target.server} is not a StreamGate admin API.`, 'Use --server.')
