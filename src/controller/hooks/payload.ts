import type { Decision } from '../release/outcome.ts'
import type { HookPhase } from '../release/plan.ts'

/** What a hook is told. Keys are the users' contract: only ever added to. */
export interface HookPayload {
  /** The phase of the hook, `Check` or `Event`. */
  type: HookPhase | 'Check' | 'Event'
  /** RFC 3339; also signed. */
  time: string
  gate: { namespace: string; name: string }
  release: { id: string; revision: string; image?: string; strategy: string; phase: string } | null
  /** From 1; 0 before the first. */
  step: number
  /** Percent by variant. */
  weights: Record<string, number>
  serving: string
  candidate: string
  /** Names the call: a repetition (retry, restart) has the same. */
  id: string
  /** What was decided, for events. */
  decision?: Omit<Decision, 'inputs'>
}

const COLOURS: Record<string, string> = { Healthy: 'good', Undecided: '#888888', Degraded: 'danger' }

/** The body in the format of the hook. */
export function bodyOf(payload: HookPayload, format: 'Json' | 'Slack'): string {
  return JSON.stringify(format === 'Json' ? payload : slack(payload))
}

function slack({ type, gate, release, step, decision }: HookPayload): object {
  const name = `${gate.namespace}/${gate.name}`
  const what = release === null ? name : `${name}: release ${release.id} of ${escaped(release.revision)}`
  const text =
    decision === undefined
      ? `${type}, step ${step}`
      : `${decision.phase}: ${escaped(decision.message)} (${decision.reason})`
  return {
    text: `*${what}*\n${text}`,
    ...(decision === undefined
      ? {}
      : { attachments: [{ color: COLOURS[decision.verdict], fields: weightsOf(decision) }] }),
  }
}

const weightsOf = ({ weights }: { weights: Record<string, number> }) =>
  Object.entries(weights).map(([title, weight]) => ({ title, value: `${weight} %`, short: true }))

/** Slack's three control characters. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
