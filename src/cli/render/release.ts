import type { Evidence, Phase, ReleaseView } from '../../admin/index.ts'
import { trim } from './number.ts'
import { type Color, NARROW, paint, type Style } from './style.ts'
import { clean, widthOf } from './text.ts'

/** Parts that show a release. */

const PHASE_COLORS: Record<Phase, Color> = {
  Idle: 'dim',
  Preparing: 'cyan',
  Progressing: 'cyan',
  Paused: 'yellow',
  Promoting: 'cyan',
  Succeeded: 'green',
  RolledBack: 'red',
  Aborted: 'red',
}

export const phaseText = (phase: Phase, style: Style): string =>
  paint(style, PHASE_COLORS[phase] ?? 'dim', clean(phase))

export function verdictText(verdict: string, style: Style): string {
  const color: Color = verdict === 'Healthy' ? 'green' : verdict === 'Degraded' ? 'red' : 'yellow'
  return paint(style, color, clean(verdict))
}

/** `1/5`; `-` without steps. */
export const stepText = (release: ReleaseView): string =>
  release.steps === 0 ? '-' : `${release.step}/${release.steps}`

const SYMBOLS = {
  unicode: { done: '●', now: '◐', next: '○', failed: '✗' },
  ascii: { done: '*', now: '>', next: '.', failed: 'x' },
}

/** The steps with their weights: `● 5  ◐ 10  ○ 25  ○ 50  ○ 100 %`; several lines where it has to be. */
export function track(release: ReleaseView, style: Style): string[] {
  const symbols = style.unicode ? SYMBOLS.unicode : SYMBOLS.ascii
  const ended = release.phase === 'RolledBack' || release.phase === 'Aborted'
  const whole = release.phase === 'Succeeded' || release.phase === 'Promoting'
  const parts = release.stepWeights.map((weight, i) => {
    const step = i + 1
    const unit = step === release.stepWeights.length ? ' %' : ''
    const text = (symbol: string) => `${symbol} ${trim(weight)}${unit}`
    if (whole || step < release.step) return paint(style, 'green', text(symbols.done))
    if (step > release.step) return paint(style, 'dim', text(symbols.next))
    return ended ? paint(style, 'red', text(symbols.failed)) : paint(style, 'bold', text(symbols.now))
  })
  const lines: string[] = []
  for (const part of parts) {
    const line = lines.at(-1)
    if (line !== undefined && widthOf(line) + 2 + widthOf(part) <= style.columns)
      lines[lines.length - 1] = `${line}  ${part}`
    else lines.push(part)
  }
  return lines
}

/** How near the evidence is to conviction: `[######--------------] 1.4 of 4.6 convicts`. */
export function evidenceBar(evidence: Evidence, style: Style): string {
  const { total, threshold } = evidence
  const part = threshold > 0 ? Math.min(1, Math.max(0, total / threshold)) : 0
  const narrow = style.columns < NARROW
  const width = narrow ? 10 : 20
  // Full only when it convicts.
  const full = part >= 1 ? width : Math.min(width - 1, Math.round(part * width))
  const [on, off] = style.unicode ? ['█', '░'] : ['#', '-']
  const color: Color = part >= 1 ? 'red' : part >= 0.5 ? 'yellow' : 'green'
  const bar = paint(style, color, on!.repeat(full)) + paint(style, 'dim', off!.repeat(width - full))
  return `[${bar}] ${total.toFixed(1)} of ${threshold.toFixed(1)}${narrow ? '' : ' convicts'}`
}
