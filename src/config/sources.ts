import { readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigError } from './errors.ts'
import { readRegularFile, reason } from './files.ts'

const DOCUMENT_FILE = /\.(ya?ml|json)$/

/** Files of documents, and what is wrong with finding them. */
export interface Listing {
  files: string[]
  errors: ConfigError[]
}

/**
 * The documents' files behind files and folders, in the order given, a folder's sorted. A folder is not searched
 * recursively and hidden names are passed over, so Kubernetes' `..data` and the folders behind it are not read twice; the
 * same file under two names is read once.
 */
export function listFiles(paths: readonly string[]): Listing {
  const listing: Listing = { files: [], errors: [] }
  const seen = new Set<string>()
  const add = (file: string): void => {
    const real = realpathSync(file)
    if (!seen.has(real)) listing.files.push(file)
    seen.add(real)
  }
  for (const path of paths) {
    try {
      if (!statSync(path).isDirectory()) {
        add(path)
        continue
      }
      const names = readdirSync(path).filter((name) => DOCUMENT_FILE.test(name) && !name.startsWith('.'))
      const files = names.sort().map((name) => join(path, name))
      if (files.length === 0) listing.errors.push(whole(path, 'the folder holds no *.yaml, *.yml or *.json file'))
      for (const file of files) add(file)
    } catch (error) {
      const name = (error as NodeJS.ErrnoException).path ?? path
      listing.errors.push(whole(name, `cannot be read: ${reason(error)}`))
    }
  }
  return listing
}

/** The text of a file: at most MAX_FILE_BYTES of UTF-8. */
export function readText(file: string): { text: string } | { error: ConfigError } {
  try {
    const bytes = readRegularFile(file)
    if (bytes.includes(0)) return { error: whole(file, 'must be text, and is a binary file') }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch (error) {
    const message = error instanceof TypeError ? 'must be text in UTF-8' : `cannot be read: ${reason(error)}`
    return { error: whole(file, message) }
  }
}

/** A mistake of a whole file. */
export const whole = (file: string, message: string): ConfigError => ({ file, line: 1, column: 1, path: '', message })
