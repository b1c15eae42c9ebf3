import t from 'tap'
import { keepTlsSecret, type Secret, tlsOfSecret } from '../../src/kube/index.ts'
import { certificateFor } from '../support/certificates.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const secret = (data: Record<string, string>): Secret => ({ metadata: { namespace: 'edge', name: 'tls' }, data })

t.test('certificate and key of a Secret, or what is wrong with it', async (t) => {
  const { certPem, keyPem } = certificateFor('shop.example.com')
  const other = certificateFor('other.example.com')
  const good = secret({ 'tls.crt': base64(certPem), 'tls.key': base64(keyPem), more: base64('x') })
  t.same(tlsOfSecret(good), { certPem, keyPem })
  t.same(Object.keys(keepTlsSecret(good).data ?? {}), ['tls.crt', 'tls.key'])
  t.same(tlsOfSecret(keepTlsSecret(good)), { certPem, keyPem })
  for (const [data, problem] of [
    [{}, /^Secret edge\/tls has no tls\.crt$/],
    [{ 'tls.crt': base64(certPem) }, /has no tls\.key/],
    [{ 'tls.crt': base64('x'), 'tls.key': base64(keyPem) }, /no certificate in PEM/],
    [{ 'tls.crt': base64(certPem), 'tls.key': base64('x') }, /no private key in PEM/],
    [{ 'tls.crt': base64(certPem), 'tls.key': base64(other.keyPem) }, /a key of another certificate/],
  ] as const) {
    t.match(tlsOfSecret(secret(data)), { problem })
  }
})
