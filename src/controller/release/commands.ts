/** What a person (or a script) asks of a release. Pure data. */
export type Command = { who: string } & (
  | {
      verb: 'start'
      revision?: string
      image?: string
      /** Overrides the policy's. */
      readyTimeoutMs?: number
      /** Overrides every step's minDuration. */
      minDurationMs?: number
    }
  | { verb: 'pause' | 'resume' | 'skip' | 'promote' | 'abort' | 'retry' }
  | {
      verb: 'rollback'
      /** A recorded release to go back to; without it the last one is undone. */
      to?: { id: string; revision: string /** Its template is recorded. */; template: boolean }
    }
  | {
      verb: 'weights' /** Basis points by variant, 10,000 in all. */
      weightsBps: Record<string, number>
      force: boolean
    }
)

export type Verb = Command['verb']

/** Why a command changes nothing. */
export interface Refusal {
  /** Kebab-case word that scripts rely on. */
  code: string
  /** A sentence: what is wrong and what can be done. */
  detail: string
}
