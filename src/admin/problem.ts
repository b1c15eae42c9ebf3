/** Errors of the admin API: RFC 9457 documents with a `code` that scripts rely on. */

/** Every code of the API itself with its status and title. Refused actions bring codes of their own. */
export const PROBLEMS = {
  'bad-request': { status: 400, title: 'Bad request' },
  invalid: { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'Authentication is needed' },
  forbidden: { status: 403, title: 'Not allowed' },
  'host-not-allowed': { status: 403, title: 'Host is not allowed' },
  'origin-not-allowed': { status: 403, title: 'Origin is not allowed' },
  'not-found': { status: 404, title: 'Not found' },
  'gate-not-found': { status: 404, title: 'No such gate' },
  'release-not-found': { status: 404, title: 'No such release' },
  'method-not-allowed': { status: 405, title: 'Method is not allowed' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON' },
  'too-many-failures': { status: 429, title: 'Too many failed attempts' },
  internal: { status: 500, title: 'Internal error' },
  'too-many-streams': { status: 503, title: 'Too many event streams' },
} as const

export type ProblemCode = keyof typeof PROBLEMS

/** An RFC 9457 document. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: string
}

/** Ends the handling of a request with a problem; `headers` go with it. */
export class AdminProblem extends Error {
  override name = 'AdminProblem'
  readonly problem: Problem
  readonly headers: Record<string, string>
  constructor(problem: Problem, headers: Record<string, string> = {}) {
    super(problem.detail)
    this.problem = problem
    this.headers = headers
  }
}

/** A problem of the table. */
export function problem(code: ProblemCode, detail: string, headers?: Record<string, string>): AdminProblem {
  const { status, title } = PROBLEMS[code]
  return new AdminProblem({ type: 'about:blank', title, status, detail, code }, headers)
}

/** A refusal by the program, under its own code. */
export function refusal(status: number, code: string, detail: string): AdminProblem {
  const title = status === 409 ? 'Not possible now' : status === 404 ? 'Not found' : 'Refused'
  return new AdminProblem({ type: 'about:blank', title, status, detail, code })
}

/** What the framework throws before a handler runs. Anything that is not known is an internal error and shows nothing. */
const FRAMEWORK: Record<string, [ProblemCode, string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', 'The body is larger than 64 KiB.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'Send JSON with content-type: application/json.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad-request', 'The body is not as long as content-length says.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['bad-request', 'The body is not valid JSON.'],
  FST_ERR_BAD_URL: ['bad-request', 'The path is not a valid URL path.'],
  FST_ERR_MAX_PARAM_LENGTH: ['not-found', 'A name in the path is too long.'],
}

/** Any error as a problem; undefined: internal, to be logged and not shown. */
export function toProblem(error: unknown): AdminProblem | undefined {
  if (error instanceof AdminProblem) return error
  if (!(error instanceof Error)) return undefined
  const { code, validation, statusCode } = error as Error & Record<string, unknown>
  if (Array.isArray(validation)) return problem('invalid', `${error.message}.`)
  if (typeof code === 'string' && Object.hasOwn(FRAMEWORK, code)) return problem(...FRAMEWORK[code]!)
  if (error instanceof SyntaxError || (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)) {
    return problem('bad-request', 'The request cannot be read.')
  }
  return undefined
}
