import type { AccessEntry } from '../../../src/proxy/access-log/index.ts'

/** A request as it might have been, with what a test says of it. */
export const entry = (fields: Partial<AccessEntry> = {}): AccessEntry => ({
  wallMs: 1_700_000_000_000,
  durationUs: 1500,
  method: 'GET',
  requestId: 'id-1',
  requestBytes: 3,
  status: 200,
  responseBytes: 512,
  host: 'shop.example.com',
  path: '/items/7',
  clientIp: '10.1.2.3',
  userAgent: 'curl/8',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  gate: 'default/shop',
  variant: 'stable',
  variantReason: 'weight',
  endpoint: '127.0.0.1:9001',
  upstreamMs: 1.2,
  attempts: 1,
  rescued: false,
  flags: ['retried'],
  ...fields,
})
