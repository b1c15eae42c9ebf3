import { createRequire } from 'node:module'
import type * as undici from 'undici'

const require = createRequire(import.meta.url)

/**
 * undici's connections alone. Its index also loads fetch, WebSocket and caches, which cost every thread 6 MB that the
 * data path has no use for. The version is pinned exactly; test/proxy/upstream holds what is relied on.
 */
export const Client = require('undici/lib/dispatcher/client.js') as typeof undici.Client
export type Client = undici.Client
export const Pool = require('undici/lib/dispatcher/pool.js') as typeof undici.Pool
export type Pool = undici.Pool
export type { Dispatcher } from 'undici'
