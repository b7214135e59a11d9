// `fetch` for services: which instance is asked, when another one is, who is left out, and what the caller gets. In virtual time.
import { channel } from 'node:diagnostics_channel'
import { describe, expect, test, vi } from 'vitest'
import type { CallInit, FetchOptions } from '../../src/client/fetching/options.js'
import { Callee } from '../../src/client/fetching/callee.js'
import type { Listed } from '../../src/core/lookup/chooser.js'
import { urlOf } from '../../src/client/fetching/target.js'
import type { InstanceView } from '../../src/core/views.js'
import { type Meets, World, passing, useVirtualTime } from './world.js'

useVirtualTime()

const fine: Meets = { status: 200 }
const stream = (): ReadableStream => new ReadableStream()

/** The first request meets that, all later ones are answered. */
function first(meets: Meets): World {
  let isFirst = true
  return new World(['a', 'b', 'c'], () => {
    const met = isFirst ? meets : fine
    isFirst = false
    return met
  })
}

async function statusOf(task: Promise<Response>): Promise<number | string> {
  const met = await passing(task)
  return met instanceof Error ? met.message : met.status
}

describe('another instance is asked', () => {
  const refused: Meets = { code: 'ECONNREFUSED' }
  const lost: Meets = { code: 'ECONNRESET' }

  const cases: readonly [string, Meets, CallInit, attempts: number, end: number | string][] = [
    ['refused: a GET', refused, {}, 2, 200],
    ['refused: a POST, as nothing was sent', refused, { method: 'POST', body: 'x' }, 2, 200],
    [
      'refused: not a stream, which can be read once',
      refused,
      { method: 'POST', body: stream(), duplex: 'half' } as CallInit,
      1,
      'fetch failed',
    ],
    ['a port that fetch does not call', { code: 'bad port' }, { method: 'POST' }, 2, 200],
    ['no such host', { code: 'ENOTFOUND' }, { method: 'POST' }, 2, 200],
    ['no connection in time', { code: 'UND_ERR_CONNECT_TIMEOUT' }, { method: 'POST' }, 2, 200],
    ['lost: a GET', lost, {}, 2, 200],
    ['lost: not a POST, which may have been done', lost, { method: 'POST', body: 'x' }, 1, 'fetch failed'],
    ['lost: not a PATCH', lost, { method: 'patch' }, 1, 'fetch failed'],
    ['lost: a PUT', lost, { method: 'put', body: 'x' }, 2, 200],
    ['lost: a POST that says so', lost, { method: 'POST', body: 'x', idempotent: true }, 2, 200],
    ['lost: a POST with a key', lost, { method: 'POST', headers: { 'Idempotency-Key': 'k' } }, 2, 200],
    ['an error without a code, as in browsers', { code: '' }, { method: 'POST' }, 1, 'fetch failed'],
    ['503: a GET', { status: 503 }, {}, 2, 200],
    ['503: not a POST', { status: 503 }, { method: 'POST' }, 1, 503],
    ['500: that is an answer', { status: 500 }, {}, 1, 500],
    ['404: so is that', { status: 404 }, {}, 1, 404],
    ['silence: a GET', 'hang', {}, 2, 200],
    ['silence: not a POST', 'hang', { method: 'POST' }, 1, 'web: no answer in 30000 ms; asked a (http://a.test)'],
    ['declined by fetch, as a redirect: nobody has failed', { code: 'none' }, {}, 1, 'fetch failed'],
  ]

  test.each(cases)('%s', async (_, meets, init, attempts, end) => {
    const world = first(meets)
    expect(await statusOf(world.fetch()('rollcall://web/', init))).toBe(end)
    expect(world.seen).toHaveLength(attempts)
    expect(new Set(world.asked).size).toBe(attempts)
    expect(world.cancelled).toBe(attempts === 2 && meets !== 'hang' && 'status' in meets ? 1 : 0)
  })

  test('not what asks for patience: its caller is told how long, by the answer itself', async () => {
    const busy: Meets = { status: 503, headers: { 'retry-after': '5' } }
    const alone = new World(['a'], () => busy)
    const answer = (await passing(alone.fetch()('rollcall://web/'))) as Response
    expect([answer.status, answer.headers.get('retry-after'), alone.asked, alone.cancelled]).toEqual([503, '5', 'a', 0])
    expect(await statusOf(first(busy).fetch()('rollcall://web/'))).toBe(200) // another one has not asked for it
  })

  test('not once it is too late for that, nor where nobody says whom to ask any more: then what was answered counts', async () => {
    const slow = new World(['a', 'b', 'c'], () => ({ status: 503 }))
    expect(await statusOf(slow.fetch({ timeout: 50, backoff: 200 })('rollcall://web/'))).toBe(503)
    expect([slow.seen.length, slow.cancelled]).toEqual([1, 0])
    const gone: World = new World(['a'], () => {
      gone.listed = undefined
      return { status: 503 }
    })
    expect(await statusOf(gone.fetch()('rollcall://web/'))).toBe(503)
    expect(gone.cancelled).toBe(0)
  })

  test('as long as there is one, an attempt left, and time', async () => {
    const down = (): World => new World(['a', 'b', 'c', 'd'], () => refused)
    const ends = async (options: FetchOptions): Promise<number> => {
      const world = down()
      expect(await statusOf(world.fetch(options)('rollcall://web/'))).toBe('fetch failed')
      return world.seen.length
    }
    expect(await ends({})).toBe(3)
    expect(await ends({ attempts: 1 })).toBe(1)
    expect(await ends({ attempts: 9 })).toBe(9)
    const alone = new World(['a'], () => ({ status: 503 }))
    expect(await statusOf(alone.fetch()('rollcall://web/'))).toBe(503)
    expect(alone.asked).toBe('aaa')
  })

  test('the last one is waited for, and what it says is the answer', async () => {
    const world = new World(['a', 'b', 'c'], () => ({ status: 200, after_ms: 5000 }))
    expect(await statusOf(world.fetch()('rollcall://web/'))).toBe(200)
    expect(world.seen.map(({ at }) => at - (world.seen[0]?.at as number))).toEqual([
      0,
      expect.closeTo(1020, -2),
      expect.closeTo(2060, -2),
    ])
    const late = new World(['a'], () => 'hang')
    const begun = performance.now()
    expect(await statusOf(late.fetch({ timeout: '2s', attemptTimeout: 5000 })('rollcall://web/'))).toMatch(/2000 ms/)
    expect(performance.now() - begun).toBeLessThan(2010)
  })

  test('how long is too long follows what is usual', async () => {
    const world: World = new World(['a', 'b'], ({ id }) =>
      id === 'b' && world.seen.length > 250 ? 'hang' : { status: 200, after_ms: 10 },
    )
    const fetch = world.fetch()
    for (let i = 0; i < 250; i += 1) await passing(fetch('rollcall://web/'))
    const begun = performance.now()
    for (let i = 0; i < 2; i += 1) await passing(fetch('rollcall://web/'))
    expect(world.asked.slice(250)).toContain('b')
    expect(performance.now() - begun).toBeLessThan(100)
  })
})

