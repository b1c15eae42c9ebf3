import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs'

/** What became of a chunk: `busy` = nothing was written, try again later; `failed` = it never will be. */
export type WriteResult = 'done' | 'busy' | 'failed'

/** Where whole lines go. Several workers share one descriptor: a chunk must reach it in one piece. */
export interface LogSink {
  /** The longest chunk that is never mixed with somebody else's. */
  readonly chunkBytes: number
  /** Writes ASCII text. Not called again before a promise that it returned has settled. */
  write(chunk: string): WriteResult | Promise<WriteResult>
  close(): void
}

/** PIPE_BUF of Linux: what a pipe takes all at once or not at all (pipe(7)). */
const PIPE_BUF = 4096
const FILE_CHUNK = 65_536

/**
 * The sink for a descriptor, usually 1. A pipe is opened anew without blocking: a reader that has stopped then costs lines,
 * not a thread of the pool that the whole process shares. Other files are written asynchronously.
 */
export function openSink(fd: number): LogSink {
  const stat = fstatSync(fd)
  if (stat.isFIFO()) {
    try {
      return pipeSink(openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK))
    } catch {
      // No /proc, or the pipe belongs to another user.
    }
  }
  return asyncSink(fd, stat.isFile() ? FILE_CHUNK : PIPE_BUF)
}

function pipeSink(fd: number): LogSink {
  return {
    chunkBytes: PIPE_BUF,
    write(chunk) {
      try {
        writeSync(fd, chunk, null, 'latin1')
        return 'done'
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 'busy' : 'failed'
      }
    },
    close: () => closeSync(fd),
  }
}

function asyncSink(fd: number, chunkBytes: number): LogSink {
  return {
    chunkBytes,
    write: (chunk) =>
      new Promise((resolve) => {
        const from = (rest: Buffer): void =>
          write(fd, rest, 0, rest.length, null, (error, written) => {
            const begun = rest.length < chunk.length
            if (error) resolve(error.code === 'EAGAIN' && !begun ? 'busy' : 'failed')
            else if (written < rest.length) from(rest.subarray(written))
            else resolve('done')
          })
        from(Buffer.from(chunk, 'latin1'))
      }),
    close() {},
  }
}
