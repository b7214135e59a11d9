/** Whom gossip does not reach is connected anew, one after the other, and the later the more they are. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Link } from '../../src/io/network/connections.js'
import { Watchdog, watchdogLimits } from '../../src/io/network/watchdog.js'

const { interval_ms, youth_ms, anyPause_ms } = watchdogLimits

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

interface Watched {
  readonly dog: Watchdog
  /** Whom gossip does not reach. */
  readonly unreached: Set<string>
  readonly reopened: string[]
  /** Who was connected anew, and when, in seconds. */
  readonly repaired: (readonly [string, number])[]
}

function watch(peers: readonly string[], isMended = true, share = (): number => 0): Watched {
  const begun = Date.now()
  const watched: Omit<Watched, 'dog'> = { unreached: new Set(), reopened: [], repaired: [] }
  const links = peers.map((peer) => ({ peer, connection: { status: 'open', timeline: { open: begun }, peer } }))
  const dog = new Watchdog(
    {
      links: () => links as unknown as Link[],
      health: (peer) => ({ outbound: !watched.unreached.has(peer), subscribed: true }),
      reopen: (connection) => void watched.reopened.push((connection as unknown as { peer: string }).peer),
      repair: (peer) => {
        watched.repaired.push([peer, (Date.now() - begun) / 1000])
        if (isMended) watched.unreached.delete(peer)
      },
    },
    { share },
  )
  dog.start()
  return { dog, ...watched }
}

function passes(time_ms: number): void {
  vi.advanceTimersByTime(time_ms)
}

test('one that is not reached is given a new stream at once, and a new connection at the second look', () => {
  const { dog, unreached, reopened, repaired } = watch(['a', 'b', 'c'])
  passes(youth_ms + interval_ms)
  unreached.add('b')
  passes(interval_ms)
  expect([reopened, repaired]).toEqual([['b'], []])
  passes(interval_ms)
  expect(repaired.map(([peer]) => peer)).toEqual(['b'])
  dog.stop()
})

test('who is reached again in between begins anew', () => {
  const { dog, unreached, repaired } = watch(['a', 'b'])
  passes(youth_ms + interval_ms)
  for (let i = 0; i < 10; i++) {
    unreached.add('b')
    passes(interval_ms)
    unreached.delete('b')
    passes(interval_ms)
  }
  expect(repaired).toEqual([])
  dog.stop()
})

test('a young connection has every right to be opening its streams', () => {
  const { dog, unreached, reopened } = watch(['a'])
  unreached.add('a')
  passes(youth_ms - 1)
  expect(reopened).toEqual([])
  dog.stop()
})

test('where nobody is reached it waits for half a minute: all may be as busy as we are', () => {
  const peers = Array.from({ length: 19 }, (_, n) => `p${n}`)
  const { dog, unreached, reopened, repaired } = watch(peers)
  for (const peer of peers) unreached.add(peer)
  passes(youth_ms + 13 * interval_ms)
  expect(repaired).toEqual([])
  expect(new Set(reopened).size).toBe(19)
  unreached.clear()
  passes(60_000)
  expect(repaired).toEqual([])
  dog.stop()
})

test('those that stay unreached are connected anew one after the other, sooner as they become fewer', () => {
  const peers = ['a', 'b', 'c', 'd']
  const { dog, unreached, repaired } = watch(peers)
  for (const peer of peers) unreached.add(peer)
  passes(5 * 60_000)
  expect(repaired.map(([peer]) => peer).sort()).toEqual(peers)
  const times = repaired.map(([, at_s]) => at_s)
  expect(times[0]).toBeGreaterThan((youth_ms + 4 * interval_ms) / 1000)
  for (const [i, at] of times.slice(1).entries())
    expect(at - (times[i] as number)).toBeGreaterThanOrEqual(anyPause_ms / 1000)
  dog.stop()
})

test('one that no repair helps is connected anew ever less often, and keeps no other from its turn', () => {
  const { dog, unreached, repaired } = watch(['a', 'b'], false)
  unreached.add('a')
  passes(10 * 60_000)
  const times = repaired.map(([, at_s]) => at_s)
  const pauses = times.slice(1).map((at, i) => at - (times[i] as number))
  expect(pauses.slice(0, 4)).toEqual([10, 20, 40, 80])
  unreached.add('b')
  passes(4 * interval_ms)
  expect(repaired.at(-1)?.[0]).toBe('b')
  dog.stop()
})

test('those whom no repair helped make nobody else wait', () => {
  const mute = Array.from({ length: 13 }, (_, n) => `mute${n}`)
  const { dog, unreached, repaired } = watch([...mute, 'b'], false)
  for (const peer of mute) unreached.add(peer)
  passes(10 * 60_000)
  unreached.add('b')
  const before = repaired.length
  passes(30_000)
  expect(repaired.slice(before).map(([peer]) => peer)).toContain('b')
  expect(repaired.slice(before).findIndex(([peer]) => peer === 'b')).toBeLessThan(3)
  dog.stop()
})

test('where this machine has no time nobody is connected anew for minutes, and in the end all the same', () => {
  let waited = 0.9
  const { dog, unreached, repaired } = watch(['a', 'b', 'c'], true, () => waited)
  passes(youth_ms + interval_ms)
  for (const peer of ['a', 'b']) unreached.add(peer)
  passes(100_000)
  expect(repaired).toEqual([])
  passes(30_000)
  expect(repaired).toHaveLength(2)
  unreached.add('c')
  passes(20_000)
  expect(repaired).toHaveLength(2)
  waited = 0.3
  passes(interval_ms)
  expect(repaired.map(([peer]) => peer)).toContain('c')
  dog.stop()
})
