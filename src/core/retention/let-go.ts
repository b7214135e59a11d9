/**
 * When the documents of nodes go whose key ended with their run; how long what is left of them elsewhere is taken from nobody.
 * No fence says so: these cannot come back, and a fence is kept by all for 35 days.
 *
 *     said goodbye for good ─── 60 s ───┐
 *     killed, gone to restart ─ 10 min ─┴▶ let go of ── 30 min ──▶ nothing is known of it
 *                                              └── its own connection, or a newer head: it lives, and is taken like any other
 */
import { BoundedMap } from '../basics/bounded-map.js'
import type { PeerId } from '../model/model.js'
import type { MemberState } from '../views.js'
import { type Origin, type SignedHead, compareHeads } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'

/** After a goodbye for good. */
const finalAfter_ms = 60_000
/** Dead for so long, or gone with a promise to be back. A link that was down for less has cost nothing then. */
const silentAfter_ms = 600_000
/** Longer than any two let go of one apart: else they would pass it back to each other for ever. */
const refusedFor_ms = 1800_000
/** The next observer in turn saves what counts only after so much more: by then it has seen what the one before has saved. */
const stagger_ms = 30_000
const look_ms = 5000

/** What others say of one counts for so long. */
const told_ms = 60_000
/** So many can be said at a time. */
const toldKept = 256

/** How a member stands whose key goes with its run. */
export interface Passing {
  readonly id: PeerId
  readonly state: MemberState
  /** Since when. */
  readonly since: number
  /** Its goodbye was for good. */
  readonly isFinal: boolean
}

interface Gone {
  readonly signed: SignedHead
  readonly at: number
}

interface Told {
  readonly first: number
  readonly last: number
}

export class LetGo {
  readonly #gone = new BoundedMap<PeerId, Gone>(wireLimits.documents)
  /** Of whom others say that they have let go of it. */
  readonly #told = new BoundedMap<PeerId, Told>(toldKept)
  #lookedAt = Number.NEGATIVE_INFINITY

  isLookDue(now: number): boolean {
    if (now - this.#lookedAt < look_ms) return false
    this.#lookedAt = now
    return true
  }

  /** @returns for how long its document could have gone; below zero it cannot yet */
  overdue_ms({ id, state, since, isFinal }: Passing, now: number): number {
    if (state !== 'left' && state !== 'dead') return -1
    const after_ms = state === 'left' && isFinal ? finalAfter_ms : silentAfter_ms
    const told = this.#told.get(id)
    const told_ms = told !== undefined && isRecent(told, now) ? now - told.first : -1
    return Math.max(now - since - after_ms, told_ms)
  }

  /** Somebody has let go of it already. Whoever lives is not let go of for that. */
  tell(owner: PeerId, now: number): void {
    const known = this.#told.get(owner)
    const first = known !== undefined && isRecent(known, now) ? known.first : now
    this.#told.set(owner, { first, last: now })
  }

  /** @param turn which of its observers we are, from 0; below that we are none */
  isOursToSave(turn: number, overdue_ms: number): boolean {
    return turn >= 0 && overdue_ms >= turn * stagger_ms
  }

  /** Its document goes. */
  note(signed: SignedHead, now: number): void {
    this.#gone.set(signed.head.owner, { signed, at: now })
    this.#told.delete(signed.head.owner)
  }

  /** @returns the head that was let go of, where this one is that, or older: nobody here wants it */
  refusalOf(owner: PeerId, head: Origin, now: number): SignedHead | undefined {
    const gone = this.#gone.get(owner)
    const isOver = gone === undefined || now - gone.at >= refusedFor_ms
    return isOver || compareHeads(head, gone.signed.head) > 0 ? undefined : gone.signed
  }

  /** It has come itself. @returns whether it was let go of */
  cameBack(owner: PeerId): boolean {
    return this.#gone.delete(owner)
  }

  /**
   * Whether whom we meet again may have let go of us meanwhile: what we see of it it sees of us. A tenth less is as good, since it
   * began to count before us.
   */
  mayHaveLetGo({ state, since }: Pick<Passing, 'state' | 'since'>, now: number): boolean {
    return state === 'dead' && now - since >= silentAfter_ms * 0.9
  }
}

function isRecent({ last }: Told, now: number): boolean {
  return now - last < told_ms
}
