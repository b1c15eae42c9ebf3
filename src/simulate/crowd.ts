import { positionOf } from '../proxy/split/bucket.ts'
import { createSplitter } from '../proxy/split/splitter.ts'
import type { Random } from '../random.ts'
import { discrete } from './sample.ts'
import type { Scenario, Users } from './scenario.ts'

/** What one side got of a tick's requests. `failed`: bad ones; `repeated`: failures of sticky users beyond their bucket's first. */
export interface Dealt {
  requests: number
  failed: number
  repeated: number
}

/** Requests that are not alike, drawn one by one through the proxy's own splitter: the calls of a page, sticky users. */
export interface Crowd {
  deal(
    requests: number,
    share: number,
    failing: { candidate: number; serving: number },
  ): { candidate: Dealt; serving: Dealt }
  /** A new step: every bucket may be bad once more. */
  startStep(): void
}

const BUCKETS = 10_000
const none = (): Dealt => ({ requests: 0, failed: 0, repeated: 0 })

export function createCrowd(scenario: Scenario, random: Random): Crowd {
  const { page = [0], sticky } = scenario
  const users = sticky && createUsers(sticky, random)
  const splitter = createSplitter(2, random)
  const weights = [0, 0]
  const blamed = { candidate: new Uint8Array(BUCKETS), serving: new Uint8Array(BUCKETS) }
  let call = 0
  return {
    deal(requests, share, failing) {
      const out = { candidate: none(), serving: none() }
      const bps = Math.round(share * BUCKETS)
      weights[0] = BUCKETS - bps
      weights[1] = bps
      for (let k = 0; k < requests; k++) {
        const user = users ? users.draw(random) : -1
        const bucket = user < 0 ? -1 : users!.bucket[user]!
        const isCandidate = bucket < 0 ? splitter.next(weights, 0) === 1 : users!.position[user]! < bps
        const side = isCandidate ? 'candidate' : 'serving'
        const chance = failing[side] + page[call]! / 100 + (user < 0 ? 0 : users!.failing[user]!)
        call = (call + 1) % page.length
        const dealt = out[side]
        dealt.requests++
        if (chance <= 0 || random() >= chance) continue
        if (bucket >= 0 && blamed[side][bucket] === 1) dealt.repeated++
        else {
          dealt.failed++
          if (bucket >= 0) blamed[side][bucket] = 1
        }
      }
      return out
    },
    startStep() {
      blamed.candidate.fill(0)
      blamed.serving.fill(0)
    },
  }
}

function createUsers({ count, skew, broken }: Users, random: Random) {
  const salt = Math.floor(random() * 2 ** 31)
  const bucket = Int32Array.from({ length: count }, () => Math.floor(random() * BUCKETS))
  return {
    draw: discrete(Array.from({ length: count }, () => (1 - random()) ** (-1 / skew))),
    bucket,
    position: bucket.map((value) => positionOf(value, salt)),
    failing: Float64Array.from({ length: count }, () => (random() * 100 < broken.percent ? broken.failing / 100 : 0)),
  }
}
