/**
 * Instances of owners that are dropped, on their way out: no lookup shows them from the first moment on, but to take each of them back is
 * work for all who follow. Until the last of them is gone nothing new is taken of its owner, since it would be taken back as well.
 */
import type { Change } from '../document/entries.js'
import type { PeerId } from '../model/model.js'

/** So many go with their document at once. */
const atOnce = 500

export interface Left {
  readonly owner: PeerId
  readonly changes: readonly Change[]
}

export class Leaving {
  readonly #byOwner = new Map<PeerId, Iterator<Change>>()

  /** @returns what goes at once: all, or all but the instances, since what is saved of it is what nobody else says */
  begin(owner: PeerId, changes: readonly Change[]): readonly Change[] {
    if (changes.length <= atOnce) return changes
    this.#byOwner.set(owner, changes.filter(({ map }) => map === 'instances').values())
    return changes.filter(({ map }) => map !== 'instances')
  }

  has(owner: PeerId): boolean {
    return this.#byOwner.has(owner)
  }

  get isEmpty(): boolean {
    return this.#byOwner.size === 0
  }

  /** The next of them, of one owner. */
  take(most: number): Left | undefined {
    const [first] = this.#byOwner
    if (first === undefined) return undefined
    const [owner, left] = first
    const changes: Change[] = []
    while (changes.length < most) {
      const next = left.next()
      if (next.done === true) {
        this.#byOwner.delete(owner)
        break
      }
      changes.push(next.value)
    }
    return { owner, changes }
  }
}
