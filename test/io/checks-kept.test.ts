// Checks over real sockets that say more than a path: methods, statuses, headers, TLS, gRPC; connections that are kept open.
import { credentials, Server, ServerCredentials, status as grpcStatus, type sendUnaryData } from '@grpc/grpc-js'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { CheckForm } from '../../src/core/model/check.js'
import { isLinkLocal } from '../../src/core/model/host.js'
import { createChecker, type Checker, type CheckerOptions } from '../../src/io/checks.js'
import { cert, key } from './self-signed.js'

const ends: (() => unknown)[] = []

afterEach(() => {
  for (const end of ends.splice(0).reverse()) end()
})

function checker(options: CheckerOptions = {}): Checker {
  const made = createChecker(options)
  ends.push(() => made.stop())
  return made
}

async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => server.close())
  return (server.address() as AddressInfo).port
}

test('a request has the method and the headers that it was given, and counts the statuses that it was told', async () => {
  const seen: IncomingMessage[] = []
  const port = await listen(
    createHttpServer((request, response) => {
      seen.push(request)
      response.writeHead(request.method === 'HEAD' ? 429 : 302, { location: 'http://127.0.0.1:1/' }).end()
    }),
  )
  const url = `http://127.0.0.1:${port}`
  const named: CheckForm = { http: { path: '/h?x=1', method: 'HEAD', statuses: ['429'], headers: ['authorization'] } }
  expect(await checker().check(url, named, { authorization: 'Bearer t' })).toEqual({ status: 'Healthy' })
  expect(seen[0]).toMatchObject({ method: 'HEAD', url: '/h?x=1', headers: { authorization: 'Bearer t' } })
  expect(await checker().check(url, { http: { statuses: ['200-299'] } })).toMatchObject({ status: 'Error' })
  expect(await checker().check(url, 'http:/')).toEqual({ status: 'Healthy' }) // and nobody went to port 1
  expect(await checker().check(url, named)).toMatchObject({
    status: 'Unknown',
    details: expect.stringMatching(/headers/),
  })
  expect(seen).toHaveLength(3)
})

test('over TLS nothing is offered where nothing is going to be spoken, and who speaks TLS is not said not to', async () => {
  const server = createTlsServer(
    { key, cert, ALPNProtocols: ['h2'] },
    (socket) => void socket.on('error', () => undefined),
  )
  const url = `https://127.0.0.1:${await listen(server)}`
  const tls = { verify: false } as const
  expect(await checker().check(url, { tcp: {}, tls })).toEqual({ status: 'Healthy' })
  const { details } = await checker().check(url, { http: {}, tls })
  expect(details).toMatch(/^TLS with .* fails: .*NO_APPLICATION_PROTOCOL$/)
})

test('TLS is spoken where it is asked for, and trusted as it is told', async () => {
  const names: string[] = []
  const named = (name: string, found: (error: null) => void): void => {
    names.push(name)
    found(null)
  }
  const tls = createTlsServer({ key, cert, SNICallback: named }, (socket) => void socket.on('error', () => undefined))
  tls.on('tlsClientError', () => undefined)
  const url = `tcp://127.0.0.1:${await listen(tls)}`
  expect(await checker().check(url, { tcp: {}, tls: {} })).toMatchObject({
    status: 'Error',
    details: expect.stringMatching(/no trust/),
  })
  const form: CheckForm = { tcp: {}, tls: { verify: false, serverName: 'web.example' } }
  expect(await checker().check(url, form)).toEqual({ status: 'Healthy' })
  expect(names).toContain('web.example')
  const plain = await listen(createServer((socket) => socket.end('hello\n')))
  expect(await checker().check(`tcp://127.0.0.1:${plain}`, form)).toMatchObject({ status: 'Error' })
})

test('a check has the patience that it was given', async () => {
  const port = await listen(createServer((socket) => void socket.on('error', () => undefined)))
  const result = await checker().check(`http://127.0.0.1:${port}`, { http: {}, timeout: '100ms' })
  expect(result).toMatchObject({ status: 'Unreachable', details: expect.stringMatching(/within 0\.1 s/) })
})

