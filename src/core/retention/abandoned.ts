/**
 * Instances that asked to be removed once their home node has been away for so long: the first of its living observers does it, as it
 * does with fences.
 */
import { durationOf } from '../model/duration.js'
import type { InstanceRecord, PeerId } from '../model/model.js'
import type { MemberState } from '../views.js'

/** How often all are looked at. */
const look_ms = 1000
/** The next observer in turn removes only after so much more: by then it has seen the removal of the one before. */
const stagger_ms = 2000

const isAway: Readonly<Record<MemberState, boolean>> = {
  unknown: false, // not heard in this run: it becomes dead where it stays so
  alive: false,
  hidden: true,
  dead: true,
  left: true,
}

interface Limit {
  /** How long it outlives its home node. */
  readonly limit_ms: number
  readonly n: number
  /** A registration that we hear of late, as the first word of a node that was cut off, has not been left alone until then. */
  readonly knownSince: number
}

/** What is believed of a home node. */
interface Standing {
  readonly state: MemberState
  readonly generation: number
}

interface Away {
  readonly since: number
  readonly generation: number
}

export class Abandoned {
  /** By owner and id. */
  readonly #limits = new Map<PeerId, Map<string, Limit>>()
  /** Whose limits there are of an id. */
  readonly #ownersById = new Map<string, Set<PeerId>>()
  /** Since when each is away, and which start of it. */
  readonly #away = new Map<PeerId, Away>()
  #lookedAt = Number.NEGATIVE_INFINITY

  /** The records of an id are these now, by their owners; of those of whom there was another one before it is gone. */
  follow(id: string, records: ReadonlyMap<PeerId, InstanceRecord>, self: PeerId, now: number): void {
    for (const [owner, record] of records) if (owner !== self) this.note(owner, id, record, now)
    for (const owner of [...(this.#ownersById.get(id) ?? [])])
      if (!records.has(owner)) this.note(owner, id, undefined, now)
  }

  /** How many are remembered. */
  get size(): number {
    return [...this.#limits.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** A record of another owner is like this now, or is gone. */
  note(owner: PeerId, id: string, record: InstanceRecord | undefined, now: number): void {
    const limit_ms = record?.deregisterAfter === undefined ? undefined : durationOf(record.deregisterAfter)
    const limits = this.#limits.get(owner)
    if (record !== undefined && limit_ms !== undefined) {
      const known = limits?.get(id)
      const knownSince = known?.n === record.n && known.limit_ms === limit_ms ? known.knownSince : now
      const limit = { limit_ms, n: record.n, knownSince }
      this.#limits.set(owner, (limits ?? new Map<string, Limit>()).set(id, limit))
      this.#ownersById.set(id, (this.#ownersById.get(id) ?? new Set()).add(owner))
    } else if (limits?.delete(id) === true) {
      if (limits.size === 0) this.#limits.delete(owner)
      this.#dropOwner(id, owner)
    }
  }

  #dropOwner(id: string, owner: PeerId): void {
    const owners = this.#ownersById.get(id)
    owners?.delete(owner)
    if (owners?.size === 0) this.#ownersById.delete(id)
  }

  /** The owners of any such instance. */
  owners(): Iterable<PeerId> {
    return this.#limits.keys()
  }

  isLookDue(now: number): boolean {
    if (now - this.#lookedAt < look_ms) return false
    this.#lookedAt = now
    return true
  }

  /**
   * What is to be removed of an owner by now.
   * @param member what is believed of it
   * @param turn which of its observers we are, from 0; below that we are none
   */
  due(owner: PeerId, member: Standing, turn: number, now: number): readonly string[] {
    const { state, generation } = member
    if (!isAway[state]) {
      this.#away.delete(owner)
      return []
    }
    const known = this.#away.get(owner)
    const since = known?.generation === generation ? known.since : now // that an earlier start was away says nothing of this one
    this.#away.set(owner, { since, generation })
    if (turn < 0) return []
    const away_ms = (from: number): number => now - Math.max(since, from) - turn * stagger_ms
    const limits = [...(this.#limits.get(owner) ?? [])]
    return limits.filter(([, { limit_ms, knownSince }]) => away_ms(knownSince) >= limit_ms).map(([id]) => id)
  }

  /** This daemon does not see enough of the cluster to say who is away. */
  beginAnew(): void {
    this.#away.clear()
  }

  /** This daemon was asleep for so long: it cannot say who was away. */
  forgive(slept_ms: number): void {
    for (const [owner, away] of this.#away) this.#away.set(owner, { ...away, since: away.since + slept_ms })
  }

  forget(owner: PeerId): void {
    for (const id of this.#limits.get(owner)?.keys() ?? []) this.#dropOwner(id, owner)
    this.#limits.delete(owner)
    this.#away.delete(owner)
  }
}
