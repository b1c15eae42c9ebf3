import type { Clock } from '../clock.ts'
import type { FailureSample } from './messages.ts'

const PER_SECOND = 10

/** Passes on at most ten samples a second: examples for people, not a count. */
export function boundedSamples(clock: Clock, send: (sample: FailureSample) => void): (sample: FailureSample) => void {
  let second = -1
  let sent = 0
  return (sample) => {
    const now = Math.floor(clock.nowMs() / 1000)
    if (now !== second) {
      second = now
      sent = 0
    }
    if (sent++ < PER_SECOND) send(sample)
  }
}
