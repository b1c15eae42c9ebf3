import fc from 'fast-check'
import t from 'tap'
import { AMBIGUOUS, compileRoutes, matchRoute, NO_ROUTE } from '../../../src/proxy/route/router.ts'
import type { RouteSpec } from '../../../src/proxy/snapshot.ts'

/** Routes by `host path` in order; the gate is the index. */
function routes(...lines: string[]): RouteSpec[] {
  return lines.map((line, gate) => {
    const [host, pathPrefix] = line.split(' ') as [string, string]
    return host === '-' ? { pathPrefix, gate } : { host, pathPrefix, gate }
  })
}

t.test('prefixes match on segment boundaries', async (t) => {
  const router = compileRoutes(routes('- /a', '- /a/b/', '- /caf%c3%a9', '- /ü'))
  const expected: [string, number][] = [
    ['/a', 0],
    ['/a/', 0],
    ['/a/c', 0],
    ['/ab', NO_ROUTE],
    ['/', NO_ROUTE],
    ['/a/b', 1],
    ['/a/b/', 1],
    ['/a/b/c', 1],
    ['/a/bc', 0],
    ['/a/b-c', 0],
    ['/A', NO_ROUTE],
    ['/caf%C3%A9/x', 2],
    ['/%C3%BC', 3],
  ]
  for (const [path, gate] of expected) t.equal(router.match('x.example', path), gate, path)
})

t.test('hosts: exact, wildcard, any', async (t) => {
  const router = compileRoutes(routes('Shop.example.com. /', '*.example.com /', '*.eu.example.com /', '- /'))
  const expected: [string | undefined, number][] = [
    ['shop.example.com', 0],
    ['www.example.com', 1],
    ['a.b.example.com', 1],
    ['a.eu.example.com', 2],
    ['a.b.eu.example.com', 2],
    ['eu.example.com', 1],
    ['example.com', 3],
    ['badexample.com', 3],
    ['[::1]', 3],
    [undefined, 3],
  ]
  for (const [host, gate] of expected) t.equal(router.match(host, '/x'), gate, String(host))
})

t.test('a host without a matching path falls back to the next less specific one', async (t) => {
  const router = compileRoutes(routes('a.x.example /one', '*.x.example /two', '*.example /three', '- /four'))
  t.equal(router.match('a.x.example', '/one'), 0)
  t.equal(router.match('a.x.example', '/two'), 1)
  t.equal(router.match('a.x.example', '/three'), 2)
  t.equal(router.match('a.x.example', '/four'), 3)
  t.equal(router.match('a.x.example', '/five'), NO_ROUTE)
  t.equal(router.match('x.example', '/two'), NO_ROUTE)
  t.equal(router.match(undefined, '/one'), NO_ROUTE)
})

t.test('the first of equal routes wins; no routes match nothing', async (t) => {
  t.equal(compileRoutes(routes('a.example /x', 'A.example /x/')).match('a.example', '/x'), 0)
  t.equal(compileRoutes([]).match('a.example', '/'), NO_ROUTE)
})

t.test('a path with two readings passes where both lead to the same gate', async (t) => {
  const router = compileRoutes(routes('- /', '- /admin'))
  const ask = (routePath: string, loosePath: string) => matchRoute(router, { host: 'a.example', routePath, loosePath })
  t.equal(ask('/npm/@scope%2Fname', '/npm/@scope/name'), 0)
  t.equal(ask('/admin/a%2Fb', '/admin/a/b'), 1)
  t.equal(ask('//admin', '/admin'), AMBIGUOUS)
  t.equal(ask('/./admin', '/admin'), AMBIGUOUS)
  t.equal(ask('/%2Fadmin', '/admin'), AMBIGUOUS)
  t.equal(ask('/admin%2Fx', '/admin/x'), AMBIGUOUS)
  t.equal(ask('/admin\\x', '/admin/x'), AMBIGUOUS)
  const only = compileRoutes(routes('- /admin'))
  t.equal(matchRoute(only, { host: 'a', routePath: '//admin', loosePath: '/admin' }), AMBIGUOUS)
  t.equal(matchRoute(only, { host: 'a', routePath: '//x', loosePath: '/x' }), NO_ROUTE)
})

t.test('agrees with trying all routes in order of precedence', async (t) => {
  const label = fc.constantFrom('a', 'b', 'c')
  const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
  const segment = fc.constantFrom('x', 'y', 'xy', 'x-y', 'x.y', '%20', '~')
  const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`)
  const host = fc.oneof(
    fc.constant(undefined),
    name,
    name.map((rest) => `*.${rest}`),
  )
  const table = fc.array(fc.tuple(host, path), { maxLength: 25 })

  const rank = (pattern: string | undefined, asked: string | undefined): number => {
    if (pattern === undefined) return 0
    if (asked === undefined) return -1
    if (!pattern.startsWith('*')) return pattern === asked ? 1000 : -1
    return asked.endsWith(pattern.slice(1)) && asked.length > pattern.length - 1 ? pattern.length : -1
  }
  let found = 0
  fc.assert(
    fc.property(
      table,
      fc.array(fc.tuple(fc.option(name, { nil: undefined }), path), { minLength: 5 }),
      (lines, asks) => {
        const specs = lines.map(
          ([h, p], gate): RouteSpec => (h === undefined ? { pathPrefix: p, gate } : { host: h, pathPrefix: p, gate }),
        )
        const router = compileRoutes(specs)
        for (const [askedHost, askedPath] of asks) {
          let best = NO_ROUTE
          let bestRank = -1
          let bestLength = -1
          for (const { host: h, pathPrefix, gate } of specs) {
            const prefix = pathPrefix === '/' ? '' : pathPrefix
            if (askedPath !== prefix && !askedPath.startsWith(`${prefix}/`)) continue
            const hostRank = rank(h, askedHost)
            if (hostRank < 0) continue
            if (hostRank > bestRank || (hostRank === bestRank && prefix.length > bestLength)) {
              best = gate
              bestRank = hostRank
              bestLength = prefix.length
            }
          }
          if (best >= 0) found++
          if (router.match(askedHost, askedPath) !== best) return false
        }
        return true
      },
    ),
    { seed: 7, numRuns: 1500 },
  )
  t.ok(found > 1000, `${found} matches`)
})

t.test('a host of many labels and a path of many segments cost little', async (t) => {
  const router = compileRoutes(routes('*.example /', ...Array.from({ length: 1000 }, (_, i) => `- /${i}`)))
  t.equal(router.match(`${'a.'.repeat(120)}example`, `/${'x/'.repeat(8000)}`), 0)
  t.equal(router.match('other', `/999/${'x/'.repeat(8000)}`), 1000)
})
