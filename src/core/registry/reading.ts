/**
 * The registry as its readers see it: every view is made here, from the tables, at the moment of asking.
 */
import { defaultCheck } from '../check.js'
import type { Moment } from '../effects.js'
import { RegistryError } from '../errors.js'
import { frozen } from '../frozen.js'
import type { Member } from '../membership/member.js'
import { type Index, idOf } from '../lookup.js'
import type { Found } from '../replica/union.js'
import {
  type Definition,
  type NodeRecord,
  type PeerId,
  type Registration,
  deriveNodeId,
  hex,
  readObject,
} from '../model.js'
import type {
  DigestView,
  ExchangeView,
  InstanceRow,
  InstanceView,
  LookupResult,
  MemberView,
  NodeView,
} from '../views.js'
import type { Desk } from './desk.js'

/** What the views need besides the tables. */
export interface ReadingParts {
  readonly desk: Desk
  readonly index: Index
  /** What is odd about an owner's documents lately. */
  readonly troubleOf: (owner: PeerId, now: number) => string | undefined
  /** The newest vitals of an owner, as it sent them. */
  readonly vitalsOf: (owner: PeerId) => string | undefined
  readonly ownLoad: () => number | undefined
  readonly isInDoubt: () => boolean
  readonly exchangeWith: (peer: PeerId, now: number) => ExchangeView
  /** Whether this daemon means to be connected with a peer. */
  readonly wants: (peer: PeerId) => boolean
  readonly startedAt: number
}

export class Reading {
  readonly #parts: ReadingParts
  /** What `picked` gave out. */
  readonly #views = new WeakMap<Found, InstanceView>()

  constructor(parts: ReadingParts) {
    this.#parts = parts
  }

  instance(found: Found, at: Moment): InstanceView {
    const lastHeartbeat = found.record.status === 'Healthy' ? this.#heardAt(found.owner, at) : undefined
    return { ...this.#lasting(found), ...(lastHeartbeat !== undefined && { lastHeartbeat }) }
  }

  /** What callers see of an instance, but for what changes by the second. */
  #lasting({ owner, record }: Found): InstanceView {
    const { n: _n, check: _check, maintenance: _maintenance, ...facts } = record
    const nodeUrl = this.#parts.desk.union.node(owner)?.url
    return { ...facts, ...(nodeUrl !== undefined && { nodeUrl }) }
  }

  /** @throws RegistryError `not-found` where no record has that slug */
  lookup(slug: string, at: Moment): LookupResult {
    const degraded = this.#parts.isInDoubt()
    const found = this.#parts.index.lookup(slug, degraded)
    if (found === undefined) {
      throw new RegistryError('not-found', `slug: nothing is registered as ${JSON.stringify(slug)}`)
    }
    const picked = this.pick(slug)
    return {
      slug,
      instances: found.map((one) => this.instance(one, at)),
      ...(picked !== undefined && { picked: this.instance(picked, at) }),
      degraded,
    }
  }

  /**
   * Another object as soon as a lookup of this slug would say anything else, moments of heartbeats aside.
   * @param lastKnown whether those count that are shown only in doubt, as in `lookup` and not in `instances`
   */
  version(slug: string, lastKnown: boolean): object | undefined {
    return this.#parts.index.version(slug, lastKnown && this.#parts.isInDoubt())
  }

  /** The next instance of a slug in turn, of the best status there is. */
  pick(slug: string): Found | undefined {
    return this.#parts.index.pick(slug, this.#parts.isInDoubt())
  }

  /** What an instance is registered for, visible or not. */
  slugOf(id: string): string | undefined {
    return this.#parts.index.findAwayToo(id)?.record.slug
  }

  /** What the instance is registered for that this registration would change, visible or not. */
  slugMeant(registration: Registration): string | undefined {
    const { index, desk } = this.#parts
    return this.slugOf(idOf(registration, index, desk.crypto.hash))
  }

  /** The instance with that id, where readers see it. */
  visible(id: string, at: Moment): InstanceView | undefined {
    const { index } = this.#parts
    const found = index.isVisible(id) ? index.find(id) : undefined
    return found === undefined ? undefined : this.instance(found, at)
  }

