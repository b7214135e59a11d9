// What a health check by HTTP says of a service that answers, is ill, is slow, is silent, speaks something else, or is not there.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server as HttpServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CheckResult } from '../../src/core/effects.js'
import { createChecker, type Checker, type CheckerOptions } from '../../src/io/checks.js'
import { cert, key } from './self-signed.js'

const servers: Server[] = []
const sockets = new Set<Socket>()
const checkers: Checker[] = []

afterEach(async () => {
  for (const checker of checkers.splice(0)) checker.stop()
  for (const socket of sockets) socket.destroy()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

function checker(options: CheckerOptions = {}): Checker {
  const made = createChecker(options)
  checkers.push(made)
  return made
}

async function listen(server: Server | HttpServer): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  servers.push(server)
  return (server.address() as AddressInfo).port
}

/** A service, and the requests that it got. */
async function serve(answer: RequestListener): Promise<{ port: number; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const port = await listen(
    createServer((request, response) => {
      requests.push(request)
      answer(request, response)
    }),
  )
  return { port, requests }
}

const check = (port: number, path = '/healthz', options: CheckerOptions = {}): Promise<CheckResult> =>
  checker(options).check(`http://127.0.0.1:${port}/api`, `http:${path}`)

describe('a check by HTTP', () => {
  it('asks the host and port of the instance for the path of the check, and says who asks', async () => {
    const { port, requests } = await serve((_, response) => response.end('fine'))
    expect(await check(port, '/healthz?deep=1')).toEqual({ status: 'Healthy' })
    expect(requests.map(({ method, url, headers }) => ({ method, url, host: headers.host }))).toEqual([
      { method: 'GET', url: '/healthz?deep=1', host: `127.0.0.1:${port}` },
    ])
    expect(requests[0]?.headers['user-agent']).toBe('rollcall-check')
  })

  it.each([200, 204, 299, 301, 302, 399])('answered by %i is Healthy', async (status) => {
    const { port, requests } = await serve((_, response) => response.writeHead(status, { location: '/away' }).end())
    expect(await check(port)).toEqual({ status: 'Healthy' })
    expect(requests).toHaveLength(1) // nobody followed
  })

  it.each([400, 404, 500, 503])('answered by %i is an Error that names the status', async (status) => {
    const { port } = await serve((_, response) => response.writeHead(status).end('{"why":1}'))
    expect(await check(port)).toEqual({
      status: 'Error',
      details: `http://127.0.0.1:${port}/healthz answered ${status}`,
    })
  })

  it('does not read a body without end, and leaves no connection open', async () => {
    const { port } = await serve((_, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', write)
      }
      write()
    })
    expect(await check(port)).toEqual({ status: 'Healthy' })
    await vi.waitFor(() => expect(sockets.size).toBe(0), { timeout: 30_000 })
  })

  it('that is answered late is Degraded, and one that is not answered in time Unreachable', async () => {
    const { port } = await serve((_, response) => setTimeout(() => response.end(), 60))
    expect(await check(port, '/', { slow_ms: 20, timeout_ms: 30_000 })).toEqual({
      status: 'Degraded',
      details: `http://127.0.0.1:${port}/ took longer than 0.02 s to answer`,
    })
    const silent = await serve(() => undefined)
    expect(await check(silent.port, '/', { timeout_ms: 50 })).toEqual({
      status: 'Unreachable',
      details: `no answer from http://127.0.0.1:${silent.port}/ within 0.05 s`,
    })
    await vi.waitFor(() => expect(sockets.size).toBe(0), { timeout: 30_000 })
  })

  it('of a port that nobody listens on is Unreachable, and of a name that is none too', async () => {
    const server = createTcpServer()
    const port = await listen(server)
    server.close()
    await once(server, 'close')
    servers.pop()
    expect(await check(port)).toEqual({
      status: 'Unreachable',
      details: `connection refused by http://127.0.0.1:${port}/healthz`,
    })
    expect(await checker().check('http://no-such-host.invalid:1', 'http:/')).toEqual({
      status: 'Unreachable',
      details: 'the host name of http://no-such-host.invalid:1/ does not resolve',
    })
  })

  it.each([
    ['closes at once', (socket: Socket) => socket.end(), 'closed the connection without an answer'],
    ['resets', (socket: Socket) => socket.resetAndDestroy(), 'closed the connection without an answer'],
    ['speaks something else', (socket: Socket) => socket.end('220 smtp ready\r\n'), 'does not speak HTTP'],
  ])('of somebody who %s is an Error', async (_, act, words) => {
    const port = await listen(createTcpServer((socket) => void socket.once('data', () => act(socket))))
    expect(await check(port)).toEqual({
      status: 'Error',
      details: `http://127.0.0.1:${port}/healthz ${words}`,
    })
  })
})

describe('a check by HTTPS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-check-'))
  const file = join(dir, 'cert.pem')
  writeFileSync(file, cert)

  it('of a certificate that nobody vouches for is an Error that says so', async () => {
    const port = await listen(createTlsServer({ key, cert }, (_, response) => response.end()))
    const result = await checker().check(`https://127.0.0.1:${port}`, 'https:/healthz')
    expect(result.status).toBe('Error')
    expect(result.details).toMatch(/^no trust in the TLS of https:\/\/127\.0\.0\.1:\d+\/healthz: \w+$/)
  })

  it('of a certificate that this process trusts is Healthy', async () => {
    const port = await listen(createTlsServer({ key, cert }, (_, response) => response.end()))
    const args = ['--import', 'tsx', 'test/io/check-once.ts', `https://127.0.0.1:${port}`, 'https:/healthz']
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: file }
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    expect(JSON.parse(await text(child.stdout))).toEqual({ status: 'Healthy' })
    rmSync(dir, { recursive: true })
  })

  it('of somebody who speaks no TLS is an Error', async () => {
    const { port } = await serve((_, response) => response.end())
    expect(await checker().check(`https://127.0.0.1:${port}`, 'https:/')).toEqual({
      status: 'Error',
      details: `https://127.0.0.1:${port}/ does not speak TLS`,
    })
  })
})

describe('other checks', () => {
  it('none is Healthy without a connection, whatever the url', async () => {
    const connect = (): never => {
      throw new Error('nobody was to connect')
    }
    expect(await checker({ connect }).check('http://127.0.0.1:1', 'none')).toEqual({ status: 'Healthy' })
    expect(await checker({ connect }).check('amqp://queue', 'none')).toEqual({ status: 'Healthy' })
  })

  it('one that is not known is Unknown, and connects nowhere', async () => {
    const connect = (): never => {
      throw new Error('nobody was to connect')
    }
    const result = await checker({ connect }).check('http://127.0.0.1:1', 'grpc:health')
    expect(result).toMatchObject({ status: 'Unknown', details: expect.stringContaining('not checked') as string })
  })
})

describe('stop', () => {
  it('ends a check by HTTP that waits for its answer', async () => {
    const { port, requests } = await serve(() => undefined)
    const stopped = createChecker()
    const result = stopped.check(`http://127.0.0.1:${port}`, 'http:/')
    await vi.waitFor(() => expect(requests).toHaveLength(1), { timeout: 30_000 })
    stopped.stop()
    expect(await result).toEqual({ status: 'Unknown', details: 'not checked: this daemon is stopping' })
    await vi.waitFor(() => expect(sockets.size).toBe(0), { timeout: 30_000 })
  })
})
