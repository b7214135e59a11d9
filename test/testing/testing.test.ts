// The registry for tests of programs: what its time brings about, what it kills, what answers in it, whatever the timers of the test do.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Registry, SlugList } from '../../src/index.js'
import { createTestRegistry } from '../../src/testing.js'

function web(n: number): { readonly id: string; readonly slug: string; readonly url: string } {
  return { id: `web-${n}`, slug: 'web', url: `http://10.0.0.${n}:8080` }
}

/** What of it has come by now, for those who may wait for something that does not come. */
function watched<T>(task: Promise<T>): { value?: T; error?: unknown } {
  const seen: { value?: T; error?: unknown } = {}
  task.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  )
  return seen
}

describe.each([
  ['as they are', undefined],
  ['replaced', ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance']],
] as const)('with the timers of the test %s', (_, toFake) => {
  if (toFake !== undefined) {
    beforeEach(() => void vi.useFakeTimers({ toFake: [...toFake] }))
    afterEach(() => void vi.useRealTimers())
  }

  test('a program that is killed is picked no more at once, and gone after its grace', async () => {
    const registry = createTestRegistry()
    const { id, session } = await registry.registerSelf(web(1))
    expect(session).toMatch(/^ses_/)
    await registry.advance('1m')
    expect(registry.pick('web')?.id).toBe(id)
    registry.kill(id)
    expect(registry.pick('web')).toBeUndefined()
    expect(registry.lookup('web')?.instances).toMatchObject([{ status: 'Unreachable' }])
    await registry.advance('4s')
    expect(registry.lookup('web')?.instances).toHaveLength(1)
    await registry.advance('2s')
    expect(registry.lookup('web')).toBeUndefined()
  })

  test('what lives by a ttl goes with it, unless it is renewed', async () => {
    const registry = createTestRegistry()
    await registry.register({ ...web(1), ttl: '10s', grace: '1s' })
    await registry.advance('9s')
    await registry.renew('web-1')
    await registry.advance('9s')
    expect(registry.pick('web')?.id).toBe('web-1')
    await registry.advance('3s')
    expect(registry.instanceRows().instances).toEqual([])
  })

  test('who waits for a service gets it when it is there; who watches it sees each list, many changes as one', async () => {
    const registry = createTestRegistry()
    const waiting = watched(registry.waitFor('web', { count: 2 }))
    const lists: SlugList[] = []
    void (async () => {
      for await (const list of registry.watch('web')) lists.push(list)
    })()
    await registry.register(web(1))
    await registry.advance(0)
    expect(waiting).toEqual({})
    await Promise.all([2, 3, 4].map(async (n) => registry.register(web(n))))
    await registry.advance(0)
    expect(waiting.value?.instances.length).toBeGreaterThanOrEqual(2)
    expect(lists[0]).toMatchObject({ unknown: true, instances: [] })
    expect(lists.at(-1)?.instances).toHaveLength(4)
    const late = watched(registry.waitFor('nothing', { signal: registry.timeout('30s') }))
    await registry.advance('29s')
    expect(late).toEqual({})
    await registry.advance('1s')
    expect(late.error).toMatchObject({ name: 'TimeoutError' })
  })

  test('draining takes as long as it says, and each part of a program acts at its own moment of that', async () => {
    const registry = createTestRegistry()
    const own = await registry.registerSelf(web(1), { drainDelay: '10s' })
    const seen: string[] = []
    void (async () => {
      await own.drain()
      seen.push('drained')
      await own.end()
      seen.push(`${registry.instanceRows({ slug: 'web' }).instances.length} left`)
    })()
    void (async () => {
      registry.timeout('5s').addEventListener('abort', () => seen.push('5 s'))
      registry.timeout('15s').addEventListener('abort', () => seen.push('15 s'))
    })()
    await registry.advance('9s')
    expect([registry.pick('web'), ...seen]).toEqual([undefined, '5 s'])
    await registry.advance('10s')
    expect(seen).toEqual(['5 s', 'drained', '0 left', '15 s'])
  })

  test('calls go to whatever answers there, and elsewhere where nothing listens any more', async () => {
    const registry = createTestRegistry()
    for (const n of [1, 2]) {
      await registry.register(web(n))
      registry.handle(web(n).url, (request) => new Response(`${n} ${request.method} ${new URL(request.url).pathname}`))
    }
    const said = async (): Promise<string> => (await registry.call('web', '/x', { method: 'POST' })).text()
    expect(new Set([await said(), await said()])).toEqual(new Set(['1 POST /x', '2 POST /x']))
    registry.kill('web-1')
    expect([await said(), await said()]).toEqual(['2 POST /x', '2 POST /x'])
  })
})

describe('time', () => {
  test('an hour passes with its tenth of seconds, and who is well stays so', async () => {
    const registry = createTestRegistry()
    await registry.registerSelf(web(1))
    await registry.register({ ...web(2), ttl: '2h' })
    await registry.advance('1h')
    expect(registry.lookup('web')?.instances).toMatchObject([{ status: 'Healthy' }, { status: 'Healthy' }])
  })

  test('who is ill for long enough is taken out, as he asked for', async () => {
    const registry = createTestRegistry()
    await registry.register({ ...web(1), deregisterAfter: '1m' })
    registry.kill('web-1')
    expect(registry.pick('web')).toBeUndefined()
    await registry.advance('59s')
    expect(registry.lookup('web')?.instances).toHaveLength(1)
    await registry.advance('2s')
    expect(registry.lookup('web')).toBeUndefined()
  })

  test('who is killed can start again, and is picked once that has lasted for a moment', async () => {
    const registry = createTestRegistry()
    await registry.register(web(1))
    registry.kill('web-1')
    expect(registry.pick('web')).toBeUndefined()
    await registry.restart('web-1')
    expect(registry.pick('web')).toBeUndefined()
    await registry.advance('2s')
    expect(registry.pick('web')?.id).toBe('web-1')
  })

  test('two who let it pass at once let it pass one after the other', async () => {
    const registry = createTestRegistry()
    const over = registry.timeout('1m')
    await Promise.all([registry.advance('30s'), registry.advance('30s')])
    expect(over.aborted).toBe(true)
  })
})

describe('nodes', () => {
  test('hold the same, lose sight of one that is killed, see it again with what is on its disk', async () => {
    const a = createTestRegistry({ nodeId: 'a' })
    await a.register(web(1))
    const b = a.join({ nodeId: 'b', zone: 'z' })
    expect(b.pick('web')?.id).toBe('web-1')
    const own = await b.registerSelf(web(2))
    await b.register(web(3))
    await a.advance('1s')
    expect(a.lookup('web')).toMatchObject({ inStep: 1, members: 1, instances: [{}, { zone: 'z' }, { zone: 'z' }] })
    await a.update('web-2', { weight: 3 })
    expect(b.instances({ id: 'web-2' }).instances).toMatchObject([{ weight: 3 }])
    const loop = b.watch('web')
    await loop.next()
    b.kill('b')
    expect(await loop.next()).toEqual({ done: true, value: undefined })
    expect(() => b.pick('web')).toThrow(/node b was killed; restart\('b'\)/)
    await a.advance('5s')
    expect(a.lookup('web')?.instances).toMatchObject([{ id: 'web-1' }])
    expect(a.members().members).toMatchObject([{ state: 'alive' }, { nodeId: 'b', state: 'dead' }])
    await a.restart('b')
    await a.advance('40s') // longer than a session that was not opened again would live
    for (const one of [a, b]) expect(one.lookup('web')?.instances).toHaveLength(3)
    await own.end()
    await a.advance('1s')
    expect(a.lookup('web')?.instances).toHaveLength(2)
  })

  test('so many as are told to hold a write are waited for by the write itself', async () => {
    const a = createTestRegistry({ nodeId: 'a' })
    a.join({ nodeId: 'b' })
    expect(await a.register(web(1), { acks: 2 })).toEqual({ id: 'web-1', acks: 2 })
    expect(await a.register(web(2), { acks: 3, ackTimeout: '1s' })).toEqual({ id: 'web-2', acks: 2 })
  })
})

describe('calls', () => {
  test('are made by the fetch that was given, with all that fetch knows; what is no service goes to it as it is', async () => {
    const asked: string[] = []
    const registry = createTestRegistry({
      fetch: async (input, init) => {
        const { url, method, headers } = new Request(input, init)
        asked.push(`${method} ${url} ${headers.get('x')}`)
        return asked.length === 1 ? new Response('', { status: 503 }) : Response.json({ ok: true })
      },
    })
    await registry.register(web(1))
    const answer = await registry.fetch('rollcall://web/orders', { headers: { x: '1' } })
    expect(await answer.json()).toEqual({ ok: true })
    await registry.fetch('https://example.com/', { headers: { x: '2' } })
    expect(asked).toEqual([
      'GET http://10.0.0.1:8080/orders 1',
      'GET http://10.0.0.1:8080/orders 1',
      'GET https://example.com/ 2',
    ])
  })

  test('leave out who fails again and again, until so much time has passed', async () => {
    const registry = createTestRegistry()
    let isIll = true
    for (const n of [1, 2]) {
      await registry.register(web(n))
      const status = (): number => (n === 1 && isIll ? 503 : 200)
      registry.handle(web(n).url, () => new Response(String(n), { status: status() }))
    }
    const asked = async (): Promise<string[]> =>
      Promise.all(Array.from({ length: 6 }, async () => (await registry.call('web')).text()))
    for (let round = 0; round < 3; round += 1) await asked()
    expect(await asked()).not.toContain('1')
    isIll = false
    await registry.advance('10s')
    await asked() // one tries it
    expect(await asked()).toContain('1')
  })

  test('say what is missing where nothing answers, and reject with the reason of their signal', async () => {
    const registry = createTestRegistry()
    await registry.register(web(1))
    await expect(registry.call('web')).rejects.toThrow(
      /nothing answers at 10.0.0.1:8080 in this test; say what does by/,
    )
    await expect(registry.call('nothing')).rejects.toMatchObject({ code: 'not-found' })
    registry.handle(web(1).url, () => new Promise(() => undefined))
    const signal = registry.timeout('1s')
    const hanging = watched(registry.call('web', '/', { signal }))
    await registry.advance('1s')
    expect(hanging.error).toBe(signal.reason)
  })

  test('that end badly while time passes are not unhandled where the test awaits them afterwards', async () => {
    const registry = createTestRegistry()
    const own = await registry.registerSelf(web(1))
    registry.handle(web(1).url, () => new Promise(() => undefined))
    const soon = { signal: registry.timeout('1s') }
    const waiting = [
      registry.waitFor('web', { count: 2, ...soon }),
      registry.call('web', '/', soon),
      registry.fetch('rollcall://web', soon),
      registry.createFetch({ attempts: 1 })('rollcall://web', soon),
      own.drain({ delay: '1h', ...soon }),
    ]
    const unhandled: unknown[] = []
    const onUnhandled = (why: unknown): void => void unhandled.push(why)
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', onUnhandled)
    await registry.advance('2s')
    await new Promise(setImmediate)
    process.off('unhandledRejection', onUnhandled)
    for (const other of others) process.on('unhandledRejection', other)
    expect(unhandled).toEqual([])
    for (const one of waiting) await expect(one).rejects.toBe(soon.signal.reason)
  })

  test('of a handler that gives no response say so', async () => {
    const registry = createTestRegistry()
    await registry.register(web(1))
    registry.handle(web(1).url, (() => 'hello') as unknown as () => Response)
    await expect(registry.call('web')).rejects.toThrow(/what handles 10.0.0.1:8080 in this test gave no Response/)
  })
})

test('what there is not is refused by its name', async () => {
  const registry = createTestRegistry()
  expect(() => createTestRegistry({ nodeID: 'a' } as object)).toThrow(/nodeID: there is no such option.*nodeId/)
  expect(() => createTestRegistry({ zone: 1 } as object)).toThrow(/^zone: must be a text/)
  expect(() => createTestRegistry({ fetch: {} } as object)).toThrow(/^fetch: must be a function/)
  expect(() => registry.join({ nodeId: 'test' })).toThrow(/there is a node "test" in this test/)
  expect(() => registry.kill('nobody')).toThrow(/"nobody" is neither an instance nor a node of this test \(test\)/)
  await expect(registry.restart('nobody')).rejects.toMatchObject({ code: 'not-found' })
  expect(() => registry.join(undefined as never)).toThrow(/^options: must be an object/)
  expect(() => registry.handle('nonsense', () => new Response())).toThrow(/^url: must be one with a host/)
  expect(() => registry.handle(web(1).url, 'hello' as never)).toThrow(/^answering: must be a function/)
  expect(() => registry.timeout('soon')).toThrow(/^duration: "soon" is not a duration/)
  await expect((async () => registry.advance(-1))()).rejects.toThrow(/^duration: must be from/)
})

test('the same story twice is the same', async () => {
  const story = async (registry: Registry, advance: (duration: string) => Promise<void>): Promise<string> => {
    for (const n of [1, 2, 3]) await registry.register(web(n))
    await advance('3s')
    await registry.setStatus('web-2', 'Unreachable')
    const { position: _, ...found } = (await registry.lookup('web')) ?? {}
    return JSON.stringify([found, await registry.pick('web')], (name, value: unknown) =>
      name === 'lastHeartbeat' ? undefined : value,
    )
  }
  const [one, other] = [createTestRegistry(), createTestRegistry()]
  expect(await story(one, one.advance)).toBe(await story(other, other.advance))
})

test('a program that is killed while its node comes back stays gone', async () => {
  const registry = createTestRegistry()
  const { id } = await registry.registerSelf(web(1))
  registry.kill('test')
  const back = registry.restart('test')
  registry.kill(id)
  await back
  await registry.advance('20s')
  expect(registry.instances().instances).toEqual([])
})
