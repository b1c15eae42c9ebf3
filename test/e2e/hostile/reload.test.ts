import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { OpenLoop } from '../support/open-loop.ts'
import { configOf } from '../support/program.ts'
import { Edge, gateOf } from './support/edge.ts'
import { Recorder } from './support/recorder.ts'

t.setTimeout(170_000)

const ROUNDS = process.env.STREAMGATE_LONG === '1' ? 50 : 20

t.test(`${ROUNDS} configurations, good and bad, written in every way, under load: no failed request`, async (t) => {
  const recorder = await Recorder.start()
  t.teardown(() => recorder.close())
  let serial = 0
  /** A sound configuration whose marker tells which one is in force: a second gate that answers on a path of its own. */
  const sound = () => {
    serial++
    const gates = [gateOf('shop', recorder.origin), gateOf('marker', recorder.origin, `  paths: [/marker-${serial}]\n`)]
    return configOf(gates.join('---\n'), '  accessLog: {enabled: false}\n')
  }
  const edge = await Edge.start(t, gateOf('shop', recorder.origin), '  accessLog: {enabled: false}\n')
  const { program } = edge
  const file = join(program.dir, 'streamgate.yaml')
  const loads = [true, false].map(
    (keepAlive) => new OpenLoop({ port: edge.port, perSecond: 20, keepAlive, timeoutMs: 60_000 }),
  )

  const byRename = (text: string) => {
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
  const inPlace = (text: string) => {
    try {
      unlinkSync(file)
    } catch {}
    writeFileSync(file, text)
  }
  /** As Kubernetes mounts a ConfigMap: the file is a link into a folder that is swapped as a whole. */
  const bySwap = (text: string) => {
    const version = `..v${serial}`
    mkdirSync(join(program.dir, version), { recursive: true })
    writeFileSync(join(program.dir, version, 'streamgate.yaml'), text)
    rmSync(join(program.dir, '..new'), { force: true })
    symlinkSync(version, join(program.dir, '..new'))
    renameSync(join(program.dir, '..new'), join(program.dir, '..data'))
    rmSync(join(program.dir, 'link'), { force: true })
    symlinkSync('..data/streamgate.yaml', join(program.dir, 'link'))
    renameSync(join(program.dir, 'link'), file)
  }
  const bad = [
    () => 'not: [yaml',
    () => '',
    () => '\0\x01\xff',
    () => sound().replace('kind: Gate', 'kind: Goat'),
    () => sound().replace('name: only', 'nmae: only'),
    () => `${sound()}---\n${gateOf('shop', 'http://127.0.0.1:1')}`,
    () => sound().slice(0, 200),
    () => sound().replace(/urls: \[.*?\]/, 'urls: ["ftp://x"]'),
    () => 'x'.repeat(100_000),
  ]
  const write = [byRename, inPlace, bySwap]

  const count = (text: string) => program.stderr.split(text).length - 1
  /** Waits until the program has said something once more than `before`. */
  const saidAgain = async (text: string, before: number) => {
    while (count(text) <= before) await new Promise((again) => setTimeout(again, 20))
  }
  const REFUSED = 'the changed configuration is refused'
  const RELOADED = '"configuration reloaded"'

  let applied = 0
  for (let round = 0; round < ROUNDS; round++) {
    const how = write[round % write.length]!
    if (round % 5 === 1) {
      const before = count(REFUSED)
      how(bad[Math.floor(round / 5) % bad.length]!())
      // Refused before the next one is written, so that each of them counts.
      await saidAgain(REFUSED, before)
      continue
    }
    if (round % 5 === 3) {
      rmSync(file, { force: true })
      await new Promise((done) => setTimeout(done, 120))
    }
    const before = count(RELOADED)
    how(sound())
    applied++
    // Some are waited for, others are overtaken by the next.
    if (round % 2 === 0) await saidAgain(RELOADED, before)
    else await new Promise((done) => setTimeout(done, 30))
  }
  byRename(sound())
  const last = serial
  // In the end the last one is in force: its path, and no other marker's, is the marker gate's.
  for (;;) {
    const before = await edge.metric('streamgate_requests_total', 'gate="default/marker"')
    await edge.sound(t, `/marker-${last}`)
    await new Promise((again) => setTimeout(again, 200))
    if ((await edge.metric('streamgate_requests_total', 'gate="default/marker"')) > before) break
  }
  t.equal(await edge.metric('streamgate_config_reload_success'), 1)
  const seen = (await Promise.all(loads.map((load) => load.stop()))).flat()
  t.ok(applied >= ROUNDS / 2)
  t.ok(seen.length > 40, `${seen.length} requests`)
  t.same(
    seen.filter(({ status }) => status !== 200),
    [],
    'no failed request',
  )
  await edge.unharmed(t)
  t.equal(await edge.stop(), 0)
})
