import { createRequire } from 'node:module'
import type * as undici from 'undici'

const require = createRequire(import.meta.url)

/** undici's connections alone, as in the proxy room, and loaded by the first client: without a cluster nobody pays for them. */
export const loadPool = (): typeof undici.Pool => require('undici/lib/dispatcher/pool.js')
export const loadConnectorBuilder = (): typeof undici.buildConnector => require('undici/lib/core/connect.js')
export type Pool = undici.Pool
export type { Dispatcher } from 'undici'
