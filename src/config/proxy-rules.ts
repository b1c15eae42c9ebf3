import { ipVersion, isAny, isCidr, isLoopback } from './addresses.ts'
import type { Path } from './errors.ts'
import { exactlyOne, type Report, unique } from './rules.ts'
import type { ListenerConfig, ProxyConfig } from './schema.ts'

/** What a schema cannot say of a Proxy. Pure. */
export function checkProxy(proxy: ProxyConfig, report: Report): void {
  const { listeners, trustedProxies, admin } = proxy.spec
  unique(
    listeners,
    (listener) => listener.name,
    (index) => ['spec', 'listeners', index, 'name'],
    report,
  )
  for (const [index, listener] of listeners.entries()) checkListener(listener, ['spec', 'listeners', index], report)
  checkPorts(proxy, report)
  for (const [index, cidr] of trustedProxies.entries()) {
    if (isCidr(cidr)) continue
    const bits = { 0: undefined, 4: 32, 6: 128 }[ipVersion(cidr)]
    const more = bits === undefined ? {} : { hint: `did you mean ${cidr}/${bits}?` }
    report(['spec', 'trustedProxies', index], `must be a CIDR such as 10.0.0.0/8 or fd00::/8, not ${cidr}`, more)
  }
  unique(
    admin.tokens,
    (token) => token.name,
    (index) => ['spec', 'admin', 'tokens', index, 'name'],
    report,
  )
  if (!isLoopback(admin.host) && admin.tokens.length === 0 && admin.tls?.clientCAFile === undefined) {
    const message = `must be a loopback address such as 127.0.0.1, not ${admin.host}, unless tokens or tls.clientCAFile are given`
    report(['spec', 'admin', 'host'], message)
  }
}

function checkListener(listener: ListenerConfig, path: Path, report: Report): void {
  if (listener.protocol === 'HTTPS') {
    if (listener.tls === undefined) report([...path, 'tls'], 'is required with protocol: HTTPS')
    if (listener.redirect !== undefined) report([...path, 'redirect'], 'is only for protocol: HTTP')
  } else if (listener.tls !== undefined) {
    report([...path, 'tls'], 'is only for protocol: HTTPS')
  }
  for (const [index, certificate] of (listener.tls?.certificates ?? []).entries()) {
    const at = [...path, 'tls', 'certificates', index]
    exactlyOne(certificate, ['certFile', 'secretRef'], at, report)
    if (certificate.certFile !== undefined && certificate.keyFile === undefined) {
      report([...at, 'keyFile'], 'is required with certFile')
    }
    if (certificate.certFile === undefined && certificate.keyFile !== undefined) {
      report([...at, 'keyFile'], 'is only for use with certFile')
    }
  }
}

/** No two sockets of the process on one address. */
function checkPorts(proxy: ProxyConfig, report: Report): void {
  const { listeners, admin, metrics } = proxy.spec
  const sockets: { what: string; host: string | undefined; port: number; path: Path }[] = [
    ...listeners.map(({ name, host, port }, index) => ({
      what: `listener ${name}`,
      host,
      port,
      path: ['spec', 'listeners', index, 'port'],
    })),
    { what: 'admin', host: admin.host, port: admin.port, path: ['spec', 'admin', 'port'] },
    { what: 'metrics', host: metrics.host, port: metrics.port, path: ['spec', 'metrics', 'port'] },
  ]
  for (const [index, socket] of sockets.entries()) {
    const other = sockets
      .slice(0, index)
      .find(({ host, port }) => port === socket.port && (isAny(host) || isAny(socket.host) || host === socket.host))
    if (socket.port === 0 || other === undefined) continue
    report(socket.path, `must be another port than that of ${other.what}, which is ${other.port} too`)
  }
}
