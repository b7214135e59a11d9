/**
 * How much reading of documents each owner may cause here: a few bytes can be work for all entries of a document.
 *
 * Whatever is allowed is done whole, however large, and has to be made up for afterwards. So an honest owner, who begins an epoch once at its
 * start, seldom waits; one that goes on and on gets what is refilled, and is as late as that makes it.
 */
import type { PeerId } from '../model/model.js'

/** Units of work; one is to read an entry, some ten microseconds. Two are to build it: a new epoch is built from its entries. */
export const workLimits = {
  read: 1,
  build: 2,
  owner: { units: 30_000, unitsPerSecond: 5000 },
  /** All owners of whom a word was heard. */
  heard: { units: 300_000, unitsPerSecond: 30_000 },
  /** All others: whoever makes owners up does not keep those waiting who live. */
  unheard: { units: 300_000, unitsPerSecond: 10_000 },
  /** Buckets that are kept at a time; of the rest only all together are bounded. */
  buckets: 8192,
} as const

interface Rate {
  readonly units: number
  readonly unitsPerSecond: number
}

/** Below nothing it is a debt. */
class Bucket {
  readonly #rate: Rate
  #units: number
  #at = Number.NEGATIVE_INFINITY

  constructor(rate: Rate) {
    this.#rate = rate
    this.#units = rate.units
  }

  /** How long until there is anything left; nothing where there is. */
  wait_ms(now: number): number {
    const left = this.left(now)
    return left > 0 ? 0 : Math.ceil(((1 - left) * 1000) / this.#rate.unitsPerSecond)
  }

  left(now: number): number {
    const refilled = (Math.max(0, now - this.#at) * this.#rate.unitsPerSecond) / 1000
    return Math.min(this.#rate.units, this.#units + refilled)
  }

  isFull(now: number): boolean {
    return this.left(now) >= this.#rate.units
  }

  take(units: number, now: number): void {
    this.#units = this.left(now) - units
    this.#at = now
  }
}

/** Whose document it is, and who brought it. */
export interface Cause {
  readonly owner: PeerId
  readonly via: PeerId
  readonly hasWord: boolean
}

export class Work {
  readonly #owners = new Map<PeerId, Bucket>()
  /** What was brought under another's head, and was not what that says, is nobody's fault but its bringer's. */
  readonly #bringers = new Map<PeerId, Bucket>()
  readonly #heard = new Bucket(workLimits.heard)
  readonly #unheard = new Bucket(workLimits.unheard)

  /** How long until such work may be begun; 0 where it may now. */
  wait_ms({ owner, via, hasWord }: Cause, now: number): number {
    return Math.max(
      this.#owners.get(owner)?.wait_ms(now) ?? 0,
      this.#bringers.get(via)?.wait_ms(now) ?? 0,
      this.#allOf(hasWord).wait_ms(now),
    )
  }

  /** It is done. @param isTrue whether it was what its owner has signed */
  take({ owner, via, hasWord }: Cause, units: number, isTrue: boolean, now: number): void {
    const [buckets, who] = isTrue ? [this.#owners, owner] : [this.#bringers, via]
    bucketOf(buckets, who, now).take(units, now)
    this.#allOf(hasWord).take(units, now)
  }

  #allOf(hasWord: boolean): Bucket {
    return hasWord ? this.#heard : this.#unheard
  }
}

function bucketOf(buckets: Map<PeerId, Bucket>, who: PeerId, now: number): Bucket {
  const known = buckets.get(who)
  if (known !== undefined) return known
  if (buckets.size >= workLimits.buckets) forgetSome(buckets, now)
  const bucket = new Bucket(workLimits.owner)
  buckets.set(who, bucket)
  return bucket
}

/** Those that are full are as good as new ones; where none is, the oldest goes. */
function forgetSome(buckets: Map<PeerId, Bucket>, now: number): void {
  for (const [who, bucket] of buckets) if (bucket.isFull(now)) buckets.delete(who)
  const [oldest] = buckets.keys()
  if (buckets.size >= workLimits.buckets && oldest !== undefined) buckets.delete(oldest)
}
