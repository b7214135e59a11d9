/**
 * Who has been gone for so long that he is forgotten, by everybody at once: the first of his living observers fences him.
 * Only silence that this daemon was there for counts, over all its runs: a cluster that is off over a long weekend comes
 * back whole, whoever starts first.
 */
import { type PeerId, readObject } from '../model.js'
import type { Commands } from './commands.js'
import { type Desk, storeSoon } from './desk.js'

const hour_ms = 3600_000
/** Dead or gone for so long, a node is fenced. */
export const forgetAfter_ms = 72 * hour_ms
/** The next observer in turn fences only after so much more: by then it has seen the fence of the one before. */
const stagger_ms = hour_ms / 2
/** How often silence is counted. */
const look_ms = 60_000
/** How often the count is brought up to date on disk. */
const noteInterval_ms = 600_000

export class Forgetting {
  readonly #desk: Desk
  readonly #commands: Commands
  /** How long each was silent while we were there. */
  readonly #silence_ms = new Map<PeerId, number>()
  #lookedAt: number | undefined
  #notedAt = 0

  /** @param note what an earlier run had counted */
  constructor(desk: Desk, commands: Commands, note: string | undefined) {
    this.#desk = desk
    this.#commands = commands
    for (const [owner, silence_ms] of Object.entries(readObject(note ?? '') ?? {})) {
      if (typeof silence_ms === 'number' && silence_ms > 0) this.#silence_ms.set(owner, silence_ms)
    }
  }

  /** @param mayForget whether own entries can be written */
  tick(now: number, wall: number, mayForget: boolean): void {
    const lookedAt = this.#lookedAt ?? now
    if (this.#lookedAt !== undefined && now - lookedAt < look_ms) return
    this.#lookedAt = now
    this.#count(Math.min(now - lookedAt, 2 * look_ms)) // more than that we have slept through
    if (now - this.#notedAt >= noteInterval_ms) this.save(now)
    if (mayForget) this.#forgetOne(wall)
  }

  #count(elapsed_ms: number): void {
    const { membership } = this.#desk
    for (const { id, state } of membership.members()) {
      // Unknown is who has not been heard in this run: neither a word nor silence yet.
      if (state === 'dead' || state === 'left') this.#silence_ms.set(id, (this.#silence_ms.get(id) ?? 0) + elapsed_ms)
      else if (state !== 'unknown') this.#silence_ms.delete(id)
    }
    for (const id of this.#silence_ms.keys()) if (membership.member(id) === undefined) this.#silence_ms.delete(id)
  }

  /** Brings the count on disk up to date. */
  save(now: number): void {
    this.#notedAt = now
    const value = JSON.stringify(Object.fromEntries(this.#silence_ms))
    storeSoon(this.#desk, [{ type: 'note', name: 'silence', value }])
  }

  #forgetOne(wall: number): void {
    const { membership, self, replica, union, emit } = this.#desk
    for (const [owner, silence_ms] of this.#silence_ms) {
      const member = membership.member(owner)
      if (silence_ms < forgetAfter_ms || member === undefined || replica.document(owner) === undefined) continue
      const turn = membership.observersOf(member).indexOf(self)
      if (turn < 0 || silence_ms < forgetAfter_ms + turn * stagger_ms) continue
      this.#silence_ms.delete(owner)
      const name = union.node(owner)?.id ?? owner
      this.#commands.fence(owner, wall)
      const message = `forgot node ${name}: nobody has heard of it for 72 hours; if it comes back it registers anew`
      return emit({ type: 'notify', event: { type: 'warning', message } })
    }
  }
}
