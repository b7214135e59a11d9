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
import { createServer as createTlsServerOfSockets } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CheckResult } from '../../src/core/effects.js'
import { createChecker, type Checker, type CheckerOptions } from '../../src/io/checks.js'
import { httpRequest, type Asked } from '../../src/io/checks/http.js'
import { compiled } from './compiled.js'
import { cert, key } from './self-signed.js'

const checkOnce = await compiled('check-once.ts')
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

/** A server that answers each connection that asks with these words, whatever they are. */
function speaking(answer: string, act: (socket: Socket) => void = () => undefined): Promise<number> {
  return listen(
    createTcpServer((socket) => {
      socket.once('data', () => {
        socket.write(answer, 'latin1')
        act(socket)
      })
    }),
  )
}

const end = (socket: Socket): void => void socket.end()
const reset = (socket: Socket): void => void setImmediate(() => socket.resetAndDestroy())
const large = `X-Large: ${'x'.repeat(2_000_000)}\r\n`

describe('a check by HTTP is as lenient as those who call: the status line counts', () => {
  it.each<[string, string, ((socket: Socket) => void)?]>([
    ['headers of 20 kB', `HTTP/1.1 200 OK\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\nfine`],
    ['headers of 2 MB', `HTTP/1.1 200 OK\r\n${large}\r\n`],
    ['a thousand headers', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(5000)}\r\n`],
    ['headers that never end', 'HTTP/1.1 200 OK\r\nServer: slow'],
    ['odd bytes in a header', 'HTTP/1.1 200 OK\r\nX-Odd: \u0001\u0000\u00fc\r\n\r\n'],
    ['odd names of headers', 'HTTP/1.1 200 OK\r\nX Odd(): 1\r\n: none\r\nno colon\r\n\r\n'],
    ['folded headers', 'HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n'],
    ['a chunk that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['an early close', 'HTTP/1.1 200 OK\r\n', end],
    ['an early close within the line', 'HTTP/1.1 204', end],
    ['a reset right behind the line', 'HTTP/1.1 200 OK\r\n', reset],
    ['lines that end with LF alone', 'HTTP/1.1 200 OK\nServer: old\n\nfine', end],
    ['no reason', 'HTTP/1.1 200\r\n\r\n'],
    ['a reason in another script', 'HTTP/1.1 200 \u00e4\u00ff\r\n\r\n'],
    ['a reason without end', `HTTP/1.1 200 ${'o'.repeat(100_000)}`],
    ['more spaces', 'HTTP/1.1  200  OK\r\n\r\n'],
    ['empty lines first', '\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\n', end],
    ['HTTP/2 in the line', 'HTTP/2 200\r\n\r\n', end],
    ['a line in small letters', 'http/1.1 200 ok\r\n\r\n', end],
    ['a stream as radio stations send it', 'ICY 200 OK\r\n\r\n', end],
    ['a redirect without a location', 'HTTP/1.1 302 Found\r\n\r\n'],
    ['an interim answer first', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['several interim answers', `${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(3)}HTTP/1.1 200 OK\r\n\r\n`],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
    ['another protocol, and a close', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', end],
  ])('%s', async (_, answer, act) => {
    expect(await check(await speaking(answer, act))).toEqual({ status: 'Healthy' })
  })

  it.each<[string, string, string]>([
    ['an interim answer before an ill one', 'HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 503 Ill\r\n\r\n', 'answered 503'],
    ['headers of 2 MB behind an ill status', `HTTP/1.1 500 Ill\r\n${large}\r\n`, 'answered 500'],
    ['a status that is none', 'HTTP/1.1 9999 OK\r\n\r\n', 'does not speak HTTP'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n', 'does not speak HTTP'],
    ['a page without a status line', '<html>HTTP/1.1 200 OK</html>\r\n', 'does not speak HTTP'],
    ['another protocol from the start', 'SSH-2.0-OpenSSH_9.2\r\n', 'does not speak HTTP'],
    ['bytes without a line', '\u0015\u0003\u0001'.repeat(2000), 'does not speak HTTP'],
    ['interim answers without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(10_000), 'does not speak HTTP'],
    ['an interim answer alone', 'HTTP/1.1 100 Continue\r\n\r\n', 'closed the connection without an answer'],
  ])('and still an Error: %s', async (_, answer, words) => {
    const port = await speaking(answer, end)
    expect(await check(port)).toEqual({ status: 'Error', details: `http://127.0.0.1:${port}/healthz ${words}` })
  })

  it('an answer that comes byte by byte', async () => {
    const port = await speaking('', (socket) => {
      const bytes = [...'HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\n\r\n']
      const next = (): void => {
        const byte = bytes.shift()
        if (byte === undefined || socket.destroyed) return
        socket.write(byte)
        setImmediate(next)
      }
      next()
    })
    expect(await check(port, '/', { timeout_ms: 30_000, slow_ms: 30_000 })).toEqual({ status: 'Healthy' })
  })

  it('an answer before the question', async () => {
    const port = await listen(createTcpServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')))
    expect(await check(port)).toEqual({ status: 'Healthy' })
  })

  it.each([
    ['anna:secret', 'anna:secret'],
    ['anna', 'anna:'],
    [':secret', ':secret'],
    ['a%40b:p%3Aq%2F', 'a@b:p:q/'],
    ['j%C3%BCrgen:100%', 'jürgen:100%'],
  ])('who is named in the url (%s) is who asks, and is never told', async (userinfo, expected) => {
    const { port, requests } = await serve((request, response) => {
      const sent = Buffer.from(request.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString()
      response.writeHead(sent === expected ? 200 : 401).end()
    })
    const url = `http://${userinfo}@127.0.0.1:${port}`
    expect(await checker().check(url, 'http:/')).toEqual({ status: 'Healthy' })
    expect(requests).toHaveLength(1)
    const wrong = await checker().check(`http://other:words@127.0.0.1:${port}`, 'http:/')
    expect(wrong).toEqual({ status: 'Error', details: `http://127.0.0.1:${port}/ answered 401` })
  })

  it('names the host as callers do: without the port that the scheme means, with brackets around IPv6', () => {
    const host = (asked: Partial<Asked>): string | undefined =>
      /^Host: (.*)$/m.exec(httpRequest({ type: 'http', host: 'a.test', port: 80, path: '/', ...asked }))?.[1]?.trim()
    expect(host({})).toBe('a.test')
    expect(host({ port: 8080 })).toBe('a.test:8080')
    expect(host({ type: 'https' })).toBe('a.test:80')
    expect(host({ type: 'https', port: 443 })).toBe('a.test')
    expect(host({ host: '::1', port: 8080 })).toBe('[::1]:8080')
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
    const args = [checkOnce, `https://127.0.0.1:${port}`, 'https:/healthz']
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: file }
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    expect(JSON.parse(await text(child.stdout))).toEqual({ status: 'Healthy' })
    rmSync(dir, { recursive: true })
  })

  it('reads the status line of an answer that is wrong in all else', async () => {
    const port = await listen(
      createTlsServerOfSockets({ key, cert }, (socket) => socket.end('HTTP/1.1 200 OK\nX: \u0001')),
    )
    const args = [checkOnce, `https://127.0.0.1:${port}`, 'https:/healthz']
    const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' }
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    expect(JSON.parse(await text(child.stdout))).toEqual({ status: 'Healthy' })
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
