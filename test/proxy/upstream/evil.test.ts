import { createServer } from 'node:net'
import t from 'tap'
import { certificateFor } from '../../support/certificates.ts'
import { type EvilConnection, evilUpstream, type Script } from '../../support/evil-upstream.ts'
import { once, turns, upstreamTo } from './upstream-fixture.ts'

/** Runs `use` against an upstream that behaves like `script`. */
async function against(
  script: Script,
  use: (upstream: ReturnType<typeof upstreamTo>, connections: EvilConnection[]) => Promise<void>,
  spec: Parameters<typeof upstreamTo>[1] = {},
): Promise<void> {
  const evil = await evilUpstream(script)
  const upstream = upstreamTo(evil.origin, spec)
  try {
    await use(upstream, evil.connections)
  } finally {
    await evil.close()
    await upstream.close()
  }
}

t.test('bytes that are not a proper answer fail the attempt as reset, sent, not replayable', async (t) => {
  const table: [string, string][] = [
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['binary', '\x00\x01\x02\xff\xfe'],
    ['bad status line', 'HTTP/1.1 abc OK\r\n\r\n'],
    ['HTTP/0.9', '<html>hello</html>'],
    ['status 999', 'HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n'],
    ['status 600', 'HTTP/1.1 600 What\r\nContent-Length: 0\r\n\r\n'],
    ['101 that nobody asked for', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
    ['bare 101', 'HTTP/1.1 101 Switching\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    [
      'length and chunked',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    ],
    ['bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['NUL in a header', 'HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n'],
    ['space before the colon', 'HTTP/1.1 200 OK\r\nX-A : a\r\nContent-Length: 0\r\n\r\n'],
    ['head of 20 KiB', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(20_000)}\r\nContent-Length: 0\r\n\r\n`],
    ['endless head', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(5000)}`],
    ['closed in the head', 'HTTP/1.1 200 OK\r\nX-A: '],
    ['closed in a body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
    ['closed in a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal'],
    ['closed between chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['closed before the last chunk’s end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n'],
  ]
  for (const [name, bytes] of table) {
    await against(
      async (connection) => {
        if ((await connection.request()) === undefined) return
        await connection.send(bytes)
        connection.halfClose()
      },
      async ({ send }) => {
        const { failure, calls } = await send()
        t.match(
          { kind: failure?.kind, reused: failure?.reused, unsent: failure?.unsent },
          {
            kind: 'reset',
            reused: false,
            unsent: false,
          },
          `${name}: ${failure?.cause.message}`,
        )
        t.notOk(calls.includes('end'), `${name}: never a clean end`)
      },
    )
  }
})

t.test('resets', async (t) => {
  for (const [name, bytes] of [
    ['at once', ''],
    ['in the head', 'HTTP/1.1 200'],
    ['in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
    ['in a body without a length', 'HTTP/1.1 200 OK\r\n\r\nhalf'],
  ]) {
    await against(
      async (connection) => {
        await connection.request()
        if (bytes) await connection.send(bytes)
        await turns()
        connection.reset()
      },
      async ({ send }) => {
        const { failure, calls } = await send()
        t.match(failure, { kind: 'reset', reused: false, unsent: false }, name!)
        t.notOk(calls.includes('end'), name!)
      },
    )
  }
})

t.test('a body that ends with the connection ends well', async (t) => {
  await against(
    async (connection) => {
      await connection.request()
      await connection.send('HTTP/1.0 200 OK\r\n\r\nall of it')
      connection.halfClose()
    },
    async ({ send }) => {
      const { body, failure } = await send()
      t.equal(failure, undefined)
      t.equal(body.toString(), 'all of it')
    },
  )
})

t.test('a kept connection that dies as the request comes', async (t) => {
  for (const how of ['reset', 'close'] as const) {
    await against(
      async (connection) => {
        await connection.request()
        await connection.answer('one')
        if ((await connection.request()) === undefined) return
        if (how === 'reset') connection.reset()
        else connection.close()
      },
      async ({ send }) => {
        t.equal((await send()).body.toString(), 'one')
        await turns()
        const { failure, sent } = await send()
        t.same(sent, [true])
        t.match(failure, { kind: 'reset', reused: true, unsent: false }, `${how}: safe to replay`)
      },
    )
  }
})

t.test('a kept connection that dies after a byte of the answer is the endpoint’s failure', async (t) => {
  await against(
    async (connection) => {
      await connection.request()
      await connection.answer('one')
      await connection.request()
      await connection.send('HTTP/1.1 2')
      connection.close()
    },
    async ({ send }) => {
      await send()
      await turns()
      t.match((await send()).failure, { kind: 'reset', reused: false, unsent: false })
    },
  )
})

t.test('a connection closed while idle costs nothing', async (t) => {
  await against(
    async (connection) => {
      await connection.request()
      await connection.answer(`from ${connection.index}`)
      connection.halfClose()
    },
    async ({ send }, connections) => {
      t.equal((await send()).body.toString(), 'from 0')
      await connections[0]!.closed()
      const { body, sent } = await send()
      t.equal(body.toString(), 'from 1')
      t.same(sent, [false])
    },
  )
})

t.test('two answers to one request: the second is never anybody’s', async (t) => {
  await against(
    async (connection) => {
      while ((await connection.request()) !== undefined) {
        await connection.send(
          `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`,
        )
      }
    },
    async ({ send }) => {
      for (let i = 0; i < 20; i++) {
        const { body, failure } = await send()
        t.equal(failure, undefined)
        t.equal(body.toString(), 'good')
        if (i % 2) await turns()
      }
    },
  )
})

t.test('unsolicited bytes on an idle connection are never an answer', async (t) => {
  await against(
    async (connection) => {
      await connection.request()
      await connection.answer('good')
      await turns(5)
      await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison')
      while ((await connection.request()) !== undefined) await connection.answer('good')
    },
    async ({ send }, connections) => {
      for (let i = 0; i < 5; i++) {
        t.equal((await send()).body.toString(), 'good')
        // The poison has left the server; whether it has arrived before the next request is the kernel's affair on loopback.
        await connections.at(-1)!.closed()
      }
    },
  )
})

t.test('a body to HEAD is never the next answer', async (t) => {
  await against(
    async (connection) => {
      for (;;) {
        const request = await connection.request()
        if (request === undefined) return
        if (request.startsWith('HEAD')) {
          await connection.send('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 60\r\n\r\n')
          await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison')
        } else await connection.answer('good')
      }
    },
    async ({ send }, connections) => {
      for (let i = 0; i < 5; i++) {
        const head = await send({ method: 'HEAD' })
        t.equal(head.body.length, 0)
        await connections.at(-1)!.closed()
        t.equal((await send()).body.toString(), 'good')
      }
    },
  )
})

t.test('answers of many requests at once are not mixed', async (t) => {
  await against(
    async (connection) => {
      for (;;) {
        const request = await connection.request()
        if (request === undefined) return
        const id = /^GET \/(\d+)/.exec(request)![1]!
        await connection.drip(`HTTP/1.1 200 OK\r\nContent-Length: ${id.length}\r\nX-Id: ${id}\r\n\r\n${id}`, 7)
        // Every fifth answer is its connection's last.
        if (Number(id) % 5 === 0) connection.reset()
      }
    },
    async ({ send }) => {
      let wrong = 0
      let resets = 0
      const worker = async (from: number) => {
        for (let id = from; id < from + 25; id++) {
          const { body, rawHeaders, failure } = await send({ path: `/${id}` })
          if (failure) resets++
          else if (body.toString() !== String(id) || rawHeaders!.at(-1) !== String(id)) wrong++
        }
      }
      await Promise.all(Array.from({ length: 20 }, (_, i) => worker(1000 + i * 25)))
      t.equal(wrong, 0)
      t.ok(resets <= 150, `${resets} resets`)
    },
  )
})

t.test('slow answers', async (t) => {
  await t.test('byte by byte, but alive', async (t) => {
    await against(
      async (connection) => {
        await connection.request()
        await connection.drip('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow')
      },
      async ({ send }) => void t.equal((await send()).body.toString(), 'slow'),
    )
  })

  await t.test('no answer: timeout, sent', async (t) => {
    await against(
      async (connection) => void (await connection.request()),
      async ({ send }) => {
        const { failure } = await send()
        t.match(failure, { kind: 'timeout', unsent: false, reused: false, cause: { code: 'RESPONSE_TIMEOUT' } })
      },
      { responseTimeoutMs: 100 },
    )
  })

  await t.test('a head that drips for ever: the response timeout is for all of it', async (t) => {
    await against(
      async (connection) => {
        await connection.request()
        await connection.send('HTTP/1.1 200 OK\r\n')
        while (!connection.socket.destroyed) await connection.drip('X-A: b\r\n', 1)
      },
      async ({ send }) =>
        void t.match((await send()).failure, { kind: 'timeout', cause: { code: 'RESPONSE_TIMEOUT' } }),
      { responseTimeoutMs: 60 },
    )
  })

  await t.test('a body that stalls', async (t) => {
    await against(
      async (connection) => {
        await connection.request()
        await connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
      },
      async ({ send }) => {
        const { failure, calls } = await send()
        t.match(failure, { kind: 'timeout', unsent: false, cause: { code: 'IDLE_TIMEOUT' } })
        t.same(calls, ['sent', 'response', 'data', 'failure'])
      },
      { idleTimeoutMs: 100 },
    )
  })

  for (const type of ['text/event-stream; charset=utf-8', 'application/grpc+proto']) {
    await t.test(`a stream of ${type} may be silent`, async (t) => {
      await against(
        async (connection) => {
          await connection.request()
          await connection.send(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n\r\ndata: 1\n\n`)
          await new Promise((resolve) => setTimeout(resolve, 300))
          connection.halfClose()
        },
        async ({ send }) => void t.equal((await send()).failure, undefined),
        { idleTimeoutMs: 50 },
      )
    })
  }
})

t.test('100 Continue that nobody asked for is skipped', async (t) => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'
  for (const [name, size] of [
    ['in one piece', 1000],
    ['byte by byte', 1],
    ['in pieces', 13],
  ] as const) {
    await against(
      async (connection) => {
        for (let i = 0; i < 2; i++) {
          await connection.request()
          await connection.drip(`HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${answer}`, size)
        }
      },
      async ({ send }) => {
        for (let i = 0; i < 2; i++) {
          const { body, failure, informations } = await send({ method: 'POST', body: Buffer.from('x') })
          t.equal(failure?.cause.message, undefined, name)
          t.equal(body.toString(), 'good', name)
          t.same(informations, [])
          await turns()
        }
      },
    )
  }
})

t.test('no connection', async (t) => {
  await t.test('refused', async (t) => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    server.close()
    await once(server, 'close')
    const { send, close } = upstreamTo(`http://127.0.0.1:${port}`)
    const outcomes = await Promise.all([send(), send(), send({ method: 'POST', body: Buffer.from('x') })])
    for (const { failure, calls } of outcomes) {
      t.match(failure, { kind: 'connect', unsent: true, reused: false, cause: { code: 'ECONNREFUSED' } })
      t.same(calls, ['failure'])
    }
    await close()
  })

  await t.test('closed at once by the endpoint', async (t) => {
    await against(
      (connection) => connection.reset(),
      async ({ send }) => {
        const { failure } = await send()
        t.match(failure, { reused: false })
        t.match(failure?.kind, /connect|reset/)
      },
    )
  })

  await t.test('a certificate that does not verify; nothing is sent', async (t) => {
    const evil = await evilUpstream(async (c) => {
      if ((await c.request()) !== undefined) await c.answer('secret')
    }, certificateFor('other.example.com'))
    const { caPem } = certificateFor('other.example.com')
    const refused = [
      upstreamTo(evil.origin),
      upstreamTo(evil.origin, { tls: { caPem } }),
      upstreamTo(evil.origin, { tls: { caPem, serverName: 'shop.example.com' } }),
    ]
    for (const { send, close } of refused) {
      t.match((await send()).failure, { kind: 'connect', unsent: true })
      await close()
    }
    for (const { send, close } of [
      upstreamTo(evil.origin, { tls: { caPem, serverName: 'other.example.com' } }),
      upstreamTo(evil.origin, { tls: { caPem } }, { serverName: 'other.example.com' }),
    ]) {
      t.equal((await send()).body.toString(), 'secret')
      await close()
    }
    t.ok(
      evil.connections.every(({ received }) => received === ''),
      'no request reached it unverified',
    )
    await evil.close()
  })

  await t.test('a handshake that never ends: connect timeout, unsent', async (t) => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    const { send, close } = upstreamTo(`https://127.0.0.1:${port}`, { connectTimeoutMs: 100 })
    t.match((await send()).failure, { kind: 'timeout', unsent: true, cause: { code: 'CONNECT_TIMEOUT' } })
    await close()
    silent.close()
  })
})
