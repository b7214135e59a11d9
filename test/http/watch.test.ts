/** The list of a slug over server-sent events: the whole of it at once, then the newest, however slowly it is read. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { InstanceView, SlugList } from '../../src/core/views.js'
import { lineLimits } from '../../src/http/event-line.js'
import { HeldLists } from '../../src/http/held-lists.js'
import { streamLimits } from '../../src/http/streams.js'
import { readUndelivered } from '../../src/http/undelivered.js'
import { Documented, readDocument } from './documented.js'
import { request } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

let served: MemoryServer
const sockets: Socket[] = []
beforeEach(async () => {
  served = await serveMemory()
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  vi.useRealTimers()
  await served.stop()
})

/** A client that watches: what has come so far. */
class Watching {
  readonly socket: Socket
  text = ''
  error: unknown

  constructor(slug: string) {
    const { hostname, port } = new URL(served.url)
    this.socket = connect(Number(port), hostname)
    sockets.push(this.socket)
    this.socket.on('data', (chunk) => (this.text += chunk.toString()))
    this.socket.on('error', (error) => (this.error = error))
    this.socket.write(request(`GET /v1/watch/${slug}`))
  }

  static async open(slug = 'web'): Promise<Watching> {
    const watching = new Watching(slug)
    await vi.waitFor(() => expect(watching.lists()).not.toEqual([]))
    return watching
  }

  /** Pieces of HTTP stand between pieces of a large one. */
  lists(): { id: string; list: SlugList }[] {
    const text = this.text.replace(/\r\n[0-9a-f]+\r\n/g, '').replace(/\r\n[0-9a-f]+\r\n/g, '')
    const found = text.matchAll(/id: (\S+)\nevent: list\ndata: (.*)\n\n/g)
    return [...found].map(([, id = '', data = '']) => ({ id, list: JSON.parse(data) as SlugList }))
  }

  ids(): string[] {
    return this.lists().map(({ list }) => list.instances.map(({ id }) => id).join())
  }
}

const list = (...instances: InstanceView[]): SlugList => ({ slug: 'web', instances, degraded: false, position: 'p-1' })
const one = (id: string, details?: string): InstanceView => {
  return { id, url: `http://${id}.test`, status: 'Healthy', ...(details !== undefined && { details }) }
}

test('the first list comes at once, also of what nothing is registered as; then each one, in documented shapes', async () => {
  const documented = new Documented(await readDocument(served.url))
  const watching = await Watching.open()
  expect(watching.lists()).toEqual([
    { id: '00c0ffee-0', list: { slug: 'web', degraded: false, unknown: true, instances: [] } },
  ])
  served.service.tellList('web', list({ ...one('a'), owner: 'not for clients' } as InstanceView))
  served.service.tellList('other', list(one('b')))
  await vi.waitFor(() => expect(watching.lists()).toHaveLength(2))
  expect(watching.lists()[1]).toEqual({ id: 'p-1', list: { slug: 'web', degraded: false, instances: [one('a')] } })
  expect(watching.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*content-type: text\/event-stream; charset=utf-8\r\n/)
  for (const { list } of watching.lists())
    expect(documented.errors({ $ref: '#/components/schemas/SlugList' }, list)).toEqual([])
})

test('a slug is one of a path, with whatever is in it', async () => {
  const watching = await Watching.open(encodeURIComponent('team/web@2'))
  expect(watching.lists()[0]?.list.slug).toBe('team/web@2')
  const none = await fetch(`${served.url}/v1/watch/`)
  expect([none.status, await none.json()]).toEqual([400, { error: 'slug: missing; give it in the path' }])
})

test('a comment now and then shows that the line is open; the end of the daemon is the end', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const watching = await Watching.open()
  vi.advanceTimersByTime(streamLimits.heartbeat_ms)
  await vi.waitFor(() => expect(watching.text).toContain('\n: \n\n'))
  const closed = once(watching.socket, 'close')
  await served.stop()
  await closed
  expect([watching.error, served.service.watchers]).toEqual([undefined, 0])
})

/** Tells more than the kernel holds on its way to one that does not read. */
async function fill(): Promise<void> {
  const large = 'x'.repeat(512 * 1024)
  for (let i = 0; i < 48; i += 1) {
    served.service.tellList('web', list(one(`n${i}`, large)))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test.runIf(process.platform === 'linux')(
  'one that reads slowly gets the newest list next, and none of those that were true before',
  async () => {
    const [slow, other] = [await Watching.open(), await Watching.open()]
    slow.socket.pause()
    await fill()
    for (let i = 0; i < 50; i += 1) served.service.tellList('web', list(one(`unread${i}`)))
    served.service.tellList('web', list(one('newest')))
    await vi.waitFor(() => expect(other.ids().at(-1)).toBe('newest'))
    slow.socket.resume()
    await vi.waitFor(() => expect(slow.ids().at(-1)).toBe('newest'), 10_000)
    expect(slow.ids().filter((ids) => ids.startsWith('unread'))).toEqual([])
  },
)

test.runIf(process.platform === 'linux')('one that takes nothing for half a minute is cut off by a reset', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  const [gone, there] = [await Watching.open(), await Watching.open('other')]
  gone.socket.pause()
  await fill()
  vi.advanceTimersByTime(streamLimits.look_ms)
  for (let i = 0; i < 3; i += 1) await readUndelivered() // it is looked here meanwhile, too
  expect(served.service.watchers).toBe(2)
  for (let passed = 0; passed < 2 * lineLimits.unacknowledged_ms; passed += streamLimits.look_ms) {
    vi.advanceTimersByTime(streamLimits.look_ms)
    for (let i = 0; i < 3; i += 1) await readUndelivered()
  }
  await vi.waitFor(() => expect(served.service.watchers).toBe(1))
  gone.socket.resume()
  // Some systems say so by an error, some by the end alone.
  await vi.waitFor(() => expect(gone.socket.closed).toBe(true), 10_000)
  expect(gone.text).not.toMatch(/\r\n0\r\n\r\n$/)
  served.service.tellList('other', list(one('a')))
  await vi.waitFor(() => expect(there.ids().at(-1)).toBe('a'))
})

test('of lists that nobody takes there are so many bytes and no more: who waits longest is cut off, and a shared one counts once', () => {
  const cut: string[] = []
  const held = new HeldLists(100)
  const line = (name: string) => ({ cutOff: () => void cut.push(name) })
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(line) as [ReturnType<typeof line>, ...ReturnType<typeof line>[]]
  const shared = Buffer.alloc(60)
  held.hold(a, shared)
  held.hold(b!, shared)
  held.hold(c!, Buffer.alloc(40))
  expect([held.bytes, cut]).toEqual([100, []])
  held.taken(a)
  held.taken(a)
  held.hold(a, Buffer.alloc(10))
  expect([held.bytes, cut]).toEqual([50, ['b']])
  held.hold(d!, Buffer.alloc(500))
  expect([held.bytes, cut]).toEqual([500, ['b', 'c', 'a']])
  held.hold(e!, Buffer.alloc(1))
  expect([held.bytes, cut]).toEqual([1, ['b', 'c', 'a', 'd']])
  held.taken(e!)
  expect(held.bytes).toBe(0)
})
