/**
 * Members and what follows from beliefs about them: whose instances are shown, whose no longer compete, and whether this
 * daemon has lost sight of the cluster.
 */
import type { Index } from '../lookup.js'
import type { InstanceRecord, PeerId } from '../model.js'
import type { Verdict } from '../membership/verdict.js'
import type { Desk } from './desk.js'
import { Doubt } from './doubt.js'

/** An owner's instances leave the index so long after its death, or its goodbye. */
const dormantAfterDeath_ms = 3600_000
const dormantAfterGoodbye_ms = 60_000
/** How often all members are looked at where nothing has changed. */
const look_ms = 1000

export class Roster {
  readonly #desk: Desk
  readonly #index: () => Index
  /** Owners of whom anything is listed at present, and those of them whose healthy instances alone are. */
  readonly #listed = new Set<PeerId>()
  readonly #restarting = new Set<PeerId>()
  /** Whether each had left when the index last looked: what is shown in doubt changes with that, also of one that is hidden. */
  readonly #hadLeft = new Map<PeerId, boolean>()
  #doubt: Doubt
  #isInDoubt = false
  #lookedAt = Number.NEGATIVE_INFINITY

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

  isVisible(owner: PeerId, { status }: Pick<InstanceRecord, 'status'>): boolean {
    if (owner === this.#desk.self) return true
    return this.#listed.has(owner) && (status === 'Healthy' || !this.#restarting.has(owner))
  }

  /** Went on purpose, and not just to restart, or is not known any more. */
  hasLeft(owner: PeerId): boolean {
    if (this.#restarting.has(owner)) return false
    return this.#desk.membership.member(owner)?.left ?? owner !== this.#desk.self
  }

  /** Whether lookups should fall back on what was last known. */
  get isInDoubt(): boolean {
    return this.#isInDoubt
  }

  /** Looks at the clock, and tells of every change. */
  judge(now: number): Verdict {
    return this.#tell(this.#desk.membership.tick(now))
  }

  /** Reports have come: what they change is told at once, the rest at the next look at the clock. */
  weigh(now: number): Verdict {
    return this.#tell(this.#desk.membership.weigh(now))
  }

  #tell(verdict: Verdict): Verdict {
    for (const transition of verdict.transitions) {
      this.#desk.emit({ type: 'notify', event: { type: 'member', ...transition } })
    }
    this.refresh()
    return verdict
  }

  /** Brings the index in line with the beliefs. */
  refresh(): void {
    for (const id of this.#desk.membership.takeTouched()) {
      if (!this.#isChanged(id)) continue
      this.#index().refreshOwner(id)
      this.#lookedAt = Number.NEGATIVE_INFINITY
    }
  }

  #isChanged(id: PeerId): boolean {
    const listing = this.#desk.membership.listing(id)
    const isOther = setIn(this.#listed, id, listing !== 'none')
    const isRestart = setIn(this.#restarting, id, listing === 'healthy')
    const left = this.hasLeft(id)
    const isBackOrGone = this.#hadLeft.get(id) !== left
    if (isBackOrGone) this.#hadLeft.set(id, left)
    return isOther || isRestart || isBackOrGone
  }

  forget(owner: PeerId): void {
    this.#listed.delete(owner)
    this.#restarting.delete(owner)
    this.#hadLeft.delete(owner)
  }

  /** What follows from changes is looked at soon after them, what follows from time once a second. */
  tick(now: number): void {
    if (now - this.#lookedAt < look_ms) return
    this.#lookedAt = now
    this.#setDormant(now)
    this.#isInDoubt = this.#doubt.inDoubt(this.#listed, (peer) => this.hasLeft(peer), now)
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

/** @returns whether that changed anything */
function setIn(set: Set<PeerId>, id: PeerId, isIn: boolean): boolean {
  if (set.has(id) === isIn) return false
  if (isIn) set.add(id)
  else set.delete(id)
  return true
}
