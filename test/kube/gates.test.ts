import { join } from 'node:path'
import t from 'tap'
import { GateCatalog, type GateResource, parseWeights } from '../../src/kube/index.ts'

const variants = [
  { name: 'stable', service: { name: 'web', port: 80 } },
  { name: 'canary', service: { name: 'web-canary', port: 'http' } },
]

let uids = 0
const gate = (name: string, spec: object = {}, metadata: Partial<GateResource['metadata']> = {}): GateResource => ({
  apiVersion: 'streamgate.dev/v1alpha1',
  kind: 'Gate',
  metadata: {
    namespace: 'shop',
    name,
    uid: `u${++uids}`,
    generation: 1,
    resourceVersion: '5',
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...metadata,
  },
  spec: { hosts: [`${name}.example.com`], variants, ...spec },
})
const edited = (one: GateResource, spec: object): GateResource => ({
  ...one,
  metadata: { ...one.metadata, generation: (one.metadata.generation ?? 0) + 1 },
  spec: { ...(one.spec as object), ...spec },
})

t.test('a valid resource is the same configuration as the file', async (t) => {
  const resource = gate('web', { upstream: { timeouts: { connect: '1.5s' } }, mirror: null })
  const [admitted] = new GateCatalog().admit([resource])
  t.equal(admitted?.key, 'shop/web')
  t.equal(admitted?.problem, undefined)
  t.same(admitted?.config?.metadata, { name: 'web', namespace: 'shop' })
  t.equal(admitted?.config?.spec.upstream.timeouts.connect, 1500)
  t.equal(admitted?.config?.spec.mirror.maxBodyBytes, 65_536, 'a null means the default')
})

t.test('what did not change is not parsed again, and is the same object', async (t) => {
  const catalog = new GateCatalog()
  const resource = gate('web')
  const [first] = catalog.admit([resource])
  const touched = { ...resource, metadata: { ...resource.metadata, resourceVersion: '6', labels: { a: 'b' } } }
  const [second] = catalog.admit([touched])
  t.equal(second?.config, first?.config)
  t.equal(second?.resource, touched)
  const [third] = catalog.admit([edited(resource, { paths: ['/x'] })])
  t.same(third?.config?.spec.paths, ['/x'])
})

t.test('every mistake is told; a bad change takes nothing out of service', async (t) => {
  const catalog = new GateCatalog()
  const good = gate('web')
  const bad = edited(good, {
    paths: ['x'],
    release: { serving: 'stabel', candidate: 'canary' },
    upstream: { maxRequest: 1 },
  })
  const [refused] = catalog.admit([bad])
  t.equal(refused?.config, undefined)
  t.equal(refused?.problem?.reason, 'Invalid')
  t.match(refused?.problem?.message, /spec\.paths\[0\]: must be a path/)
  t.match(refused?.problem?.message, /spec\.upstream\.maxRequest: unknown key.*did you mean maxRequests/)
  const wrong = edited(good, { release: { serving: 'stabel', candidate: 'canary' } })
  t.match(
    new GateCatalog().admit([wrong])[0]?.problem?.message,
    /release\.serving: must be the name of a variant.*did you mean stable/,
  )

  const another = new GateCatalog()
  const before = another.admit([good])[0]?.config
  const [kept] = another.admit([bad])
  t.equal(kept?.config, before)
  t.equal(kept?.problem?.reason, 'Invalid')
  t.equal(another.admit([{ ...bad, metadata: { ...bad.metadata, uid: 'another object' } }])[0]?.config, undefined)
})

