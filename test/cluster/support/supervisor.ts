/**
 * Removes a cluster when its starter is gone. Started beside each cluster, with the starter holding the other end of its
 * standard input: that end closes when the starter lets go of it, and when it dies in whatever way. Signals for the
 * starter's terminal or group don't reach this process, which has a session of its own.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { placesOf } from './places.ts'
import { teardown } from './teardown.ts'

const places = placesOf(process.argv[2])
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.stdin.resume()
process.stdin.once('close', async () => {
  try {
    await teardown(places)
  } catch (error) {
    // The starter may be gone, and the cluster's folder with its logs too.
    const file = openSync(join(tmpdir(), `${places.cgroup}-teardown.log`), 'a')
    writeSync(file, `${(error as Error).stack}\n`)
    closeSync(file)
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
})
