import t from 'tap'
import type { ReleaseRecord } from '../../../src/admin/index.ts'
import { seededRandom } from '../../../src/random.ts'
import { scenario } from '../support/scenario.ts'

const LONG = process.env.STREAMGATE_LONG === '1'
const LIVES = LONG ? 50 : 10

t.setTimeout(LONG ? 1_800_000 : 600_000)

const ORDER = ['Preparing 0', 'Progressing 1', 'Progressing 2', 'Progressing 3', 'Promoting 3', 'Succeeded 3']
/** A decision as it is logged: once it is on the disk. */
interface Told {
  release: string
  reason: string
  inputs: { nowMs: number }
}
const place = ({ phase, step }: { phase: unknown; step: unknown }) => `${phase} ${step}`

t.test(
  `kill -9 at ${LIVES} random instants of releases: each resumes, takes each step once, loses no decision`,
  async (t) => {
    const seed = LONG ? Math.floor(performance.timeOrigin) : 7
    t.comment(`seed ${seed}`)
    const random = seededRandom(seed)
    const s = await scenario(t, {
      release: { steps: [25, 50, 100].map((weight) => ({ weight, minDuration: '300ms' })), bake: '300ms' },
      load: { perSecond: 200 },
    })
    /** Decisions that the program told of. */
    const told: Told[] = []
    for (let life = 0; life < LIVES; life++) {
      const { release } = await s.gate()
      if (release === null || release.phase === 'Succeeded') await s.done('start')
      // Every other one dies at a decision, the rest anywhere.
      const instant = Math.floor(random() * 2500)
      let decided = 0
      const after = 1 + Math.floor(random() * 3)
      const isDecision = (entry: object) => 'reason' in entry && 'phase' in entry
      const decision = s.program.line((entry) => isDecision(entry) && ++decided >= after)
      // A release may be over before so many.
      const over = s.over().catch(() => {})
      if (life % 2 === 0) await new Promise((now) => setTimeout(now, instant))
      else await Promise.race([decision, over])
      s.load.pause()
      await s.program.kill()
      await over
      const lines = s.program.stderr.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'))
      told.push(...lines.flatMap((line) => JSON.parse(line).decision ?? []))
      await s.restart()
      s.load.resume()
    }
    t.match((await s.over()).release, { phase: 'Succeeded' })

    const list = (await s.program.api('GET', '/v1/gates/default/shop/releases')).json() as { items: { id: string }[] }
    const records = new Map<string, ReleaseRecord>()
    for (const { id } of list.items) {
      const record = (await s.program.api('GET', `/v1/gates/default/shop/releases/${id}`)).json() as ReleaseRecord
      records.set(id, record)
      const taken = record.decisions.map(place)
      t.same(
        taken.filter((one, i) => one !== taken[i - 1]),
        ORDER,
        `release ${id} took each step once`,
      )
    }
    const isRecorded = ({ release, reason, inputs }: Told) =>
      records
        .get(release)
        ?.decisions.some((one) => one.reason === reason && (one.inputs as Told['inputs']).nowMs === inputs.nowMs)
    const lost = told.filter((one) => !isRecorded(one)).map(({ inputs, ...one }) => one)
    t.same(lost, [], `all ${told.length} decisions that were told of are recorded`)
    t.ok(told.length >= LIVES / 2)
    t.same(
      s.load.failed.filter(({ status }) => status !== 0),
      [],
      'no user saw an error of the proxy; what was cut was cut by the kill',
    )
  },
)