test.each([
  ...[
    '169.254.169.254',
    '169.254.0.1',
    'fe80::1',
    'febf::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
    '::ffff:169.254.169.254',
  ],
  ...['::ffff:a9fe:a9fe', '::169.254.169.254', '64:ff9b::a9fe:a9fe'],
])('%s is link-local', (address) => expect(isLinkLocal(address)).toBe(true))

test.each(['169.253.0.1', '10.0.0.1', '127.0.0.1', '::1', 'fec0::1', 'fd00::1', '::ffff:10.0.0.1', 'a.test'])(
  '%s is not',
  (address) => expect(isLinkLocal(address)).toBe(false),
)

test('a name that leads to a link-local address is not asked; a url that names one is', async () => {
  const dialled: unknown[] = []
  const names = {
    resolve: async () => ({
      type: 'found' as const,
      addresses: [
        { address: '169.254.169.254', family: 4 as const },
        { address: 'fd00:ec2::254', family: 6 as const },
      ],
    }),
    stop: () => undefined,
  }
  const made = checker({
    names,
    connect: (options) => {
      dialled.push(options.host)
      throw Object.assign(new Error('no'), { code: 'EHOSTUNREACH' })
    },
  })
  const result = await made.check('http://metadata.test/', 'http:/latest')
  expect(result).toMatchObject({ status: 'Unknown', details: expect.stringMatching(/^not checked: .*link-local/) })
  expect(dialled).toEqual([])
  await made.check('http://169.254.1.1/')
  expect(dialled).toEqual(['169.254.1.1'])
  const told: string[] = []
  made.keepOpen('x', 'http://metadata.test/', 'tcp', (news) => told.push(news))
  await vi.waitFor(() => expect(told).toEqual(['ours']))
  expect(dialled).toHaveLength(1)
})

