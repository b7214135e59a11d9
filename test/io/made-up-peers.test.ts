/** Peers that somebody on the network makes up by mDNS, thousands of them: whoever else is said to be there is kept, and dialled. */
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { AddressBook, bookLimits } from '../../src/io/network/book.js'
import { Dialing } from '../../src/io/network/dialing.js'
import { Drops } from '../../src/io/network/drops.js'
import { handshakeFailed } from '../../src/io/network/handshakes.js'
import { DialSchedule, scheduleLimits } from '../../src/io/network/schedule.js'
import { inTurns, surplusOf } from '../../src/io/network/shares.js'

const firstLetter = (word: string): string => word.slice(0, 1)

test('of whoever brought most the first gives way, and each has its turn', () => {
  expect(surplusOf(['a1', 'b1', 'b2', 'c1'], firstLetter)).toBe('b1')
  expect(surplusOf(['a1', 'b1'], firstLetter)).toBe('a1')
  expect(surplusOf([], firstLetter)).toBeUndefined()
  expect(inTurns(['a1', 'a2', 'a3', 'b1', 'c1', 'c2'], firstLetter)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3'])
})

describe('the address book', () => {
  const saved: string[] = []
  const drops = new Drops()
  let book: AddressBook
  beforeEach(() => {
    saved.length = 0
    const file = {
      load: () => Promise.resolve(undefined),
      save: (text: string) => Promise.resolve(void saved.push(text)),
    }
    book = new AddressBook({ file, log: pino({ level: 'silent' }), drops, onEvicted: () => undefined })
  })
  afterEach(() => book.close())

  /** Each source names so many. */
  function flood(sources: number, peers: number): void {
    for (let n = 0; n < peers; n++)
      for (let from = 0; from < sources; from++)
        book.learn(`made up ${from} ${n}`, [`/ip4/10.0.1.${from}/tcp/9`], `10.0.1.${from}`)
  }

  test.each([1, 8, 200])('keeps newcomers, members and those it met, whatever %i sources make up', async (sources) => {
    for (let n = 0; n < bookLimits.peers; n++) book.learn(`member ${n}`, ['/ip4/10.0.0.1/tcp/1'])
    book.seen('met')
    const known = book.peers()
    flood(sources, 1000 / sources)
    book.learn('newcomer', ['/ip4/10.0.0.7/tcp/1'], '10.0.0.7')
    flood(sources, 1000 / sources)
    expect(book.peers()).toEqual(expect.arrayContaining([...known, 'newcomer']))
    expect(book.peers()).toHaveLength(bookLimits.peers + bookLimits.strangers)
    await book.close()
    expect(Object.keys((JSON.parse(saved.at(-1) as string) as { peers: object }).peers).sort()).toEqual(known.sort())
  })

  test('who names the peer of another, too, neither makes it its own nor hides where it is', () => {
    flood(1, 100)
    const all = (first: number) => Array.from({ length: 16 }, (_, n) => `/ip4/10.0.1.0/tcp/${first + n}`)
    book.learn('newcomer', [...all(1).slice(1), '/ip4/10.0.0.7/tcp/1'], '10.0.1.0')
    expect(book.bringerOf('newcomer')).toBe('10.0.1.0')
    book.learn('newcomer', ['/ip4/10.0.0.7/tcp/1'], '10.0.0.7')
    for (let first = 100; first < 200; first += 16) book.learn('newcomer', all(first), '10.0.1.0')
    expect(book.bringerOf('newcomer')).toBe('10.0.0.7')
    book.learn('newcomer', ['/ip4/10.0.0.7/tcp/2'], '10.0.0.7')
    const first = book.addresses('newcomer').slice(0, 4)
    expect(first).toEqual(expect.arrayContaining(['/ip4/10.0.0.7/tcp/1', '/ip4/10.0.0.7/tcp/2']))
    expect(book.addresses('newcomer')).toHaveLength(bookLimits.addresses)
    flood(1, 1000)
    expect(book.has('newcomer')).toBe(true)
  })

  test('keeps on disk who was made known by a member after all', async () => {
    book.learn('stranger', ['/ip4/10.0.0.7/tcp/1'], '10.0.0.7')
    await book.close()
    expect(saved).toEqual([])
    book = new AddressBook({
      file: { load: () => Promise.resolve(undefined), save: (text) => Promise.resolve(void saved.push(text)) },
      ...{ log: pino({ level: 'silent' }), drops, onEvicted: () => undefined },
    })
    book.learn('stranger', ['/ip4/10.0.0.7/tcp/1'], '10.0.0.7')
    expect(book.learn('stranger', ['/ip4/10.0.0.7/tcp/1'])).toBe(false)
    await book.close()
    expect(saved.at(-1)).toContain('stranger')
  })
})

describe('of those that are dialled', () => {
  let schedule: DialSchedule
  /** Those that are being dialled; nobody ever answers. */
  const running = new Set<string>()
  const tried: string[] = []
  beforeEach(() => {
    vi.useFakeTimers()
    running.clear()
    tried.length = 0
    schedule = new DialSchedule({
      isOurTurn: () => true,
      isSeed: () => false,
      isMissed: () => false,
      bringerOf: (target) => (target.includes(' of ') ? target.split(' of ')[1] : undefined),
      attempt: async (target, signal) => {
        running.add(target)
        tried.push(target)
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve)
          setTimeout(resolve, 5000)
        })
        running.delete(target)
      },
      random: () => 0.5,
    })
  })
  afterEach(() => {
    schedule.stop()
    vi.useRealTimers()
  })
  const flood = async (sources: number): Promise<void> => {
    for (let n = 0; n < 256 / sources; n++)
      for (let from = 0; from < sources; from++) schedule.plan(`${n} of ${from}`, { fresh: true })
    await vi.advanceTimersByTimeAsync(7000)
  }

  test('one source has a few, and neither members nor other strangers wait for it', async () => {
    await flood(1)
    expect(running.size).toBe(scheduleLimits.broughtAttempts)
    schedule.plan('member', { fresh: true })
    schedule.plan('newcomer of another', { fresh: true })
    await vi.advanceTimersByTimeAsync(200)
    expect([...running]).toEqual(expect.arrayContaining(['member', 'newcomer of another']))
  })

  test.each([4, 60])('%i sources have all places, and one of them is given to a newcomer at once', async (sources) => {
    await flood(sources)
    expect(running.size).toBe(scheduleLimits.strangerAttempts)
    schedule.plan('newcomer of another', { fresh: true })
    await vi.advanceTimersByTimeAsync(scheduleLimits.firstPause_ms + scheduleLimits.patience_ms)
    expect(tried).toContain('newcomer of another')
    expect(running.size).toBe(scheduleLimits.strangerAttempts)
  })

  test('who is slow has more time at each attempt', async () => {
    await flood(60)
    schedule.plan('slow of another', { fresh: true })
    const lasted_ms: number[] = []
    let begun = 0
    for (let now = 0; lasted_ms.length < 3 && now < 180_000; now += 100) {
      const was = running.has('slow of another')
      await vi.advanceTimersByTimeAsync(100)
      if (!was && running.has('slow of another')) begun = now
      if (was && !running.has('slow of another')) lasted_ms.push(now - begun)
    }
    const [first = 0, second = 0, third = 0] = lasted_ms
    expect(first).toBeLessThan(1.5 * scheduleLimits.patience_ms)
    expect(second).toBeGreaterThan(1.5 * first)
    expect(third).toBeGreaterThan(1.5 * second)
  })

  test('whoever ends, ends them all', async () => {
    await flood(60)
    schedule.stop()
    await vi.advanceTimersByTimeAsync(0)
    expect(running.size).toBe(0)
  })
})

