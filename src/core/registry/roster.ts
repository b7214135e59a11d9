/**
 * Members and what follows from beliefs about them: whose instances are shown, whose no longer compete, and whether this
 * daemon has lost sight of the cluster.
 */
import type { Index } from '../lookup.js'
import type { PeerId } from '../model.js'
import type { Verdict } from '../membership/membership.js'
import type { Desk } from './desk.js'
import { Doubt } from './doubt.js'

/** An owner's instances leave the index so long after its death, or its goodbye. */
const dormantAfterDeath_ms = 3600_000
const dormantAfterGoodbye_ms = 60_000

export class Roster {
  readonly #desk: Desk
  readonly #index: () => Index
  /** Owners whose instances are shown at present. */
  readonly #visible = new Set<PeerId>()
  #doubt: Doubt
  #isInDoubt = false

  constructor(desk: Desk, index: () => Index, now: number) {
    this.#desk = desk
    this.#index = index
    this.#doubt = new Doubt([], now)
  }

  /** These were there before this start. @returns their ids */
  restored(now: number): PeerId[] {
    const known = [...this.#desk.membership.members()].filter(({ left }) => !left).map(({ id }) => id)
    this.#doubt = new Doubt(known, now)
    return known
  }

  isVisible(owner: PeerId): boolean {
    return owner === this.#desk.self || this.#visible.has(owner)
  }

  /** Went on purpose, or is not known any more. */
  hasLeft(owner: PeerId): boolean {
    return this.#desk.membership.member(owner)?.left ?? owner !== this.#desk.self
  }

  /** Whether lookups should fall back on what was last known. */
  get isInDoubt(): boolean {
    return this.#isInDoubt
  }

  /** Looks at the clock, and tells of every change. */
  judge(now: number): Verdict {
    const verdict = this.#desk.membership.tick(now)
    for (const transition of verdict.transitions) {
      this.#desk.emit({ type: 'notify', event: { type: 'member', ...transition } })
    }
    this.refresh()
    return verdict
  }

  /** Brings the index in line with the beliefs. */
  refresh(): void {
    for (const { id } of this.#desk.membership.members()) {
      const visible = this.#desk.membership.isVisible(id)
      if (visible === this.#visible.has(id)) continue
      if (visible) this.#visible.add(id)
      else this.#visible.delete(id)
      this.#index().refreshOwner(id)
    }
  }

  forget(owner: PeerId): void {
    this.#visible.delete(owner)
  }

  tick(now: number): void {
    this.#setDormant(now)
    this.#isInDoubt = this.#doubt.inDoubt(this.#visible, (peer) => this.hasLeft(peer), now)
  }

  /** Instances of owners that are dead or gone for long do not compete any more. */
  #setDormant(now: number): void {
    const { membership, union, replica } = this.#desk
    for (const member of membership.members()) {
      const age_ms = now - member.since
      const dormant =
        (member.state === 'dead' && age_ms > dormantAfterDeath_ms) ||
        (member.state === 'left' && age_ms > dormantAfterGoodbye_ms)
      if (!union.setDormant(member.id, dormant)) continue
      const ids = replica.document(member.id)?.entries.of('instances').keys() ?? []
      for (const id of ids) this.#index().refresh(id)
    }
  }
}
