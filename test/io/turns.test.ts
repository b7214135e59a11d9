/** What peers send takes a millisecond or so of each turn of the event loop, by a clock that the tests lead. */
import type { MessageStream } from '@libp2p/interface'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { demuxInTurns, readInTurns } from '../../src/io/network/intake.js'
import type { Intake } from '../../src/io/network/sips.js'
import { Allowance, Allowances } from '../../src/io/network/allowances.js'
import { Drops } from '../../src/io/network/drops.js'
import { Gossip, type GossipOptions } from '../../src/io/network/gossip.js'
import { Queues, type QueuesOptions } from '../../src/io/network/queues.js'
import { turns } from '../../src/io/network/turns.js'
import { eventually } from './eventually.js'

let now_ms = 1_000_000
/** How much of that other programs had the machine. */
let others_ms = 0
/** Which turn it is. */
let turn = 0
let counting: NodeJS.Immediate

beforeEach(() => {
  now_ms += 600_000 // what was saved is there again
  vi.spyOn(performance, 'now').mockImplementation(() => now_ms)
  vi.spyOn(process, 'cpuUsage').mockImplementation(() => ({ user: (now_ms - others_ms) * 1000, system: 0 }))
  const count = (): void => {
    turn += 1
    counting = setImmediate(count)
  }
  counting = setImmediate(count)
})

afterEach(async () => {
  vi.useRealTimers()
  // What waits of them leaves the queues that all tests share.
  for (const stream of streams.splice(0)) stream.readStatus = 'paused'
  now_ms += 60_000
  // Turns are short again, and what was left is over.
  const idle = queues({ run: () => undefined })
  for (let i = 0; i < 60; i++) {
    idle.add('nobody', 'nothing')
    await new Promise((resolve) => setImmediate(resolve))
  }
  clearImmediate(counting)
  vi.restoreAllMocks()
})

/** Each peer has an allowance of its own. */
function queues(options: Omit<QueuesOptions<string>, 'allowanceOf'>): Queues<string> {
  const allowances = new Allowances()
  return new Queues({ allowanceOf: (peer) => allowances.ofMember(peer), ...options })
}

interface Sip {
  readonly bytes: Uint8Array
  readonly turn: number
}

const streams: FakeStream[] = []
/** Of all streams, in the order in which they are taken. */
const taken: FakeStream[] = []

/** A stream as libp2p has it, as far as it is read here: what is read of it, each sip at a cost. */
class FakeStream {
  readStatus = 'readable'
  readonly sips: Sip[] = []
  readonly cost_ms: number
  isSlowed = false
  /** So many sips were taken until it was slowed for the first time. */
  slowedAfter: number | undefined
  isGone = false
  /** How whoever reads it slows it down. */
  intake: Intake | undefined
  /** Whoever reads it wants no more after so many bytes. */
  enough = Number.POSITIVE_INFINITY
  error: string | undefined

  constructor(cost_ms: number) {
    this.cost_ms = cost_ms
  }

  static read(cost_ms: number, allowance?: Allowance): FakeStream {
    const stream = new FakeStream(cost_ms)
    streams.push(stream)
    stream.intake = readInTurns(stream as unknown as MessageStream, allowance)
    return stream
  }

