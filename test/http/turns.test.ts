// Calls whose answers grow with the register take turns: of any number in one packet nobody else notices much.
import { connect } from 'node:net'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Turns, callTurnLimits } from '../../src/http/turns.js'
import { request, sendRaw, withBody } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'
import type { MemoryService } from './service.js'

describe('turns', () => {
  let now = 0
  let turns = new Turns(() => now)
  const [a, b, c] = [{ destroyed: false }, { destroyed: false }, { destroyed: false }]
  let done: string[] = []
  /** Work that takes so long. */
  const work = (name: string, took = 30) => {
    return (): void => {
      done.push(name)
      now += took
    }
  }
  let refused = 0
  const take = (caller: { destroyed: boolean }, begin: () => void, bytes = 0): void =>
    turns.take(caller, begin, () => (refused += 1), bytes)
  const pass = (ms: number): void => {
    now += ms
    vi.advanceTimersByTime(ms)
  }
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    now = 0
    done = []
    refused = 0
    turns = new Turns(() => now)
    b.destroyed = false
  })
  afterEach(() => void vi.useRealTimers())

  test('after work there is as much rest, and each connection has one turn after the other', () => {
    for (const name of ['a1', 'a2', 'a3']) take(a, work(name))
    for (const name of ['b1', 'b2']) take(b, work(name))
    take(c, work('c1'))
    expect(done).toEqual(['a1'])
    for (let i = 0; i < 10; i += 1) pass(callTurnLimits.burst_ms)
    expect(done).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2'])
    expect(now).toBeGreaterThan(2 * 5 * 30 - callTurnLimits.burst_ms)
  })

  test('what takes next to nothing is never waited for', () => {
    for (let i = 0; i < 200; i += 1) take(a, work('a', 0.5))
    expect(done).toHaveLength(200)
  })

  test('nothing is done for who has gone, and a failure is no reason to stop', async () => {
    take(a, work('a1'))
    for (const name of ['b1', 'b2']) take(b, work(name))
    const failed = turns.made(
      c,
      () => {
        throw new Error('no')
      },
      0,
    )
    const made = turns.made(c, () => 'made', 0)
    b.destroyed = true
    pass(60)
    pass(60)
    await expect(failed).rejects.toThrow('no')
    await expect(made).resolves.toBe('made')
    expect(done).toEqual(['a1'])
  })

  test('no more wait than there is room for: of one connection, and in all', () => {
    take(a, work('a'))
    for (let i = 0; i < callTurnLimits.each; i += 1) take(a, work('a', 0))
    expect(() => take(a, work('a'))).toThrow(expect.objectContaining({ code: 'unavailable' }))
    take(b, work('b', 0))
    const others = Array.from({ length: 3 * callTurnLimits.all }, () => ({ destroyed: false }))
    expect(() => others.forEach((other) => take(other, work('other', 0)))).toThrow('ask again')
  })

  test('nor do they bring along more than there is memory for, and what had its turn gives that back', () => {
    take(a, work('a'))
    take(b, work('b'), callTurnLimits.bytes)
    expect(() => take(c, work('c'), 1)).toThrow(expect.objectContaining({ code: 'unavailable' }))
    pass(60)
    pass(60)
    take(a, work('a2'))
    take(c, work('c'), callTurnLimits.bytes)
    pass(60)
    pass(60)
    expect(done).toEqual(['a', 'b', 'a2', 'c'])
  })

  test('who has waited for too long is refused, and whoever comes then has a turn', () => {
    take(a, work('a'))
    for (let i = 0; i < 3; i += 1) take(b, work('b'))
    now += callTurnLimits.patience_ms + 1
    pass(60)
    expect([done, refused]).toEqual([['a'], 3])
    take(c, work('c'))
    expect(done).toEqual(['a', 'c'])
  })
})

describe('a dozen calls in one packet keep nobody else waiting until all are answered:', () => {
  const many = 12
  let served: MemoryServer | undefined
  afterEach(() => served?.stop())

  test.each<[string, (keyof MemoryService & string) | 'toJSON', string?]>([
    ['GET /v1/instances?metadata.k=N', 'instanceRows'],
    ['GET /registry-svc/instances?tag=N', 'instances'],
    ['GET /registry-svc/definitions?x=N', 'definitions'],
    ['POST /registry-svc/nodes', 'nodes', '{"ids":["N"]}'],
    ['GET /v1/members', 'members'],
    ['GET /v1/peers', 'peers'],
    ['GET /v1/digest', 'digest'],
    ['GET /v1/counts', 'instanceCounts'],
    ['GET /v1/sessions', 'sessions'],
    ['GET /v1/history?slug=N', 'history'],
    ['GET /v1/nodes/pick?by=memory&count=1', 'pickNodes'],
    ['GET /v1/pick/web?exclude=N', 'pick'],
    ['GET /v1/lookup/web?exclude=N', 'suggest'],
    ['DELETE /v1/maintenance/many?slug=N', 'instanceRows'],
    ['PUT /v1/maintenance/many?slug=N', 'instanceRows', '{"reason":"N"}'],
    ['PUT /registry-svc/instance', 'slugMeant', `{"url":"http://a.test","x":"${'x'.repeat(70_000)}"}`],
    // What is made of it once others have been asked.
    ['GET /v1/history?id=N', 'toJSON'],
  ])('%s (%s)', async (line, method, body) => {
    served = await serveMemory()
    const { url, service } = served
    await service.register({ id: 'w', url: 'http://w.test', slug: 'web' })
    await sendRaw(url, request('GET /v1/lookup/web'))
    let made = 0
    const answer = Object.assign(await service.history({ id: 'w', limit: 1 }), { toJSON: () => ({}) })
    if (method === 'toJSON') vi.spyOn(service, 'history').mockImplementation(() => pause(5).then(() => answer))
    const slow = (method === 'toJSON' ? answer : service) as unknown as Record<string, typeof before>
    const before = slow[method] as (...given: unknown[]) => unknown
    vi.spyOn(slow, method).mockImplementation((...given) => {
      made += 1
      const begun = performance.now()
      while (performance.now() - begun < callTurnLimits.burst_ms + 1); // as one that keeps the loop
      return before.apply(slow, given)
    })
    const text = (n: number, part: string): string => part.replace('N', `${n}`)
    const one = (n: number): string =>
      (body === undefined ? request(text(n, line)) : withBody(text(n, line), text(n, body))).replace(
        'Connection: close\r\n',
        '',
      )
    const crowd = connect(Number(new URL(url).port), '127.0.0.1')
    await once(crowd, 'connect')
    crowd.resume().on('error', () => undefined)
    crowd.write(Array.from({ length: many }, (_, n) => one(n)).join(''))
    await vi.waitFor(() => expect(made).toBeGreaterThan(0), { timeout: 10_000, interval: 1 })
    expect((await sendRaw(url, request('GET /healthz'))).status).toBe(200)
    expect(made).toBeLessThan(many)
    crowd.destroy()
  })
})
