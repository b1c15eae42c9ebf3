import type { LimitSpec } from '../snapshot.ts'

/** Counts the connections of one worker, in all and by client, and says whether one more may come in. */
export class Admission {
  #limits: Pick<LimitSpec, 'maxConnections' | 'maxConnectionsPerClient'>
  #total = 0
  #byClient = new Map<string, number>()

  constructor(limits: Pick<LimitSpec, 'maxConnections' | 'maxConnectionsPerClient'>) {
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  /** New limits hold for new connections; nobody is put out. */
  set limits(limits: Pick<LimitSpec, 'maxConnections' | 'maxConnectionsPerClient'>) {
    this.#limits = limits
  }

  /** True: counted, call `leave` once when it is over. */
  enter(client: string): boolean {
    const { maxConnections, maxConnectionsPerClient } = this.#limits
    if (maxConnections > 0 && this.#total >= maxConnections) return false
    const mine = this.#byClient.get(client) ?? 0
    if (maxConnectionsPerClient > 0 && mine >= maxConnectionsPerClient) return false
    this.#total++
    this.#byClient.set(client, mine + 1)
    return true
  }

  leave(client: string): void {
    this.#total--
    const mine = this.#byClient.get(client) ?? 1
    if (mine <= 1) this.#byClient.delete(client)
    else this.#byClient.set(client, mine - 1)
  }
}
