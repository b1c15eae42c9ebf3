import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { audit } from './audit.ts'
import { type EventHub, MAX_STREAMS } from './events.ts'
import { findGate, findRelease, findReleases } from './gates.ts'
import type { AdminLog } from './options.ts'
import { problem, refusal } from './problem.ts'
import { ACTION_BODIES, answer, DESCRIPTIONS, EVENTS_TEXT, params, reads } from './schemas.ts'
import type { ActionResult, GateService } from './service.ts'
import { type ActionBody, VERBS, WeightsBody } from './views.ts'
import { checkWeights } from './weights.ts'

/** What a request carries through its handling. */
export interface RequestState {
  /** Who asks; null until that is known. */
  who: string | null
  /** The action, of a write. */
  action?: string
  /** Why it was refused. */
  code?: string
  /** What came of it. */
  message?: string
  /** The body, once it is known to be valid. */
  asked?: unknown
  /** Its line is in the audit log. */
  audited?: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    state: RequestState
  }
  interface FastifyContextConfig {
    /** A write: what it is called in the audit log. */
    action?: string
    /** Shows nothing of the gates: no token is asked for. */
    open?: boolean
  }
}

interface GateParams {
  namespace: string
  name: string
}

const GATE = '/v1/gates/:namespace/:name'

/** All calls of the API. */
export function addRoutes(app: FastifyInstance, service: GateService, hub: EventHub, log: AdminLog): void {
  app.get('/v1/version', reads('getVersion', 'Version', 'VersionView'), () => service.version())
  app.get('/v1/gates', reads('listGates', 'All gates', 'GateList'), () => ({ items: service.list() }))
  app.get<{ Params: GateParams }>(
    GATE,
    reads('getGate', 'A gate', 'GateView', params.gate),
    ({ params: { namespace, name } }) => findGate(service, namespace, name),
  )
  app.get<{ Params: GateParams }>(
    `${GATE}/releases`,
    reads('listReleases', 'History, newest first', 'ReleaseList', params.gate),
    ({ params: { namespace, name } }) => ({ items: findReleases(service, namespace, name) }),
  )
  app.get<{ Params: GateParams & { id: string } }>(
    `${GATE}/releases/:id`,
    reads('getRelease', 'A release with all its decisions', 'ReleaseRecord', params.release),
    ({ params: { namespace, name, id } }) => findRelease(service, namespace, name, id),
  )
  app.get<{ Querystring: { gate?: string } }>(
    '/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'events',
        summary: 'Events',
        description: EVENTS_TEXT,
        querystring: params.events,
        produces: ['text/event-stream'],
      },
    },
    (request, reply) => stream(request, reply, service, hub),
  )
  addWrites(app, service, log)
  refuseOtherMethods(app)
}

function addWrites(app: FastifyInstance, service: GateService, log: AdminLog): void {
  app.put<{ Params: GateParams; Body: WeightsBody }>(
    `${GATE}/weights`,
    {
      config: { action: 'weights' },
      schema: {
        operationId: 'setWeights',
        summary: 'Set weights by hand',
        params: params.gate,
        body: WeightsBody,
        response: answer('ActionDone'),
      },
    },
    async (request) => {
      request.state.asked = request.body
      const { namespace, name } = request.params
      const gate = findGate(service, namespace, name)
      const checked = checkWeights(
        request.body.weights,
        gate.variants.map((variant) => variant.name),
      )
      if (!checked.ok) throw problem('invalid', checked.detail)
      const options = { force: request.body.force ?? false, who: request.state.who ?? 'unknown' }
      return settle(log, request, await service.setWeights(namespace, name, checked.weights, options))
    },
  )
  for (const verb of VERBS) {
    app.post<{ Params: GateParams; Body: ActionBody }>(
      `${GATE}/${verb}`,
      {
        config: { action: verb },
        // No body at all means no options.
        preValidation: async (request) => {
          request.body ??= {}
        },
        schema: {
          operationId: verb,
          summary: DESCRIPTIONS[verb],
          params: params.gate,
          body: ACTION_BODIES[verb],
          response: answer('ActionDone'),
        },
      },
      async (request) => {
        request.state.asked = request.body
        const { namespace, name } = request.params
        findGate(service, namespace, name)
        const who = request.state.who ?? 'unknown'
        return settle(log, request, await service.act(namespace, name, verb, request.body, who))
      },
    )
  }
}

/** The answer of a write, which goes into the audit log first, or its refusal as a problem. */
function settle(log: AdminLog, request: FastifyRequest, result: ActionResult): { message: string; gate: unknown } {
  if (!result.ok) throw refusal(result.status, result.code, result.detail)
  request.state.message = result.message
  audit(log, request, 200)
  return { message: result.message, gate: result.gate }
}

function stream(
  request: FastifyRequest<{ Querystring: { gate?: string } }>,
  reply: FastifyReply,
  service: GateService,
  hub: EventHub,
): void {
  const { gate } = request.query
  if (gate !== undefined) {
    const slash = gate.indexOf('/')
    findGate(service, slash < 0 ? 'default' : gate.slice(0, slash), gate.slice(slash + 1))
  }
  if (hub.size >= MAX_STREAMS) {
    throw problem('too-many-streams', `${MAX_STREAMS} event streams are open. Close one, or poll /v1/gates.`)
  }
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    // nginx and its relatives would hold events back.
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()
  const remove = hub.add(raw, gate === undefined || gate.includes('/') ? gate : `default/${gate}`)
  raw.on('close', remove)
  raw.on('error', remove)
}

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** A known path with another method is 405 with Allow, not 404. */
function refuseOtherMethods(app: FastifyInstance): void {
  const reads = ['/', '/openapi.json', '/v1/version', '/v1/gates', GATE, `${GATE}/releases`, `${GATE}/releases/:id`]
  const allowed: [string, HTTPMethods[]][] = [
    ...reads.map((url): [string, HTTPMethods[]] => [url, ['GET', 'HEAD']]),
    ['/v1/events', ['GET']],
    [`${GATE}/weights`, ['PUT']],
    ...VERBS.map((verb): [string, HTTPMethods[]] => [`${GATE}/${verb}`, ['POST']]),
  ]
  for (const [url, methods] of allowed) {
    const allow = methods.join(', ')
    app.route({
      url,
      method: METHODS.filter((method) => !methods.includes(method)),
      schema: { hide: true },
      handler: (request) => {
        throw problem('method-not-allowed', `${request.method} is not possible here, only ${allow}.`, { allow })
      },
    })
  }
}
