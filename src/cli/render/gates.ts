import type { GateView } from '../../admin/index.ts'
import { percent, rate, trim } from './number.ts'
import { phaseText, stepText, verdictText } from './release.ts'
import type { Style } from './style.ts'
import { type Column, table } from './table.ts'
import { clean } from './text.ts'

const rps = (gate: GateView): number => gate.variants.reduce((sum, variant) => sum + variant.requestsPerSecond, 0)

/** Error rate over all variants. */
function errors(gate: GateView): number {
  const all = rps(gate)
  if (all === 0) return 0
  return gate.variants.reduce((sum, variant) => sum + (variant.errorRate * variant.requestsPerSecond) / all, 0)
}

/** `stable=95 canary=5` */
export const weightsText = (weights: readonly { name: string; weight: number }[]): string =>
  weights.map(({ name, weight }) => `${clean(name)}=${trim(weight)}`).join(' ')

/** `namespace/name` */
export const gateText = (gate: { namespace: string; name: string }): string => clean(`${gate.namespace}/${gate.name}`)

const columns = (style: Style): Column<GateView>[] => [
  { title: 'GATE', cell: gateText },
  { title: 'STRATEGY', cell: (gate) => gate.strategy ?? '-', wide: true },
  { title: 'PHASE', cell: (gate) => phaseText(gate.release?.phase ?? 'Idle', style) },
  { title: 'STEP', cell: (gate) => (gate.release ? stepText(gate.release) : '-'), keep: 3 },
  { title: 'VERDICT', cell: (gate) => (gate.release ? verdictText(gate.release.verdict, style) : '-'), wide: true },
  { title: 'WEIGHTS', cell: (gate) => weightsText(gate.variants), keep: 4 },
  { title: 'RPS', cell: (gate) => rate(rps(gate)), right: true, keep: 2 },
  { title: 'ERR %', cell: (gate) => percent(errors(gate)), right: true, keep: 1 },
  { title: 'REVISION', cell: (gate) => clean(gate.release?.revision ?? '-'), wide: true },
  { title: 'HARMED', cell: (gate) => String(gate.release?.harmedRequests ?? '-'), right: true, wide: true },
  { title: 'RESCUED', cell: (gate) => String(gate.release?.rescuedRequests ?? '-'), right: true, wide: true },
  { title: 'MESSAGE', cell: (gate) => clean(gate.release?.message ?? ''), keep: 0 },
]

/** All gates, a line each. */
export function gatesTable(gates: readonly GateView[], style: Style, wide = false): string[] {
  if (gates.length === 0) return ['No gates. A Gate document in the configuration makes one.']
  return table(columns(style), gates, style, wide)
}
