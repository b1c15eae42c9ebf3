import type { Socket } from 'node:net'
import type { Clock } from '../../clock.ts'
import type { UpgradeAnswer, UpstreamRequest } from './call.ts'
import type { Dialer } from './dial.ts'
import { CallError, classify } from './failure.ts'
import { ResponseBody } from './response-body.ts'
import { bodyFraming, headerValues, parseResponseHead } from './response-head.ts'

/** An upgrade on its way. `abort` gives up: the answer is then `failed`, kind `aborted`. */
export interface Upgrade {
  answer: Promise<UpgradeAnswer>
  abort(): void
}

/** What bounds an upgrade until it is switched; a tunnel has no deadline here. */
export interface UpgradeLimits {
  clock: Clock
  responseTimeoutMs: number
  idleTimeoutMs: number
}

const MAX_HEAD_BYTES = 16_384
const BAD_IN_HEAD = /[^\t\x20-\x7e\x80-\xff]/

/**
 * Sends an upgrade request on a connection of its own (RFC 9110 section 7.8) and reads the answer's head: 101 makes
 * the connection a tunnel, untouched from the first byte after the head on and half-open when one side ends (end the
 * other one too); anything else is an ordinary answer.
 */
export function upgrade(dialer: Dialer, request: Omit<UpstreamRequest, 'body'>, limits: UpgradeLimits): Upgrade {
  let giveUp: (error: Error) => void = () => {}
  const answer = new Promise<UpgradeAnswer>((resolve) => {
    let started = false
    let received: Buffer = Buffer.alloc(0)
    let settled = false
    let stopTimer = () => {}

    const settle = (result: UpgradeAnswer): void => {
      settled = true
      stopTimer()
      resolve(result)
    }
    const fail = (error: Error): void => {
      if (settled) return
      settle({ kind: 'failed', failure: classify(error, { started, reused: false, answered: received.length > 0 }) })
      socket.destroy()
    }
    giveUp = fail

    const onData = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      for (;;) {
        const end = received.indexOf('\r\n\r\n')
        if (end > MAX_HEAD_BYTES || (end < 0 && received.length > MAX_HEAD_BYTES)) {
          fail(new Error('response head too large'))
          return
        }
        if (end < 0) return
        const head = parseResponseHead(received.toString('latin1', 0, end))
        if (head instanceof Error) {
          fail(head)
          return
        }
        received = received.subarray(end + 4)
        // 100 and 103 come before the answer and are of no use to one who asked for an upgrade.
        if (head.status < 200 && head.status !== 101) continue
        detach()
        if (head.status === 101) {
          if (headerValues(head.rawHeaders, 'upgrade').length === 0) fail(new Error('101 without Upgrade'))
          else settle({ kind: 'switched', rawHeaders: head.rawHeaders, socket, head: received })
          return
        }
        const framing = bodyFraming(head)
        if (framing instanceof Error) {
          fail(framing)
          return
        }
        const body = new ResponseBody(socket, framing, received, limits.idleTimeoutMs)
        settle({ kind: 'refused', status: head.status, rawHeaders: head.rawHeaders, body })
        return
      }
    }
    const onEnd = (): void => fail(Object.assign(new Error('connection closed'), { code: 'ECONNRESET' }))
    const detach = (): void => {
      socket.pause()
      socket.off('data', onData).off('end', onEnd).off('close', onEnd)
    }

    const socket: Socket = dialer.dial((error, connected) => {
      if (settled) return
      if (error || !connected) {
        fail(error ?? new Error('no connection'))
        return
      }
      const head = requestHead(request)
      if (head === undefined) {
        fail(new CallError('ABORTED', 'invalid upgrade request'))
        return
      }
      started = true
      // Stays for the tunnel's life: an error without a listener would end the process.
      connected.on('error', fail)
      connected.on('data', onData)
      connected.on('end', onEnd)
      connected.on('close', onEnd)
      connected.write(head, 'latin1')
      if (limits.responseTimeoutMs > 0) {
        stopTimer = limits.clock.after(limits.responseTimeoutMs, () =>
          fail(new CallError('RESPONSE_TIMEOUT', 'no response head')),
        )
      }
    }, true)
  })
  return { answer, abort: () => giveUp(new CallError('ABORTED', 'aborted')) }
}

/** undefined: the request has bytes that would break out of their line. */
function requestHead({ method, path, headers }: Omit<UpstreamRequest, 'body'>): string | undefined {
  if (/[^!-\xff]/.test(path) || /[^!#-'*+\-.0-9A-Z^-z|~]/.test(method)) return undefined
  let head = `${method} ${path} HTTP/1.1\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!
    const value = headers[i + 1]!
    if (name === '' || /[^!#-'*+\-.0-9A-Z^-z|~]/.test(name) || BAD_IN_HEAD.test(value)) return undefined
    head += `${name}: ${value}\r\n`
  }
  return `${head}\r\n`
}
