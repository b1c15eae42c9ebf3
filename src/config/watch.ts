import type { Clock } from '../clock.ts'

export interface ConfigWatcherOptions {
  /** Files and folders, as given to loadConfig. */
  paths: readonly string[]
  clock: Clock
  /** The content of a followed file changed: load again. Never called with the content of `start`, never twice for the same content. */
  onChange(): void
}

/** Notices that the configuration, or a file that it names, has other content than before. */
export class ConfigWatcher {
  constructor(_options: ConfigWatcherOptions) {}
  /** The files to follow besides the paths: Config.files after each load. */
  follow(_files: readonly string[]): void {}
  start(): void {}
  /** Idempotent. No call back after it. */
  close(): void {}
}
