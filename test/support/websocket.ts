import { createHash } from 'node:crypto'

/** Sec-WebSocket-Accept of a key (RFC 6455 section 4.2.2). */
export const acceptOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

/** One WebSocket frame. A mask makes it a client's. */
export function frame(opcode: number, payload: Buffer, mask?: Buffer): Buffer {
  const length = payload.length
  const wide = length > 0xffff ? 8 : length > 125 ? 2 : 0
  const head = Buffer.alloc(2 + wide)
  head[0] = 0x80 | opcode
  head[1] = (mask ? 0x80 : 0) | (wide === 8 ? 127 : wide === 2 ? 126 : length)
  if (wide === 2) head.writeUInt16BE(length, 2)
  if (wide === 8) head.writeBigUInt64BE(BigInt(length), 2)
  if (!mask) return Buffer.concat([head, payload])
  const masked = Buffer.from(payload)
  for (let i = 0; i < length; i++) masked[i] = masked[i]! ^ mask[i & 3]!
  return Buffer.concat([head, mask, masked])
}

export interface Frame {
  opcode: number
  payload: Buffer
}

/** Cuts complete frames off the front of `bytes`. */
export function readFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = []
  let rest = bytes
  for (;;) {
    if (rest.length < 2) break
    const short = rest[1]! & 0x7f
    const masked = (rest[1]! & 0x80) !== 0
    const wide = short === 127 ? 8 : short === 126 ? 2 : 0
    const start = 2 + wide + (masked ? 4 : 0)
    if (rest.length < start) break
    const length = wide === 8 ? Number(rest.readBigUInt64BE(2)) : wide === 2 ? rest.readUInt16BE(2) : short
    if (rest.length < start + length) break
    const payload = Buffer.from(rest.subarray(start, start + length))
    if (masked) {
      const mask = rest.subarray(start - 4, start)
      for (let i = 0; i < length; i++) payload[i] = payload[i]! ^ mask[i & 3]!
    }
    frames.push({ opcode: rest[0]! & 0x0f, payload })
    rest = rest.subarray(start + length)
  }
  return { frames, rest }
}
