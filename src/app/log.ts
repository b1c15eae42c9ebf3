import pino from 'pino'

/** The program's own log: JSON lines on stderr with Elastic Common Schema keys, so that stdout is the access log's alone. */
export function createLog(level = 'info'): pino.Logger {
  return pino(
    {
      level,
      base: { 'service.name': 'streamgate', 'process.pid': process.pid },
      messageKey: 'message',
      errorKey: 'error',
      timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ 'log.level': label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  )
}
