import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Scenario, scenario } from '../support/scenario.ts'

t.setTimeout(600_000)
t.jobs = 2

/** Runs the program in a mount namespace of its own, where `state` is a disk of 256 KiB. */
const SMALL_DISK = [
  'unshare',
  '-m',
  'sh',
  '-c',
  'mkdir -p state && mount -t tmpfs -o size=256k none state && exec "$0" "$@"',
]
const noMounts = ((): string | false => {
  const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=256k none /mnt'], {
    encoding: 'utf8',
  })
  return status === 0 ? false : `needs a mount namespace with a tmpfs: ${stderr ?? 'no unshare'}`
})()

/** The state folder as the program sees it. */
const stateOf = (s: Scenario) => join(`/proc/${s.program.pid}/root`, s.program.dir, 'state')

async function rolledBackAllTheSame(
  t: Test,
  spoil: (s: Scenario) => void,
  repair: (s: Scenario) => void,
): Promise<void> {
  const s = await scenario(t, {
    command: SMALL_DISK,
    proxy: '  state: {dir: ./state}\n',
    release: { steps: [{ weight: 25, minDuration: '3s' }, { weight: 100 }] },
  })
  await s.done('start')
  await s.until(({ release }) => release?.step === 1)
  spoil(s)
  const said = await s.program.line(({ message }) => /state of default\/shop cannot be written/.test(String(message)))
  t.equal(said['log.level'], 'error')
  const { release } = await s.until(({ release }) => /nothing can be recorded/.test(release!.message))
  t.match(release, { phase: 'Progressing', step: 1 }, 'what cannot be recorded is not done')
  await s.load.more(200)
  s.unharmed(t, 'traffic goes on')
  t.match((await s.gate()).release, { phase: 'Progressing', step: 1 })

  s.canary[0]!.failureRate = 1
  t.match((await s.over()).release, { phase: 'RolledBack', reason: 'ErrorRate' }, 'a rollback needs no disk')
  await s.quiet(t, 'canary')
  s.unharmed(t)
  repair(s)
  await s.program.line(({ message }) => /can be written again/.test(String(message)))
  t.match((await s.record()).phase, 'RolledBack')
}

t.test('the disk is full in mid-release: loud, keeps serving, rolls back', { buffered: true, skip: noMounts }, (t) =>
  rolledBackAllTheSame(
    t,
    (s) => {
      try {
        writeFileSync(join(stateOf(s), 'fill'), Buffer.alloc(1 << 20))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    },
    (s) => rmSync(join(stateOf(s), 'fill')),
  ),
)

t.test('the disk turns read-only in mid-release: the same', { buffered: true, skip: noMounts }, (t) => {
  const remount = (s: Scenario, how: string) => {
    const { status, stderr } = spawnSync(
      'nsenter',
      ['-t', String(s.program.pid), '-m', 'mount', '-o', `remount,${how}`, join(s.program.dir, 'state')],
      { encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(stderr)
  }
  return rolledBackAllTheSame(
    t,
    (s) => remount(s, 'ro'),
    (s) => remount(s, 'rw'),
  )
})

t.test('a state folder that cannot be made: loud, serves, and starts no release', { buffered: true }, async (t) => {
  const s = await scenario(t, { proxy: '  state: {dir: ./streamgate.yaml/state}\n' })
  const said = await s.program.line(({ message }) => /cannot be used/.test(String(message)))
  t.equal(said['log.level'], 'error')
  const answer = await s.act('start')
  t.match({ status: answer.status, ...(answer.json() as object) }, { status: 503, code: 'store-unavailable' })
  await s.load.more(100)
  s.unharmed(t)
})