describe('a kept connection', () => {
  async function open(options: CheckerOptions = {}) {
    const sockets: Socket[] = []
    const port = await listen(createServer((socket) => void sockets.push(socket.on('error', () => undefined).resume())))
    const made = checker(options)
    const told: string[] = []
    const keep = (id = 'x'): void => made.keepOpen(id, `tcp://127.0.0.1:${port}`, 'tcp', (news) => told.push(news))
    return { made, sockets, told, keep }
  }

  test.each([
    ['closes', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ])('is told of when its server %s it', async (_, act) => {
    const { sockets, told, keep } = await open()
    keep()
    await vi.waitFor(() => expect(sockets).toHaveLength(1))
    expect(told).toEqual([])
    act(sockets[0] as Socket)
    await vi.waitFor(() => expect(told).toEqual(['closed']))
  })

  test('is let go without a word, and replaced', async () => {
    const { made, sockets, told, keep } = await open()
    keep()
    await vi.waitFor(() => expect(sockets).toHaveLength(1))
    keep()
    await vi.waitFor(() => expect(sockets).toHaveLength(2))
    made.letGo('x')
    await vi.waitFor(() => expect(sockets.every(({ closed }) => closed)).toBe(true))
    expect(told).toEqual([])
  })

  test('is refused beyond their number, and where nobody listens it is closed', async () => {
    const { made, sockets, told, keep } = await open({ lines: 1 })
    keep()
    await vi.waitFor(() => expect(sockets).toHaveLength(1))
    keep('y')
    await vi.waitFor(() => expect(told).toEqual(['no room']))
    made.letGo('x')
    made.keepOpen('z', 'tcp://127.0.0.1:1', 'tcp', (news) => told.push(`z ${news}`))
    await vi.waitFor(() => expect(told).toEqual(['no room', 'z closed']))
  })
})

describe('gRPC', () => {
  const serving = { SERVING: 1, NOT_SERVING: 2, UNKNOWN: 0 } as const

  /** A server of the health protocol; `say` is what it answers of each service. */
  async function serve(say: (service: string) => keyof typeof serving | 'NOT_FOUND' | 'UNIMPLEMENTED' | 'UNAVAILABLE') {
    const server = new Server()
    const watchers: ((status: keyof typeof serving) => void)[] = []
    const wire = {
      requestStream: false,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    } as const
    server.addService(
      {
        check: { ...wire, path: '/grpc.health.v1.Health/Check', responseStream: false },
        watch: { ...wire, path: '/grpc.health.v1.Health/Watch', responseStream: true },
      },
      {
        check: ({ request }: { request: Buffer }, answer: sendUnaryData<Buffer>) => {
          const found = say(request.subarray(2).toString())
          if (!(found in serving))
            answer({ code: grpcStatus[found as 'NOT_FOUND'], details: 'connect ECONNREFUSED 10.0.0.1' })
          else answer(null, Buffer.from([0x08, serving[found as keyof typeof serving]]))
        },
        watch: (call: { write(bytes: Buffer): void }) => {
          watchers.push((status) => call.write(Buffer.from([0x08, serving[status]])))
          watchers.at(-1)?.('SERVING')
        },
      },
    )
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    )
    ends.push(() => server.forceShutdown())
    return { url: `http://127.0.0.1:${port}`, server, watchers }
  }

  test('is asked by the health protocol', async () => {
    expect(credentials).toBeDefined()
    const { url } = await serve((service) => (service === '' ? 'SERVING' : (service as 'UNKNOWN')))
    const of = async (service: string) => (await checker().check(url, { grpc: { service } })).status
    expect(await checker().check(url, { grpc: {} })).toEqual({ status: 'Healthy' })
    expect(await of('NOT_SERVING')).toBe('Error')
    for (const said of ['UNKNOWN', 'NOT_FOUND', 'UNIMPLEMENTED']) expect(await of(said)).toBe('Unknown')
  })

  test('what a server says of others is not that nobody is there', async () => {
    const { url } = await serve(() => 'UNAVAILABLE')
    const details = `${url.replace('http', 'grpc')} answered UNAVAILABLE`
    expect(await checker().check(url, { grpc: {} })).toEqual({ status: 'Error', details })
  })

  test('is asked at each address of a name, as those who call do', async () => {
    const { url, watchers } = await serve(() => 'SERVING')
    const addresses = ['127.0.0.2', '::1', '127.0.0.1'].map((address) => ({ address, family: 4 as const }))
    const names = { resolve: async () => ({ type: 'found' as const, addresses }), stop: () => undefined }
    const made = checker({ names })
    const named = url.replace('127.0.0.1', 'svc.test')
    expect(await made.check(named, { grpc: {} })).toEqual({ status: 'Healthy' })
    made.keepOpen('x', named, { grpc: {}, keepOpen: true }, () => undefined)
    await vi.waitFor(() => expect(watchers).toHaveLength(1))
    expect(await made.check('grpc://svc.test:1', { grpc: {} })).toMatchObject({ status: 'Unreachable' })
  })

  test('that nobody speaks is refused, or no gRPC', async () => {
    const refused = await checker().check('http://127.0.0.1:1', { grpc: {} })
    expect(refused).toMatchObject({ status: 'Unreachable', details: expect.stringMatching(/refused/) })
    const port = await listen(createServer((socket) => void socket.on('error', () => undefined).end('SSH-2.0\r\n')))
    expect(await checker().check(`http://127.0.0.1:${port}`, { grpc: {} })).toMatchObject({ status: 'Error' })
  })

  test('tells over a kept connection what changes, and that it has ended', async () => {
    const { url, server, watchers } = await serve(() => 'SERVING')
    const told: string[] = []
    checker().keepOpen('x', url, { grpc: {}, keepOpen: true }, (news) => told.push(news))
    await vi.waitFor(() => expect(watchers).toHaveLength(1))
    watchers[0]?.('SERVING')
    watchers[0]?.('NOT_SERVING')
    await vi.waitFor(() => expect(told).toEqual(['changed']))
    server.forceShutdown()
    await vi.waitFor(() => expect(told).toEqual(['changed', 'closed']))
  })
})
