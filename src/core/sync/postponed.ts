/**
 * Documents that are to be pulled later: their owners have caused too much work lately, or one of theirs is being read. What each says
 * then is its newest.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import type { PeerId } from '../model/model.js'
import { wireLimits } from '../wire/limits.js'
import type { Pull } from './gaps.js'

interface Postponement {
  readonly via: PeerId
  readonly until: number
  /** A difference to what is held is no use. */
  readonly isWhole: boolean
}

export interface Postponable extends Pull {
  readonly isWhole: boolean
}

export class Postponed {
  /** Of one too many the comparison of digests tells again. */
  readonly #byOwner = new BoundedMap<PeerId, Postponement>(wireLimits.documents)

  get size(): number {
    return this.#byOwner.size
  }

  /** @param via who told of it last */
  note(owner: PeerId, via: PeerId, until: number, isWhole = false): void {
    const known = this.#byOwner.get(owner)
    // Never sooner than was said: whoever rests would be fetched, and put off again.
    const latest = Math.max(until, known?.until ?? until)
    this.#byOwner.set(owner, { via, until: latest, isWhole: isWhole || known?.isWhole === true })
  }

  owners(): PeerId[] {
    return [...this.#byOwner].map(([owner]) => owner)
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
  due(now: number): Postponable[] {
    const due = [...this.#byOwner].filter(([, { until }]) => now >= until)
    return due.map(([owner, { via, isWhole }]) => (this.#byOwner.delete(owner), { owner, via, isWhole }))
  }
}