describe('a budget', () => {
  test('keeps an overload from doubling: a fifth of the calls is made again, and ten a second', async () => {
    const world = new World(['a', 'b', 'c', 'd'], () => ({ status: 503 }))
    const fetch = world.fetch()
    for (let i = 0; i < 2000; i += 1) {
      void fetch('rollcall://web/')
      await vi.advanceTimersByTimeAsync(5)
    }
    await vi.advanceTimersByTimeAsync(1000)
    expect(world.seen.length).toBeGreaterThan(2200)
    expect(world.seen.length).toBeLessThanOrEqual(2400 + 1)
  })

  test('lets the few calls of a quiet program be made again all the same', async () => {
    const world = new World(['a', 'b', 'c'], ({ id }) => (id === 'a' ? { code: 'ECONNREFUSED' } : fine))
    const fetch = world.fetch()
    for (let i = 0; i < 10; i += 1) expect(await statusOf(fetch('rollcall://web/'))).toBe(200)
  })
})

describe('whoever fails again and again', () => {
  async function calls(world: World, count: number, every_ms = 10): Promise<void> {
    const fetch = world.fetch()
    for (let i = 0; i < count; i += 1) {
      void fetch('rollcall://web/').catch(() => undefined)
      await vi.advanceTimersByTimeAsync(every_ms)
    }
  }

  test('is left out for a while, tried by one call, and is back', async () => {
    let isDown = true
    const told: unknown[] = []
    const listen = (message: unknown): void => void told.push(message)
    for (const name of ['ejected', 'restored']) channel(`rollcall:${name}`).subscribe(listen)
    const world = new World(['a', 'b', 'c'], ({ id }) => (id === 'a' && isDown ? { code: 'ECONNREFUSED' } : fine))
    await calls(world, 100)
    expect(world.countOf('a')).toBe(3)
    expect(world.suspected).toEqual(['a'])
    await calls(world, 450)
    expect(world.countOf('a')).toBe(4) // the probe, after five seconds
    expect(world.suspected).toEqual(['a', 'a'])
    isDown = false
    await calls(world, 900)
    expect(world.countOf('a')).toBe(4) // ten seconds now
    await calls(world, 300)
    expect(world.countOf('a')).toBeGreaterThan(50)
    expect(told).toEqual([
      { slug: 'web', id: 'a' },
      { slug: 'web', id: 'a' },
      { slug: 'web', id: 'a' },
    ])
    for (const name of ['ejected', 'restored']) channel(`rollcall:${name}`).unsubscribe(listen)
  })

  test('is tried by one call alone, however long that takes', async () => {
    let isDown = true
    const world = new World(['a', 'b', 'c'], ({ id }) =>
      id !== 'a' ? fine : isDown ? { code: 'ECONNREFUSED' } : 'hang',
    )
    await calls(world, 100)
    isDown = false
    await calls(world, 500)
    expect(world.countOf('a')).toBe(4)
  })

  test('is called nevertheless where that is more than half of all', async () => {
    const world = new World(['a', 'b', 'c'], ({ id }) => (id === 'c' ? fine : { status: 503 }))
    await calls(world, 300)
    expect(world.countOf('a')).toBeGreaterThan(50)
    expect(world.countOf('b')).toBeGreaterThan(50)
  })

  test('is called where it is the only one, and forgotten once it is not listed', async () => {
    const world = new World(['a'], () => ({ status: 503 }))
    await calls(world, 20)
    expect(world.seen.length).toBeGreaterThanOrEqual(20)
    world.list(['b'])
    await calls(world, 5)
    world.list(['a', 'b', 'c'])
    await calls(world, 3)
    expect(world.asked.slice(-9)).toContain('a')
  })
})

