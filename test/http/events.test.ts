/** News over server-sent events: in order, by filter, resumed without a gap, bounded, and over when the server is. */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createClient } from '../../src/client.js'
import type { PublicJwk } from '../../src/config/keys.js'
import { sha256Of, type Token } from '../../src/config/tokens.js'
import type { NewsEvent, NewsItem } from '../../src/core/views.js'
import { streamLimits } from '../../src/http/streams.js'
import { nameOf, readUndelivered } from '../../src/http/undelivered.js'
import { expectFailure } from './contract/asking.js'
import { Documented, readDocument } from './documented.js'
import { ownPeer } from './service.js'
import { request, sendRaw, withBody } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

let served: MemoryServer
const sockets: Socket[] = []
beforeEach(async () => {
  served = await serveMemory()
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await served.stop()
  vi.useRealTimers()
})

/** A client that listens: what has come so far, as text. */
class Listening {
  readonly socket: Socket
  text = ''
  closed = false

  constructor(socket: Socket) {
    this.socket = socket
    sockets.push(socket)
    socket.on('data', (chunk) => (this.text += chunk.toString()))
    socket.on('error', () => undefined)
    socket.on('close', () => (this.closed = true))
  }

  static async open(query = '', headers: readonly string[] = []): Promise<Listening> {
    const { hostname, port } = new URL(served.url)
    const listening = new Listening(connect(Number(port), hostname))
    listening.socket.write(request(`GET /v1/events${query}`, headers))
    await vi.waitFor(() => expect(listening.all()).not.toEqual([]))
    return listening
  }

  /** All events so far; the chunks of HTTP are between them. */
  all(): { id: string; event: string; data: unknown }[] {
    const found = this.text.matchAll(/id: (\S+)\nevent: (\w+)\ndata: (.*)\n\n/g)
    return [...found].map(([, id = '', event = '', data = '']) => ({ id, event, data: JSON.parse(data) as unknown }))
  }

  /** Those after the first one, which says that the stream stands. */
  events(): ReturnType<Listening['all']> {
    return this.all().slice(1)
  }

  async hears(count: number): Promise<string[]> {
    await vi.waitFor(() => expect(this.events().length).toBeGreaterThanOrEqual(count))
    return this.events().map(({ id }) => id)
  }
}

const shown = (slug: string): NewsEvent => ({ type: 'instance', id: `i-${slug}`, slug, change: 'shown' })
const silent: NewsEvent = { type: 'member', peer: ownPeer, nodeId: 'abc', from: 'alive', to: 'hidden', why: 'silent' }
const tell = (...events: NewsEvent[]): NewsItem[] => events.map((event) => served.service.news.tell(event))

