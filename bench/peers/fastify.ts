// The peer that Node users know: fastify with @fastify/http-proxy, the same 90/10 split by a random number.
import httpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'

const [port, v1, v2] = process.argv.slice(2).map(Number)
const app = Fastify({ logger: false })
await app.register(httpProxy, {
  upstream: '',
  replyOptions: { getUpstream: () => `http://127.0.0.1:${Math.random() < 0.9 ? v1 : v2}` },
})
await app.listen({ port: port!, host: '127.0.0.1' })
