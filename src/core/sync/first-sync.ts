/**
 * Whether what those hold whom this daemon met first is here: until then nobody can tell by it what there is not from what has not come
 * yet. It is over once, for good; it asks nobody.
 *
 *     nobody ── met ──▶ comparing ── one has given all, and no other one is waited for ──▶ hearing ──▶ over
 *                                                                                            │
 *       what was to be fetched besides has come, and a word of each owner of instances, or none for `hearing_ms`
 *
 * Lookups show the instances of nodes that live, and before the first word of one nobody knows whether it does: hence the second half.
 */
import type { PeerId } from '../model/model.js'
import type { Unready } from '../words/causes.js'

/** Two heartbeats, and their way: of those who died before this daemon came no word will come. */
const hearing_ms = 2300

type Stage =
  | { readonly name: 'nobody' | 'comparing' | 'over' }
  /** `owed`: owners of whom something was still to be fetched when all were compared with. */
  | { readonly name: 'hearing'; readonly since: number; readonly owed: readonly PeerId[] }

/** How it is with what comes from others. */
export interface Incoming {
  /** Somebody is asked for all, or is to be, and is waited for. */
  readonly isComparing: boolean
  /** Owners whose documents are being fetched, or read, or are to be. */
  readonly fetched: ReadonlySet<PeerId>
  /** Nobody knows of some owner of instances whether it lives. */
  readonly isSomebodyUnheard: boolean
}

export class FirstSync {
  #stage: Stage = { name: 'nobody' }
  #hasCompared = false
  /** Something that came since the last comparison found no room. */
  #isSomethingLost = false

  get isOver(): boolean {
    return this.#stage.name === 'over'
  }

  /** Why there may be more than is held here; undefined where all is here, and where nobody was met. */
  get unready(): Unready | undefined {
    switch (this.#stage.name) {
      case 'nobody':
      case 'over':
        return undefined
      case 'comparing':
        return { cause: 'behind', why: 'joining: what the others hold is on its way here' }
      case 'hearing':
        return { cause: 'behind', why: 'joining: whether all live whose instances came is not known yet' }
    }
  }

  /** Somebody is connected. */
  met(): void {
    if (this.#stage.name === 'nobody') this.#stage = { name: 'comparing' }
  }

  /** Something that was brought was not kept. */
  lost(): void {
    this.#isSomethingLost = true
  }

  /** All that a peer had to give is read. @returns whether it is to be asked once more, for what was lost */
  compared(): boolean {
    const isAgain = this.#isSomethingLost && !this.isOver
    this.#isSomethingLost = false
    if (!isAgain) this.#hasCompared = true
    return isAgain
  }

  look({ isComparing, fetched, isSomebodyUnheard }: Incoming, now: number): void {
    if (this.#stage.name === 'comparing' && this.#hasCompared && !isComparing)
      this.#stage = { name: 'hearing', since: now, owed: [...fetched] }
    if (this.#stage.name !== 'hearing') return
    const { since } = this.#stage
    const owed = this.#stage.owed.filter((owner) => fetched.has(owner))
    const isHeard = !isSomebodyUnheard || now - since >= hearing_ms
    this.#stage = owed.length === 0 && isHeard ? { name: 'over' } : { name: 'hearing', since, owed }
  }
}