test('an event is an id, its type, and the JSON of the rest', async () => {
  const listening = await Listening.open()
  const view = { id: 'i', url: 'http://i.test', status: 'Healthy' as const }
  const instance = { ...view, owner: 'not for clients' }
  const items = tell({ type: 'instance', id: 'i', slug: 'web', change: 'changed', instance }, silent)
  expect(await listening.hears(2)).toEqual(items.map(({ id }) => id))
  const at = '2026-11-24T12:00:00.000Z'
  expect(listening.events().map(({ event, data }) => ({ event, data }))).toEqual([
    { event: 'instance', data: { at, type: 'instance', id: 'i', slug: 'web', change: 'changed', instance: view } },
    { event: 'member', data: { at, ...silent } },
  ])
  expect(listening.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(listening.text).toMatch(/\r\ncontent-type: text\/event-stream; charset=utf-8\r\n/)
  expect(listening.text).toMatch(/\r\ncache-control: no-store\r\n/)
})

test('what is sent has the documented shapes', async () => {
  const documented = new Documented(await readDocument(served.url))
  const listening = await Listening.open('?after=unknown')
  tell(silent, { ...shown('web'), instance: served.service.instances()[0] } as NewsEvent, shown('x'))
  await listening.hears(4)
  const names = { listening: 'ListeningNews', member: 'MemberNews', instance: 'InstanceNews', reset: 'ResetNews' }
  for (const { event, data } of listening.all()) {
    const schema = { $ref: `#/components/schemas/${names[event as keyof typeof names]}` }
    expect({ event, errors: documented.errors(schema, data) }).toEqual({ event, errors: [] })
  }
})

test.each([
  ['', [0, 1, 2]],
  ['?type=member', [0]],
  ['?type=instance', [1, 2]],
  ['?slug=web', [1]],
  ['?slug=web&type=instance', [1]],
  ['?slug=nobody', []],
])('with %s a client hears of what it asked for', async (query, expected) => {
  const listening = await Listening.open(query)
  const items = tell(silent, shown('web'), shown('db'))
  const [last] = tell(shown('web'), silent).slice(-1)
  const everything = await Listening.open(`?after=${items[0]?.id}`)
  await everything.hears(4)
  await listening.hears(expected.length)
  const ids = listening.events().map(({ id }) => id)
  expect(ids.filter((id) => items.some((item) => item.id === id))).toEqual(expected.map((i) => items[i]?.id))
  expect(last).toBeDefined()
})

test('the first event says that the stream stands, and from where on', async () => {
  const [before] = tell(shown('a'))
  const [now, earlier] = [await Listening.open(), await Listening.open('?after=00c0ffee-0&slug=nobody')]
  expect(now.all()).toMatchObject([{ id: before?.id, event: 'listening', data: { type: 'listening' } }])
  expect(earlier.all()).toMatchObject([{ id: '00c0ffee-0', event: 'listening' }])
})

/** A way to the daemon that can be cut, as a network does it; who comes again gets through. */
async function openWire(): Promise<{ url: string; cut: () => void }> {
  const { hostname, port } = new URL(served.url)
  const ends: Socket[] = []
  const way = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const end of [near, far]) ends.push(end.on('error', () => undefined))
    near.pipe(far).pipe(near)
  })
  await once(way.listen(0, '127.0.0.1').unref(), 'listening')
  const cut = (): void => ends.splice(0).forEach((end) => end.destroy())
  return { url: `http://127.0.0.1:${(way.address() as AddressInfo).port}`, cut }
}

describe('a list, a lookup and a stream have one position', () => {
  const reads = [
    'GET /registry-svc/instances',
    'GET /registry-svc/instances?slug=web',
    'GET /registry-svc/instances?slug=web&tag=x',
    'GET /v1/lookup/web',
    'GET /v1/lookup/nobody',
    'GET /v1/instances',
    'GET /v1/members',
    'POST /registry-svc/nodes',
  ]

  async function positionOf(call: string): Promise<string> {
    const asked = call.startsWith('POST') ? withBody(call, '') : request(call)
    return (await sendRaw(served.url, asked)).headers['x-rollcall-position'] as string
  }

  test.each(reads)('%s tells it, also where its bytes are kept', async (call) => {
    await served.service.register({ slug: 'web', url: 'http://127.0.0.1:1' } as never)
    expect(await positionOf(call)).toBe('00c0ffee-0')
    const [item] = tell(shown('web'))
    expect(await positionOf(call)).toBe(item?.id)
    const [more] = tell(shown('web'))
    const listening = await Listening.open(`?after=${item?.id}`)
    expect(await listening.hears(1)).toEqual([more?.id])
  })

  test('a page of another origin may read it', async () => {
    const other = await serveMemory({ corsOrigins: ['https://ops.example.com'] })
    const asked = sendRaw(other.url, request('GET /v1/members', ['Origin: https://ops.example.com']))
    const { headers } = await asked.then(async (answer) => {
      await other.stop()
      return answer
    })
    const exposed = headers['access-control-expose-headers']
    for (const name of ['x-rollcall-position', 'x-rollcall-warning']) expect(exposed).toContain(name)
  })

  test('who asked for little goes on where all is, not where the last that he asked for was', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const abort = new AbortController()
    const wire = await openWire()
    const client = createClient({ server: wire.url })
    const items = client.events({ slug: 'mine', signal: abort.signal })
    expect((await items.next()).value).toMatchObject({ id: '00c0ffee-0', event: { type: 'listening' } })
    const [last] = tell(silent, shown('other')).slice(-1)
    const next = items.next()
    const listening = await Listening.open('?slug=mine')
    vi.advanceTimersByTime(streamLimits.heartbeat_ms)
    await vi.waitFor(() => expect(listening.text).toContain(`id: ${last?.id}\n: \n\n`))
    const since = vi.spyOn(served.service.news, 'since')
    wire.cut()
    await vi.waitFor(() => expect(since).toHaveBeenCalledWith(last?.id), 10_000)
    const [mine] = tell(shown('mine'))
    expect((await next).value).toMatchObject({ id: mine?.id })
    abort.abort()
    await items.next()
  })
})

