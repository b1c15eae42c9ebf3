import Type from 'typebox'
import {
  API_VERSION,
  duration,
  flag,
  integer,
  name,
  object,
  oneOf,
  ProxyMetadata,
  percent,
  section,
  size,
  text,
} from './terms.ts'

/** Where clients connect. */
export const Listener = object({
  name: name('Name of the listener.'),
  host: Type.Optional(text('Address to listen on; default: all addresses.')),
  port: Type.Integer({ minimum: 0, maximum: 65535, description: 'TCP port; 0 = any free one.' }),
  protocol: oneOf('What is spoken; HTTPS offers HTTP/2 by ALPN.', ['HTTP', 'HTTPS'], 'HTTP'),
  redirect: Type.Optional(Type.Literal('https', { description: 'https: every request is redirected to https.' })),
  proxyProtocol: flag('Expect a PROXY protocol header from trusted proxies.', false),
  tls: Type.Optional(
    object(
      {
        certificates: Type.Array(
          object({
            certFile: Type.Optional(text('PEM file of the certificate and its chain.')),
            keyFile: Type.Optional(text('PEM file of the private key.')),
            secretRef: Type.Optional(
              object(
                {
                  name: text('Name of a kubernetes.io/tls Secret.'),
                  namespace: Type.Optional(text('Its namespace.')),
                },
                { description: 'Cluster: instead of the two files.' },
              ),
            ),
          }),
          { minItems: 1, maxItems: 64, description: 'Certificates; chosen by SNI, the first one without.' },
        ),
      },
      { description: 'Required with HTTPS, only there.' },
    ),
  ),
})

const AdminToken = object({
  name: name('Who this is, in the audit log.'),
  tokenFile: text('File that holds the bearer token, 16 characters or more.'),
  role: oneOf('viewer: reads. operator: reads and acts.', ['viewer', 'operator'], 'viewer'),
})

export const ProxySpec = section('The proxy itself.', {
  listeners: Type.Array(Listener, {
    minItems: 1,
    maxItems: 64,
    description: 'Where clients connect.',
    default: [{ name: 'http', port: 8080, protocol: 'HTTP' }],
  }),
  workers: Type.Union([Type.Literal('auto'), Type.Integer({ minimum: 1, maximum: 64 })], {
    description: 'Worker threads; auto = available cores.',
    default: 'auto',
  }),
  trustedProxies: Type.Array(text('A CIDR.'), {
    maxItems: 256,
    description: 'CIDRs whose X-Forwarded-* are believed.',
    default: [],
  }),
  limits: section('Limits on what clients may send.', {
    maxHeaderBytes: size('Request head; 0 = no limit.', '16Ki'),
    maxHeaders: integer('Header fields of a request; 0 = no limit.', 100),
    maxBodyBytes: size('Request body; 0 = no limit.', 0),
    maxConnections: integer('Open client connections; 0 = no limit.', 10_000),
    maxConnectionsPerClient: integer('Open connections of one client address, in each worker; 0 = no limit.', 0),
  }),
  timeouts: section('Timeouts towards clients.', {
    header: duration('From the first byte of a request to the end of its head; 0s = none.', '10s'),
    idle: duration('A kept-alive connection without a request; a body without progress; 0s = none.', '75s'),
    maxConnectionAge: duration('A connection older than this is closed after its request; 0s = none.', '0s'),
    drain: duration('How long running requests may take after SIGTERM; 0s = they are cut off.', '30s'),
  }),
  accessLog: section('One JSON line a request.', {
    enabled: flag('Write the access log.', true),
    sample: percent('Percent of requests that are logged; failed ones always are; 0 = only those.', { default: 100 }),
  }),
  admin: section('The admin API.', {
    host: text('Address; one that is not loopback needs tokens.', { default: '127.0.0.1' }),
    port: Type.Integer({ minimum: 0, maximum: 65535, description: 'Port; 0 = any free one.', default: 8081 }),
    tokens: Type.Array(AdminToken, { maxItems: 64, description: 'Who may call it.', default: [] }),
    tls: Type.Optional(
      object(
        {
          certFile: text('PEM file of the certificate.'),
          keyFile: text('PEM file of the key.'),
          clientCAFile: Type.Optional(text('PEM file of the CA of client certificates; set: they are required.')),
        },
        { description: 'The admin API speaks HTTPS.' },
      ),
    ),
  }),
  metrics: section('/metrics, /livez and /readyz.', {
    host: text('Address.', { default: '0.0.0.0' }),
    port: Type.Integer({ minimum: 0, maximum: 65535, description: 'Port; 0 = any free one.', default: 9464 }),
  }),
  state: section('Where releases and weights survive a restart (standalone).', {
    dir: text('Folder; relative to the configuration.', { default: './.streamgate' }),
  }),
})

/** The Proxy document, not decoded. */
export const ProxyDocument = object({
  apiVersion: Type.Literal(API_VERSION),
  kind: Type.Literal('Proxy'),
  metadata: ProxyMetadata,
  spec: ProxySpec,
})
