import { percent, seconds } from '../figures.ts'
import { undecided } from '../moves/move.ts'
import type { Observation } from '../observation.ts'
import type { ReleasePolicy } from '../plan.ts'
import type { Progressing, Why } from '../state.ts'
import { held, hookGate, isSilent, openCheck, type Reading, stableBroken, watching } from '../verdict.ts'

/** Healthy: the stage is over. */
export function stageReading(
  release: ReleasePolicy,
  state: Progressing,
  observation: Observation,
  nowMs: number,
): Reading {
  const plain = (why: Why): Reading => ({ ...why, requestsNeeded: null, notable: false })
  const done = (message: string): Reading => plain({ verdict: 'Healthy', reason: 'Healthy', message })
  const gate = hookGate(release, state, observation)
  const asking = gate.is === 'open' ? undefined : plain(undecided('Hook', `waiting for hook ${gate.phase}`))
  const weight = percent(state.release.steps[state.step]?.weightBps ?? 0)
  switch (state.stage) {
    case 'Entering': {
      const hold = held(state, observation)
      if (hold !== undefined) return hold
      const broken = stableBroken(state, observation)
      if (broken !== undefined) return { ...plain(broken), notable: true }
      const open = openCheck(release, state, observation)
      return asking ?? (open && plain(open)) ?? done(`step ${state.step + 1} begins at ${weight}`)
    }
    case 'Watching':
      return watching(release, state, observation, nowMs)
    case 'Leaving':
      return asking ?? held(state, observation) ?? done(`step ${state.step + 1} is done`)
    case 'Finishing':
      return asking ?? held(state, observation) ?? done('promotion may begin')
    case 'Baking': {
      const hold = held(state, observation)
      if (hold !== undefined) return hold
      const left = release.bakeMs - (nowMs - state.sinceMs)
      if (left > 0)
        return plain(undecided('Baking', `${seconds(left)} of ${seconds(release.bakeMs)} bake left at ${weight}`))
      const silent = isSilent(release, state, observation, nowMs) && release.noTraffic === 'Hold'
      if (silent) {
        const message = `no request reached ${state.roles.candidate} for ${seconds(release.noTrafficAfterMs)}: the bake waits for traffic`
        return { ...undecided('NoTraffic', message), requestsNeeded: 1, notable: true }
      }
      const open = openCheck(release, state, observation)
      return open === undefined ? done(`baked for ${seconds(release.bakeMs)} at ${weight}`) : plain(open)
    }
  }
}
