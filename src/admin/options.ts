import type { Clock } from '../clock.ts'
import type { GateService } from './service.ts'

/** A bearer token and what it may do. */
export interface AdminToken {
  /** Who this is, in the audit log. */
  name: string
  token: string
  /** viewer: reads. operator: reads and acts. */
  role: 'viewer' | 'operator'
}

/** PEM texts of the server's certificate. */
export interface TlsMaterial {
  cert: string | Buffer
  key: string | Buffer
  /** CA of client certificates; set: one is required, and without tokens its holder is an operator. */
  clientCa?: string | Buffer
}

/** Where the API logs to; pino's shape. */
export interface AdminLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface AdminOptions {
  host: string
  /** 0 = any free one. */
  port: number
  service: GateService
  log: AdminLog
  clock: Clock
  /** The tokens at this moment; called for each request with a token, so it caches. Left out: no authentication, loopback only. */
  tokens?: () => readonly AdminToken[]
  /** The certificate at this moment; read at the start and by `reloadTls`. Left out: plain HTTP. */
  tls?: () => TlsMaterial
}

/** A running admin API. */
export interface AdminServer {
  host: string
  /** The port that it got. */
  port: number
  /** `http://127.0.0.1:8081` */
  url: string
  /** Takes a renewed certificate for new connections; throws and keeps the old one if it is unusable. */
  reloadTls(): void
  /** Ends event streams and connections. Idempotent. */
  close(): Promise<void>
}

/** The admin API cannot start; the message says why and what to do. */
export class AdminStartError extends Error {
  override name = 'AdminStartError'
  readonly code: 'port-in-use' | 'no-authentication' | 'cannot-listen' | 'bad-certificate'
  constructor(code: AdminStartError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
