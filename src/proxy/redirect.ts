import type { Clock } from '../clock.ts'
import type { ErrorCode } from './errors.ts'
import type { Downstream, DownstreamEvents } from './exchange/downstream.ts'
import { problemBody, problemHeaders } from './exchange/refusal.ts'
import { endLingering } from './http1/linger.ts'
import type { UpgradeRequest } from './http1/upgrade-request.ts'
import type { Connection } from './listen/connection.ts'
import type { Frontend } from './listen/frontend.ts'
import { problemOf } from './problem.ts'
import { checkHead } from './request/check.ts'
import type { LimitSpec } from './snapshot.ts'

const NOBODY: DownstreamEvents = { onDrain() {}, onAbort() {} }

/**
 * A listener with `redirect: https`: every request is sent to the same address over https with 308, which keeps method and
 * body. Without a port, since what clients see in front of a load balancer is 443 whatever the listeners are bound to.
 */
export class Redirect implements Frontend {
  readonly clock: Clock
  readonly #front: Frontend
  readonly #limits: () => LimitSpec

  constructor(front: Frontend, limits: () => LimitSpec) {
    this.#front = front
    this.#limits = limits
    this.clock = front.clock
  }

  get draining(): boolean {
    return this.#front.draining
  }

  request(downstream: Downstream): void {
    downstream.attach(NOBODY)
    const { method, target, rawHeaders, httpVersion, authority } = downstream
    const limits = this.#limits()
    const head = checkHead({ method, target, rawHeaders, httpVersion, authority, limits })
    if (head.ok && head.host !== undefined) {
      const location = `https://${head.host}${head.path === '*' ? '/' : head.path}`
      downstream.respond(308, ['location', location, 'content-length', '0'])
    } else {
      const code: ErrorCode = head.ok ? 'bad-host' : head.code
      downstream.respond(problemOf(code).status, problemHeaders(code, ''))
      if (method !== 'HEAD') downstream.write(problemBody(code))
    }
    downstream.end([])
  }

  upgrade(request: UpgradeRequest): void {
    const code = 'bad-request'
    request.respond(problemOf(code).status, [...problemHeaders(code, ''), 'connection', 'close'])
    endLingering(request.socket, this.clock, problemBody(code))
  }

  refused(connection: Connection, code: ErrorCode): void {
    this.#front.refused(connection, code)
  }
}
