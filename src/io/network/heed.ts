/**
 * How many packets of multicast we take from one address, of all how much time that may take: whoever sends more is not heard for a
 * moment, which costs the others nothing. Half of the time is for those who say little, as a newcomer does, so that many who each send as
 * much as they may do not keep it from being heard. Anybody on the network may send them, with no key. It reads none.
 */
import { BoundedMap } from '../../core/basics/bounded-map.js'
import { Bucket } from './bucket.js'
import { Allowance } from './allowances.js'
import { Work } from '../work.js'

/** Each daemon of a machine answers each question once a second at most: as of two hundred of them, and what they say as they start. */
const most = { perSecond: 200, atOnce: 1000 } as const
/** What one daemon says. */
const little = { perSecond: 2, atOnce: 20 } as const
/** So many addresses are told apart. */
const addressLimit = 1024
/** Of each second, in ms, for those who say little, and once more for all; and what is saved of that. */
const time = { ms: 50, saved_ms: 250 } as const

export class Heed {
  readonly #buckets = new BoundedMap<string, { readonly most: Bucket; readonly little: Bucket }>(addressLimit)
  readonly #forQuiet = new Allowance(time, time.saved_ms)
  readonly #forAll = new Allowance(time, time.saved_ms)
  readonly #onExcess: () => void

  constructor(onExcess: () => void) {
    this.#onExcess = onExcess
  }

  /** Takes in what came from there, unless that is too much. */
  give(address: string, take: () => void): void {
    const allowance = this.#allowanceFor(address)
    if (allowance === undefined) return this.#onExcess()
    const work = new Work()
    try {
      take()
    } finally {
      allowance.pay(work.time_ms())
    }
  }

  #allowanceFor(address: string): Allowance | undefined {
    const buckets = this.#buckets.get(address) ?? { most: new Bucket(most), little: new Bucket(little) }
    this.#buckets.set(address, buckets)
    const isQuiet = buckets.little.take()
    if (!buckets.most.take()) return undefined
    if (isQuiet && this.#forQuiet.isLeft()) return this.#forQuiet
    return this.#forAll.isLeft() ? this.#forAll : undefined
  }
}
