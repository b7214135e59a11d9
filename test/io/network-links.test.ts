/** Which peers the network keeps dialling, and how a connection that nobody needs any more is given up. */
import { describe, expect, test } from 'vitest'
import type { Names } from '../../src/io/names.js'
import { pause_ms, scheduleLimits } from '../../src/io/network/schedule.js'
import { eventually } from './eventually.js'
import { type Site, connected, flows, startSite } from './networkworld.js'

/** Dials without delay whatever is due, so that what was not dialled by then is not dialled at all. */
const hasty = { random: () => 0 } as const

function events(site: Site, kind: string, other: Site): number {
  return site.trace.filter((line) => line === `${kind} ${other.id}`).length
}

/** Two that are connected and a third that nobody knows yet; the first has the lower id, so it dials first. */
async function pairAndThird(): Promise<[Site, Site, Site]> {
  const sites = [await startSite(hasty), await startSite(hasty)].sort((a, b) => (a.id < b.id ? -1 : 1))
  const [low, high] = sites as [Site, Site]
  low.network.learn(high.id, high.network.addresses())
  await connected(low, high)
  return [low, high, await startSite(hasty)]
}

/** A connection made later than a dial of the other would have been. */
async function meets(site: Site, third: Site): Promise<void> {
  site.network.learn(third.id, third.network.addresses())
  third.network.learn(site.id, site.network.addresses())
  await connected(site, third)
}

describe('giving up', () => {
  test('what both ends have no use for is closed in order, and dialled by neither', async () => {
    const [low, high, third] = await pairAndThird()
    low.network.follow([], [high.id])
    high.network.follow([], [low.id])
    high.network.hangUp(low.id)
    await eventually('both know', () => !low.isConnectedTo(high) && !high.isConnectedTo(low))
    await meets(low, third)
    await meets(high, third)
    for (const [site, other] of [
      [low, high],
      [high, low],
    ] as const) {
      expect(site.isConnectedTo(other)).toBe(false)
      expect([
        events(site, 'connected', other),
        events(site, 'disconnected', other),
        events(site, 'refused', other),
      ]).toEqual([1, 1, 0])
    }
  })

  test('whoever wants it again has it again, and gossip flows', async () => {
    const [low, high] = await pairAndThird()
    low.network.follow([], [high.id])
    high.network.follow([], [low.id])
    low.network.hangUp(high.id)
    await eventually('both know', () => !low.isConnectedTo(high) && !high.isConnectedTo(low))
    low.network.follow([high.id], [])
    await connected(low, high)
    await flows(low, high)
    await flows(high, low)
  })

  test('where the other end still wants it, it is dialled again at once: no harm is done', async () => {
    const [low, high] = await pairAndThird()
    low.network.follow([high.id], [])
    high.network.follow([], [low.id])
    high.network.hangUp(low.id)
    await eventually('it is gone', () => events(low, 'disconnected', high) === 1)
    await connected(low, high)
    expect(events(low, 'refused', high)).toBe(0)
  })

  test('hanging up on somebody who is not connected does nothing', async () => {
    const [low, high, third] = await pairAndThird()
    low.network.hangUp(third.id)
    low.network.hangUp('nobody')
    expect(low.isConnectedTo(high)).toBe(true)
  })
})

/** Any name stands for this machine. */
const onLoopback: Names = {
  resolve: () => Promise.resolve({ type: 'found', addresses: [{ address: '127.0.0.1', family: 4 }] }),
  stop() {},
}

describe('dialling', () => {
  test('a peer that is spared is not dialled, whoever tells of it; strangers are', async () => {
    const [low, high, third] = await pairAndThird()
    third.network.follow([], [low.id])
    low.network.follow([high.id], [third.id])
    low.network.learn(third.id, third.network.addresses())
    third.network.learn(low.id, low.network.addresses())
    await meets(third, high)
    expect(third.isConnectedTo(low)).toBe(false)
    third.network.follow([low.id], [])
    await connected(third, low)
  })

  test.each(['address', 'name'])(
    'a seed, by its %s, whose peer is spared is left alone; when it is missed it is tried again',
    async (how) => {
      const [low, high] = await pairAndThird()
      const [address = ''] = low.network.addresses()
      const join = [how === 'address' ? address : address.replace('/ip4/127.0.0.1', '/dns4/low.test')]
      const late = await startSite({ ...hasty, join, names: onLoopback })
      await connected(late, low)
      late.network.follow([], [low.id])
      low.network.follow([], [late.id])
      late.network.hangUp(low.id)
      await eventually('both know', () => !late.isConnectedTo(low) && !low.isConnectedTo(late))
      await meets(late, high)
      expect(late.isConnectedTo(low)).toBe(false)
      late.network.follow([low.id], [])
      await connected(late, low)
    },
  )

  test('one wish to dial a spared peer is one attempt', async () => {
    const [low, high, third] = await pairAndThird()
    low.network.follow([], [high.id])
    await high.network.stop()
    await eventually('it is gone', () => !low.isConnectedTo(high))
    low.network.dial(high.id)
    await eventually('it is refused', () => events(low, 'refused', high) === 1)
    await meets(low, third)
    expect(events(low, 'refused', high)).toBe(1)
  })

  test('who is missed is tried every few seconds for some minutes, who is only sought ever more rarely', () => {
    const { firstPause_ms, missedPause_ms, missedAttempts, lastPause_ms } = scheduleLimits
    expect([0, 1, 4, 5, 50].map((failures) => pause_ms(failures, true))).toEqual([200, 400, 3200, 5000, 5000])
    expect([0, 1, 7, 8, 50].map((failures) => pause_ms(failures, false))).toEqual([200, 400, 25_600, 30_000, 30_000])
    expect([pause_ms(missedAttempts, true), pause_ms(1e9, true), pause_ms(1e9, false)]).toEqual(
      Array(3).fill(lastPause_ms),
    )
    expect(missedPause_ms).toBeGreaterThan(firstPause_ms)
    expect(missedAttempts * missedPause_ms).toBeGreaterThanOrEqual(10 * 60_000)
  })
})