test('of those that cannot be joined one is told for each that brings them', async () => {
  vi.useFakeTimers()
  const told: { peer: string }[] = []
  const log = pino({}, { write: (line: string) => void told.push(JSON.parse(line) as { peer: string }) })
  const file = { load: () => Promise.resolve(undefined), save: () => Promise.resolve() }
  const book = new AddressBook({ file, log, drops: new Drops(), onEvicted: () => undefined })
  const dialing = new Dialing({
    ...{ self: 'self', seeds: [], book, log, names: { resolve: () => Promise.reject(new Error('nobody')), stop() {} } },
    own: () => [],
    isConnected: () => false,
    connected: () => 0,
    open: () => Promise.reject(new Error(handshakeFailed)),
    random: () => 0.5,
    onRefused: () => undefined,
  })
  try {
    for (const [peer, from] of [
      ['a 1', '10.0.1.1'],
      ['a 2', '10.0.1.1'],
      ['b', '10.0.1.2'],
      ['member'],
      ['other'],
    ] as const) {
      book.learn(peer, [`/ip4/${from ?? '10.0.0.1'}/tcp/1`], from)
      dialing.plan(peer, { fresh: true })
    }
    await vi.advanceTimersByTimeAsync(20_000)
    expect(told.map(({ peer }) => peer.slice(0, 1)).sort()).toEqual(['a', 'b', 'm', 'o'])
  } finally {
    dialing.stop()
    vi.useRealTimers()
    await book.close()
  }
})
