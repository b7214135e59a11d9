/**
 * The registry in figures, for who watches over many daemons: made at the moment of asking, at the cost of one look at each record.
 */
import type { Moment } from './effects.js'
import type { Availability } from './lookup/slugs.js'
import { type InstanceStatus, instanceStatuses, type PeerId } from './model/model.js'
import type { StatusCause } from './own/health-checks.js'
import type { RegistryState } from './state.js'
import { type InstanceCounts, type MemberState, memberStates } from './views.js'

/** What is held, all documents together. */
export interface HeldFigures {
  readonly documents: number
  readonly entries: number
  /** Of the entries as they are, without what was before them. */
  readonly live_bytes: number
}

export class Figures {
  readonly #state: RegistryState

  constructor(state: RegistryState) {
    this.#state = state
  }

  /** By what is believed of them, this daemon included. */
  members(): Readonly<Record<MemberState, number>> {
    const counts = Object.fromEntries(memberStates.map((state) => [state, 0])) as Record<MemberState, number>
    counts.alive = 1
    for (const { state } of this.#state.liveness.membership.members()) counts[state] += 1
    return counts
  }

  /** For how long the neighbour that has held something else than this daemon for longest has done so; 0 where none does. */
  outOfStep_ms({ now }: Moment): number {
    return this.#state.liveness.outOfStep_ms(now)
  }

  /** Of each service, however many nodes it is at home at. */
  services(): Iterable<readonly [slug: string, availability: Availability]> {
    return this.#state.index.availability()
  }

  /** Those at home here, by status. */
  ownInstances(): Readonly<Record<InstanceStatus, number>> {
    const { records } = this.#state
    const counts = Object.fromEntries(instanceStatuses.map((status) => [status, 0])) as Record<InstanceStatus, number>
    for (const id of records.ownKeys('instances')) {
      const status = records.union.records(id).get(records.self)?.status
      if (status !== undefined) counts[status] += 1
    }
    return counts
  }

  /** Of all nodes, each id once. */
  instances(): InstanceCounts {
    const { records, index } = this.#state
    const visible: Partial<Record<InstanceStatus, number>> = {}
    let notVisible = 0
    for (const id of records.union.instanceIds()) {
      const status = index.isVisible(id) ? index.find(id)?.record.status : undefined
      if (status === undefined) notVisible += 1
      else visible[status] = (visible[status] ?? 0) + 1
    }
    return { visible, notVisible }
  }

  held(): HeldFigures {
    let [documents, entries, live_bytes] = [0, 0, 0]
    for (const [, held] of this.documents()) {
      documents += 1
      entries += held.size
      live_bytes += held.bytes
    }
    return { documents, entries, live_bytes }
  }

  /** Of each owner, this daemon first: how many entries its document has, and their bytes. */
  *documents(): Iterable<readonly [owner: PeerId, entries: { readonly size: number; readonly bytes: number }]> {
    const { self, records, replica } = this.#state
    yield [self, records]
    for (const owner of replica.owners()) {
      const held = replica.document(owner)?.entries
      if (held !== undefined) yield [owner, held]
    }
  }

  /** Programs that have opened one here. */
  get sessions(): number {
    return this.#state.sessions.size
  }

  /** How long after it was due the check of an own instance began that is under way. */
  checkLateness_ms(id: string): number {
    return this.#state.checks.lateness_ms(id)
  }

  /** Why an own instance is shown as it is; undefined of what is at home elsewhere. */
  causeOf(id: string): StatusCause | undefined {
    return this.#state.checks.causeOf(id)
  }

  /** Why nothing can be written at present, as one word; undefined where it can. */
  get obstacle(): 'disk' | 'joining' | 'stale' | 'muted' | undefined {
    const { phase, commits, isStale } = this.#state
    if (phase.name === 'muted') return 'muted'
    if (commits.refusal !== undefined) return 'disk'
    if (isStale) return 'stale'
    return this.#state.joining === undefined ? undefined : 'joining'
  }
}
