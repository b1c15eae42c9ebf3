import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'
import { DURATION, parseDuration } from '../config/units.ts'
import { AdminClient } from './client.ts'
import type { CliContext } from './context.ts'
import { CliError, Exit } from './exit.ts'
import type { Format } from './print.ts'
import type { Target } from './transport.ts'

/** Options of all that speaks to the admin API, as they were typed. */
export interface RemoteOptions {
  server?: string
  token?: string
  tokenFile?: string
  caFile?: string
  certFile?: string
  keyFile?: string
  output?: Format
}

/** Options of all that can wait. */
export interface WaitOptions {
  wait: boolean
  /** Seconds; 0: for ever. */
  waitTimeout: number
}

export const DEFAULT_SERVER = 'http://127.0.0.1:8081'

/** The admin API that options or environment name; options win. */
export function connect(options: RemoteOptions, { env }: CliContext): AdminClient {
  const target: Target = { server: serverUrl(options.server ?? env.STREAMGATE_SERVER ?? DEFAULT_SERVER) }
  const token = tokenOf(options, env)
  if (token !== undefined) target.token = token
  const caFile = options.caFile ?? env.STREAMGATE_CA_FILE
  if (caFile !== undefined) target.caFile = caFile
  const certFile = options.certFile ?? env.STREAMGATE_CERT_FILE
  if (certFile !== undefined) target.certFile = certFile
  const keyFile = options.keyFile ?? env.STREAMGATE_KEY_FILE
  if (keyFile !== undefined) target.keyFile = keyFile
  return new AdminClient(target)
}

function serverUrl(text: string): string {
  const url = URL.parse(/^https?:\/\//i.test(text) ? text : `http://${text}`)
  if (url === null || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new CliError(Exit.usage, `"${text}" is not the address of a server.`, `Give --server ${DEFAULT_SERVER}.`)
  }
  return url.href.replace(/\/+$/, '')
}

function tokenOf(options: RemoteOptions, env: CliContext['env']): string | undefined {
  const token = options.token ?? (options.tokenFile === undefined ? env.STREAMGATE_TOKEN : undefined)
  const file = options.tokenFile ?? env.STREAMGATE_TOKEN_FILE
  const text = token ?? (file === undefined ? undefined : read(file))
  if (text === undefined || text === '') return undefined
  if (!/^[\x21-\x7e]+$/.test(text)) throw new CliError(Exit.usage, 'the token has characters that no token has.')
  return text
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new CliError(Exit.usage, `cannot read the token: ${(error as Error).message}`, 'Check --token-file.')
  }
}

/** `300`, `300s` or `5m` as whole seconds, for commander. */
export function seconds(text: string): number {
  const whole = /^[0-9]{1,9}$/.test(text) ? `${text}s` : text
  const ms = new RegExp(DURATION).test(whole) ? parseDuration(whole) : Number.NaN
  if (!Number.isInteger(ms / 1000)) throw new InvalidArgumentError('It must be whole seconds: 300, 300s or 5m.')
  return ms / 1000
}
