/**
 * Documents whose owners have caused too much work lately: each is pulled whole once it may be. What it says then is its newest.
 */
import { BoundedMap } from '../bounded-map.js'
import type { PeerId } from '../model.js'
import { wireLimits } from '../wire/limits.js'
import type { Pull } from './gaps.js'

interface Postponement {
  readonly via: PeerId
  readonly until: number
}

export class Postponed {
  /** Of one too many the comparison of digests tells again. */
  readonly #byOwner = new BoundedMap<PeerId, Postponement>(wireLimits.documents)

  get size(): number {
    return this.#byOwner.size
  }

  /** @param via who told of it last */
  note(owner: PeerId, via: PeerId, until: number): void {
    this.#byOwner.set(owner, { via, until })
  }

  /** Whether it is not to be pulled yet. */
  isResting(owner: PeerId, now: number): boolean {
    const postponed = this.#byOwner.get(owner)
    return postponed !== undefined && now < postponed.until
  }

  /** It was taken, or is not wanted any more. */
  delete(owner: PeerId): void {
    this.#byOwner.delete(owner)
  }

  /** Those that may be pulled now; each is told once. */
  due(now: number): Pull[] {
    const due = [...this.#byOwner].filter(([, { until }]) => now >= until)
    return due.map(([owner, { via }]) => (this.#byOwner.delete(owner), { owner, via }))
  }
}
