import { readFileSync, statSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import type { AdminLog, AdminToken } from './options.ts'

/** Where a token is; the shape of `spec.admin.tokens`, its file absolute. */
export interface TokenFile {
  name: string
  tokenFile: string
  role: 'viewer' | 'operator'
}

/** How often the files are looked at, at most. */
const CHECK_MS = 1000
/** Shorter ones can be guessed. */
const MIN_LENGTH = 16

/**
 * The tokens of files, read again when a file has changed. A file that cannot be read or is too short grants nothing until it is
 * whole again: a token that was taken away must not live on in memory. Never throws.
 */
export function fileTokens(files: readonly TokenFile[], clock: Clock, log: AdminLog): () => readonly AdminToken[] {
  let tokens: readonly AdminToken[] = []
  let seen = ''
  let checkedMs = -Infinity
  return () => {
    const now = clock.nowMs()
    if (now - checkedMs < CHECK_MS) return tokens
    checkedMs = now
    const state = files.map((file) => fingerprint(file.tokenFile)).join('\n')
    if (state !== seen) {
      seen = state
      tokens = files.flatMap((file) => read(file, log))
    }
    return tokens
  }
}

/** Changes with every replacement or edit of the file. */
function fingerprint(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path)
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable'
  }
}

function read({ name, tokenFile, role }: TokenFile, log: AdminLog): AdminToken[] {
  try {
    const token = readFileSync(tokenFile, 'utf8').trim()
    if (token.length >= MIN_LENGTH && !/\s/.test(token)) return [{ name, token, role }]
    log.error({ token: name, file: tokenFile }, `token file must hold one word of ${MIN_LENGTH} or more characters`)
  } catch (error) {
    log.error({ token: name, file: tokenFile, err: error }, 'token file cannot be read')
  }
  return []
}
