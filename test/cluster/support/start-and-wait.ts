/** Starts a cluster of the name given, prints `ready`, and waits to be killed: for lifecycle.test.ts. */
import { Cluster } from './cluster.ts'

await Cluster.start({ name: process.argv[2]!, log: (line) => console.error(line) })
console.log('ready')
