import { createRequire } from 'node:module'
import type * as undici from 'undici'

const require = createRequire(import.meta.url)

/**
 * undici's connections alone. Its index also loads fetch, WebSocket and caches, which cost every thread 6 MB that the
 * data path has no use for. Loaded by the first who asks: the main thread needs them for health checks only, a worker the pool for
 * HTTP/2 only. The version is pinned exactly; test/proxy/upstream holds what is relied on.
 */
export const loadClient = (): typeof undici.Client => require('undici/lib/dispatcher/client.js')
export const loadPool = (): typeof undici.Pool => require('undici/lib/dispatcher/pool.js')
export type Client = undici.Client
export type Pool = undici.Pool
export type { Dispatcher } from 'undici'
