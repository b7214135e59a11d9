/**
 * Who this daemon is among all that ever ran with its key, whose heads it may meet: generation, boot, what it continues.
 *
 *     backup    g1 ── g2 ─┬─ (copied) ── g3 ── g4        g4 is not known to whoever starts from the copy: it is continued, as g5
 *                         └─ restored: g3' …
 *
 *     clone     g1 ── g2 ─┬─ g3 ──────── g5 ──────── g7  g5 continued g4; then g6 comes, of the same start as g4: that one goes on,
 *                         └─ (copied) g4 ──── g6         so two daemons run with one key, of which the lesser boot id stops
 */
import type { Ancestry } from '../model/ancestry.js'
import type { PeerId } from '../model/model.js'
import { type Head, type Origin, type Point, comparePoints } from '../wire/head.js'
import { History } from './history.js'

/** Who signed a head with our key. `newer`: we do not know it, so it has to be continued. */
export type Authorship = 'ours' | 'continued' | 'newer' | 'live clone'

export class Identity {
  readonly self: PeerId
  /** 16 hex digits, new at each start. */
  readonly boot: string
  readonly history: History
  #generation = 0
  #incarnation = 0
  #left: Head['left']
  #parent: Point | undefined
  /** Documents of ours by other starts that were continued, by boot id: the generation that they had. */
  readonly #continued = new Map<string, number>()
  /** Where those starts said that they can be dialled. */
  readonly #places = new Map<string, string>()
  #isHeadDue = false
  #isGenerationRaised = false

  /** @param history of an earlier run, see `History` */
  constructor(self: PeerId, boot: string, history?: string) {
    this.self = self
    this.boot = boot
    this.history = new History(history)
  }

  get generation(): number {
    return this.#generation
  }

  get incarnation(): number {
    return this.#incarnation
  }

  get left(): Head['left'] {
    return this.#left
  }

  /** The last point before this start that somebody may hold. */
  get parent(): Point | undefined {
    return this.#parent
  }

  // ---- changes, each of which has to be said by a head

  raiseIncarnation(): void {
    this.#incarnation += 1
    this.#isHeadDue = true
  }

  raiseGeneration(atLeast: number): void {
    this.#generation = Math.max(this.#generation + 1, atLeast)
    this.#isGenerationRaised = true
    this.#incarnation = 0
    this.#isHeadDue = true
  }

  /** The first generation of this start, already on disk. */
  setGeneration(generation: number): void {
    this.#generation = Math.max(this.#generation, generation)
  }

  leave(restartGrace_s: number): void {
    this.#left = { restartGrace_s }
    this.#isHeadDue = true
  }

  /** A head has to be signed, whatever there is to say. */
  demandHead(): void {
    this.#isHeadDue = true
  }

  get isHeadDue(): boolean {
    return this.#isHeadDue
  }

  /** A head is being signed. @returns whether it raises the generation, which then has to be on disk before it */
  headSigned(): boolean {
    const isRaised = this.#isGenerationRaised
    this.#isGenerationRaised = false
    this.#isHeadDue = false
    return isRaised
  }

  // ---- other starts with our key

  /**
   * What this start continues from now on, with all that is part of it.
   * @param ancestry as that document tells it
   * @param isSeen whether somebody may hold it; else it is what it continued itself
   */
  continuePoint(head: Origin & Pick<Head, 'parent'>, ancestry: Ancestry | undefined, isSeen: boolean): void {
    this.history.addAll(ancestry, head)
    this.history.add(head, isSeen)
    const seen = isSeen ? head : head.parent
    // Earlier versions go by order alone: to them it is the latest of all that is continued.
    if (seen !== undefined && (this.#parent === undefined || comparePoints(seen, this.#parent) > 0))
      this.#parent = { generation: seen.generation, version: seen.version }
  }

  /** Somebody holds a document of ours that is part of what we have: he is told so, should he not know. */
  noteHeld(head: Origin): void {
    const isLater = this.#parent === undefined || comparePoints(head, this.#parent) > 0
    if (isLater) this.#parent = { generation: head.generation, version: head.version } // earlier versions go by it
    if (this.history.tell(head, this.boot) || isLater) this.#isHeadDue = true
  }

  /** Whether a head of ours was made by another start than this one, and is not part of what this one continues. */
  isForeign(head: Origin): boolean {
    return head.boot !== this.boot && head.generation > 0 && !this.history.covers(head)
  }

  /**
   * By whom a head is that our key has signed:
   *
   *     boot id    place in history                                          author
   *     ours       any                                                       ours
   *     another    part of what this start continues                         continued
   *     another    of a start that we continued already, which goes on,      live clone
   *                and whose boot id is greater than ours
   *     another    any other                                                 newer
   */
  authorOf(head: Origin): Authorship {
    if (head.boot === this.boot) return 'ours'
    if (!this.isForeign(head)) return 'continued'
    const continued = this.#continued.get(head.boot)
    const goesOn = continued !== undefined && head.generation > continued
    return goesOn && this.boot < head.boot ? 'live clone' : 'newer'
  }

  /**
   * We go on from this head, or ahead of it: should its start go on as well, it is a clone. So it is of one that made us mute, or was
   * signed while we were: that this comes again once we are back does not tell that its start still runs.
   * @param place where that start can be dialled
   */
  noteContinued({ boot, generation }: Origin, place?: string): void {
    this.#continued.set(boot, Math.max(generation, this.#continued.get(boot) ?? 0))
    if (place !== undefined) this.#places.set(boot, place)
  }

  /** Where a start can be dialled that was continued, if it is known. */
  placeOf(boot: string): string | undefined {
    return this.#places.get(boot)
  }
}
