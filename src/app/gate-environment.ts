import type { Clock } from '../clock.ts'
import type { GateEnvironment } from '../controller/index.ts'
import {
  advanceEpoch,
  type Block,
  clearBitmaps,
  countEndpoints,
  currentEpoch,
  Endpoint,
  type EndpointMark,
  endpointAt,
  markEndpoints,
  quantile,
  readCells,
  readEndpoints,
  Steering,
  setHarmLeft,
} from '../metrics/index.ts'
import type { Gate } from './gate.ts'

/** Serving's latency quantile is read once it rests on so many samples (analysis.md, "The evidence"). */
const QUANTILE_SAMPLES = 500
/** An endpoint that the controller takes out stays out this long, unless the release ends before. */
const EJECTED_S = 7 * 24 * 3600

/** A word that was written to take an endpoint out. */
interface Ejected {
  words: Block['words']
  at: number
  until: number
}

/** One gate's steering and counts, as the controller wants them. The gate may get another block: nothing is kept of the old one. */
export function gateEnvironment(gate: Gate, clock: Clock): GateEnvironment {
  let mark: EndpointMark | undefined
  let marked = gate.block
  let ejected: Ejected[] = []
  const words = () => gate.block.words
  const name = (variant: number) => gate.names[variant] ?? ''
  return {
    advanceEpoch: (table) => advanceEpoch(gate.block, table),
    epoch: () => currentEpoch(gate.block),
    alarm: () => Atomics.load(words(), Steering.alarm),
    readCells: (from) => readCells(gate.block, from),
    markStep() {
      clearBitmaps(gate.block)
      marked = gate.block
      mark = markEndpoints(gate.block)
    },
    endpoints(variant) {
      if (mark === undefined || marked !== gate.block) {
        marked = gate.block
        mark = markEndpoints(gate.block)
      }
      return (gate.endpoints[variant] ?? []).map((endpoint) => ({
        name: endpoint.name,
        ...readEndpoints(gate.block, mark!, endpoint.slot),
      }))
    },
    recent(variant) {
      const { ended, failed } = gate.stats.stats(name(variant))
      return { requests: ended, bad: failed }
    },
    history: (variant, slowUs) => gate.history[variant]?.read(slowUs) ?? { requests: 0, bad: 0, timed: 0, slow: 0 },
    quantileUs(variant, q) {
      const counts = gate.history[variant]?.latencies()
      if (counts === undefined) return undefined
      let samples = 0
      for (const count of counts) samples += count
      return samples < QUANTILE_SAMPLES ? undefined : quantile(counts, q)
    },
    readiness(variant) {
      const endpoints = gate.endpoints[variant] ?? []
      const { ready } = countEndpoints(
        gate.block,
        endpoints.map(({ slot }) => slot),
        clock.nowMs(),
      )
      return { ready, total: endpoints.length }
    },
    harmLeft() {
      const left = Atomics.load(words(), Steering.harmLeft)
      return left < 0 ? undefined : left
    },
    setHarm: (left) => setHarmLeft(gate.block, left ?? -1),
    setThresholds({ slowUs, slowMaxUs, pendingUs }) {
      Atomics.store(words(), Steering.slowUs, slowUs)
      Atomics.store(words(), Steering.slowMaxUs, slowMaxUs)
      Atomics.store(words(), Steering.pendingUs, pendingUs)
    },
    eject(endpointName) {
      for (const endpoint of gate.endpoints.flat()) {
        if (endpoint.name !== endpointName) continue
        const at = endpointAt(gate.block.layout, endpoint.slot) + Endpoint.ejectedUntilS
        const until = Math.ceil(clock.nowMs() / 1000) + EJECTED_S
        Atomics.store(words(), at, until)
        ejected.push({ words: words(), at, until })
      }
    },
    readmit() {
      // Only what still stands: the slot may be another endpoint's by now.
      for (const { words, at, until } of ejected) Atomics.compareExchange(words, at, until, 0)
      ejected = []
    },
    totals() {
      gate.meter.read()
      const { harmed, rescued } = gate.meter.gate
      return { harmed, rescued }
    },
    revision: () => null,
  }
}
