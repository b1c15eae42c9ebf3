import type { Command } from '../release/commands.ts'
import type { Observation } from '../release/observation.ts'
import type { Roles } from '../release/plan.ts'
import type { Inquiries } from './inquiries.ts'
import type { Scene } from './scene.ts'
import type { Trials } from './trials.ts'

/** Serving is not called failing on fewer requests. */
const LEAST_RECENT = 10
const NONE = { requests: 0, bad: 0, slow: 0 }

/** The world at this moment, as a decision wants it. */
export function observe(
  scene: Scene,
  roles: Roles,
  { present: trial, harmLeft, examples }: Trials,
  { answers, checks }: Inquiries,
  command?: Command,
): Observation {
  const { env, clock } = scene
  const candidate = scene.index(roles.candidate)
  const serving = scene.index(roles.serving)
  const finding = trial?.finding
  return {
    wallMs: clock.wallMs(),
    of: trial?.of ?? null,
    ...(finding === undefined ? {} : { finding }),
    traffic: trial?.traffic() ?? { requests: 0, lastMs: null },
    figures: trial?.figures ?? { candidate: { ...NONE }, serving: { ...NONE } },
    candidate: env.readiness(candidate),
    serving: env.readiness(serving),
    servingFailing: isFailing(env.recent(serving), scene.policy.release?.maxErrorRate ?? 0),
    harmLeft,
    hooks: answers,
    checks,
    revision: env.revision(candidate),
    ...(examples.length === 0 ? {} : { examples: [...examples] }),
    ...(command === undefined ? {} : { command }),
  }
}

/** `limit` 0: it never is. */
const isFailing = ({ requests, bad }: { requests: number; bad: number }, limit: number): boolean =>
  limit > 0 && requests >= LEAST_RECENT && bad / requests > limit
