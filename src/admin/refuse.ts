import type { FastifyReply, FastifyRequest } from 'fastify'
import { audit } from './audit.ts'
import type { AdminLog } from './options.ts'
import { SECURITY_HEADERS } from './page.ts'
import { problem, toProblem } from './problem.ts'

/** The one place where an error becomes an answer, and a refused write a line of the audit log. What is not known is logged and shows nothing. */
export function sendError(log: AdminLog, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  let known = toProblem(error)
  if (known === undefined) {
    log.error({ err: error, method: request.method, path: pathOf(request) }, 'admin: internal error')
    known = problem('internal', 'The error is in the log.')
  }
  // A request that the framework refuses has not met our hooks.
  if (request.state) {
    request.state.code = known.problem.code
    audit(log, request, known.problem.status)
  }
  reply
    .code(known.problem.status)
    .headers({ ...SECURITY_HEADERS, ...known.headers })
    .type('application/problem+json')
    .send(JSON.stringify(known.problem))
}

/** The path without its query, bounded. */
export const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0]!.slice(0, 200)

/** What the validator says of a mistake. */
export interface Invalid {
  instancePath: string
  message?: string
  params: object
}

/** A mistake in words: `body/weights/stable must be number`. */
export function describeInvalid(error: Invalid | undefined, where: string): string {
  if (error === undefined) return `${where} is not valid`
  const { additionalProperty, allowedValues } = error.params as {
    additionalProperty?: string
    allowedValues?: string[]
  }
  const place = `${where}${error.instancePath}`
  if (additionalProperty !== undefined) return `${place} has an unknown key ${JSON.stringify(additionalProperty)}`
  return `${place} ${error.message ?? 'is not valid'}${allowedValues ? `: ${allowedValues.join(', ')}` : ''}`
}
