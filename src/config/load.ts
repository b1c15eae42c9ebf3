import type { ConfigError } from './errors.ts'
import type { GateConfig, ProxyConfig } from './schema.ts'

/** A valid configuration: every default filled in, files named by it absolute. */
export interface Config {
  proxy: ProxyConfig
  gates: GateConfig[]
  /** The documents' files and the files that they name (certificates, tokens, secrets), absolute: what a watcher follows. */
  files: string[]
}

/** Either a whole configuration or every mistake in it; `files` as in Config, as far as they are known. */
export type LoadResult = { ok: true; config: Config } | { ok: false; errors: ConfigError[]; files: string[] }

/**
 * Reads files and folders (their *.yaml, *.yml and *.json, sorted, not recursively). Synchronous: the main thread carries
 * no traffic. Never throws for what is in or wrong with the files.
 */
export function loadConfig(_paths: readonly string[]): LoadResult {
  throw new Error('not written yet')
}
