// Watching over HTTP as a program sees it: lists without end, a daemon that goes and comes, one of an earlier version, waiting.
import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Choices, age_ms } from '../../src/client/choice.js'
import { keep_ms } from '../../src/client/keeping.js'
import type { Following } from '../../src/client/lists.js'
import { newestOf } from '../../src/client/newest.js'
import { readEvents } from '../../src/client/sse.js'
import { createClient } from '../../src/client.js'
import { RegistryError } from '../../src/core/model/errors.js'
import type { InstanceView, SlugList } from '../../src/core/views.js'
import { hangUp, json, scripted, type Answering } from './scripted.js'

const of = (...ids: string[]): SlugList => ({
  slug: 'web',
  instances: ids.map((id): InstanceView => ({ id, url: `http://${id}.test`, status: 'Healthy' })),
  degraded: false,
})

const streaming =
  (...lists: SlugList[]): Answering =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    lists.forEach((list, i) => say(response, list, i))
  }

function say(response: ServerResponse, list: SlugList, i: number): void {
  response.write(`id: p-${i}\nevent: list\ndata: ${JSON.stringify(list)}\n\n`)
}

const ids = ({ instances }: SlugList): string => instances.map(({ id }) => id).join()

describe('a loop over lists', () => {
  test('of a daemon that goes says so once, and goes on with the first of the next', async () => {
    const first: Answering = (response, request) => {
      streaming(of('a'))(response, request)
      setTimeout(() => response.destroy(), 20)
    }
    const { url, asked } = await scripted(first, hangUp, streaming(of('b')))
    const seen: string[] = []
    for await (const list of createClient({ server: url }).watch('web')) {
      seen.push(`${ids(list)} ${list.position} ${list.stale}`)
      if (list.instances[0]?.id === 'b') break
    }
    expect(seen).toEqual(['a p-0 undefined', 'a p-0 true', 'b p-0 undefined'])
    expect(asked).toEqual(Array(3).fill('GET /v1/watch/web'))
  })

  test('of a daemon of an earlier version asks it again and again', async () => {
    const found = (id: string): Answering =>
      json({ ...of(id), instances: [{ ...of(id).instances[0], lastHeartbeat: 'now' }] })
    const missing = (why: string): Answering => json({ error: why }, 404)
    const [call, slug] = [
      missing('GET /x: there is no such call; see y'),
      missing('slug: nothing is registered as "web"'),
    ]
    const { url, asked } = await scripted(call, slug, found('a'), found('a'), found('b'))
    const seen: string[] = []
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const passing = setInterval(() => vi.advanceTimersByTime(250), 10)
    for await (const list of createClient({ server: url }).watch('web')) {
      seen.push(ids(list))
      expect(list.instances[0]?.lastHeartbeat).toBeUndefined()
      if (seen.length === 3) break
    }
    clearInterval(passing)
    vi.useRealTimers()
    expect(seen).toEqual(['', 'a', 'b'])
    expect(asked).toEqual(['GET /v1/watch/web', ...Array<string>(4).fill('GET /v1/lookup/web')])
  })

  test('below a path that is none of the daemon is no watch of an unknown service', async () => {
    const missing = json({ error: 'GET /ui/v1/x: there is no such call; see GET /openapi.json' }, 404)
    const { url } = await scripted(missing, missing, missing)
    const client = createClient({ server: `${url}/ui`, attempts: 1 })
    await expect(client.lookup('web')).rejects.toThrow(/no such call/)
    await expect(client.watch('web')[Symbol.asyncIterator]().next()).rejects.toThrow(/no such call/)
  })

  test('throws the reason of its signal, also while nothing comes; what is no slug is refused at once', async () => {
    const { url } = await scripted(streaming(of('a')))
    const client = createClient({ server: url })
    const reason = new Error('enough')
    const abort = new AbortController()
    const lists = client.watch('web', { signal: abort.signal })
    await lists.next()
    const next = lists.next()
    abort.abort(reason)
    await expect(next).rejects.toBe(reason)
    await expect(client.watch('web', { signal: abort.signal }).next()).rejects.toBe(reason)
    for (const none of ['', '\ud800']) expect(() => client.watch(none)).toThrow(/^slug: /)
    expect(() => client.watch('web', { singal: abort.signal } as object)).toThrow(/did you mean signal/)
  })

  test('is ended while it waits, from whatever it was begun by', async () => {
    let ends = 0
    const loop = newestOf<number>((newest) => {
      newest.put(1)
      return () => void (ends += 1)
    }, undefined)
    expect(await loop.next()).toEqual({ done: false, value: 1 })
    const waiting = [loop.next(), loop.next()]
    expect(await loop.return?.()).toEqual({ done: true, value: undefined })
    expect(await Promise.all(waiting)).toEqual(Array(2).fill({ done: true, value: undefined }))
    expect(ends).toBeGreaterThan(0)
    const unread = newestOf<number>(() => expect.fail('nobody reads it'), undefined)
    await unread.return?.()
    expect(await unread.next()).toEqual({ done: true, value: undefined })
  })

  test('of a daemon that stands still is told so as soon as three of its signs of life are missing', async () => {
    const mute: Answering = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'x-rollcall-beat': '5000ms' })
      say(response, of('a'), 0)
    }
    const { url } = await scripted(mute, streaming(of('b')))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const loop = createClient({ server: url }).watch('web')
    await loop.next()
    const next = loop.next()
    vi.advanceTimersByTime(14_900)
    expect(await Promise.race([next, new Promise((resolve) => setImmediate(resolve, 'silence'))])).toBe('silence')
    vi.advanceTimersByTime(200)
    expect(((await next).value as SlugList).stale).toBe(true)
    await loop.return?.()
    vi.useRealTimers()
  })

  test('that is slow gets the newest, and never a backlog', async () => {
    let put = (_: number): void => undefined
    let isOver = false
    const loop = newestOf<number>((newest) => {
      put = (value) => newest.put(value)
      put(1)
      put(2)
      return () => void (isOver = true)
    }, undefined)
    const seen: number[] = []
    for await (const value of loop) {
      seen.push(value)
      if (value === 5) break
      for (const next of [3, 4, 5]) put(next)
    }
    expect([seen, isOver]).toEqual([[2, 5], true])
  })

  test('takes a list of thousands of instances that comes in small pieces', async () => {
    const data = JSON.stringify(of(...Array.from({ length: 5000 }, (_, i) => `i${i}`)))
    const bytes = new TextEncoder().encode(`event: list\r\ndata: ${data}\r\n\r\n`)
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 1000) controller.enqueue(bytes.subarray(at, at + 1000))
        controller.close()
      },
    })
    const events = readEvents(pieces, new AbortController().signal, { onBytes: () => undefined, longest: 2 ** 24 })
    expect((await events.next()).value).toMatchObject({ type: 'list', data })
  })
})

