import { once } from 'node:events'
import { copyFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t from 'tap'
import { certificateFor } from '../../support/certificates.ts'
import { Program } from '../support/program.ts'
import { Edge, gateOf } from './support/edge.ts'
import { Recorder } from './support/recorder.ts'

t.setTimeout(150_000)

t.test('certificates replaced at run time, good and bad, without a failed request', async (t) => {
  const [first, second, other] = [
    certificateFor('a.test'),
    certificateFor('a.test', 'new.test'),
    certificateFor('b.test'),
  ]
  const recorder = await Recorder.start()
  const dir = t.testdir({
    'a.crt': first.certPem,
    'a.key': first.keyPem,
    'b.crt': other.certPem,
    'b.key': other.keyPem,
  })
  const program = await Program.start(
    dir,
    `apiVersion: streamgate.dev/v1alpha1
kind: Proxy
metadata: {name: test}
spec:
  listeners:
    - name: https
      host: 127.0.0.1
      port: 0
      protocol: HTTPS
      tls: {certificates: [{certFile: a.crt, keyFile: a.key}, {certFile: b.crt, keyFile: b.key}]}
  workers: 2
  accessLog: {enabled: false}
  admin: {port: 0}
  metrics: {host: 127.0.0.1, port: 0}
---
${gateOf('shop', recorder.origin)}`,
  )
  const edge = new Edge(program)
  t.teardown(async () => {
    await edge.stop()
    await recorder.close()
  })
  const namesSeen = async (servername: string): Promise<string> => {
    const socket = connect({
      port: edge.port,
      host: '127.0.0.1',
      servername,
      ca: first.caPem,
      rejectUnauthorized: false,
    })
    await once(socket, 'secureConnect')
    const { subjectaltname } = socket.getPeerCertificate()
    socket.destroy()
    return subjectaltname ?? ''
  }
  // A client that verifies, with a connection for every request.
  const failures: string[] = []
  let asked = 0
  let running = true
  const ask = () =>
    new Promise<void>((done) => {
      asked++
      const call = request(
        {
          host: '127.0.0.1',
          port: edge.port,
          servername: 'a.test',
          ca: first.caPem,
          agent: false,
          headers: { host: 'a.test' },
        },
        (answer) => {
          if (answer.statusCode !== 200) failures.push(`status ${answer.statusCode}`)
          answer.resume().once('close', () => done())
        },
      )
      call.once('error', (error) => {
        failures.push(error.message)
        done()
      })
      call.end()
    })
  const load = (async () => {
    while (running) {
      await ask()
      await new Promise((again) => setTimeout(again, 30))
    }
  })()
  const count = (text: string) => program.stderr.split(text).length - 1
  const saidAgain = async (text: string, before: number) => {
    while (count(text) <= before) await new Promise((again) => setTimeout(again, 20))
  }
  const metric = (expected: number) => edge.metricIs(t, expected, 'streamgate_config_reload_success')

  t.equal(await namesSeen('a.test'), 'DNS:a.test')
  t.equal(await namesSeen('b.test'), 'DNS:b.test')
  t.equal(await namesSeen('c.test'), 'DNS:a.test', 'the first one without a match')

  for (const [name, cert, key] of [
    ['a key of another certificate', first.certPem, other.keyPem],
    ['no certificate at all', 'no certificate', first.keyPem],
    ['an empty key', first.certPem, ''],
    ['a cut file', first.certPem.slice(0, 200), first.keyPem],
  ] as const) {
    const before = count('"log.level":"error"')
    writeFileSync(join(dir, 'a.crt'), cert)
    writeFileSync(join(dir, 'a.key'), key)
    await saidAgain('"log.level":"error"', before)
    await metric(0)
    t.equal(await namesSeen('a.test'), 'DNS:a.test', `${name}: the old one stays`)
  }

  const reloaded = count('"configuration reloaded"')
  copyFileSync(second.keyFile, join(dir, 'a.key'))
  copyFileSync(second.certFile, join(dir, 'a.crt'))
  await saidAgain('"configuration reloaded"', reloaded)
  await metric(1)
  for (let i = 0; i < 6; i++)
    t.equal(await namesSeen('a.test'), 'DNS:a.test, DNS:new.test', 'the new one, in every worker')
  t.equal(await namesSeen('new.test'), 'DNS:a.test, DNS:new.test')
  t.equal(await namesSeen('b.test'), 'DNS:b.test')

  running = false
  await load
  t.ok(asked > 5)
  t.same(failures, [], `none of ${asked} requests failed`)
  t.same(edge.faults, [])
  t.equal(await edge.stop(), 0)
})
