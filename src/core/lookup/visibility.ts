/**
 * Whether lookups show a record, or why not: the one place that says so.
 */
import type { InstanceRecord, PeerId } from '../model/model.js'
import type { Found } from '../records/union.js'
import type { InvisibleReason, Listing, MemberState } from '../views.js'

/** An owner's instances leave the index so long after its death, or its goodbye. */
const dormantAfterDeath_ms = 3600_000
const dormantAfterGoodbye_ms = 60_000

/** How often all members are looked at where nothing has changed. */
const look_ms = 1000

/** What else decides about a record. */
export interface Circumstances {
  readonly isRemoved: boolean
  /** Whose record of this id counts. */
  readonly winner: PeerId | undefined
  /** Whether lookups show its id. */
  readonly isShown: boolean
  /** What is believed of its owner. */
  readonly state: MemberState | undefined
}

export class Visibility {
  readonly #self: PeerId
  /** Owners of whom anything is listed at present, those of them whose healthy instances alone are. */
  readonly #listed = new Set<PeerId>()
  readonly #restarting = new Set<PeerId>()
  /** Whether each owner went on purpose, not just to restart: it is not even last-known. */
  readonly #left = new Map<PeerId, boolean>()
  #changes = 0
  /** Which of the changes was the last of each owner; of one that is not in here, the last one that forgot anybody. */
  readonly #changedAt = new Map<PeerId, number>()
  #forgotAt = 0
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(self: PeerId) {
    this.#self = self
  }

  /** Other owners of whom anything is listed. */
  get listed(): ReadonlySet<PeerId> {
    return this.#listed
  }

  /** What is believed of an owner. @returns whether anything of it is now shown otherwise */
  note(owner: PeerId, listing: Listing, saidGoodbye: boolean): boolean {
    const isOther = setIn(this.#listed, owner, listing !== 'none')
    const isRestart = setIn(this.#restarting, owner, listing === 'healthy')
    const hasLeft = saidGoodbye && listing !== 'healthy'
    const isBackOrGone = this.#left.get(owner) !== hasLeft
    this.#left.set(owner, hasLeft)
    const isChanged = isOther || isRestart || isBackOrGone
    if (isChanged) this.#lookedAt = Number.NEGATIVE_INFINITY
    if (isChanged) this.changed(owner)
    return isChanged
  }

  /** From now on all that is read of an owner's instances may be another thing, also what its node says of itself. */
  changed(owner: PeerId): void {
    this.#changes += 1
    this.#changedAt.set(owner, this.#changes)
  }

  /** How many changes there were. */
  get changes(): number {
    return this.#changes
  }

  /** Whether anything changed with an owner after the first so many changes. */
  isChangedSince(owner: PeerId, changes: number): boolean {
    return (this.#changedAt.get(owner) ?? this.#forgotAt) > changes
  }

  /** What follows from changes is looked at soon after them, what follows from time once a second. @returns whether it is time */
  isLookDue(now: number): boolean {
    if (now - this.#lookedAt < look_ms) return false
    this.#lookedAt = now
    return true
  }

  forget(owner: PeerId): void {
    this.#listed.delete(owner)
    this.#restarting.delete(owner)
    this.#left.delete(owner)
    this.#changedAt.delete(owner)
    this.#changes += 1
    this.#forgotAt = this.#changes
  }

  /** Whether lookups show a record that counts, and is not removed. */
  shows(found: Found): boolean {
    return isInService(found) && this.#lists(found)
  }

  #lists({ owner, record }: Found): boolean {
    if (owner === this.#self) return true
    return this.#listed.has(owner) && (record.status === 'Healthy' || !this.#restarting.has(owner))
  }

  /** Went on purpose, not just to restart; or is not known any more. */
  hasLeft(owner: PeerId): boolean {
    return this.#left.get(owner) ?? owner !== this.#self
  }
}

/** Whether its owner means it to be called: what is in maintenance is not even last-known. */
export function isInService({ record }: { readonly record: InstanceRecord }): boolean {
  return record.maintenance === undefined
}

/** Why no lookup shows a record, in the order in which it is looked at; undefined where they show it. */
export function whyInvisible(
  { owner, record }: Found,
  { isRemoved, winner, isShown, state = 'unknown' }: Circumstances,
): InvisibleReason | undefined {
  if (isRemoved) return 'removed'
  if (winner !== undefined && winner !== owner) return 'superseded'
  if (!isInService({ record })) return 'maintenance'
  if (isShown) return undefined
  return state === 'alive' ? 'node-restarted' : `node-${state}`
}

/** Whether an owner is dead or gone for so long that its instances do not compete any more. */
export function isDormant(state: MemberState, age_ms: number): boolean {
  if (state === 'dead') return age_ms > dormantAfterDeath_ms
  return state === 'left' && age_ms > dormantAfterGoodbye_ms
}

/** @returns whether that changed anything */
function setIn(set: Set<PeerId>, id: PeerId, isIn: boolean): boolean {
  if (set.has(id) === isIn) return false
  if (isIn) set.add(id)
  else set.delete(id)
  return true
}
