/**
 * How many answers each source may have: the sender of a datagram is whoever it says, so that a flood asked for in somebody's name would
 * be a flood for him.
 *
 * A source is an address of IPv4, or a network of 64 bits of IPv6, of which whoever has one address has all.
 */
import { sourceOf } from '../core/model/host.js'
import { BoundedMap } from '../core/basics/bounded-map.js'
import { isLoopback } from '../config.js'

export interface Rate {
  readonly perSecond: number
  /** So many at once. */
  readonly burst: number
}

export const rates: { readonly others: Rate; readonly loopback: Rate } = {
  /** A resolver that serves a whole site asks once a second for each name that is in use there. */
  others: { perSecond: 1000, burst: 2000 },
  /** Nobody outside can send in its name: this only keeps a program that has lost its mind from taking the whole daemon. */
  loopback: { perSecond: 100_000, burst: 100_000 },
}

/** Whoever invents sources pushes out those that came longest ago, who begin anew. */
const sources = 4096
/** Of those refused every so many is told to come by TCP, which nobody can do in another's name. */
const slip = 2

export type Admission = 'answer' | 'truncate' | 'drop'

interface Bucket {
  tokens: number
  at: number
  refused: number
}

export class Limits {
  readonly #buckets = new BoundedMap<string, Bucket>(sources)
  readonly #rates: typeof rates

  constructor(limits = rates) {
    this.#rates = limits
  }

  /** @param now milliseconds of a clock that never goes back */
  admit(address: string, now: number): Admission {
    const source = sourceOf(address)
    const { perSecond, burst } = isLoopback(source) ? this.#rates.loopback : this.#rates.others
    const bucket = this.#buckets.get(source) ?? { tokens: burst, at: now, refused: 0 }
    this.#buckets.set(source, bucket)
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond)
    bucket.at = now
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1
      return 'answer'
    }
    bucket.refused += 1
    return bucket.refused % slip === 0 ? 'truncate' : 'drop'
  }
}
