import { createPrivateKey, X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import type { Path } from './errors.ts'
import { readRegularFile, reason } from './files.ts'
import type { Report } from './rules.ts'
import type { Decoded } from './validate.ts'

/** A file that a document names. */
interface NamedFile {
  path: Path
  kind: 'certificate' | 'key' | 'token' | 'secret'
}

/** Shorter bearer tokens can be guessed. */
const MIN_TOKEN_LENGTH = 16

/**
 * Makes the names of files absolute, in place, relative to `folder`, and checks that each is readable and what it
 * should be. Returns all of them, whether they exist or not: a watcher waits for them.
 */
export function checkNamedFiles(decoded: Decoded, folder: string, report: Report): string[] {
  const files: string[] = []
  const contents = new Map<string, string>()
  for (const { path, kind } of namedFiles(decoded)) {
    const file = replace(decoded.document, path, (name) => resolve(folder, name))
    files.push(file)
    try {
      const content = readRegularFile(file).toString('utf8')
      contents.set(file, content)
      const problem = CHECKS[kind](content)
      if (problem !== undefined) report(path, `${file} ${problem}`)
    } catch (error) {
      report(path, `cannot be read: ${reason(error)} (${file})`)
    }
  }
  if (decoded.kind === 'Proxy') {
    replace(decoded.document, ['spec', 'state', 'dir'], (dir) => resolve(folder, dir))
    checkPairs(decoded, contents, report)
  }
  return files
}

const CHECKS: Record<NamedFile['kind'], (content: string) => string | undefined> = {
  certificate: (pem) => (certificate(pem) === undefined ? 'must hold a certificate in PEM' : undefined),
  key: (pem) => (privateKey(pem) === undefined ? 'must hold a private key in PEM, without a password' : undefined),
  token: (text) =>
    text.trim().length < MIN_TOKEN_LENGTH ? `must hold a token of at least ${MIN_TOKEN_LENGTH} characters` : undefined,
  secret: (text) => (text.trim() === '' ? 'must hold a secret, and is empty' : undefined),
}

function namedFiles(decoded: Decoded): NamedFile[] {
  const files: NamedFile[] = []
  const add = (kind: NamedFile['kind'], name: string | undefined, ...path: Path): void => {
    if (name !== undefined) files.push({ kind, path: ['spec', ...path] })
  }
  if (decoded.kind === 'Proxy') {
    const { listeners, admin } = decoded.document.spec
    for (const [i, listener] of listeners.entries()) {
      for (const [j, { certFile, keyFile }] of (listener.tls?.certificates ?? []).entries()) {
        add('certificate', certFile, 'listeners', i, 'tls', 'certificates', j, 'certFile')
        add('key', keyFile, 'listeners', i, 'tls', 'certificates', j, 'keyFile')
      }
    }
    for (const [i, { tokenFile }] of admin.tokens.entries()) add('token', tokenFile, 'admin', 'tokens', i, 'tokenFile')
    add('certificate', admin.tls?.certFile, 'admin', 'tls', 'certFile')
    add('key', admin.tls?.keyFile, 'admin', 'tls', 'keyFile')
    add('certificate', admin.tls?.clientCAFile, 'admin', 'tls', 'clientCAFile')
    return files
  }
  const { sticky, upstream, hooks, analysis } = decoded.document.spec
  add('secret', sticky?.secretFile, 'sticky', 'secretFile')
  add('certificate', upstream.tls.caFile, 'upstream', 'tls', 'caFile')
  for (const [i, { secretFile }] of hooks.entries()) add('secret', secretFile, 'hooks', i, 'secretFile')
  for (const [i, { webhook, prometheus }] of analysis.checks.entries()) {
    add('secret', webhook?.secretFile, 'analysis', 'checks', i, 'webhook', 'secretFile')
    add('certificate', prometheus?.caFile, 'analysis', 'checks', i, 'prometheus', 'caFile')
    add('secret', prometheus?.tokenFile, 'analysis', 'checks', i, 'prometheus', 'tokenFile')
  }
  return files
}

/** A key that belongs to another certificate would fail every handshake. */
function checkPairs(decoded: Decoded & { kind: 'Proxy' }, contents: Map<string, string>, report: Report): void {
  const { listeners, admin } = decoded.document.spec
  const pairs = listeners.flatMap(({ tls }, i) =>
    (tls?.certificates ?? []).map(({ certFile, keyFile }, j) => ({
      certFile,
      keyFile,
      path: ['spec', 'listeners', i, 'tls', 'certificates', j, 'keyFile'] as Path,
    })),
  )
  const { certFile, keyFile } = admin.tls ?? {}
  for (const pair of [...pairs, { certFile, keyFile, path: ['spec', 'admin', 'tls', 'keyFile'] }]) {
    const cert = certificate(contents.get(pair.certFile ?? '') ?? '')
    const key = privateKey(contents.get(pair.keyFile ?? '') ?? '')
    if (cert !== undefined && key !== undefined && !cert.checkPrivateKey(key)) {
      report(pair.path, `is not the key of ${pair.certFile}`)
    }
  }
}

function certificate(pem: string): X509Certificate | undefined {
  try {
    return pem.includes('-----BEGIN CERTIFICATE-----') ? new X509Certificate(pem) : undefined
  } catch {
    return undefined
  }
}

function privateKey(pem: string): ReturnType<typeof createPrivateKey> | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

function replace(root: object, path: Path, change: (text: string) => string): string {
  let parent = root as Record<string | number, unknown>
  for (const key of path.slice(0, -1)) parent = parent[key] as typeof parent
  const last = path.at(-1)!
  const changed = change(parent[last] as string)
  parent[last] = changed
  return changed
}
