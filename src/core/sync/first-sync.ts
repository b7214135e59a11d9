/**
 * Whether what those hold whom this daemon met first is here: until then nobody can tell by it what there is not from what has not come
 * yet. It is over once, for good; it asks nobody.
 *
 *     nobody ── met ──▶ comparing ── one has given all, and no other one is waited for ──▶ hearing ──▶ over
 *                                                                                            │
 *       what was to be fetched besides has come, and a word of each owner of instances that is connected, of others too, or none
 *       for `hearing_ms`
 *
 * Who has not all itself says so with what it gives, and is asked again: by how many steps it is away from somebody with a reason of its
 * own to wait, on the shortest way that does not lead over the asker. Those who wait for each other alone thereby count up, and end.
 *
 *     d ──▶ c ──▶ b ──▶ a, which opens still    to b: 1    to c: 2    to d: 3    all end after a has opened
 *     a ◀──▶ b, both empty                      each to the other: `nobodyElse`, whereupon both have all that there is
 *
 * Lookups show the instances of nodes that live, and before the first word of one nobody knows whether it does: hence the second half.
 */
import type { BeginningStage } from '../effects.js'
import type { PeerId } from '../model/model.js'
import type { Unready } from '../words/causes.js'

/** Two heartbeats, and their way: of those who died before this daemon came no word will come. Whoever is connected lives. */
const hearing_ms = 2300

/** What one says with what it gives who is whole: it has all, as far as it knows. */
export const whole = 0
/** It is not whole, and knows of nobody but the asker, within so many steps, who has anything to wait for. */
export const nobodyElse = 4
/** Whoever was not whole is asked again after so long. */
const again_ms = 200

type Stage =
  | { readonly name: 'nobody' | 'comparing' | 'over' }
  /** `owed`: owners of whom something was still to be fetched when all were compared with. */
  | { readonly name: 'hearing'; readonly since: number; readonly owed: readonly PeerId[] }

/** How it is with what comes from others. */
export interface Incoming {
  /** Somebody is asked for all, or is to be, and is waited for: for the first time. */
  readonly isComparing: boolean
  /** Owners whose documents are being fetched, or read, or are to be. */
  fetched(this: void): ReadonlySet<PeerId>
  /** Nobody knows of some owner of instances whether it lives. */
  isSomebodyUnheard(this: void): boolean
  /** One of them is connected: its word is on its way, however busy the machine is. Until it is taken for dead, in some seconds. */
  isPeerUnheard(this: void): boolean
}

export class FirstSync {
  #stage: Stage = { name: 'nobody' }
  #hasCompared = false
  /** Something that came since the last comparison found no room. */
  #isSomethingLost = false
  #beginning: BeginningStage = 'met'
  /** What those said who gave something last and are not whole. */
  readonly #steps = new Map<PeerId, number>()
  #givenAt = 0

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

  /** How far the start has come. */
  begins(stage: BeginningStage): void {
    this.#beginning = stage
  }

  /** It is not connected any more. */
  forget(peer: PeerId): void {
    this.#steps.delete(peer)
  }

  /**
   * What is said to whoever asks for all.
   * @param isOpen whether the own document is among what is given
   * @param connected where none of these others has given anything yet, however long that takes, there may be all
   */
  stepsFor(asker: PeerId, isOpen: boolean, isComparing: boolean, connected: Iterable<PeerId> = []): number {
    if (!isOpen) return 1
    if (this.#beginning === 'over') return whole
    if (this.#beginning === 'seeking') return 1
    if (this.isOver) return whole
    if (this.#stage.name === 'hearing') return this.#stage.owed.length === 0 ? whole : 1
    if (this.#stage.name === 'nobody' || isComparing) return 1
    const others = [...this.#steps].filter(([peer]) => peer !== asker)
    if (others.length === 0 && !this.#hasCompared && [...connected].some((peer) => peer !== asker)) return 1
    return Math.min(nobodyElse, 1 + Math.min(...others.map(([, steps]) => steps)))
  }

  /** Who has said what he waits for, with all that he had to give. */
  get said(): ReadonlyMap<PeerId, number> {
    return this.#steps
  }

  /** Who is to be asked again by now, since it was not whole. */
  due(isComparing: boolean, now: number): readonly PeerId[] {
    if (this.#stage.name !== 'comparing' || this.#hasCompared || isComparing || now - this.#givenAt < again_ms)
      return []
    return this.#waitedFor()
  }

  #waitedFor(): PeerId[] {
    return [...this.#steps].filter(([, steps]) => steps < nobodyElse).map(([peer]) => peer)
  }

  /** Something that was brought was not kept. */
  lost(): void {
    this.#isSomethingLost = true
  }

  /** All that a peer had to give is read. @returns whether it is to be asked once more at once, for what was lost */
  compared(peer: PeerId, steps: number, now: number): boolean {
    const isAgain = this.#isSomethingLost && !this.isOver
    this.#isSomethingLost = false
    this.#steps.delete(peer)
    if (isAgain || this.isOver) return isAgain
    if (steps === whole) this.#hasCompared = true
    else this.#steps.set(peer, Math.min(steps, nobodyElse))
    this.#givenAt = now
    return false
  }

  look({ isComparing, fetched, isSomebodyUnheard, isPeerUnheard }: Incoming, now: number): void {
    const hasAll = this.#hasCompared || (this.#steps.size > 0 && this.#waitedFor().length === 0)
    if (this.#stage.name === 'comparing' && hasAll && !isComparing && this.#beginning !== 'seeking')
      this.#stage = { name: 'hearing', since: now, owed: [...fetched()] }
    if (this.#stage.name !== 'hearing') return
    const { since } = this.#stage
    const underWay = fetched()
    const owed = this.#stage.owed.filter((owner) => underWay.has(owner))
    const isHeard = !isPeerUnheard() && (now - since >= hearing_ms || !isSomebodyUnheard())
    this.#stage = owed.length === 0 && isHeard ? { name: 'over' } : { name: 'hearing', since, owed }
  }
}
