import { readFileSync } from 'node:fs'
import type { TlsMaterial } from './options.ts'

/** The certificate of files (`spec.admin.tls`, absolute), read at each call. Throws if one cannot be read. */
export function fileTls(files: { certFile: string; keyFile: string; clientCAFile?: string }): () => TlsMaterial {
  return () => ({
    cert: readFileSync(files.certFile),
    key: readFileSync(files.keyFile),
    ...(files.clientCAFile === undefined ? {} : { clientCa: readFileSync(files.clientCAFile) }),
  })
}
