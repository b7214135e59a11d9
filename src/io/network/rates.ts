/**
 * How much one member may send of what is cheap to send: a bucket for each peer, for each kind. It reads nothing, ends nothing; it says
 * what is too much, also when that has gone on for so long that it is no honest member.
 *
 * Each bucket holds a minute of more than honest members reach at their worst. Time in which this daemon stood still counts on top of
 * that: what has piled up meanwhile is not held against those who sent it.
 */
import type { PeerId } from '../../core/model/model.js'

export const rates = {
  /**
   * Frames of heartbeat streams: a heartbeat a second, vitals every other; farewells, questions, what is reported to newcomers. Simulated,
   * in the worst second and minute of any pair: 3 and 60 at the heal of a cluster of 100 that was cut in half, 2 and 61 where all of
   * them restart; half as many again with vitals, which the simulation does not send.
   */
  frame: { perSecond: 10 },
  /** What a peer says or passes on, duplicates included. Simulated as above: 170 and 475 at the heal, 54 and 100 at the restart. */
  gossip: { perSecond: 250 },
  /** Messages of gossip that their author sends itself: at most 40 a second, and what it reports. */
  own: { perSecond: 50 },
  /** Those that others pass on, by their author, who is not to be cut off for what others send. */
  author: { perSecond: 50 },
  /** Questions: one for each write that waits for copies, so that it is bounded by what streams cost. */
  question: { perSecond: 500 },
  /**
   * Bytes of what its questions are answered with, where it costs us most: made, encrypted, sent. Everything once a minute, of the largest
   * cluster that one daemon has room for; whoever holds what we hold is answered with almost nothing.
   */
  answer: { perSecond: 16 * 1024 * 1024 },
} as const

export type Rate = keyof typeof rates

/** A bucket holds what comes in so long at its rate. */
const capacity_s = 60
/** So many times the rate, for so many seconds in a row, is no honest member. */
const flood = { times: 10, seconds: 10 } as const
/** How often we look at the clock; so late, we stood still. */
const look_ms = 250
const stall_ms = 200
/** The longest stall that counts: what waits in the kernel is bounded, too. */
const excused_ms = 600_000
/** Those that are full again are let go of so often. */
const sweep_ms = 10_000

interface Bucket {
  tokens: number
  at: number
  /** The second that is counted now, what came in it, how many before it were too full. */
  second: number
  inSecond: number
  floodedSeconds: number
}

export interface RatesOptions {
  /** Told once each time: it has sent ten times as much as it may for ten seconds. */
  onFlood(peer: PeerId, kind: Rate): void
  readonly now?: () => number
}

export class Rates {
  readonly #options: RatesOptions
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()
  #timer: NodeJS.Timeout | undefined
  #lookedAt: number
  #sweptAt: number

  constructor(options: RatesOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#lookedAt = this.#sweptAt = this.#now()
  }

  start(): void {
    this.#lookedAt = this.#now()
    this.#timer = setInterval(() => this.look(this.#now()), look_ms)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** @returns false where that is more than it may send */
  take(kind: Rate, peer: PeerId, cost = 1): boolean {
    const now = this.#now()
    const bucket = this.#bucket(kind, peer, now)
    const { perSecond } = rates[kind]
    if (isFlood(bucket, cost, perSecond, now)) this.#options.onFlood(peer, kind)
    if (bucket.tokens < cost) return false
    bucket.tokens -= cost
    return true
  }

  /** Whether it has not yet had more than its share: of what is only known once it is done. */
  mayHave(kind: Rate, peer: PeerId): boolean {
    return this.#bucket(kind, peer, this.#now()).tokens > 0
  }

  /** It has had so much, be it more than there was; what it owes is paid off in a minute at most. */
  charge(kind: Rate, peer: PeerId, cost: number): void {
    const bucket = this.#bucket(kind, peer, this.#now())
    bucket.tokens = Math.max(bucket.tokens - cost, -capacity_s * rates[kind].perSecond)
  }

  #bucket(kind: Rate, peer: PeerId, now: number): Bucket {
    if (now - this.#lookedAt > look_ms + stall_ms) this.look(now)
    const { perSecond } = rates[kind]
    const key = `${kind} ${peer}`
    const bucket = this.#buckets.get(key) ?? fullBucket(perSecond, now)
    this.#buckets.set(key, bucket)
    refill(bucket, perSecond, now)
    return bucket
  }

  /** Looks at the clock. Where we stood still, what is here now was sent in all that time. */
  look(now: number): void {
    const late_ms = now - this.#lookedAt - look_ms
    this.#lookedAt = now
    if (late_ms > stall_ms)
      for (const [key, bucket] of this.#buckets) excuse(bucket, rates[kindOf(key)].perSecond, late_ms, now)
    if (now - this.#sweptAt < sweep_ms) return
    this.#sweptAt = now
    for (const [key, { at }] of this.#buckets) if (now - at > capacity_s * 1000) this.#buckets.delete(key)
  }
}

function kindOf(key: string): Rate {
  return key.slice(0, key.indexOf(' ')) as Rate
}

function fullBucket(perSecond: number, now: number): Bucket {
  return { tokens: capacity_s * perSecond, at: now, second: Math.floor(now / 1000), inSecond: 0, floodedSeconds: 0 }
}

/** Never beyond a full bucket, but for what was given after a stall. */
function refill(bucket: Bucket, perSecond: number, now: number): void {
  const most = Math.max(capacity_s * perSecond, bucket.tokens)
  bucket.tokens = Math.min(most, bucket.tokens + ((now - bucket.at) / 1000) * perSecond)
  bucket.at = now
}

/** So much may have come honestly while we stood still, on top of what there was. */
function excuse(bucket: Bucket, perSecond: number, late_ms: number, now: number): void {
  bucket.tokens += (perSecond * Math.min(late_ms, excused_ms)) / 1000
  bucket.at = now
}

/**
 * Counts by the second, or by as many as we stood still: a flood that makes us stand still is one all the same.
 * @returns true at the end of so many seconds in a row that were far too full
 */
function isFlood(bucket: Bucket, cost: number, perSecond: number, now: number): boolean {
  const second = Math.floor(now / 1000)
  const passed = second - bucket.second
  if (passed > 0) {
    const isFull = bucket.inSecond >= flood.times * perSecond * passed
    bucket.floodedSeconds = isFull ? bucket.floodedSeconds + passed : 0
    bucket.second = second
    bucket.inSecond = 0
  }
  bucket.inSecond += cost
  if (bucket.floodedSeconds < flood.seconds) return false
  bucket.floodedSeconds = 0
  return true
}
