import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A leaf certificate with its key and the CA that signed it, as PEM texts and as files. */
export interface TestCertificate {
  certPem: string
  keyPem: string
  caPem: string
  certFile: string
  keyFile: string
  caFile: string
}

let folder: string | undefined
const made = new Map<string, TestCertificate>()

function openssl(dir: string, ...args: string[]): void {
  execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** The folder of this process's certificates, with the CA in it; gone when the process ends. */
function caFolder(): string {
  if (folder !== undefined) return folder
  const dir = mkdtempSync(join(tmpdir(), 'streamgate-ca-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  openssl(dir, 'req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '30', '-subj', '/CN=Test CA')
  folder = dir
  return dir
}

/** A certificate for `names` (DNS names or addresses), signed by the process's test CA; made once for the same names. */
export function certificateFor(...names: string[]): TestCertificate {
  const all = names.length > 0 ? names : ['localhost', '127.0.0.1', '::1']
  const key = all.join(',')
  const known = made.get(key)
  if (known) return known
  const dir = caFolder()
  const leaf = `leaf-${made.size}`
  const san = all.map((name) => (isIP(name) ? `IP:${name}` : `DNS:${name}`)).join(',')
  writeFileSync(join(dir, `${leaf}.ext`), `subjectAltName=${san}\nbasicConstraints=CA:FALSE\n`)
  openssl(dir, 'req', ...newKey, '-keyout', `${leaf}.key`, '-out', `${leaf}.csr`, '-subj', `/CN=${leaf}`)
  openssl(
    dir,
    ...['x509', '-req', '-in', `${leaf}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30'],
    ...['-extfile', `${leaf}.ext`, '-out', `${leaf}.crt`],
  )
  const certFile = join(dir, `${leaf}.crt`)
  const keyFile = join(dir, `${leaf}.key`)
  const caFile = join(dir, 'ca.crt')
  const certificate = {
    certPem: readFileSync(certFile, 'utf8'),
    keyPem: readFileSync(keyFile, 'utf8'),
    caPem: readFileSync(caFile, 'utf8'),
    certFile,
    keyFile,
    caFile,
  }
  made.set(key, certificate)
  return certificate
}
