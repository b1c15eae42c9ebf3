import { readFileSync, statSync } from 'node:fs'

/** A document, certificate or secret that is larger is a mistake. */
export const MAX_FILE_BYTES = 1024 * 1024

/** The content of a regular file of at most MAX_FILE_BYTES: a pipe or device would hold the main thread. Throws otherwise. */
export function readRegularFile(file: string): Buffer {
  const stats = statSync(file)
  if (stats.isDirectory()) throw new Error('it is a folder')
  if (!stats.isFile()) throw new Error('it is no regular file')
  if (stats.size > MAX_FILE_BYTES) throw new Error(`it is larger than 1 MiB: ${stats.size} bytes`)
  return readFileSync(file)
}

/** The content of a token's or secret's file: text without the line break that editors leave at its end. */
export const readSecret = (file: string): string => readRegularFile(file).toString('utf8').trim()

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  ELOOP: 'too many symbolic links',
}

/** Why a file cannot be read, in words. */
export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return REASONS[code ?? ''] ?? message
}
