import type { State } from '../../src/controller/release/state.ts'
import { policyWith, World } from './world.ts'

/** A world in each phase, led there by what leads there in life. */
export const SPECIMENS: Record<State['phase'], () => World> = {
  Idle: () => new World(policyWith()),
  Preparing: () => {
    const world = new World(policyWith())
    world.candidate = { ready: 0, total: 1 }
    world.look({ verb: 'start', who: 'ann', revision: 'v2' })
    return world
  },
  Progressing: () => {
    const world = new World(policyWith())
    world.settle({ verb: 'start', who: 'ann', revision: 'v2' })
    return world
  },
  Paused: () => {
    const world = SPECIMENS.Progressing()
    world.look({ verb: 'pause', who: 'ann' })
    return world
  },
  Promoting: () => {
    const world = SPECIMENS.Progressing()
    world.candidate = { ready: 1, total: 1 }
    world.look({ verb: 'promote', who: 'ann' })
    return world
  },
  Succeeded: () => {
    const world = SPECIMENS.Promoting()
    world.settle()
    return world
  },
  RolledBack: () => {
    const world = SPECIMENS.Progressing()
    world.look({ verb: 'rollback', who: 'ann' })
    return world
  },
  Aborted: () => {
    const world = SPECIMENS.Progressing()
    world.look({ verb: 'abort', who: 'ann' })
    return world
  },
}
