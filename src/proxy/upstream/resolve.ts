import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock } from '../../clock.ts'

/** How often names are looked up again, and how soon after a failure. */
export const RESOLVE_EVERY_MS = 10_000
const RETRY_MS = 1_000

/** All addresses of a name, as dns.lookup gives them (the system's resolver, /etc/hosts included). */
export type Lookup = (hostname: string) => Promise<readonly string[]>

/** One endpoint of a URL: where to connect, and under which name. */
export interface ResolvedUrl {
  /** `http://10.0.0.7:9001`: dialled. */
  origin: string
  /** `shop.internal:9001` as in the URL: the Host of requests that are not a client's own, and what people see. */
  host: string
  /** Name for SNI and verification when the origin holds an address in its place. */
  serverName?: string
  /** Path of the URL without a trailing slash; usually ''. */
  basePath: string
}

export interface ResolverOptions {
  clock: Clock
  /** The addresses of a name in use changed: read them anew. Not called for the first answer during `ready`. */
  onChange: () => void
  log: { warn(fields: object, message: string): void; info(fields: object, message: string): void }
  lookup?: Lookup
}

interface Name {
  addresses: readonly string[]
  /** Its last lookup failed. */
  failing: boolean
  running: Promise<void> | undefined
  nextMs: number
}

/**
 * Main thread: keeps the addresses of the host names in URLs. A name whose lookup fails keeps its last good answer: DNS
 * that is down must not take the endpoints with it. Addresses and `localhost` need no lookup.
 */
export class Resolver {
  readonly #options: ResolverOptions
  readonly #lookup: Lookup
  readonly #names = new Map<string, Name>()
  #stop: (() => void) | undefined
  #closed = false

  constructor(options: ResolverOptions) {
    this.#options = options
    this.#lookup = options.lookup ?? lookupAll
  }

  /** Begins to look names up again every 10 s. */
  start(): void {
    this.#stop ??= this.#options.clock.every(RETRY_MS, () => {
      const nowMs = this.#options.clock.nowMs()
      for (const [hostname, name] of this.#names) if (name.nextMs <= nowMs) void this.#refresh(hostname, name)
    })
  }

  close(): void {
    this.#closed = true
    this.#stop?.()
    this.#stop = undefined
  }

  /** Takes these URLs' names into use, forgets all others, and waits for the first answer (or failure) of the new ones. */
  async ready(urls: readonly string[]): Promise<void> {
    const used = new Set<string>()
    for (const url of urls) {
      const hostname = hostnameOf(new URL(url))
      if (needsLookup(hostname)) used.add(hostname)
    }
    for (const hostname of this.#names.keys()) if (!used.has(hostname)) this.#names.delete(hostname)
    await Promise.all(Array.from(used, (hostname) => this.#known(hostname).running))
  }

  /** The endpoints of a URL as of now, in a stable order; none while its name was never resolved. A new name is taken into use. */
  resolve(url: string): ResolvedUrl[] {
    const parsed = new URL(url)
    const hostname = hostnameOf(parsed)
    const basePath = parsed.pathname.replace(/\/+$/, '')
    const host = parsed.host
    if (!needsLookup(hostname)) return [{ origin: parsed.origin, host, basePath }]
    const port = parsed.port === '' ? '' : `:${parsed.port}`
    return this.#known(hostname).addresses.map((address) => ({
      origin: `${parsed.protocol}//${isIP(address) === 6 ? `[${address}]` : address}${port}`,
      host,
      serverName: hostname,
      basePath,
    }))
  }

  /** Looks the URL's name up again now: called when its endpoints cannot be reached. At most once a second. */
  refresh(url: string): void {
    const hostname = hostnameOf(new URL(url))
    const name = this.#names.get(hostname)
    if (name) name.nextMs = Math.min(name.nextMs, this.#options.clock.nowMs())
  }

  #known(hostname: string): Name {
    let name = this.#names.get(hostname)
    if (!name) {
      name = { addresses: [], failing: false, running: undefined, nextMs: 0 }
      this.#names.set(hostname, name)
      void this.#refresh(hostname, name, true)
    }
    return name
  }

  #refresh(hostname: string, name: Name, first = false): Promise<void> {
    name.running ??= this.#lookUp(hostname, name, first).finally(() => {
      name.running = undefined
    })
    return name.running
  }

  async #lookUp(hostname: string, name: Name, first: boolean): Promise<void> {
    const { clock, log, onChange } = this.#options
    name.nextMs = Number.POSITIVE_INFINITY
    try {
      const found = [...new Set(await this.#lookup(hostname))].sort()
      if (found.length === 0) throw new Error('no addresses')
      name.nextMs = clock.nowMs() + RESOLVE_EVERY_MS
      const changed = found.join() !== name.addresses.join()
      name.addresses = found
      if (name.failing) log.info({ hostname, addresses: found }, 'name resolves again')
      name.failing = false
      if (changed && !first && !this.#closed && this.#names.get(hostname) === name) {
        log.info({ hostname, addresses: found }, 'addresses changed')
        onChange()
      }
    } catch (error) {
      name.nextMs = clock.nowMs() + RETRY_MS
      if (!name.failing) {
        log.warn({ hostname, kept: name.addresses, error: String(error) }, 'name does not resolve')
      }
      name.failing = true
    }
  }
}

const hostnameOf = (url: URL): string =>
  url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname.toLowerCase()

const needsLookup = (hostname: string): boolean => isIP(hostname) === 0 && hostname !== 'localhost'

const lookupAll: Lookup = async (hostname) =>
  (await systemLookup(hostname, { all: true })).map(({ address }) => address)
