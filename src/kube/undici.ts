import { createRequire } from 'node:module'
import type * as undici from 'undici'

const require = createRequire(import.meta.url)

/** undici's connections alone, as in the proxy room: its index also loads fetch, WebSocket and caches. The version is pinned exactly. */
export const Pool = require('undici/lib/dispatcher/pool.js') as typeof undici.Pool
export type Pool = undici.Pool
export const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector
export type { Dispatcher } from 'undici'