  get taken(): number {
    return this.sips.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  onData(bytes: Uint8Array): void {
    now_ms += this.cost_ms
    this.sips.push({ bytes, turn })
    taken.push(this)
    if (this.taken >= this.enough) this.pause()
  }

  pause(): void {
    this.readStatus = 'paused'
    this.sendPause()
  }

  resume(): void {
    this.readStatus = 'readable'
    this.sendResume()
  }

  sendPause(): void {
    this.isSlowed = true
    this.slowedAfter ??= this.sips.length
  }

  sendResume(): void {
    if (this.isGone) throw new Error('its connection is closed')
    this.isSlowed = false
  }

  onRemoteCloseWrite(): void {}

  onTransportClosed(): void {}

  abort(error: Error): void {
    this.error = error.message
  }
}

const piece = Uint8Array.from({ length: 8 * 1024 }, (_, index) => index % 251)

function mostInTurn(sips: readonly Sip[]): number {
  const perTurn = new Map<number, number>()
  for (const sip of sips) perTurn.set(sip.turn, (perTurn.get(sip.turn) ?? 0) + 1)
  return Math.max(...perTurn.values())
}

/** Waits until it does not grow any more. */
async function stopped(valueOf: () => number): Promise<void> {
  const recent: number[] = []
  await eventually('it is stopped', () => {
    recent.unshift(valueOf())
    return recent[0] === recent[20]
  })
}

test('of what costs much a turn takes one sip, and smaller ones from then on; nothing is lost, in its order', async () => {
  const stream = FakeStream.read(3)
  stream.onData(piece)
  await eventually('nothing more is to come for now', () => stream.isSlowed)
  await eventually('everything is taken', () => {
    now_ms += 10
    return stream.taken === piece.length
  })
  expect(mostInTurn(stream.sips)).toBe(1)
  expect(stream.sips.at(-1)?.bytes.length).toBe(128)
  expect(Buffer.concat(stream.sips.map(({ bytes }) => bytes)).equals(piece)).toBe(true)
  expect(stream.isSlowed).toBe(false)
})

test('whoever waits longer than a turn sends no more for now, also of what is its own', async () => {
  const stream = FakeStream.read(3)
  now_ms += 10_000 // some of that is saved
  stream.onData(piece)
  await eventually('nothing more was to come for a while', () => stream.slowedAfter !== undefined)
  expect(stream.slowedAfter).toBe(1)
})

test('one long piece of work is owed for a moment only', async () => {
  const stream = FakeStream.read(4000)
  stream.onData(piece.subarray(0, 1900))
  await eventually('everything is taken', () => stream.taken === 1900)
  expect(stream.sips).toHaveLength(4)
})

test('where turns are long by themselves a third of them is for peers, so that a program which is busy hears them', async () => {
  const stream = FakeStream.read(1)
  let isBusy = true
  const work = (): void => {
    now_ms += 20
    if (isBusy) setImmediate(work)
  }
  setImmediate(work)
  const most = (): number => mostInTurn(stream.sips.slice(-40))
  stream.onData(new Uint8Array(64 * 1024))
  await eventually('several are taken in a turn', () => stream.sips.length > 50 && most() > 5)
  isBusy = false
  expect(most()).toBeLessThan(12)
})

test('a turn does as much on a busy machine, where other programs have it in between, and nobody pays for them', async () => {
  const turnsFor = async (busy_ms: number): Promise<number> => {
    now_ms += 60_000 // what was saved is there again
    let [left, last] = [40, turn]
    const run = (): void => {
      left -= 1
      last = turn
      now_ms += 0.25 + busy_ms
      others_ms += busy_ms
    }
    const queue = queues({ run })
    const begun = turn
    for (let i = left; i > 0; i--) queue.add('member', String(i))
    await eventually('all are done', () => left === 0)
    return last - begun
  }
  const alone = await turnsFor(0)
  expect(await turnsFor(50)).toBeLessThanOrEqual(alone + 2)
})

test('dozens of daemons of a process hold each other up no more', async () => {
  for (let i = 0; i < 12; i++) turns.daemonBegan()
  const stream = FakeStream.read(3)
  stream.onData(piece)
  await eventually('everything is taken', () => stream.taken === piece.length)
  for (let i = 0; i < 12; i++) turns.daemonEnded()
  expect(new Set(stream.sips.map((sip) => sip.turn)).size).toBeLessThan(3)
  expect(stream.isSlowed).toBe(false)
})

test('one long turn makes none of the next longer', async () => {
  const stream = FakeStream.read(1)
  stream.onData(new Uint8Array(1))
  now_ms += 5000
  await eventually('that turn is over', () => {
    stream.onData(new Uint8Array(1))
    return stream.sips.length > 3
  })
  stream.onData(piece)
  await eventually('everything is taken', () => stream.taken > piece.length)
  expect(mostInTurn(stream.sips)).toBeLessThan(3)
})

test('who had more than its own, and has some again, does not wait for what all have in common', async () => {
  const run = (): void => void (now_ms += 60_000)
  queues({ run }).add('long', 'long') // nothing is left in common
  const one = FakeStream.read(0)
  one.onData(piece.subarray(0, 10))
  const before = one.taken
  now_ms += 0.01 // of what is its own; in common there is still a debt
  await eventually('it is read', () => one.taken === 10)
  expect(before).toBe(0)
})

test('what costs nothing is taken at once', () => {
  const stream = FakeStream.read(0)
  stream.onData(piece.subarray(0, 100))
  expect(stream.taken).toBe(100)
  expect(stream.isSlowed).toBe(false)
})

test('whoever sends little goes in between', async () => {
  const much = FakeStream.read(3)
  const little = FakeStream.read(0.1)
  much.onData(piece)
  little.onData(piece.subarray(0, 100))
  await eventually('the little one is taken', () => little.taken === 100)
  expect(taken.indexOf(little) - taken.indexOf(much)).toBeLessThan(3)
})

test('what came while a stream was paused is read in sips once it goes on', async () => {
  const stream = FakeStream.read(3)
  stream.pause()
  stream.onData(piece)
  expect(stream.sips).toEqual([])
  stream.resume()
  await eventually('everything is taken', () => {
    now_ms += 10
    return stream.taken === piece.length
  })
  expect(mostInTurn(stream.sips)).toBe(1)
})

test('a stream that is paused by what came last stays so until it is resumed, whatever waited of it', async () => {
  const stream = FakeStream.read(3)
  stream.enough = piece.length
  stream.onData(piece)
  await eventually('nothing more is to come for now', () => stream.isSlowed)
  await eventually('everything is taken', () => {
    now_ms += 10
    return stream.taken === piece.length
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(stream.isSlowed).toBe(true)
  stream.resume()
  expect(stream.isSlowed).toBe(false)
})

test('what may not come for several reasons comes once none of them is left', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  const stream = FakeStream.read(0)
  const { intake } = stream
  intake?.pause()
  intake?.rest()
  expect(stream.isSlowed).toBe(true)
  stream.onData(piece.subarray(0, 100))
  intake?.resume()
  intake?.rest() // not longer for that
  vi.advanceTimersByTime(99)
  expect([stream.taken, stream.isSlowed]).toEqual([0, true])
  intake?.pause()
  vi.advanceTimersByTime(1000)
  expect([stream.taken, stream.isSlowed]).toEqual([0, true])
  intake?.rest()
  intake?.resume()
  stream.pause()
  vi.advanceTimersByTime(100)
  expect([stream.taken, stream.isSlowed]).toEqual([0, true])
  stream.resume()
  expect(stream.taken).toBe(100)
  vi.useRealTimers()
  await eventually('more may come', () => !stream.isSlowed)
})

test('a stream whose connection goes while some of it waits ends with that, and nobody else', async () => {
  const stream = FakeStream.read(3)
  stream.onData(piece)
  await eventually('nothing more is to come for now', () => stream.isSlowed)
  stream.isGone = true
  await eventually('it is ended', () => {
    now_ms += 10
    return stream.error === 'its connection is closed'
  })
  const other = FakeStream.read(0)
  other.onData(piece)
  await eventually('another one is read', () => other.taken === piece.length)
})

test('who has had more than its own, and than may be saved, has half of the time; others do not wait for that', async () => {
  const heavy = FakeStream.read(30)
  const begun = now_ms
  for (let i = 0; i < 20; i++) heavy.onData(piece)
  // No time passes but what it takes itself.
  const recent: number[] = []
  await eventually('it is stopped', () => {
    recent.unshift(heavy.sips.length)
    return recent[0] === recent[20]
  })
  const had_ms = heavy.sips.length * 30
  expect(now_ms - begun).toBe(had_ms)
  // Its own hundredth, half of the time in common, a second that was saved of that.
  expect(had_ms).toBeGreaterThan(1800)
  expect(had_ms).toBeLessThan(2300)
  const light = FakeStream.read(0)
  now_ms += 0.1
  light.onData(piece.subarray(0, 10))
  await eventually('another one is read', () => light.taken === 10)
  expect(heavy.sips.length * 30).toBe(had_ms)
})

test('what costs no time is paid by its bytes', async () => {
  const heavy = FakeStream.read(0)
  const begun = now_ms
  const all = 400
  for (let i = 0; i < all; i++) heavy.onData(new Uint8Array(1024 * 1024))
  await stopped(() => heavy.taken)
  expect(now_ms).toBe(begun)
  // A second that was saved in common: as many megabytes as that is hundredths.
  expect(heavy.taken / 1e6).toBeGreaterThan(90)
  expect(heavy.taken / 1e6).toBeLessThan(120)
  now_ms += 1000
  await eventually('half a second more is paid', () => heavy.taken / 1e6 > 140)
})

test.each([
  // A second that was saved in common: of ten microseconds each, of a millisecond each.
  ['frames', 100_000],
  ['streams', 1000],
] as const)('so are %s, however few bytes they have', async (what, expected) => {
  // Four at once of those that cost much.
  const come = { frames: 0, streams: 0, atOnce: (bytes: Uint8Array) => (what === 'frames' ? bytes.length : 48) }
  const muxer = { onData: (bytes: Uint8Array) => void (come[what] += bytes.length / 12) }
  const connection = { readStatus: 'readable', status: 'open', pause: () => undefined, resume: () => undefined }
  demuxInTurns(muxer as never, connection as never, come)
  muxer.onData(new Uint8Array(12 * 4 * expected))
  await stopped(() => come[what])
  expect(come[what]).toBeGreaterThan(0.8 * expected)
  expect(come[what]).toBeLessThan(1.2 * expected)
  connection.status = 'closed'
})

test('so is what has a cost of its own, by how much of it there is', async () => {
  const done: string[] = []
  const waiting = queues({ run: (one) => done.push(one), least_ms: 2 })
  for (let i = 0; i < 2000; i++) waiting.add('a', 'a')
  await stopped(() => done.length)
  expect(done.length).toBeGreaterThan(490)
  expect(done.length).toBeLessThan(600)
  now_ms += 0.1
  waiting.add('b', 'b')
  await eventually('another one has its turn', () => done.includes('b'))
  waiting.stop()
})

test('what throws is told to whoever brought it, and keeps nobody else from its turn', async () => {
  const done: string[] = []
  const run = (one: string): void => {
    if (one === 'bad') throw new Error('a fault')
    done.push(one)
  }
  const waiting = queues({ run })
  const begun = turn
  await eventually('what other tests left is over', () => turn > begun + 3)
  expect(() => waiting.add('a', 'bad')).toThrow('a fault')
  waiting.add('b', 'good')
  await eventually('another one has its turn', () => done.length === 1)
})

test('of what waits of peers each has a turn, in its order; who sends more than may wait is told', async () => {
  const done: string[] = []
  const told: string[] = []
  const waiting = queues({
    run: (one) => {
      now_ms += 3
      done.push(`${turn} ${one}`)
    },
    most: 4,
    onMany: (peer) => told.push(`many of ${peer}`),
    onNone: (peer) => told.push(`none of ${peer}`),
  })
  for (let i = 0; i < 10; i++) waiting.add('a', `a${i}`)
  waiting.add('b', 'b0')
  await eventually('all is done', () => {
    now_ms += 10
    return done.length === 11
  })
  const words = done.map((one) => one.split(' ')[1])
  expect(words.filter((one) => one?.startsWith('a'))).toEqual(Array.from({ length: 10 }, (_, i) => `a${i}`))
  expect(words.indexOf('b0')).toBeLessThan(4)
  expect(new Set(done.map((one) => one.split(' ')[0])).size).toBe(11)
  expect(told).toEqual(['many of a', 'none of a'])
})

test('whoever comes from one place has one allowance with others from there, as long as nobody knows who they are', () => {
  const allowances = new Allowances()
  expect(allowances.ofPlace('here')).toBe(allowances.ofPlace('here'))
  expect(allowances.ofPlace('there')).not.toBe(allowances.ofPlace('here'))
  expect(allowances.ofPlace('here').isOfStrangers).toBe(true)
})

test('a member has one allowance for all of its connections, beside that one for its heartbeats', () => {
  const allowances = new Allowances()
  const [one, other] = [new FakeStream(0), new FakeStream(0)] as unknown as [MessageStream, MessageStream]
  const unknown = allowances.of(one)
  expect(allowances.of(other)).not.toBe(unknown)
  for (const connection of [one, other]) allowances.know(connection, 'a')
  expect(allowances.of(one)).toBe(allowances.ofMember('a'))
  expect(allowances.of(other)).toBe(allowances.ofMember('a'))
  expect(allowances.ofMember('b')).not.toBe(allowances.ofMember('a'))
  expect(allowances.ofBeats('a')).toBe(allowances.ofBeats('a'))
  expect(allowances.ofBeats('a')).not.toBe(allowances.ofMember('a'))
})

test('who is new is given time for a join; of many that are new those who come first', () => {
  const allowances = new Allowances()
  const given = (): number => {
    const newcomers = Array.from({ length: 60 }, () => allowances.ofMember(`p${Math.random()}`))
    return newcomers.filter((allowance) => allowance.isLeft()).length
  }
  expect(given()).toBe(40)
  expect(given()).toBe(0)
  now_ms += 1000
  expect(given()).toBe(2)
})

/** Has all that those have who have had more than their own. */
async function drained(strangers = false): Promise<void> {
  const greedy = FakeStream.read(30, new Allowance({ ms: 0, saved_ms: 0 }, 0, strangers))
  for (let i = 0; i < 100; i++) greedy.onData(piece)
  await stopped(() => greedy.sips.length)
  greedy.readStatus = 'paused'
}

test('who has many streams has no more for that', async () => {
  await drained()
  const allowance = new Allowance({ ms: 5, saved_ms: 10 })
  const many = Array.from({ length: 50 }, () => FakeStream.read(1, allowance))
  for (const stream of many) stream.onData(new Uint8Array(64 * 1024))
  const had = (): number => many.reduce((sum, { sips }) => sum + sips.length, 0)
  const before = had()
  now_ms += 0.01 // it has some of its own, and spends more than that with the first of them
  await stopped(had)
  for (const stream of many) stream.readStatus = 'paused'
  expect([before, had()]).toEqual([0, 1])
})

test('however much those have who have not had their own, the others have a piece of four', async () => {
  const light = Array.from({ length: 100 }, () =>
    FakeStream.read(0.5, new Allowance({ ms: 1000, saved_ms: 1000 }, 1000)),
  )
  for (const stream of light) stream.onData(piece)
  const heavy = FakeStream.read(0.5, new Allowance({ ms: 0, saved_ms: 0 }))
  heavy.onData(piece.subarray(0, 3000))
  await eventually('the other one is read', () => heavy.taken === 3000)
  for (const stream of light) stream.readStatus = 'paused'
  const pieces = taken.slice(taken.indexOf(heavy), taken.lastIndexOf(heavy) + 1)
  const share = heavy.sips.length / pieces.length
  expect(share).toBeGreaterThan(0.2)
  expect(share).toBeLessThan(0.35)
})

test('in a round each has one piece, however many streams it has', async () => {
  const [greedy, modest] = [new Allowance({ ms: 0, saved_ms: 0 }), new Allowance({ ms: 0, saved_ms: 0 })]
  const many = Array.from({ length: 30 }, () => FakeStream.read(2, greedy))
  for (const stream of many) stream.onData(piece)
  const one = FakeStream.read(2, modest)
  one.onData(piece.subarray(0, 3000))
  await eventually('the one is read', () => one.taken === 3000)
  for (const stream of many) stream.readStatus = 'paused'
  const pieces = taken.slice(taken.indexOf(one), taken.lastIndexOf(one) + 1)
  expect(one.sips.length / pieces.length).toBeGreaterThan(0.45)
})

test('of heartbeats no more is owed than a second brings', () => {
  const beats = new Allowances().ofBeats('a')
  beats.pay(5000)
  now_ms += 1000
  expect(beats.isLeft()).toBe(false)
  now_ms += 1
  expect(beats.isLeft()).toBe(true)
})

test('those of whom nobody knows who they are keep no member waiting, whoever has too much, nor are they kept by members', async () => {
  await drained()
  const stranger = FakeStream.read(1, new Allowance({ ms: 0, saved_ms: 0 }, 0, true))
  stranger.onData(piece.subarray(0, 2000))
  await eventually('the stranger is read', () => stranger.taken === 2000)
  now_ms += 600_000
  await drained(true)
  const member = FakeStream.read(1, new Allowance({ ms: 0, saved_ms: 0 }))
  member.onData(piece.subarray(0, 2000))
  await eventually('the member is read', () => member.taken === 2000)
})

test('of the messages of gossip that come together each has a turn, words about others go last', async () => {
  interface Rpc {
    readonly subscriptions?: readonly string[]
    readonly messages: readonly { readonly data: string }[]
    readonly control?: string
  }
  const told: string[] = []
  const turnsTaken = new Set<number>()
  const router = {
    topicValidators: new Map(),
    streamsInbound: new Map(),
    addEventListener: () => undefined,
    createInboundStream: () => undefined,
    decodeRpc: () => undefined,
    handleReceivedRpc: async (_from: unknown, { subscriptions = [], messages, control = '' }: Rpc) => {
      now_ms += 0.6
      turnsTaken.add(turn)
      told.push([...subscriptions, ...messages.map(({ data }) => data), control].join(' '))
    },
  }
  const options = {
    topic: 't',
    drops: new Drops(),
    rates: { take: () => true },
    faults: 0,
    random: () => 1,
    allowances: new Allowances(),
  }
  const gossip = new Gossip(router as never, { getTopologies: () => [] }, options as unknown as GossipOptions)
  const from = { toString: () => 'a', toMultihash: () => ({ bytes: Uint8Array.of(1) }) }
  const messages = Array.from({ length: 400 }, (_, n) => ({ data: `${n}` }))
  await router.handleReceivedRpc(from, { subscriptions: ['wants t'], messages, control: 'offers' })
  await eventually('all is taken', () => {
    now_ms += 10
    return told.length >= 402
  })
  gossip.stop()
  expect(told.map((words) => words.trim())).toEqual(['wants t', ...messages.map(({ data }) => data), 'offers'])
  expect(turnsTaken.size).toBeGreaterThan(190)
})