describe('resuming', () => {
  test('gives what happened since, once, in order, and goes on', async () => {
    const items = tell(silent, shown('a'), shown('b'), shown('c'))
    for (const listening of [
      await Listening.open('', [`Last-Event-ID: ${items[1]?.id}`]),
      await Listening.open(`?after=${items[1]?.id}`),
      await Listening.open(`?after=${items[3]?.id}`, [`Last-Event-ID: ${items[1]?.id}`]),
    ]) {
      expect(await listening.hears(2)).toEqual([items[2]?.id, items[3]?.id])
    }
    const listening = await Listening.open(`?after=${items[2]?.id}`)
    const more = tell(shown('d'))
    expect(await listening.hears(2)).toEqual([items[3]?.id, more[0]?.id])
  })

  test('from what is no more known begins with a reset, whatever the filter, and again until something came after it', async () => {
    tell(silent)
    for (const query of ['?after=0ddba11-7', '?after=0ddba11-7&slug=web&type=instance']) {
      const listening = await Listening.open(query)
      const [item] = tell(shown('web'))
      expect(await listening.hears(2)).toEqual(['0ddba11-7', item?.id])
      expect(listening.events()[0]).toMatchObject({
        event: 'reset',
        data: { type: 'reset', at: expect.stringMatching(/Z$/) as string },
      })
    }
  })

  test.each(['?after=a%0Ab', `?after=${'x'.repeat(200)}`, '?after=%20', '?type=reset', '?type=x'])(
    'with %s is refused in words',
    async (query) => {
      const answer = await sendRaw(served.url, request(`GET /v1/events${query}`))
      expectFailure(answer, 400, /^{"error":"(after|type): /)
      expect(served.service.news.listeners).toBe(0)
    },
  )
})

describe('bounds', () => {
  test('a client that does not read is cut off, and others are not', async () => {
    const [lazy, diligent] = [await Listening.open(), await Listening.open('?slug=last')]
    lazy.socket.pause()
    const why = 'x'.repeat(64 * 1024)
    // The kernel holds some megabytes before anything waits here.
    for (let i = 0; i < 2000 && served.service.news.listeners === 2; i += 1) {
      tell({ ...silent, why } as NewsEvent)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(served.service.news.listeners).toBe(1)
    tell(shown('last'))
    await diligent.hears(1)
    lazy.socket.resume()
    await vi.waitFor(() => expect(lazy.closed).toBe(true))
  })

  test('a backlog larger than the queue reaches a client that reads', async () => {
    const why = 'y'.repeat(8 * 1024)
    const items = tell(...Array.from({ length: 300 }, () => ({ ...silent, why }) as NewsEvent))
    const listening = await Listening.open(`?after=${items[0]?.id}`)
    const [last] = tell(shown('z'))
    expect((await listening.hears(300)).slice(-1)).toEqual([last?.id])
  })

  test('there is room for so many, then 503, and again when one has gone', async () => {
    await served.stop()
    served = await serveMemory({ maxWatchers: 8 })
    const all: Listening[] = []
    for (let i = 0; i < 7; i += 1) all.push(await Listening.open())
    const watching = await fetch(`${served.url}/v1/watch/web`)
    const answer = await sendRaw(served.url, request('GET /v1/events'))
    expectFailure(answer, 503, /events: 8 clients are listening.*--max-watchers/)
    expect(answer.headers['retry-after']).toBe('1')
    await watching.body?.cancel()
    await vi.waitFor(() => expect(served.service.news.listeners).toBe(7))
    await vi.waitFor(() => expect(served.service.watchers).toBe(0))
    await Listening.open()
  })

  test('whose token is taken back, or has expired, is ended, and others are not', async () => {
    const token = (name: string): Token => ({ name, may: 'read', sha256: sha256Of(name) })
    const tokens = [token('kept'), token('lost')]
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const keys = [publicKey.export({ format: 'jwk' }) as PublicJwk]
    await served.stop()
    served = await serveMemory({ credentials: { tokens, jwt: { keys, may: 'read' } } })
    const jwt = await new SignJWT({}).setProtectedHeader({ alg: 'EdDSA' }).setExpirationTime('1h').sign(privateKey)
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
    const bearer = (given: string): string[] => [`Authorization: Bearer ${given}`]
    const [kept, lost, expiring] = [
      await Listening.open('', bearer('kept')),
      await Listening.open('', bearer('lost')),
      await Listening.open('', bearer(jwt)),
    ]
    vi.advanceTimersByTime(streamLimits.look_ms)
    tokens.pop()
    vi.advanceTimersByTime(streamLimits.look_ms)
    await vi.waitFor(() => expect(lost.closed).toBe(true))
    expect([kept.closed, expiring.closed]).toEqual([false, false])
    vi.setSystemTime(Date.now() + 2 * 3600_000)
    vi.advanceTimersByTime(streamLimits.look_ms)
    await vi.waitFor(() => expect(expiring.closed).toBe(true))
    tell(shown('a'))
    await kept.hears(1)
    expect(served.service.news.listeners).toBe(1)
  })

  test.runIf(process.platform === 'linux')(
    'who acknowledges nothing any more is not there, and makes room',
    async () => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
      const [gone, there] = [await Listening.open('?type=member'), await Listening.open('?type=instance')]
      gone.socket.pause()
      // Until the kernel takes no more, and the other side acknowledges no more; far less than what may wait here.
      const why = 'x'.repeat(64 * 1024)
      const name = nameOf(gone.socket)?.split(' ').reverse().join(' ') ?? ''
      const waiting = async (): Promise<number> => (await readUndelivered())?.get(name) ?? 0
      // What is only on its way is there at one look, and gone at the next.
      for (let [told, stuck] = [0, 0]; told < 200 && stuck < 5;) {
        stuck = (await waiting()) < 64 * 1024 ? 0 : stuck + 1
        if (stuck > 0) continue
        tell({ ...silent, why } as NewsEvent)
        told += 1
      }
      expect(await waiting()).toBeGreaterThan(0)
      vi.advanceTimersByTime(streamLimits.look_ms)
      for (let i = 0; i < 3; i += 1) await waiting() // it is looked here meanwhile, too
      expect(served.service.news.listeners).toBe(2)
      await vi.waitFor(
        () => {
          vi.advanceTimersByTime(streamLimits.look_ms)
          expect(served.service.news.listeners).toBe(1)
        },
        { timeout: 10_000, interval: 20 },
      )
      const [item] = tell(shown('a'))
      expect(await there.hears(1)).toEqual([item?.id])
    },
  )

  test('who goes away is forgotten', async () => {
    const listening = await Listening.open()
    expect(served.service.news.listeners).toBe(1)
    listening.socket.destroy()
    await vi.waitFor(() => expect(served.service.news.listeners).toBe(0))
  })
})

test('a comment every 5 seconds shows that the line is open', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const listening = await Listening.open()
  const beats = (): number => listening.text.split(': \n\n').length - 1
  // Waiting moves the faked time a little, too.
  vi.advanceTimersByTime(streamLimits.heartbeat_ms - 2000)
  tell(shown('between'))
  await listening.hears(1)
  expect(beats()).toBe(0)
  vi.advanceTimersByTime(2000)
  await vi.waitFor(() => expect(beats()).toBe(1))
  vi.advanceTimersByTime(2 * streamLimits.heartbeat_ms)
  await vi.waitFor(() => expect(beats()).toBe(3))
})

test('stopping the server ends every stream, that of a client which does not read too', async () => {
  const [reading, lazy] = [await Listening.open(), await Listening.open()]
  lazy.socket.pause()
  tell(...Array.from({ length: 100 }, () => ({ ...silent, why: 'x'.repeat(8 * 1024) }) as NewsEvent))
  await reading.hears(100)
  const ended = once(reading.socket, 'close')
  await served.stop()
  await ended
  expect(reading.text.endsWith('0\r\n\r\n')).toBe(true)
  expect(served.service.news.listeners).toBe(0)
})

test('it is for reading alone, and answers no HEAD', async () => {
  expect((await sendRaw(served.url, withBody('POST /v1/events', ''))).status).toBe(405)
  expect((await sendRaw(served.url, request('HEAD /v1/events'))).status).toBe(405)
  expect(served.service.news.listeners).toBe(0)
})
