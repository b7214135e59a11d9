/**
 * Acts that wait for a connection with the home node of their instance: in a large cluster not everybody is connected with everybody.
 * Whom to ask, and what, is not decided here.
 */
import type { PeerId } from '../model.js'
import type { PassedOn } from './requests.js'

/** Beyond it nobody waits. */
const limit = 1000

export class Unconnected {
  #waiting: PassedOn[] = []

  /** @returns false where there is no room */
  keep(passedOn: PassedOn): boolean {
    if (this.#waiting.length >= limit) return false
    this.#waiting.push(passedOn)
    return true
  }

  /** Those for that peer: it is connected now, or will not be. */
  takeFor(peer: PeerId): readonly PassedOn[] {
    return this.#take(({ home }) => home === peer)
  }

  /** Those whose callers wait no longer. */
  takeOverdue(now: number): readonly PassedOn[] {
    return this.#take(({ until }) => now >= until)
  }

  get size(): number {
    return this.#waiting.length
  }

  #take(isMeant: (one: PassedOn) => boolean): readonly PassedOn[] {
    if (this.#waiting.length === 0) return []
    const taken = this.#waiting.filter(isMeant)
    if (taken.length > 0) this.#waiting = this.#waiting.filter((one) => !isMeant(one))
    return taken
  }
}
