import type { Decision } from '../../admin/index.ts'
import { weightsText } from './gates.ts'
import { clockTime } from './number.ts'
import { phaseText } from './release.ts'
import { NARROW, type Style } from './style.ts'
import { clean, padEnd, truncate, widthOf, wrap } from './text.ts'

const weightsOf = (decision: Decision): string =>
  weightsText(Object.entries(decision.weights).map(([name, weight]) => ({ name, weight })))

/** Decisions, a line each, or two on a narrow terminal: time, phase, step, reason, message; the end is cut. */
export function decisionLines(decisions: readonly Decision[], style: Style): string[] {
  const ellipsis = style.unicode ? '…' : '.'
  return decisions.flatMap((decision) => {
    const { time, phase, step, reason, message } = decision
    const start = `${clockTime(time)}  ${padEnd(phaseText(phase, style), 11)}  `
    const room = style.columns - widthOf(start)
    const what = `${step} ${clean(reason)}`
    if (style.columns >= NARROW) return start + truncate(`${what}: ${clean(message)}`, room, ellipsis)
    return [start + truncate(what, room, ellipsis), `  ${truncate(clean(message), style.columns - 2, ellipsis)}`]
  })
}

/** A decision with all that is known, for logs: never cut. */
export function decisionLine(decision: Decision, style: Style): string {
  const { time, phase, step, reason, message } = decision
  return `${clockTime(time)} ${phaseText(phase, style)} step ${step} ${weightsOf(decision)} ${clean(reason)}: ${clean(message)}`
}

/** A decision over several lines, for reading a record. */
export function decisionBlock(decision: Decision, style: Style): string[] {
  const { time, phase, step, verdict, reason, message, evidence } = decision
  const proof = evidence ? `  evidence ${evidence.total.toFixed(1)} of ${evidence.threshold.toFixed(1)}` : ''
  return [
    `${clockTime(time)}  ${phaseText(phase, style)}  step ${step}  ${weightsOf(decision)}`,
    `  ${clean(verdict)}${proof}`,
    ...wrap(clean(`${reason}: ${message}`), style.columns - 2).map((line) => `  ${line}`),
  ]
}
