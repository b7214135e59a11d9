/**
 * How many packets of multicast we take from one address, of all how much time that may take: whoever sends more is not heard for a
 * moment, which costs the others nothing. Anybody on the network may send them, with no key. It reads none.
 */
import { BoundedMap } from '../../core/basics/bounded-map.js'
import { Allowance } from './turns.js'

/** Each daemon of a machine answers each question once a second at most: as of two hundred of them, and what they say as they start. */
const perSecond = 200
const atOnce = 1000
/** So many addresses are told apart. */
const addressLimit = 1024
/** Of each second, in ms; and what is saved of that. */
const time = { ms: 100, saved_ms: 500 } as const

interface Bucket {
  tokens: number
  at: number
}

export class Heed {
  readonly #buckets = new BoundedMap<string, Bucket>(addressLimit)
  readonly #allowance = new Allowance(time, time.saved_ms)
  readonly #onExcess: () => void

  constructor(onExcess: () => void) {
    this.#onExcess = onExcess
  }

  /** Takes in what came from there, unless that is too much. */
  give(address: string, take: () => void): void {
    if (!this.#mayCome(address) || !this.#allowance.isLeft()) return this.#onExcess()
    const begun = performance.now()
    try {
      take()
    } finally {
      this.#allowance.pay(performance.now() - begun)
    }
  }

  #mayCome(address: string): boolean {
    const now = performance.now()
    const bucket = this.#buckets.get(address) ?? { tokens: atOnce, at: now }
    bucket.tokens = Math.min(atOnce, bucket.tokens + ((now - bucket.at) / 1000) * perSecond)
    bucket.at = now
    this.#buckets.set(address, bucket)
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
}
