/**
 * Who has been gone for so long that he is forgotten, by everybody at once: the first of his living observers fences him. Only silence that this daemon was there for counts, over all its runs: a cluster that is off over a long weekend comes
 * back whole, whoever starts first.
 */
import type { StoreOp } from '../effects.js'
import { type PeerId, readObject } from '../model/model.js'
import type { MemberState } from '../views.js'

const hour_ms = 3600_000
/** Dead or gone for so long, a node is fenced. */
export const forgetAfter_ms = 72 * hour_ms
/** The next observer in turn fences only after so much more: by then it has seen the fence of the one before. */
const stagger_ms = hour_ms / 2
/** How often silence is counted. */
const look_ms = 60_000
/** How often the count is brought up to date on disk. */
const noteInterval_ms = 600_000

/** Whether a state is silence, a sign of life, or neither: who is unknown has not been heard in this run, and was not silent either. */
const silences: Readonly<Record<MemberState, 'silent' | 'heard' | 'neither'>> = {
  unknown: 'neither',
  alive: 'heard',
  hidden: 'heard',
  dead: 'silent',
  left: 'silent',
}

/** What is known of a member. */
interface Known {
  readonly id: PeerId
  readonly state: MemberState
  readonly generation: number
}

export class Forgetting {
  /** How long each was silent while we were there. */
  readonly #silence_ms = new Map<PeerId, number>()
  /** Of which start each was known at the last look: that an earlier one was silent says nothing of the next. */
  readonly #generations = new Map<PeerId, number>()
  #lookedAt: number | undefined
  #notedAt = 0

  /** @param note what an earlier run had counted */
  constructor(note: string | undefined) {
    for (const [owner, silence_ms] of Object.entries(readObject(note ?? '') ?? {})) {
      if (typeof silence_ms === 'number' && silence_ms > 0) this.#silence_ms.set(owner, silence_ms)
    }
  }

  isDue(now: number): boolean {
    return this.#lookedAt === undefined || now - this.#lookedAt >= look_ms
  }

  /** Counts the time since the last look. */
  count(members: Iterable<Known>, now: number): void {
    const elapsed_ms = Math.min(now - (this.#lookedAt ?? now), 2 * look_ms) // more than that we have slept through
    this.#lookedAt = now
    const known = new Set<PeerId>()
    for (const { id, state, generation } of members) {
      known.add(id)
      if (generation > (this.#generations.get(id) ?? generation)) this.#silence_ms.delete(id)
      this.#generations.set(id, generation)
      if (silences[state] === 'silent') this.#silence_ms.set(id, (this.#silence_ms.get(id) ?? 0) + elapsed_ms)
      else if (silences[state] === 'heard') this.#silence_ms.delete(id)
    }
    for (const table of [this.#silence_ms, this.#generations])
      for (const id of table.keys()) if (!known.has(id)) table.delete(id)
  }

  isNoteDue(now: number): boolean {
    return now - this.#notedAt >= noteInterval_ms
  }

  /** Brings the count on disk up to date. @returns what to write */
  note(now: number): StoreOp {
    this.#notedAt = now
    return { type: 'note', name: 'silence', value: JSON.stringify(Object.fromEntries(this.#silence_ms)) }
  }

  /** Those whose first observer may forget them by now. */
  candidates(): PeerId[] {
    return [...this.#silence_ms].filter(([, silence_ms]) => silence_ms >= forgetAfter_ms).map(([owner]) => owner)
  }

  /** @param turn which of its observers we are, from 0; below that we are none */
  isOurs(owner: PeerId, turn: number): boolean {
    return turn >= 0 && (this.#silence_ms.get(owner) ?? 0) >= forgetAfter_ms + turn * stagger_ms
  }

  forget(owner: PeerId): void {
    this.#silence_ms.delete(owner)
  }
}
