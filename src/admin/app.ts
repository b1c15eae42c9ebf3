import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { type AdminOptions, AdminStartError, type TlsMaterial } from './options.ts'
import { problem } from './problem.ts'
import { describeInvalid, type Invalid, pathOf, sendError } from './refuse.ts'

const MAX_BODY_BYTES = 64 * 1024
const MAX_HEAD_BYTES = 16 * 1024
/** A request must be in by then. Event streams are answers and may last. */
const REQUEST_MS = 30_000

/** The framework, set to be strict: what is not right is refused, and every error is a problem document. */
export function createApp(options: AdminOptions): FastifyInstance {
  const settings = {
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 507 },
    // Nothing is corrected, cut away or filled in.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
    schemaErrorFormatter: (errors: Invalid[], where: string) => new Error(describeInvalid(errors[0], where)),
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      sendError(options.log, error, request, reply)
    },
    http: { maxHeaderSize: MAX_HEAD_BYTES },
    ...(options.tls ? { https: { maxHeaderSize: MAX_HEAD_BYTES, ...secureContext(options.tls()) } } : {}),
  }
  let app: FastifyInstance
  try {
    app = fastify(settings as object) as unknown as FastifyInstance
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AdminStartError('bad-certificate', `admin: the TLS certificate or key cannot be used: ${why}`, {
      cause: error,
    })
  }
  app.decorateRequest('state')
  // Views are sent as the program gives them: the schemas describe them, they do not cut them.
  app.setSerializerCompiler(() => JSON.stringify)
  app.removeAllContentTypeParsers()
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, {})
    else parse(request, body as string, done)
  })
  app.setErrorHandler((error, request, reply) => sendError(options.log, error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    sendError(
      options.log,
      problem('not-found', `Nothing at ${request.method} ${pathOf(request)}. See /openapi.json.`),
      request,
      reply,
    ),
  )
  return app
}

/** What a TLS server is made of. */
export function secureContext(tls: TlsMaterial): object {
  const client = tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }
  return { cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2', ...client }
}
