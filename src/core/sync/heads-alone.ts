/**
 * Newer heads of living owners that came without their content: who is still without it after a while asks the owner itself.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import type { PeerId } from '../model/model.js'

/** By then somebody who holds the content has brought it, where anybody does. */
const patience_ms = 10_000
/** Of so many at a time; of one more the next comparison tells again. */
const kept = 256

export class HeadsAlone {
  readonly #toldAt = new BoundedMap<PeerId, number>(kept)

  /** One is told of. @returns whether its owner is to be asked */
  isOverdue(owner: PeerId, now: number): boolean {
    const since = this.#toldAt.get(owner)
    if (since === undefined) this.#toldAt.set(owner, now)
    if (since === undefined || now - since < patience_ms) return false
    this.#toldAt.delete(owner)
    return true
  }

  /** Its content has come. */
  forget(owner: PeerId): void {
    this.#toldAt.delete(owner)
  }
}
