import type { AddressInfo } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { inUrl, isLoopback } from './address.ts'
import { createApp, secureContext } from './app.ts'
import { EventHub } from './events.ts'
import { Guard } from './guard.ts'
import { type AdminOptions, type AdminServer, AdminStartError } from './options.ts'
import { PAGE, SECURITY_HEADERS } from './page.ts'
import { addRoutes } from './routes.ts'
import { SHARED } from './schemas.ts'

/** Starts the admin API. See `startAdmin`. */
export async function start(options: AdminOptions): Promise<AdminServer> {
  const guard = new Guard(options)
  const { host, log } = options
  if (!guard.authenticates && !isLoopback(host)) throw unprotected(host)
  if (!isLoopback(host) && !options.tls)
    log.warn({ host }, 'admin: tokens cross the network in clear; set spec.admin.tls')
  const app = createApp(options)
  const hub = new EventHub(options.service, options.clock)
  await addDocument(app, options)
  addHooks(app, guard)
  addPages(app)
  addRoutes(app, options.service, hub, log)
  await listen(app, options)
  const { address, port } = app.server.address() as AddressInfo
  if (!guard.authenticates && !isLoopback(address)) {
    await app.close()
    throw unprotected(`${host} (${address})`)
  }
  const url = `${options.tls ? 'https' : 'http'}://${inUrl(host)}:${port}`
  log.info({ url, authentication: guard.authenticates }, `admin API on ${url}`)
  return {
    host,
    port,
    url,
    reloadTls() {
      if (options.tls) (app.server as unknown as TlsServer).setSecureContext(secureContext(options.tls()))
    },
    async close() {
      hub.close()
      await app.close()
    },
  }
}

async function addDocument(app: FastifyInstance, options: AdminOptions): Promise<void> {
  for (const [name, schema] of Object.entries(SHARED)) app.addSchema({ ...schema, $id: name })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'StreamGate admin API', version: options.service.version().version },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      ...(options.tokens ? { security: [{ token: [] }] } : {}),
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `def-${i}`) },
  })
}

function addHooks(app: FastifyInstance, guard: Guard): void {
  app.addHook('onRequest', async (request, reply) => {
    request.state = { who: null }
    reply.headers(SECURITY_HEADERS)
    guard.checkSite(request)
    if (request.routeOptions.config.open === true) return
    const caller = guard.identify(request)
    request.state.who = caller.name
    guard.authorize(caller, request)
  })
}

function addPages(app: FastifyInstance): void {
  const page = { config: { open: true }, schema: { hide: true } as object }
  app.get('/', page, (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE))
  app.get('/openapi.json', page, (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(app.swagger())),
  )
}

async function listen(app: FastifyInstance, { host, port }: AdminOptions): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    const { code, message } = error as NodeJS.ErrnoException
    const where = `${inUrl(host)}:${port}`
    if (code === 'EADDRINUSE') {
      const out = 'Stop what listens there, or set another spec.admin.port of the Proxy (0 = any free one).'
      throw new AdminStartError('port-in-use', `admin: port ${port} on ${host} is in use. ${out}`, { cause: error })
    }
    throw new AdminStartError('cannot-listen', `admin: cannot listen on ${where}: ${message}`, { cause: error })
  }
}

const unprotected = (host: string): AdminStartError =>
  new AdminStartError(
    'no-authentication',
    `admin: ${host} is not loopback and nothing authenticates. Set spec.admin.tokens, or spec.admin.tls.clientCAFile, or host 127.0.0.1.`,
  )