  /**
   * `pick` for callers in this program: the same unchangeable object as long as nothing about the instance changes, so that a
   * pick costs no allocation. It goes without `lastHeartbeat`, which changes all the time.
   */
  picked(slug: string): InstanceView | undefined {
    const found = this.pick(slug)
    if (found === undefined) return undefined
    const known = this.#views.get(found)
    if (known !== undefined && known.nodeUrl === this.#parts.desk.union.node(found.owner)?.url) return known
    const view = frozen(this.#lasting(found))
    this.#views.set(found, view)
    return view
  }

  /** @param slug only those; costs no more than they do */
  instances(at: Moment, slug?: string): InstanceView[] {
    const { index } = this.#parts
    const found = slug === undefined ? [...index.visible()] : (index.lookup(slug, false) ?? [])
    return found.map((one) => this.instance(one, at)).sort(byId)
  }

  rows(at: Moment): InstanceRow[] {
    const rows: InstanceRow[] = []
    for (const id of this.#parts.desk.union.instanceIds()) {
      for (const [owner, record] of this.#parts.desk.union.records(id)) {
        const nodeId = this.#parts.desk.union.node(owner)?.id
        const hidden = this.#whyInvisible({ owner, record })
        rows.push({
          ...this.instance({ owner, record }, at),
          owner,
          ...(nodeId !== undefined && { nodeId }),
          n: record.n,
          check: record.check ?? defaultCheck,
          ...(record.maintenance !== undefined && { maintenance: record.maintenance }),
          visible: hidden === undefined,
          ...hidden,
        })
      }
    }
    return rows.sort(byId)
  }

  #whyInvisible({
    owner,
    record: { id, n, maintenance },
  }: Found): Required<Pick<InstanceRow, 'why' | 'reason'>> | undefined {
    const { union, membership } = this.#parts.desk
    if (n <= union.removedUpTo(id)) return { why: 'removed', reason: 'removed' }
    const winner = this.#parts.index.find(id)
    if (winner !== undefined && winner.owner !== owner) {
      return { why: `superseded by ${union.node(winner.owner)?.id ?? winner.owner}`, reason: 'superseded' }
    }
    if (maintenance !== undefined) return { why: `in maintenance: ${maintenance}`, reason: 'maintenance' }
    if (this.#parts.index.isVisible(id)) return undefined
    const state = membership.member(owner)?.state ?? 'unknown'
    return state === 'alive'
      ? { why: 'node started again', reason: 'node-restarted' }
      : { why: `node ${state}`, reason: `node-${state}` }
  }

  definitions(): Definition[] {
    const { union } = this.#parts.desk
    const definitions = [...union.definitionIds()].map((id) => union.definition(id))
    return definitions.filter((definition) => definition !== undefined).sort(byId)
  }

  /** What the owner calls its node; undefined before its record is known. */
  nodeId(owner: PeerId): string | undefined {
    return this.#parts.desk.union.node(owner)?.id
  }

  node(owner: PeerId, at: Moment): NodeView {
    const record = this.#parts.desk.union.node(owner)
    const vitals = readObject(this.#parts.vitalsOf(owner) ?? '')
    const { usage, gpus } = vitals ?? {}
    const lastHeartbeat = this.#heardAt(owner, at)
    return {
      id: record?.id ?? deriveNodeId(owner),
      url: record?.url ?? '',
      ...(record?.region !== undefined && { region: record.region }),
      ...(record?.availabilityZone !== undefined && { availabilityZone: record.availabilityZone }),
      ...(lastHeartbeat !== undefined && { lastHeartbeat }),
      ...(usage !== undefined && { usage: usage as NonNullable<NodeView['usage']> }),
      ...(Array.isArray(gpus) && gpus.length > 0 && { gpus: gpus as readonly unknown[] }),
    }
  }

  /** The living nodes, this one included. */
  nodes(at: Moment): NodeView[] {
    const { self, membership } = this.#parts.desk
    const owners = [self, ...[...membership.members()].filter(({ state }) => state === 'alive').map(({ id }) => id)]
    return owners
      .filter((owner) => this.#parts.desk.union.node(owner) !== undefined)
      .map((owner) => this.node(owner, at))
      .sort(byId)
  }

  /** By owner, whether or not they live. */
  nodeRecords(): ReadonlyMap<PeerId, NodeRecord> {
    return this.#parts.desk.union.nodes()
  }

  /** What heartbeats and syncs with one peer have brought. */
  exchange(peer: PeerId, at: Moment): ExchangeView {
    return this.#parts.exchangeWith(peer, at.now)
  }

  /** Whether this daemon means to be connected with a peer. */
  wants(peer: PeerId): boolean {
    return this.#parts.wants(peer)
  }

  /** Those who observe a member, as the rings are seen here. */
  observers(peer: PeerId): readonly PeerId[] {
    const { membership, self } = this.#parts.desk
    if (peer === self) return membership.observers()
    const member = membership.member(peer)
    return member === undefined ? [] : membership.observersOf(member)
  }

  /** Members believed alive, this daemon included. */
  get alive(): number {
    return this.#parts.desk.membership.alive()
  }

  members(at: Moment): MemberView[] {
    const { membership } = this.#parts.desk
    const others = [...membership.members()].map((member) => this.#member(member, at))
    return [this.#self(at), ...others].sort((a, b) => (a.peer < b.peer ? -1 : 1))
  }

  #member(member: Readonly<Member>, at: Moment): MemberView {
    const { id, state, since, why, heardAt, generation, incarnation, load } = member
    const trouble = this.#parts.troubleOf(id, at.now)
    return {
      ...this.#labels(id),
      self: false,
      state,
      stateAge_ms: Math.round(at.now - since),
      why,
      ...(heardAt !== undefined && { heardAge_ms: Math.max(0, Math.round(at.now - heardAt)) }),
      generation,
      incarnation,
      version: this.#parts.desk.replica.head(id)?.version ?? 0,
      ...(load !== undefined && { load }),
      reportedBy: this.#parts.desk.membership.reporters(id, at.now),
      ...(trouble !== undefined && { trouble }),
    }
  }

  #self(at: Moment): MemberView {
    const { self, journal } = this.#parts.desk
    const load = this.#parts.ownLoad()
    return {
      ...this.#labels(self),
      self: true,
      state: 'alive',
      stateAge_ms: Math.round(at.now - this.#parts.startedAt),
      heardAge_ms: 0,
      generation: journal.generation,
      incarnation: journal.incarnation,
      version: journal.signed?.head.version ?? 0,
      ...(load !== undefined && { load }),
      reportedBy: [],
    }
  }

  #labels(peer: PeerId): Pick<MemberView, 'peer' | 'nodeId' | 'url' | 'sameLabel'> {
    const { union } = this.#parts.desk
    const record = union.node(peer)
    const sameLabel = [...union.nodes()].some(([other, { id }]) => other !== peer && id === record?.id)
    return { peer, ...(record !== undefined && { nodeId: record.id, url: record.url }), sameLabel }
  }

  digest(): DigestView {
    const { replica, journal, crypto } = this.#parts.desk
    const heads = [...replica.owners()].map((owner) => replica.document(owner)?.signed)
    const signed = [...heads, journal.signed].filter((head) => head !== undefined)
    signed.sort((a, b) => (a.head.owner < b.head.owner ? -1 : 1))
    const all = new Uint8Array(signed.length * 32)
    signed.forEach((head, i) => all.set(crypto.hash(head.bytes), i * 32))
    const documents = signed.map(({ head: { owner, generation, version, digest } }) => ({
      owner,
      generation,
      version,
      digest: hex(digest),
    }))
    return { digest: hex(crypto.hash(all)), documents }
  }

  /** Our own clock minus the age of the owner's last word; two machines' clocks are never compared. */
  #heardAt(owner: PeerId, at: Moment): string | undefined {
    if (owner === this.#parts.desk.self) return new Date(at.wall).toISOString()
    const heardAt = this.#parts.desk.membership.member(owner)?.heardAt
    return heardAt === undefined ? undefined : new Date(at.wall - Math.max(0, at.now - heardAt)).toISOString()
  }
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