t.test('of two Gates for one host and path the older has it, and the other one is not in force', async (t) => {
  const older = gate(
    'b',
    { hosts: ['shop.example.com', 'x.example.com'] },
    { creationTimestamp: '2026-01-01T00:00:00Z' },
  )
  const newer = gate('a', { hosts: ['SHOP.example.com'] }, { creationTimestamp: '2026-01-02T00:00:00Z' })
  const other = gate(
    'c',
    { hosts: ['shop.example.com'], paths: ['/c/'] },
    { creationTimestamp: '2026-01-03T00:00:00Z' },
  )
  const catalog = new GateCatalog()
  for (const order of [
    [older, newer, other],
    [other, newer, older],
  ]) {
    const admitted = catalog.admit(order)
    t.same(
      admitted.map(({ key, config }) => [key, config !== undefined]),
      [
        ['shop/b', true],
        ['shop/a', false],
        ['shop/c', true],
      ],
    )
    t.same(admitted[1]?.problem, {
      reason: 'Conflict',
      message: 'host SHOP.example.com with path / belongs to the older Gate shop/b',
    })
  }
  t.ok(catalog.admit([newer, other])[0]?.config, 'when the older one goes the newer one comes into force')
  t.equal(catalog.admit([newer, older])[1]?.config, undefined, 'and it leaves when the older one is back')
  const any = [gate('m', { hosts: undefined }), gate('n', { hosts: undefined })]
  t.match(catalog.admit(any)[1]?.problem?.message, /^any host with path \/ belongs to the older Gate shop\/m$/)
})

t.test('a change that claims what an older one has leaves the last one in force', async (t) => {
  const older = gate('a', {}, { creationTimestamp: '2026-01-01T00:00:00Z' })
  const newer = gate('b', {}, { creationTimestamp: '2026-01-02T00:00:00Z' })
  const catalog = new GateCatalog()
  catalog.admit([older, newer])
  const [, second] = catalog.admit([older, edited(newer, { hosts: ['a.example.com'] })])
  t.same(second?.config?.spec.hosts, ['b.example.com'])
  t.equal(second?.problem?.reason, 'Conflict')
})

t.test('files are those of the namespace, or none', async (t) => {
  const filesDir = t.testdir({ shop: { key: 'a long secret' }, other: { key: 'not yours' } })
  const sticky = (secretFile: string) => gate('web', { sticky: { by: 'Cookie', secretFile } })
  const admit = (resource: GateResource, options = { filesDir }) => new GateCatalog(options).admit([resource])[0]
  t.equal(admit(sticky('key'))?.config?.spec.sticky?.secretFile, join(filesDir, 'shop', 'key'))
  for (const name of ['../other/key', '/etc/passwd', 'a/../../other/key']) {
    const refused = admit(sticky(name))
    t.equal(refused?.config, undefined, name)
    t.match(refused?.problem?.message, /must be a name within the folder/)
  }
  const none = new GateCatalog().admit([sticky('key')])[0]
  t.match(none?.problem?.message, /spec\.sticky\.secretFile: files cannot be named here/)

  const catalog = new GateCatalog({ filesDir })
  const late = sticky('late')
  t.match(catalog.admit([late])[0]?.problem?.message, /cannot be read/)
  t.testdir({ shop: { late: 'now it is there' } })
  t.ok(catalog.admit([late])[0]?.config, 'a file that comes later is found without a change of the Gate')
})

t.test('weights by hand', async (t) => {
  const names = ['stable', 'canary']
  t.same(parseWeights('stable=90,canary=10', names), { weights: { stable: 90, canary: 10 } })
  t.same(parseWeights(' canary = 12.25 , stable=87.75', names), { weights: { stable: 87.75, canary: 12.25 } })
  t.same(parseWeights('stable=100', names), { weights: { stable: 100, canary: 0 } })
  for (const [text, problem] of [
    ['stable=90', /sum to 100, not 90/],
    ['stable=90,canery=10', /canery is no variant; there are stable, canary/],
    ['stable=50,stable=50', /stable is given twice/],
    ['stable:100', /must be like stable=90,canary=10/],
    ['', /must be like/],
    ['stable=100.001', /must be like/],
  ] as const) {
    const parsed = parseWeights(text, names)
    t.match('problem' in parsed ? parsed.problem : '', problem, text)
  }
  const annotated = (text: string) => gate('web', {}, { annotations: { 'streamgate.dev/weights': text } })
  t.same(new GateCatalog().admit([annotated('canary=100')])[0]?.weights, { stable: 0, canary: 100 })
  t.match(new GateCatalog().admit([annotated('x')])[0], { weights: undefined, weightsProblem: /must be like/ })
})
