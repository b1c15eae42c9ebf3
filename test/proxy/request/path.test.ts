import fc from 'fast-check'
import t from 'tap'
import { isPlainPath, loosePathOf, routePathOf } from '../../../src/proxy/request/path.ts'

t.test('readings of a path', async (t) => {
  const table: [path: string, strict: string, loose: string][] = [
    ['/', '/', '/'],
    ['/a/b', '/a/b', '/a/b'],
    ['/%61dmin', '/admin', '/admin'],
    ['/a%2db%5F%7e', '/a-b_~', '/a-b_~'],
    ['/caf%c3%a9', '/caf%C3%A9', '/caf%C3%A9'],
    ['/caf\xc3\xa9', '/caf%C3%A9', '/caf%C3%A9'],
    ['/a%2fb', '/a%2Fb', '/a/b'],
    ['/a%5Cb', '/a%5Cb', '/a/b'],
    ['/a\\b', '/a\\b', '/a/b'],
    ['//a', '//a', '/a'],
    ['/a//b/', '/a//b/', '/a/b'],
    ['/./a', '/./a', '/a'],
    ['/%2e/a/.', '/./a/.', '/a'],
    ['/a/.;x/b', '/a/.;x/b', '/a/b'],
    ['/a;v=1/b', '/a;v=1/b', '/a;v=1/b'],
    ['/.well-known/x', '/.well-known/x', '/.well-known/x'],
    ['/a..b/...', '/a..b/...', '/a..b/...'],
    ['/100%', '/100%', '/100%'],
    ['/%zz%4', '/%zz%4', '/%zz%4'],
    ['/%252e%252e/a', '/%252e%252e/a', '/%252e%252e/a'],
  ]
  for (const [path, strict, loose] of table) {
    t.equal(routePathOf(path), strict, path)
    t.equal(loosePathOf(strict), loose, path)
  }
})

t.test('a plain path is its own reading', async (t) => {
  const piece = fc.constantFrom('/', '.', '..', '%', '2', 'e', 'F', '\\', ';', 'a', '-', '\xe9', '\x7f', '%2f', '%41')
  let plain = 0
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const path = `/${pieces.join('')}`
      if (!isPlainPath(path)) return true
      plain++
      const loose = loosePathOf(path)
      return routePathOf(path) === path && (loose === path || `${loose}/` === path)
    }),
    { seed: 1, numRuns: 5000 },
  )
  t.ok(plain > 200, `${plain} plain paths`)
})

t.test('the loose reading is final: nothing is left in it to be read otherwise', async (t) => {
  const byte = fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code))
  const unit = fc.oneof(byte, fc.constantFrom('%', '%2', '%41', '%2f', '%2e', '/', '.'))
  let read = 0
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 20 }), (text) => {
      const once = routePathOf(`/${text}`)
      if (once === undefined) return true
      const loose = loosePathOf(once)
      if (loose === undefined) return true
      read++
      return loosePathOf(loose) === loose && !/\\|%2F|%5C|\/\/|\/\.\.?(\/|$)/.test(loose)
    }),
    { seed: 2, numRuns: 3000 },
  )
  t.ok(read > 500, `${read} paths`)
})
