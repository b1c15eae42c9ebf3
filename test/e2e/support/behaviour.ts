import type { BackendOptions } from '../../support/backend.ts'

/** How a version misbehaves: the same in every run, so that nothing hangs on chance but the split. */

/** Every `every`-th request, from number `first` on (counted from 1), is answered with 500. */
export function failing(every: number, first = every): BackendOptions {
  let n = 0
  return {
    handle(_request, response) {
      if (++n < first || (n - first) % every !== 0) return false
      response.statusCode = 500
      response.end('failed')
      return true
    },
  }
}

/** Accepts every request and answers none. */
export const silent: BackendOptions = { handle: () => true }

/** The first `count` requests take `ms` longer, as those of a program that was just started do. */
export function coldStart(count: number, ms: number): BackendOptions {
  let n = 0
  return {
    handle(_request, response) {
      if (++n > count) return false
      setTimeout(() => response.end('cold'), ms)
      return true
    },
  }
}
