// What a health check says of a port that answers, refuses, is slow, is silent, or is not there; and that it cleans up.
import { Socket, createServer, type AddressInfo, type Server, type TcpNetConnectOpts } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createChecker, type Checker, type CheckerOptions } from '../../src/io/checks.js'

const servers: Server[] = []
const checkers: Checker[] = []

afterEach(async () => {
  vi.useRealTimers()
  for (const checker of checkers.splice(0)) checker.stop()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

function checker(options: CheckerOptions = {}): Checker {
  const made = createChecker(options)
  checkers.push(made)
  return made
}

/** A server that accepts; `seen` counts the connections. */
async function listen(host = '127.0.0.1'): Promise<{ port: number; seen: () => number; close: () => Promise<void> }> {
  let seen = 0
  const server = createServer((socket) => {
    seen++
    socket.on('error', () => undefined)
    socket.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  servers.push(server)
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return { port: (server.address() as AddressInfo).port, seen: () => seen, close }
}

/** A network of our own: sockets that connect, fail or stay silent when the test says so. */
function fakeNetwork() {
  const sockets: Socket[] = []
  const asked: TcpNetConnectOpts[] = []
  const connect = (options: TcpNetConnectOpts): Socket => {
    const socket = new Socket()
    sockets.push(socket)
    asked.push(options)
    return socket
  }
  return { connect, sockets, asked }
}

const failure = (code: string) => Object.assign(new Error(code), { code })

describe('a check', () => {
  it('of a port that accepts is Healthy, with or without a path', async () => {
    const { port, close } = await listen()
    expect(await checker().check(`http://127.0.0.1:${port}`)).toEqual({ status: 'Healthy' })
    expect(await checker().check(`tcp://127.0.0.1:${port}/some/path?x=1`)).toEqual({ status: 'Healthy' })
    await close()
  })

  it('of a port that nobody listens on is Unreachable', async () => {
    const { port, close } = await listen()
    await close()
    expect(await checker().check(`http://127.0.0.1:${port}`)).toEqual({
      status: 'Unreachable',
      details: `connection refused by 127.0.0.1:${port}`,
    })
  })

  it('of a url without a port uses the default of its scheme', async () => {
    const { connect, sockets, asked } = fakeNetwork()
    const result = checker({ connect }).check('https://db.example/x')
    sockets[0]?.emit('connect')
    expect(await result).toEqual({ status: 'Healthy' })
    expect(asked).toEqual([{ host: 'db.example', port: 443 }])
  })

  it('of a url without a known port is Unknown, and connects nowhere', async () => {
    const { connect, asked } = fakeNetwork()
    expect(await checker({ connect }).check('amqp://queue')).toMatchObject({ status: 'Unknown' })
    expect(await checker({ connect }).check('no url')).toMatchObject({ status: 'Unknown' })
    expect(asked).toEqual([])
  })

  it.each([
    ['ENOTFOUND', 'Unreachable', 'the host name of db:5432 does not resolve'],
    ['ECONNREFUSED', 'Unreachable', 'connection refused by db:5432'],
    ['ETIMEDOUT', 'Unreachable', 'no answer from db:5432'],
    ['EHOSTUNREACH', 'Unreachable', 'cannot connect to db:5432: EHOSTUNREACH'],
    ['EMFILE', 'Unknown', 'this machine could not check db:5432: EMFILE'],
  ])('that ends with %s is %s', async (code, status, details) => {
    const { connect, sockets } = fakeNetwork()
    const result = checker({ connect }).check('tcp://db:5432')
    sockets[0]?.emit('error', failure(code))
    expect(await result).toEqual({ status, details })
    expect(sockets[0]?.destroyed).toBe(true)
    sockets[0]?.emit('error', failure('ECONNRESET')) // late, and in nobody's way
  })

  it('that cannot even begin is no exception', async () => {
    const connect = () => {
      throw failure('ERR_SOCKET_BAD_PORT')
    }
    expect(await checker({ connect }).check('tcp://db:5432')).toMatchObject({ status: 'Unreachable' })
  })

  it('that is not answered in time is Unreachable, and gives its socket up', async () => {
    vi.useFakeTimers()
    const { connect, sockets } = fakeNetwork()
    const result = checker({ connect }).check('tcp://[::1]:5432')
    await vi.advanceTimersByTimeAsync(3001)
    expect(await result).toEqual({ status: 'Unreachable', details: 'no answer from [::1]:5432 within 3 s' })
    expect(sockets[0]?.destroyed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that is answered late is Degraded', async () => {
    vi.useFakeTimers()
    const { connect, sockets } = fakeNetwork()
    const result = checker({ connect }).check('tcp://db:5432')
    await vi.advanceTimersByTimeAsync(1500)
    sockets[0]?.emit('connect')
    expect(await result).toEqual({ status: 'Degraded', details: 'db:5432 took longer than 1 s to accept' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is not timed out by a stall of this very process, but begins to wait anew', async () => {
    const { port, close } = await listen()
    const result = checker({ timeout_ms: 20, slow_ms: 10_000 }).check(`tcp://127.0.0.1:${port}`)
    for (const until = performance.now() + 400; performance.now() < until;);
    expect(await result).toEqual({ status: 'Healthy' })
    await close()
  })
})

describe('a check', () => {
  it('does not call slow what this very process held up', async () => {
    const { port, close } = await listen()
    const result = checker({ slow_ms: 20 }).check(`tcp://127.0.0.1:${port}`)
    for (const until = performance.now() + 400; performance.now() < until;);
    expect(await result).toEqual({ status: 'Healthy' })
    await close()
  })

  it('that is reset before it is told to be connected has been connected', async () => {
    const { connect, sockets } = fakeNetwork()
    const { check } = checker({ connect })
    const results = [check('tcp://db:5432'), check('http://db:80', 'http:/')]
    for (const socket of sockets) socket.emit('error', failure('ECONNRESET'))
    expect((await Promise.all(results)).map(({ status }) => status)).toEqual(['Healthy', 'Error'])
  })
})

describe('many checks', () => {
  it('never begin all at the same moment', async () => {
    vi.useFakeTimers() // however busy the machine is, this is one moment
    const { connect, sockets } = fakeNetwork()
    const { check } = checker({ connect, concurrency: 256 })
    for (let i = 0; i < 100; i++) void check(`tcp://db:${1000 + i}`)
    expect(sockets).toHaveLength(32)
    await vi.advanceTimersByTimeAsync(100)
    expect(sockets).toHaveLength(100)
  })

  it('that nobody answers leave their places to others', async () => {
    const { connect, sockets } = fakeNetwork()
    const { check } = checker({ connect, concurrency: 2 })
    for (let i = 0; i < 5; i++) void check(`tcp://db:${1000 + i}`)
    expect(sockets).toHaveLength(2)
    await vi.waitFor(() => expect(sockets).toHaveLength(5), { timeout: 30_000 })
  })

  it('run at most so many at a time, in order, and all are answered', async () => {
    const { connect, sockets, asked } = fakeNetwork()
    const { check } = checker({ connect, concurrency: 3 })
    const results = Array.from({ length: 10 }, (_, i) => check(`tcp://db:${1000 + i}`))
    for (let i = 0; i < 10; i++) {
      expect(sockets.length).toBe(Math.min(10, i + 3))
      sockets[i]?.emit('connect')
      await results[i]
    }
    expect(asked.map((options) => options.port)).toEqual(Array.from({ length: 10 }, (_, i) => 1000 + i))
  })

  it('beyond those that may wait are Unknown at once', async () => {
    const { connect } = fakeNetwork()
    const { check } = checker({ connect, concurrency: 1, waiting: 1 })
    void check('tcp://db:1')
    void check('tcp://db:2')
    expect(await check('tcp://db:3')).toEqual({
      status: 'Unknown',
      details: 'not checked: 1 checks are waiting already',
    })
  })

  it('that all fail to begin leave a stack to stand on', async () => {
    const connect = () => {
      throw failure('EMFILE')
    }
    const { check } = checker({ connect, concurrency: 1 })
    const results = await Promise.all(Array.from({ length: 500 }, () => check('tcp://db:1')))
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['Unknown']))
  })

  it('of a real port all come through, and leave no connection behind', async () => {
    const { port, seen, close } = await listen()
    const { check } = checker({ concurrency: 8 })
    const results = await Promise.all(Array.from({ length: 100 }, () => check(`http://127.0.0.1:${port}`)))
    expect(results.every(({ status }) => status === 'Healthy')).toBe(true)
    await vi.waitFor(() => expect(seen()).toBe(100), { timeout: 30_000 })
    await close() // resolves only when every connection is closed
  })
})

describe('stop', () => {
  it('ends what runs and what waits, and leaves neither socket nor timer', async () => {
    vi.useFakeTimers()
    const { connect, sockets } = fakeNetwork()
    const stopped = checker({ connect, concurrency: 1 })
    const results = [stopped.check('tcp://db:1'), stopped.check('tcp://db:2')]
    stopped.stop()
    stopped.stop()
    for (const result of [...results, stopped.check('tcp://db:3')]) {
      expect(await result).toEqual({ status: 'Unknown', details: 'not checked: this daemon is stopping' })
    }
    expect(sockets).toHaveLength(1)
    expect(sockets[0]?.destroyed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })
})
