import http from 'node:http'
import https from 'node:https'
import { type AdminOptions, type AdminServer, startAdmin } from '../../src/admin/index.ts'
import { systemClock } from '../../src/clock.ts'
import { FakeService } from './fake-service.ts'

/** A log line as it was written. */
export interface Line {
  level: 'info' | 'warn' | 'error'
  fields: Record<string, unknown>
  message: string
}

export class FakeLog {
  lines: Line[] = []
  info = (fields: object, message: string) => this.#add('info', fields, message)
  warn = (fields: object, message: string) => this.#add('warn', fields, message)
  error = (fields: object, message: string) => this.#add('error', fields, message)
  #add(level: Line['level'], fields: object, message: string): void {
    this.lines.push({ level, fields: fields as Record<string, unknown>, message })
  }
  get audits(): Record<string, unknown>[] {
    return this.lines.flatMap((line) => (line.fields.audit ? [line.fields.audit as Record<string, unknown>] : []))
  }
}

export interface Admin {
  server: AdminServer
  service: FakeService
  log: FakeLog
}

/** The real API on a free port of loopback, over a fake program. */
export async function startTestAdmin(
  t: { teardown(close: () => Promise<void>): unknown },
  options: Partial<AdminOptions> = {},
): Promise<Admin> {
  const service = (options.service as FakeService | undefined) ?? new FakeService()
  const log = new FakeLog()
  const server = await startAdmin({ host: '127.0.0.1', port: 0, clock: systemClock, log, ...options, service })
  t.teardown(() => server.close())
  return { server, service, log }
}

export interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever came; the tests say what it must be
  json: any
}

export interface Ask {
  method?: string
  /** An object is sent as JSON, a text as it is. */
  body?: object | string
  headers?: Record<string, string>
  tls?: https.RequestOptions
}

/** One call with exactly these headers. */
export function ask(
  admin: Admin,
  path: string,
  { method = 'GET', body, headers = {}, tls }: Ask = {},
): Promise<Answer> {
  const payload = typeof body === 'object' ? JSON.stringify(body) : body
  const type = typeof body === 'object' ? { 'content-type': 'application/json' } : {}
  const client = tls ? https : http
  return new Promise((resolve, reject) => {
    const request = client.request(
      {
        host: '127.0.0.1',
        port: admin.server.port,
        path,
        method,
        headers: { ...type, ...headers },
        agent: false,
        ...tls,
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('error', reject)
        response.on('end', () => {
          const isJson = (response.headers['content-type'] ?? '').includes('json')
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text,
            json: isJson && text !== '' ? JSON.parse(text) : undefined,
          })
        })
      },
    )
    request.on('error', reject)
    request.end(payload)
  })
}

export const GATE = '/v1/gates/default/shop'
