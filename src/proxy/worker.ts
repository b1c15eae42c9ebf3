import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../clock.ts'
import { systemRandom } from '../random.ts'
import { openSink } from './access-log/index.ts'
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts'
import { boundedSamples } from './samples.ts'
import type { Snapshot } from './snapshot.ts'
import { WorkerHost } from './worker-host.ts'

/** The entry of a worker's thread: ties a WorkerHost to the main thread. An uncaught exception ends the thread; the main thread replaces it. */

const BEAT_MS = 250

const start = workerData as WorkerStart
const clock = systemClock
const send = (message: FromWorker): void => parentPort!.postMessage(message)
const logError = (error: unknown): void =>
  send({
    type: 'log',
    level: 'error',
    fields: { worker: start.index, error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    message: 'a request met a fault of the proxy',
  })

const host = new WorkerHost({
  index: start.index,
  clock,
  random: systemRandom,
  openSink: () => openSink(1),
  onSample: boundedSamples(clock, (sample) => send({ type: 'samples', samples: [sample] })),
  onError: logError,
})

const beats = new Int32Array(start.beats)
const beat = (): void => void Atomics.store(beats, start.index, clock.nowMs() | 0)

async function apply(snapshot: Snapshot, ports: Record<string, number>): Promise<void> {
  const failed = await host.apply(snapshot, ports)
  send({ type: 'applied', version: snapshot.version, bound: host.bound, failed })
}

parentPort!.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'apply':
      void apply(message.snapshot, message.ports)
      break
    case 'drain':
      void host.drain(message.acceptMs, message.deadlineMs).then(async () => {
        await host.close()
        send({ type: 'drained' })
      })
      break
  }
})

beat()
clock.every(BEAT_MS, beat)
await apply(start.snapshot, start.ports)