describe('waiting for a slug', () => {
  test('is over with the list of which so many can be picked', async () => {
    const [a, b, ...none] = [of('a'), of('a', 'b'), { ...of(), unknown: true as const }]
    const ill: SlugList = {
      ...b,
      instances: [...a.instances, { id: 'b', url: 'http://b.test', status: 'Unreachable' }],
    }
    const { url } = await scripted((response, request) => {
      streaming(...none, a, ill)(response, request)
      setTimeout(() => say(response, b, 3), 20)
    })
    const client = createClient({ server: url })
    expect(ids(await client.waitFor('web'))).toMatch(/^a/)
    expect(await client.waitFor('web', { count: 2 })).toEqual({ ...b, position: 'p-3' })
    await expect(client.waitFor('web', { count: 0 })).rejects.toThrow(/^count: /)
    await expect(client.waitFor('web', { cuont: 1 } as object)).rejects.toThrow(/did you mean/)
    const signal = AbortSignal.timeout(50)
    await expect(client.waitFor('web', { count: 3, signal })).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})

/** A daemon that tells, or does not, by hand; a clock, too. */
function keeping() {
  const state = { now: 0, asked: 0, statuses: ['a'], failure: undefined as RegistryError | undefined }
  const told: string[] = []
  const streams: (Following & { fail: (error: unknown) => void })[] = []
  const choices = new Choices({
    lookup: () => {
      state.asked += 1
      return state.failure === undefined ? Promise.resolve(of(...state.statuses)) : Promise.reject(state.failure)
    },
    follow: (_, following) =>
      new Promise((resolve, reject) => {
        streams.push({ ...following, fail: reject })
        following.signal.addEventListener('abort', () => resolve())
      }),
    onOutage: (slug, why) => told.push(`${slug}: ${why?.message ?? 'over'}`),
    now: () => state.now,
  })
  const pass = async (time_ms: number): Promise<void> => {
    state.now += time_ms
    await vi.advanceTimersByTimeAsync(time_ms)
  }
  const pick = async (): Promise<string | undefined> => (await choices.pick('web'))?.id
  return { state, told, streams, pass, pick }
}

const gone = new RegistryError('unavailable', 'gone')

describe('picks that are told of what is listed', () => {
  afterEach(() => void vi.useRealTimers())
  const world = (): ReturnType<typeof keeping> => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    return keeping()
  }

  test('ask once, for the first; from then on they cost no question, and follow each change', async () => {
    const { state, streams, pass, pick } = world()
    expect(await pick()).toBe('a')
    streams[0]?.onList(of('b'))
    for (let i = 0; i < 100; i += 1) {
      await pass(age_ms.fresh)
      expect(await pick()).toBe('b')
    }
    streams[0]?.onList({ ...of(), unknown: true })
    expect(await pick()).toBeUndefined()
    expect([state.asked, streams.length]).toEqual([1, 1])
    expect(streams[0]?.isAside).toBe(true)
  })

  test('that nobody makes end it, and the next one asks again', async () => {
    const { state, streams, pass, pick } = world()
    await pick()
    streams[0]?.onList(of('b'))
    await pass(keep_ms.idle - 1)
    expect([await pick(), streams[0]?.signal.aborted]).toEqual(['b', false])
    await pass(keep_ms.idle - 1)
    expect(streams[0]?.signal.aborted).toBe(false)
    await pass(1)
    expect(streams[0]?.signal.aborted).toBe(true)
    await pass(age_ms.paused + 1)
    expect([await pick(), state.asked, streams.length]).toEqual(['a', 2, 2])
    expect(vi.getTimerCount()).toBe(1)
  })

  test('go on with the last list while the daemon is away, for as long as they are made, and say so', async () => {
    const { state, told, streams, pass, pick } = world()
    await pick()
    streams[0]?.onList(of('b'))
    for (let i = 0; i < 20; i += 1) {
      await pass(age_ms.paused)
      await pick()
    }
    state.failure = gone
    streams[0]?.onBroken(gone)
    for (let i = 0; i < 60; i += 1) {
      await pass(age_ms.paused)
      expect(await pick()).toBe('b')
    }
    expect(told).toEqual(['web: gone'])
    streams[0]?.onList(of('c'))
    expect([await pick(), told.at(-1), streams.length]).toEqual(['c', 'web: over', 1])
  })

  test('are not told what was asked before', async () => {
    const { state, streams, pass, pick } = world()
    await pick()
    state.statuses = ['old']
    await pass(age_ms.fresh + 1)
    const asked = pick()
    streams[0]?.onList(of('new'))
    await asked
    await pass(1)
    expect([await pick(), state.asked]).toEqual(['new', 2])
  })

  test.each([
    ['an earlier version', new RegistryError('not-found', 'no such call'), keep_ms.unknown],
    ['no room', new RegistryError('unavailable', 'full'), keep_ms.refused],
  ])('ask again and again where the daemon is one of %s, and try later', async (_, error, patience_ms) => {
    const { state, streams, pass, pick } = world()
    await pick()
    streams[0]?.fail(error)
    await pass(0)
    for (let passed = 0; passed < patience_ms - age_ms.paused; passed += age_ms.paused) {
      await pass(age_ms.paused)
      expect(await pick()).toBe('a')
    }
    expect(streams).toHaveLength(1)
    expect(state.asked).toBeGreaterThan(5)
    await pass(age_ms.paused)
    await pick()
    expect(streams).toHaveLength(2)
  })
})
