import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ListenerConfig } from '../config/schema.ts'
import type { CertificateSpec, ListenerSpec } from '../proxy/index.ts'

/** Translates a listener of the configuration to what a worker needs; reads and checks its certificates. Throws naming the file. */
export function listenerSpec(config: ListenerConfig): ListenerSpec {
  return {
    name: config.name,
    ...(config.host === undefined ? {} : { host: config.host }),
    port: config.port,
    protocol: config.protocol,
    redirectHttps: config.redirect === 'https',
    proxyProtocol: config.proxyProtocol,
    certificates: (config.tls?.certificates ?? []).map(({ certFile, keyFile }) =>
      certificateSpec(certFile ?? '', keyFile ?? ''),
    ),
  }
}

function certificateSpec(certFile: string, keyFile: string): CertificateSpec {
  const certPem = readFileSync(certFile, 'utf8')
  const keyPem = readFileSync(keyFile, 'utf8')
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(certPem)
  } catch (cause) {
    throw new Error(`${certFile}: not a PEM certificate`, { cause })
  }
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((one) => one.startsWith('DNS:'))
    .map((one) => one.slice(4).toLowerCase())
  return { certPem, keyPem, names }
}
