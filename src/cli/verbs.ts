import type { Verb } from '../admin/index.ts'

/** The verbs as commands, in the order in which help shows them. */
export const VERBS: readonly Verb[] = ['start', 'pause', 'resume', 'skip', 'promote', 'abort', 'rollback', 'retry']

export const VERB_TEXTS: Record<Verb, { summary: string; example: string }> = {
  start: { summary: 'start a release', example: 'streamgate start shop --revision v2 --wait' },
  pause: { summary: 'hold the release where it is', example: 'streamgate pause shop' },
  resume: { summary: 'go on with a paused release', example: 'streamgate resume shop' },
  skip: { summary: 'go to the next step without its proof', example: 'streamgate skip shop' },
  promote: { summary: 'skip all steps: the candidate becomes what serves', example: 'streamgate promote shop' },
  abort: { summary: 'end the release: all traffic to serving', example: 'streamgate abort shop' },
  rollback: { summary: 'go back to what served before', example: 'streamgate rollback shop --revision v1' },
  retry: { summary: 'start the last release again', example: 'streamgate retry shop --wait' },
}