test('least-loaded: the slow gets few, the failing does not look fast', async () => {
  const world: World = new World(['a', 'b', 'c', 'd'], ({ id }) => {
    if (id === 'a') return { status: 200, after_ms: 200 }
    return id === 'b' && world.seen.length % 2 === 0 ? { status: 503, after_ms: 1 } : { status: 200, after_ms: 10 }
  })
  const fetch = world.fetch({ strategy: 'least-loaded' })
  for (let i = 0; i < 1000; i += 1) {
    void fetch('rollcall://web/')
    await vi.advanceTimersByTimeAsync(5)
  }
  expect(world.countOf('a')).toBeLessThan(100)
  expect(world.countOf('b')).toBeLessThan(200)
  expect(world.countOf('c')).toBeGreaterThan(300)
})

describe('the caller', () => {
  test('who gives up gets his reason at once, and nobody is blamed', async () => {
    const world = new World(['a', 'b'], () => 'hang')
    const fetch = world.fetch()
    for (let i = 0; i < 10; i += 1) {
      const abort = new AbortController()
      const call = fetch('rollcall://web/', { signal: abort.signal })
      await vi.advanceTimersByTimeAsync(10)
      abort.abort(new Error('enough'))
      expect(await passing(call, 5)).toEqual(new Error('enough'))
    }
    expect(world.seen).toHaveLength(10)
    expect(world.suspected).toEqual([])
    expect(await passing(fetch('rollcall://web/', { signal: AbortSignal.abort('no') }), 5)).toBe('no')
    expect(world.seen).toHaveLength(10)
  })

  test('is heard as he speaks: method, headers, body; and answered untouched', async () => {
    const world = new World(['a'], () => ({ status: 201 }))
    const fetch = world.fetch()
    const headers = { traceparent: '00-1-2-3', authorization: 'Bearer x' }
    const response = await passing(fetch('rollcall://web/x?y=1#z', { method: 'POST', body: 'text', headers }))
    expect(response).toMatchObject({ status: 201, bodyUsed: false })
    const [seen] = world.seen
    expect(seen).toMatchObject({ url: 'http://a.test/x?y=1', method: 'POST', body: 'text' })
    for (const [name, value] of Object.entries(headers)) expect(seen?.headers.get(name)).toBe(value)
  })

  test.each<[string, CallInit, string]>([
    ['a body where there may be none', { body: 'x' }, 'body'],
    ['a method that is none', { method: 'A B' }, 'A B'],
    ['a stream that does not say how', { method: 'POST', body: stream() }, 'duplex'],
    ['a redirect that is none', { redirect: 'never' as RequestRedirect }, 'never'],
    ['a signal that is none', { signal: 'x' as unknown as AbortSignal }, 'signal'],
  ])('who is wrong is told as by fetch, and no instance is asked or blamed: %s', async (_, init, named) => {
    const world = new World(['a', 'b'], () => fine)
    expect(await passing(world.fetch()('rollcall://web/', init))).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining(named) as string,
    })
    expect(world.seen).toEqual([])
  })

  test('is not blamed on instances: what fetch declines, however often', async () => {
    const world = new World(['a', 'b'], () => ({ code: 'none' }))
    for (let i = 0; i < 10; i += 1) await passing(world.fetch()('rollcall://web/', { redirect: 'error' }))
    expect([world.seen.length, world.suspected]).toEqual([10, []])
  })

  test('learns whom he asked for which service, in an error that is that of fetch', async () => {
    const world = new World(['a', 'b'], () => ({ code: 'ECONNREFUSED' }))
    const error = (await passing(world.fetch()('rollcall://web/'))) as Error
    expect(error).toMatchObject({ name: 'TypeError', message: 'fetch failed', cause: { code: 'ECONNREFUSED' } })
    expect((error.cause as Error).message).toMatch(/^web: ECONNREFUSED; asked (a|b) \(http:\/\/[ab]\.test\), [ab]/)
  })

  test('waits for nobody longer than he said, also where it is the registry that does not answer', async () => {
    const world = new World(['a'], () => fine)
    const asleep = new Promise<never>(() => undefined)
    world.ask = () => asleep
    const late = (await passing(world.fetch({ timeout: 500 })('rollcall://web/'), 600)) as Error
    expect([late.name, late.message]).toEqual([
      'TimeoutError',
      expect.stringMatching(/^web: no answer in 500 ms; nobody was asked/),
    ])
    const abort = new AbortController()
    const call = world.fetch()('rollcall://web/', { signal: abort.signal })
    abort.abort('')
    await expect(call).rejects.toBe('')
  })

  test('may give one signal to any number of calls, which ends them all, and holds none of them', async () => {
    const abort = new AbortController()
    const listening = vi.spyOn(abort.signal, 'addEventListener')
    const world: World = new World(['a'], () => (world.seen.length > 100 ? 'hang' : fine))
    const fetch = world.fetch()
    const calls = Array.from({ length: 100 }, () => fetch('rollcall://web/', { signal: abort.signal }))
    await passing(Promise.all(calls))
    const last = Promise.allSettled(calls.slice(0, 20).map(() => fetch('rollcall://web/', { signal: abort.signal })))
    await vi.advanceTimersByTimeAsync(5)
    abort.abort(null)
    expect(await passing(last)).toEqual(Array(20).fill({ status: 'rejected', reason: null }))
    expect(world.seen[99]?.signal.aborted).toBe(true) // of which the body may still be read
    expect(listening).toHaveBeenCalledOnce()
  })

  test.each([
    ['an iterator', new Map([['a', 'b']]).entries()],
    ['pairs', [['a', 'b']]],
  ])('is heard though his headers can be read once: %s', async (_, headers) => {
    const world = first({ code: 'ECONNREFUSED' })
    expect(await statusOf(world.fetch()('rollcall://web/', { headers: headers as HeadersInit }))).toBe(200)
    expect(world.seen.map(({ headers }) => headers.get('a'))).toEqual(['b', 'b'])
  })

  test.each<[string, unknown]>([
    ['nothing', null],
    ['spaces around it', undefined],
  ])('may say it in any way that fetch takes: %s', async (_, init) => {
    const world = new World(['a'], () => fine)
    const url = { toString: () => ' rollcall://web/x ' } as URL
    expect(await statusOf(world.fetch()(url, init as RequestInit))).toBe(200)
    expect(world.seen[0]?.url).toBe('http://a.test/x')
  })

  test('may give a Request whose body is a stream: one that comes whole is sent again, one that goes on is sent on', async () => {
    const text = new TextEncoder()
    const asked = (body: ReadableStream): Request =>
      new Request('rollcall://web/x', { method: 'POST', body, duplex: 'half' } as RequestInit)
    const whole = first({ code: 'ECONNREFUSED' })
    expect(await statusOf(whole.fetch()(asked(new Blob(['te', 'xt']).stream())))).toBe(200)
    expect(whole.seen.map(({ body }) => body)).toEqual(['text', 'text'])
    let control: ReadableStreamDefaultController | undefined
    const slow = new ReadableStream({ start: (given) => void (control = given) })
    control?.enqueue(text.encode('a'))
    const world = first({ code: 'ECONNREFUSED' })
    expect(await statusOf(world.fetch()(asked(slow)))).toBe('fetch failed')
    const [{ body } = {}] = world.seen
    control?.enqueue(text.encode('b'))
    control?.close()
    expect([world.seen.length, await new Response(body as ReadableStream).text()]).toEqual([1, 'ab'])
    const long = first({ code: 'ECONNREFUSED' })
    const piece = new Uint8Array(400_000)
    await passing(long.fetch()(asked(new Blob([piece, piece, piece, piece]).stream())))
    expect([long.seen.length, (await new Response(long.seen[0]?.body as ReadableStream).bytes()).length]).toEqual([
      1, 1_600_000,
    ])
  })

  test('may give a Request, which is sent again as well', async () => {
    const world = first({ code: 'ECONNREFUSED' })
    const request = new Request('rollcall://web/x', { method: 'POST', body: 'text', headers: { a: 'b' } })
    expect(await statusOf(world.fetch()(request))).toBe(200)
    expect(world.seen.map(({ method, body, headers }) => [method, body, headers.get('a')])).toEqual([
      ['POST', 'text', 'b'],
      ['POST', 'text', 'b'],
    ])
  })

  test.each([
    ['rollcall://web', 'http://a.test/api'],
    ['rollcall://web/', 'http://a.test/api/'],
    ['rollcall://web/../../x', 'http://a.test/api/x'],
    ['rollcall://web/%2e%2e/x', 'http://a.test/api/x'],
    ['rollcall://web/..\\..\\..\\x', 'http://a.test/api/x'],
    ['rollcall://web//evil.test/x', 'http://a.test/api//evil.test/x'],
    ['ROLLCALL://web?q=1', 'http://a.test/api?q=1'],
    [urlOf('web', 'orders/1'), 'http://a.test/api/orders/1'],
    [new URL('rollcall://web/x'), 'http://a.test/api/x'],
    ['http://elsewhere.test/x', 'http://elsewhere.test/x'],
  ])('%s leads to %s', async (url, expected) => {
    const world = new World(['a'], () => fine)
    world.listed = { pools: [{ listed: [{ id: 'a', url: 'http://a.test/api/', status: 'Healthy' }], inDoubt: false }] }
    await passing(world.fetch()(url))
    expect(world.seen[0]?.url).toBe(expected)
  })

  test.each([
    ['rollcall:///x', 'names no service'],
    ['rollcall:web/x', 'names no service'],
    ['rollcall://web:80/x', 'give the name of one as the option port'],
    ['rollcall://user:secret@web/x', 'carries a user'],
    ['rollcall://%zz/x', 'percent-encoded'],
  ])('%s is refused: it %s', async (url, error) => {
    const met = await passing(new World([], () => fine).fetch()(url))
    expect((met as Error).message).toContain(error)
  })

  test('a whole url is no path of a service', () => {
    expect(() => urlOf('web', 'http://elsewhere.test/')).toThrow(/^path: must be one of the service/)
    expect(urlOf('web', '/to?u=http://elsewhere.test/')).toContain('/to?u=http')
  })

  test('is told where there is nobody', async () => {
    const world = new World([], () => fine)
    expect(await statusOf(world.fetch()('rollcall://web/'))).toMatch(
      /no instance of web can be called; ask: rollcall why web/,
    )
    world.listed = undefined
    expect(await statusOf(world.fetch()('rollcall://web/'))).toMatch(/nothing is registered as "web"/)
    world.listed = { pools: [{ listed: [{ id: 'a', url: 'grpc://a.test:1', status: 'Healthy' }], inDoubt: false }] }
    expect(await statusOf(world.fetch()('rollcall://web/'))).toMatch(
      /web is not called by HTTP: a is at grpc:\/\/a.test:1/,
    )
  })

  test('of a service that is offered by several protocols is given those that fetch can call', async () => {
    const world = new World(['a', 'b'], () => fine)
    const listed: InstanceView[] = ['http://a.test', 'grpc://b.test:1', 'HTTPS://c.test'].map((url, i) => {
      return { id: 'abc'[i] as string, url, status: 'Healthy' }
    })
    world.listed = { pools: [{ listed, inDoubt: false }] }
    for (let i = 0; i < 8; i += 1) expect(await statusOf(world.fetch()('rollcall://web/'))).toBe(200)
    expect([...world.asked].sort().join('')).toBe('aaaacccc')
  })

  test('who follows a key says which', async () => {
    const fetch = new World(['a'], () => fine).fetch({ strategy: 'hash' })
    expect(await statusOf(fetch('rollcall://web/'))).toMatch(/^key: the strategy hash follows one/)
    expect(await statusOf(fetch('rollcall://web/', { key: 5 } as unknown as CallInit))).toBe('key: must be a text')
  })

  test('chooses how: by key with each call, at a named port', async () => {
    const world = new World(['a', 'b', 'c', 'd'], () => fine, { ports: { metrics: 9464 } })
    const fetch = world.fetch({ strategy: 'hash', port: 'metrics' })
    for (let i = 0; i < 20; i += 1) await passing(fetch('rollcall://web/', { key: 'user-1' } as CallInit))
    expect(new Set(world.asked).size).toBe(1)
    expect(world.seen[0]?.url).toMatch(/:9464\/$/)
    for (let i = 0; i < 20; i += 1) await passing(fetch('rollcall://web/', { key: `user-${i}` } as CallInit))
    expect(new Set(world.asked).size).toBe(4)
  })

  test.each([
    [{ atempts: 2 }, 'atempts: there is no such option; did you mean attempts?'],
    [{ attempts: 0 }, 'attempts: must be a whole number from 1 to 100'],
    [{ timeout: 'soon' }, 'timeout: "soon" is not a duration'],
    [{ timeout: NaN }, 'timeout: must be a duration'],
    [{ attemptTimeout: 0 }, 'attemptTimeout: must be from 1ms'],
    [{ backoff: -1 }, 'backoff: must be'],
    [{ retryShare: -1 }, 'retryShare: must be a number from 0 to 10'],
    [{ strategy: 'best' }, 'strategy: must be one of'],
    [{ exclude: ['a'] }, 'exclude: there is no such option'],
  ])('%j is refused: %s', (options, error) => {
    expect(() => new World([], () => fine).fetch(options as FetchOptions)).toThrow(error)
  })
})

test('each attempt is told of, where somebody listens', async () => {
  const told: unknown[] = []
  const listen = (message: unknown): void => void told.push(message)
  channel('rollcall:attempt').subscribe(listen)
  const world = first({ status: 503, after_ms: 5 })
  await passing(world.fetch()('rollcall://web/x'))
  channel('rollcall:attempt').unsubscribe(listen)
  expect(told).toEqual([
    expect.objectContaining({ slug: 'web', method: 'GET', attempt: 1, status: 503, duration_ms: 5 }),
    expect.objectContaining({ slug: 'web', method: 'GET', attempt: 2, status: 200 }),
  ])
})

test('what is remembered is of the instances that are listed, and of those that are being called', () => {
  const callee = new Callee()
  const list = (id: string): Listed<InstanceView> => ({
    pools: [{ listed: [{ id, url: 'http://x.test', status: 'Healthy' }], inDoubt: false }],
  })
  for (let i = 0; i < 100; i += 1) {
    callee.follow(list(`i${i}`))
    callee.begin(`i${i}`, i)
    if (i > 0) callee.failed(`i${i}`, i, 1)
  }
  callee.follow(list('last'))
  expect(callee.size).toBe(1) // of the first one nobody knows yet what came of it
})
