/** How the server begins, how it ends, what it answers when the daemon behind it fails. */
import { createServer, type AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { connect } from 'node:net'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { pino } from 'pino'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { bindingFailure } from '../../src/config/binding.js'
import { RegistryError, type ErrorCode } from '../../src/core/model/errors.js'
import type { InstanceView, NodeView } from '../../src/core/views.js'
import { createHttpServer, type HttpServer } from '../../src/http/server.js'
import { silentLog } from '../../src/log.js'
import { readNode } from './contract/strict.js'
import { request, sendRaw, withBody } from './raw.js'
import { MemoryService } from './service.js'

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((at) => at?.address === '::1')
const ends: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function create(host: string, port: number, service = new MemoryService(), log = silentLog()): HttpServer {
  return keep(createHttpServer({ service: () => service, host, port, log }))
}

function keep(server: HttpServer): HttpServer {
  ends.push(() => server.stop())
  return server
}

const put = withBody('PUT /registry-svc/instance', '{"url":"http://a.test"}')

describe('starting', () => {
  test('gives the url that it answers at', async () => {
    const { url, port } = await create('127.0.0.1', 0).start()
    expect(url).toBe(`http://127.0.0.1:${port}`)
    expect((await sendRaw(url, request('GET /healthz'))).status).toBe(200)
  })

  test('before there is a service says that it is well, and asks for patience with all else', async () => {
    const service = (): never => {
      throw new RegistryError('unavailable', 'in a moment')
    }
    const { url } = await keep(createHttpServer({ service, host: '127.0.0.1', port: 0, log: silentLog() })).start()
    expect((await sendRaw(url, request('GET /healthz'))).status).toBe(200)
    for (const early of [request('GET /readyz'), request('GET /v1/lookup/web'), request('GET /openapi.json'), put]) {
      const { status, body, headers } = await sendRaw(url, early)
      expect({ status, body }).toEqual({ status: 503, body: '{"error":"in a moment"}' })
      expect(headers['retry-after']).toBe('1')
    }
  })

  test('on a busy port fails with the way out, and the holder of the port goes on', async () => {
    const { port } = await create('127.0.0.1', 0).start()
    const second = create('127.0.0.1', port)
    await expect(second.start()).rejects.toThrow(
      expect.objectContaining({
        code: 'unavailable',
        message: expect.stringMatching(/^http: .*in use.*--http.*ROLLCALL_HTTP/),
      }),
    )
    await second.stop()
    expect((await sendRaw(`http://127.0.0.1:${port}`, request('GET /healthz'))).status).toBe(200)
  })

  test.runIf(hasIpv6)(
    'on localhost is one server at both of its addresses, with the same words, bounds and end',
    async () => {
      const service = new MemoryService()
      const options = { service: () => service, host: 'localhost', port: 0, log: silentLog(), maxConnections: 4 }
      const server = keep(createHttpServer(options))
      const { port, url } = await server.start()
      expect(url).toBe(`http://localhost:${port}`)
      for (const address of ['127.0.0.1', '::1']) {
        const said = async (bytes: string): Promise<string> => {
          const socket = connect({ port, host: address, allowHalfOpen: true })
          socket.end(bytes)
          return String(Buffer.concat(await socket.toArray()))
        }
        expect(await said(request('GET /healthz'))).toMatch(/^HTTP\/1\.1 200 .*\{\}$/s)
        expect(await said('XX\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*not an HTTP request/s)
        expect(await said(request('CONNECT a.test:1'))).toMatch(/^HTTP\/1\.1 405 /)
        expect(await said(request('PUT /v1/instances', ['Expect: wonders']))).toMatch(/^HTTP\/1\.1 417 .*100-continue/s)
      }
      const silent = ['127.0.0.1', '::1', '::1', '::1', '::1'].map((host) => connect(port, host))
      const closed = silent.map((socket) => once(socket.resume(), 'close'))
      await Promise.race(closed)
      await server.stop()
      await Promise.all(closed)
      const probe = createServer().listen(port, '::1')
      await once(probe, 'listening')
      probe.close()
    },
  )

  test.runIf(hasIpv6)('on localhost whose other address is taken fails with the way out, and holds none', async () => {
    const taken = createServer().listen(0, '::1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    await expect(create('localhost', port).start()).rejects.toThrow(/http: localhost:.* is in use/)
    const probe = createServer().listen(port, '127.0.0.1')
    await once(probe, 'listening')
    probe.close()
    taken.close()
  })

  test('on an address of another machine fails with the way out', async () => {
    await expect(create('192.0.2.1', 0).start()).rejects.toThrow(
      /http: 192\.0\.2\.1:0 is not an address of this machine; choose one that is, such as 127\.0\.0\.1 with/,
    )
  })

  test('on the loopback of IPv4, where there is none, fails with another way out', () => {
    const cause = Object.assign(new Error(), { code: 'EADDRNOTAVAIL' })
    expect(bindingFailure(cause, 'http', '127.0.0.1:1', '--http').message).toMatch(/such as \[::1\] with/)
  })

  test('keeps connections for longer than those who ask do, so that they end them', async () => {
    const server = create('127.0.0.1', 0)
    const { url } = await server.start()
    const keptElsewhere_s = 120 // Caddy; Go: 90
    const response = await fetch(`${url}/healthz`)
    await response.text()
    expect(Number(/^timeout=(\d+)$/.exec(response.headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(
      keptElsewhere_s,
    )
    await server.stop()
  })
})

describe('stopping', () => {
  test('twice, and without having started, is fine', async () => {
    const server = create('127.0.0.1', 0)
    await Promise.all([server.stop(), server.stop()])
    await server.stop()
  })

  test('closes idle connections, and the port is free again', async () => {
    const server = create('127.0.0.1', 0)
    const { port } = await server.start()
    const silent = connect(port, '127.0.0.1')
    const spoken = connect(port, '127.0.0.1')
    await once(silent, 'connect')
    spoken.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(spoken, 'data')
    const closed = [once(silent.resume(), 'close'), once(spoken.resume(), 'close')]
    await server.stop()
    await Promise.all(closed)
    const probe = createServer().listen(port, '127.0.0.1')
    await once(probe, 'listening')
    expect((probe.address() as AddressInfo).port).toBe(port)
    probe.close()
  })

  test('is told with an answer to those who ask on and on, who find nobody when they come again: none of their questions is lost', async () => {
    const service = new MemoryService()
    const options = { service: () => service, host: '127.0.0.1', port: 0, log: silentLog(), farewell_ms: 20_000 }
    const server = keep(createHttpServer(options))
    const { port } = await server.start()
    let answers = 0
    /** Asks on and on, by one connection after the other. @returns how it ended */
    const askOn = async (): Promise<string> => {
      for (;;) {
        const socket = connect(port, '127.0.0.1')
        let [isAsked, isTold, refusal] = [false, false, '']
        const ask = (): void => {
          isAsked = true
          socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
        }
        socket.on('error', ({ code }: NodeJS.ErrnoException) => (refusal = code ?? ''))
        socket.on('connect', ask).on('data', (bytes) => {
          isAsked = false
          answers += 1
          isTold = /connection: close/i.test(String(bytes))
          if (!isTold) ask()
        })
        await new Promise((resolve) => socket.on('close', resolve))
        if (!isTold) return isAsked ? 'lost' : refusal
      }
    }
    const callers = Array.from({ length: 8 }, askOn)
    await vi.waitUntil(() => answers > 40, { timeout: 20_000 })
    await server.stop()
    expect(await Promise.all(callers)).toEqual(callers.map(() => 'ECONNREFUSED'))
  })

  test('lets a request that is under way have its answer', async () => {
    const service = new MemoryService()
    const asked = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    service.leave = async () => {
      asked.resolve()
      await release.promise
    }
    const server = create('127.0.0.1', 0, service)
    const { url } = await server.start()
    const answer = sendRaw(url, withBody('POST /v1/leave', ''))
    await asked.promise
    const stopped = server.stop()
    release.resolve()
    expect((await answer).status).toBe(200)
    await stopped
  })

  test.each([
    ['{"restart":"true"}', 'restart: must be true or false'],
    ['{"restart":1}', 'restart: must be true or false'],
    ['{"restart":null}', 'restart: must be true or false'],
    ['{"restrat":true}', 'restrat: there is no such field; did you mean restart?'],
    ['[]', 'the request body: must be empty, or an object such as {"restart": true}'],
    ['"now"', 'the request body: must be empty, or an object such as {"restart": true}'],
  ])('does not leave for good where %s is asked', async (body, error) => {
    const service = new MemoryService()
    const { url } = await create('127.0.0.1', 0, service).start()
    const answer = await sendRaw(url, withBody('POST /v1/leave', body))
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([400, { error }])
    expect(service.left).toBe(false)
    for (const restart of [false, true]) {
      expect((await sendRaw(url, withBody('POST /v1/leave', JSON.stringify({ restart })))).status).toBe(200)
      expect([service.left, service.restarts]).toEqual([true, restart])
    }
  })

  test('does not wait for a request that never ends', async () => {
    const service = new MemoryService()
    const asked = Promise.withResolvers<void>()
    service.leave = () => {
      asked.resolve()
      return new Promise(() => undefined)
    }
    const server = create('127.0.0.1', 0, service)
    const { url } = await server.start()
    const answer = sendRaw(url, withBody('POST /v1/leave', '')).catch(() => 'cut off')
    await asked.promise
    await server.stop()
    expect(await answer).toBe('cut off')
  })
})

describe('when the daemon fails', () => {
  const statuses: readonly [ErrorCode, number][] = [
    ['malformed', 400],
    ['forbidden', 403],
    ['not-found', 404],
    ['conflict', 409],
    ['too-large', 413],
    ['internal', 500],
    ['unavailable', 503],
  ]
  test.each(statuses)('%s is answered %i with the sentence', async (code, status) => {
    const service = new MemoryService()
    service.failure = new RegistryError(code, 'the sentence')
    const { url } = await create('127.0.0.1', 0, service).start()
    const answer = await sendRaw(url, put)
    expect(answer).toMatchObject({ status, body: '{"error":"the sentence"}' })
    expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined)
  })

  test('a fault of our own is a 500 without its details, which are in the log', async () => {
    const lines: string[] = []
    const sink = new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(String(chunk)), done()) })
    const service = new MemoryService()
    service.failure = new TypeError('secret detail')
    const { url } = await create('127.0.0.1', 0, service, pino(sink)).start()
    const answer = await sendRaw(url, put)
    expect(answer.status).toBe(500)
    expect(JSON.parse(answer.body)).toEqual({ error: expect.not.stringMatching(/secret/) as string })
    expect(lines.join('')).toContain('secret detail')
  })

  test('not being ready is a 503 with the reasons', async () => {
    const service = new MemoryService()
    service.ready = { ready: false, reasons: ['still joining'], degraded: false }
    const { url } = await create('127.0.0.1', 0, service).start()
    const answer = await sendRaw(url, request('GET /readyz'))
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.body)).toEqual({
      error: 'not ready: still joining',
      ready: false,
      reasons: ['still joining'],
      degraded: false,
    })
  })
})

test('nodes are shown with the fields of the contract and no others', async () => {
  const { url } = await create('127.0.0.1', 0).start()
  const { body } = await sendRaw(url, withBody('POST /registry-svc/nodes', '{"ids":["def"]}'))
  const gpus = [{ id: 'http://10.0.0.6:58231/x:0', name: 'RTX 3090' }]
  expect(JSON.parse(body)).toEqual({ nodes: [{ id: 'def', url: 'http://10.0.0.6:58231/x', gpus }] })
})

test.each([null, 7, 'busy', []])('a node whose usage is %j is shown without', async (usage) => {
  const service = new MemoryService()
  service.nodes = () => [{ id: 'n', url: 'http://n', usage } as unknown as NodeView]
  const { url } = await create('127.0.0.1', 0, service).start()
  const { status, body } = await sendRaw(url, withBody('POST /registry-svc/nodes', ''))
  expect([status, JSON.parse(body)]).toEqual([200, { nodes: [{ id: 'n', url: 'http://n' }] }])
})

test('instances and nodes are shown with the fields that the strict Go client knows, whatever the daemon gives', async () => {
  const service = new MemoryService()
  const gpu = { id: 'g:0', intraNodeId: 0.4, memoryUsage: 12.6, temperature: 50.5, name: 7, extra: 1 }
  const process = { pid: 7, processName: 'python3', memoryUsage: 1, user: 'root' }
  const usage = { cpu: { percent: 1.5, used: Number.NaN }, memory: { used: 1.5, total: 3 }, network: { used: 1 } }
  const node = { id: 'n', url: 'http://n', gpus: [{ ...gpu, processDetails: [process, null] }, 'x', null], usage }
  service.nodes = () => [
    { ...node, addresses: ['/ip4/1.2.3.4'], lastHeartbeat: '2026-11-23T12:00:00.000Z' } as NodeView,
  ]
  const instance = { id: 'i', url: 'http://i', status: 'Healthy', n: 3, owner: 'p', check: 'tcp' } as InstanceView
  service.instances = () => [instance]
  const { url } = await create('127.0.0.1', 0, service).start()
  const answers = [
    await sendRaw(url, withBody('POST /registry-svc/nodes', '')),
    await sendRaw(url, request('GET /registry-svc/instances')),
  ]
  const [nodes, instances] = answers.map(({ body }) => JSON.parse(body) as Record<string, unknown[]>)
  expect(nodes?.['nodes']?.every(readNode)).toBe(true)
  expect(nodes).toMatchObject({
    nodes: [
      { gpus: [{ id: 'g:0', intraNodeId: 0, memoryUsage: 13, temperature: 50.5 }], usage: { memory: { used: 2 } } },
    ],
  })
  expect(instances).toEqual({ instances: [{ id: 'i', url: 'http://i', status: 'Healthy' }] })
})

test('a node is deleted by its url, percent-encoded or with bare colons', async () => {
  const { url } = await create('127.0.0.1', 0).start()
  const first = await sendRaw(url, request('DELETE /registry-svc/node/http%3A%2F%2F10.0.0.5%3A58231'))
  const second = await sendRaw(url, request('DELETE /registry-svc/node/http:%2F%2F10.0.0.6:58231%2Fx'))
  expect([first.status, second.status]).toEqual([204, 204])
  expect((await sendRaw(url, withBody('POST /registry-svc/nodes', ''))).body).toBe('{"nodes":[]}')
})
