// How much one peer may send: a bucket for each kind, what fills it again, whom nothing else stops.
import { describe, expect, test } from 'vitest'
import { encodeBeat } from '../../src/core/wire/beat.js'
import { Allowances } from '../../src/io/network/allowances.js'
import { Drops } from '../../src/io/network/drops.js'
import { Hearing } from '../../src/io/network/hearing.js'
import { Rates, rates } from '../../src/io/network/rates.js'
import { eventually } from './eventually.js'

const minute = 60 * rates.frame.perSecond

/** Buckets on a clock that the test moves. */
function buckets(): { now: number; floods: string[]; rates: Rates; take: (count: number, peer?: string) => number } {
  const world = { now: 1000, floods: [] as string[] }
  const made = new Rates({
    onFlood: (peer, kind) => world.floods.push(`${kind} ${peer}`),
    now: () => world.now,
  })
  const take = (count: number, peer = 'a'): number =>
    Array.from({ length: count }, () => made.take('frame', peer)).filter((isTaken) => isTaken).length
  return Object.assign(world, { rates: made, take })
}

/** Time passes as it does in a daemon that runs: somebody looks at the clock all the while. */
function passes(world: ReturnType<typeof buckets>, duration_ms: number): void {
  for (let passed_ms = 0; passed_ms < duration_ms; passed_ms += 250) world.rates.look((world.now += 250))
}

describe('a bucket', () => {
  test('holds a minute of the rate, for each peer by itself', () => {
    const world = buckets()
    expect(world.take(minute + 100)).toBe(minute)
    expect(world.take(1, 'b')).toBe(1)
    passes(world, 3000)
    expect(Math.abs(world.take(1000) - 3 * rates.frame.perSecond)).toBeLessThan(3)
    passes(world, 200_000)
    expect(world.take(minute + 100)).toBe(minute)
  })

  test('takes all that has piled up while we stood still, however long that was', () => {
    const world = buckets()
    expect(world.take(minute)).toBe(minute)
    world.now += 300_000
    expect(world.take(299 * rates.frame.perSecond)).toBe(299 * rates.frame.perSecond)
    passes(world, 200_000)
    expect(world.take(2 * minute)).toBe(minute)
    expect(world.floods).toEqual([])
  })

  test('is never more than full, also of somebody who is heard now and then', () => {
    const world = buckets()
    for (let n = 0; n < 10; n++) {
      world.take(1)
      passes(world, 30_000)
    }
    expect(world.take(2 * minute)).toBe(minute)
  })

  test('has no more of a stall of a day than of one of ten minutes: what waits in the kernel is bounded, too', () => {
    const world = buckets()
    world.take(minute)
    world.now += 24 * 3_600_000
    expect(world.take(30 * minute)).toBe(10 * minute)
  })
})

describe('ten times the rate', () => {
  const tenfold = 10 * rates.frame.perSecond

  /** So many a second, for so long. */
  const send = (world: ReturnType<typeof buckets>, perSecond: number, seconds: number): void => {
    for (let i = 0; i < seconds * 10; i++) {
      world.take(perSecond / 10)
      world.rates.look((world.now += 100))
    }
  }

  test('for ten seconds is told, once each time', () => {
    const world = buckets()
    send(world, 2 * tenfold, 10)
    expect(world.floods).toEqual([])
    send(world, 2 * tenfold, 2)
    expect(world.floods).toEqual(['frame a'])
  })

  test('is not told of less, however long, nor of a single burst, nor after a stall of ours', () => {
    const world = buckets()
    send(world, tenfold - 10, 60)
    world.take(100_000)
    passes(world, 5000)
    for (let i = 0; i < 20; i++) {
      world.take(tenfold)
      world.now += 2000
    }
    expect(world.floods).toEqual([])
  })
})

describe('frames', () => {
  const heartbeat = (sequence: number): Uint8Array =>
    encodeBeat({
      ...{
        type: 'heartbeat',
        generation: 1,
        incarnation: 0,
        sequence,
        load: 0,
        digest: new Uint8Array(8),
        relayed: [],
      },
    })

  test('go on a few in a turn, in their order; of too many the newest heartbeat is still heard', async () => {
    const drops = new Drops()
    const heard: string[] = []
    const made = new Rates({ onFlood: () => {} })
    const onBeat = (_from: string, bytes: Uint8Array): void => void heard.push(Buffer.from(bytes).toString('hex'))
    const hearing = new Hearing({ drops, rates: made, allowances: new Allowances(), onBeat })
    const sent = Array.from({ length: 2 * minute }, (_, i) => heartbeat(i))
    for (const frame of sent) hearing.take('a', frame)
    hearing.take('a', encodeBeat({ type: 'ask' }))
    expect(heard.length).toBeLessThan(100)
    await eventually('the newest one', () => heard.length === minute + 1)
    const hex = sent.map((frame) => Buffer.from(frame).toString('hex'))
    expect(heard).toEqual([...hex.slice(0, minute), hex.at(-1)])
    expect(drops.all()).toEqual({ 'beat-excess': minute + 1 })
    hearing.stop()
  })
})

describe('what questions are answered with', () => {
  test('is bounded by bytes: a debt is paid off before more is given, and in a minute at most', () => {
    const floods: string[] = []
    let now = 0
    const made = new Rates({ now: () => now, onFlood: (peer) => floods.push(peer) })
    const second = rates.answer.perSecond
    expect(made.mayHave('answer', 'a')).toBe(true)
    made.charge('answer', 'a', 200 * second) // known once it was made
    expect([made.mayHave('answer', 'a'), made.mayHave('answer', 'b')]).toEqual([false, true])
    for (; now < 59_000; now += 250) made.look(now)
    expect(made.mayHave('answer', 'a')).toBe(false)
    for (; now < 62_000; now += 250) made.look(now)
    expect(made.mayHave('answer', 'a')).toBe(true)
    expect(floods).toEqual([]) // whoever only reads is no flood
  })
})
