/**
 * The registry as its readers see it: views are made here, or just beside, from the tables, at the moment of asking.
 */
import { ByName } from './by-name.js'
import { defaultCheck } from './model/check.js'
import type { Moment } from './effects.js'
import { formatDuration } from './model/duration.js'
import { RegistryError } from './model/errors.js'
import { fromHereOf } from './from-here.js'
import { frozen } from './basics/frozen.js'
import { type Steps, atOnce } from './basics/steps.js'
import type { LineView } from './link-views.js'
import { drainedBy } from './model/holds.js'
import { lifetimeShown } from './model/lifetime.js'
import type { Degraded, Doubt } from './lookup/degraded.js'
import type { Listed, PickQuery } from './lookup/chooser.js'
import { type PlacementQuery, placementOf } from './lookup/placement.js'
import { type Index, idOf } from './lookup/slugs.js'
import { memberViews } from './member-views.js'
import {
  type Definition,
  type InstanceRecord,
  type NodeRecord,
  type PeerId,
  type Registration,
  deriveNodeId,
  readObject,
  versionsOf,
} from './model/model.js'
import { digestOfAll } from './digest-of-all.js'
import { whyNotShown } from './not-shown.js'
import { endingOf } from './own/ending.js'
import { exchangeView } from './peers/heartbeats.js'
import type { Found, Union } from './records/union.js'
import { viewOfRecord } from './shown.js'
import type { RegistryState } from './state.js'
import type {
  DigestView,
  ExchangeView,
  Freshness,
  InstanceRow,
  InstanceView,
  LookupResult,
  MemberView,
  NodeView,
  PickResult,
  PlacedNode,
  SessionView,
  SlugList,
} from './views.js'
import { atPort } from './views.js'

export class Reads {
  readonly byName: ByName
  readonly #state: RegistryState
  // What a pick reads, at hand: it is called millions of times a second.
  readonly #union: Union
  readonly #index: Index
  readonly #degraded: Degraded
  /** What `picked` gave out. */
  readonly #views = new WeakMap<Found, InstanceView>()
  readonly #listed = new WeakMap<object, Listed<InstanceView>>()
  /** The home nodes of what is listed. */
  readonly #homes = new WeakMap<object, readonly PeerId[]>()
  /** The same at the named ports that they have, of which there are not many. */
  readonly #viewsAt = new WeakMap<InstanceView, Map<string, InstanceView | undefined>>()

  constructor(state: RegistryState) {
    this.byName = new ByName(state)
    this.#state = state
    this.#union = state.records.union
    this.#index = state.index
    this.#degraded = state.degraded
  }

  instance(found: Found, at: Moment): InstanceView {
    const lastHeartbeat = found.record.status === 'Healthy' ? this.#heardAt(found.owner, at) : undefined
    return { ...this.#lasting(found), ...(lastHeartbeat !== undefined && { lastHeartbeat }) }
  }

  /** What callers see of an instance, but for what changes by the second. */
  #lasting({ owner, record }: Found): InstanceView {
    const shown = viewOfRecord(record)
    const node = this.#union.node(owner)
    const zone = shown.zone ?? node?.availabilityZone
    return {
      ...shown,
      ...(node !== undefined && { nodeUrl: node.url }),
      ...(zone !== undefined && { zone }),
      ...(node?.region !== undefined && { region: node.region }),
    }
  }

  /** @throws RegistryError `not-found` where no record has that slug */
  lookup(slug: string, at: Moment, query?: PickQuery): LookupResult {
    const degraded = this.#degraded.isOn
    const found = this.#demandKnown(slug, degraded)
    const picked = this.#called(this.suggest(slug, query), at, query)
    return { slug, instances: found.map((one) => this.instance(one, at)), ...(picked && { picked }), degraded }
  }

  /**
   * `pick` for callers elsewhere.
   * @throws RegistryError `not-found` where no record has that slug
   */
  pickOnce(slug: string, at: Moment, query?: PickQuery): PickResult {
    const degraded = this.#degraded.isOn
    this.#demandKnown(slug, degraded)
    const picked = this.#called(this.pick(slug, query), at, query)
    return { slug, ...(picked && { picked }), degraded }
  }

  /** As it is called by whoever asked for it. */
  #called(found: Found | undefined, at: Moment, query?: PickQuery): InstanceView | undefined {
    const view = found && this.instance(found, at)
    return view === undefined || query?.port === undefined ? view : atPort(view, query.port)
  }

  /** How old a lookup of that slug may be. It costs no more than there are home nodes of it. */
  freshness(slug: string, at: Moment): Freshness {
    const heardAge_ms = this.#heardAge_ms(slug, at.now)
    return { ...(heardAge_ms !== undefined && { heardAge_ms }), ...this.#state.liveness.agreement(at.now) }
  }

  #heardAge_ms(slug: string, now: number): number | undefined {
    const degraded = this.#degraded.isOn
    const listing = this.#index.version(slug, degraded)
    if (listing === undefined) return undefined
    let homes = this.#homes.get(listing)
    if (homes === undefined) {
      homes = [...new Set(this.#index.lookup(slug, degraded)?.map(({ owner }) => owner))]
      this.#homes.set(listing, homes)
    }
    return homes.length === 0 && degraded ? undefined : this.#state.liveness.heardAge_ms(homes, now)
  }

  #demandKnown(slug: string, degraded: boolean): readonly Found[] {
    const found = this.#index.lookup(slug, degraded)
    if (found !== undefined) return found
    throw new RegistryError('not-found', `slug: nothing is registered as ${JSON.stringify(slug)}`)
  }

  /**
   * Another object as soon as a lookup of this slug would say anything else, moments of heartbeats aside.
   * @param lastKnown whether those count that are shown only in doubt, as in `lookup` and not in `instances`
   */
  version(slug: string, lastKnown: boolean): object | undefined {
    return this.#index.version(slug, lastKnown && this.#degraded.isOn)
  }

  /** Another number as soon as `version` of any slug may be another object: who follows many need not look at each, again and again. */
  get revision(): number {
    return 2 * this.#index.revision + Number(this.#degraded.isOn)
  }

  /** What a lookup of this slug lists, as callers in this program see it: without what changes by the second. */
  list(slug: string): Omit<SlugList, 'position'> {
    const listed = this.listed(slug)
    const known = listed === undefined ? { unknown: true as const } : {}
    return { slug, instances: listed?.pools.at(-1)?.listed ?? [], degraded: this.#degraded.isOn, ...known }
  }

  /** The next instance of a slug to call, of the best status there is. */
  pick(slug: string, query?: PickQuery): Found | undefined {
    return this.#index.pick(slug, this.#degraded.isOn, query, this.#loadOf)
  }

  /** The one that the next lookup names: lookups have a turn of their own, and move nobody's pick. */
  suggest(slug: string, query?: PickQuery): Found | undefined {
    return this.#index.suggest(slug, this.#degraded.isOn, query, this.#loadOf)
  }

  /** How busy its machine is, in percent, as of the last heartbeat; of whom nothing is known as busy as not. */
  readonly #loadOf = ({ owner }: Found): number => {
    const { membership, heartbeats } = this.#state.liveness
    return (owner === this.#state.self ? heartbeats.load : membership.member(owner)?.load) ?? 50
  }

  /** What an instance is registered for, visible or not; null where it is for nothing, undefined where it is unknown. */
  slugOf(id: string): string | null | undefined {
    const standing = this.#union.standingAwayToo(id)
    return standing && (standing.record.slug ?? null)
  }

  /** At home where, visible or not. */
  homeOf(id: string): PeerId | undefined {
    return this.#union.standingAwayToo(id)?.owner
  }

  /** How an instance is, visible or not. */
  statusOf(id: string): Pick<InstanceView, 'status' | 'details'> | undefined {
    const record = this.#union.standingAwayToo(id)?.record
    return record && { status: record.status, ...(record.details !== undefined && { details: record.details }) }
  }

  /** What the instance is registered for that this registration would change, visible or not. */
  slugMeant(registration: Registration): string | null | undefined {
    return this.slugOf(this.idMeant(registration))
  }

  /** The instance that this registration would make, or change. */
  idMeant(registration: Registration): string {
    const { crypto, self } = this.#state
    return idOf(registration, this.#index, { self, hash: crypto.hash })
  }

  /** The record of an instance that counts, visible or not. */
  record(id: string): InstanceRecord | undefined {
    return this.#index.find(id)?.record
  }

  /** The instance with that id, where readers see it. */
  visible(id: string, at: Moment): InstanceView | undefined {
    const found = this.#index.isVisible(id) ? this.#index.find(id) : undefined
    return found === undefined ? undefined : this.instance(found, at)
  }

  /**
   * `pick` for callers in this program: the same unchangeable object as long as nothing about the instance changes, so that a
   * pick costs no allocation. It goes without `lastHeartbeat`, which changes all the time.
   */
  picked(slug: string, query?: PickQuery): InstanceView | undefined {
    const found = this.pick(slug, query)
    if (found === undefined) return undefined
    const view = this.#viewOf(found)
    return query?.port === undefined ? view : this.#viewAt(view, query.port)
  }

  /** What a pick chooses from, as callers in this program see it; another one as soon as that changes. */
  listed(slug: string): Listed<InstanceView> | undefined {
    const found = this.#index.listed(slug, this.#degraded.isOn)
    if (found === undefined) return undefined
    const known = this.#listed.get(found)
    if (known !== undefined) return known
    const pools = found.pools.map(({ listed, ...pool }) => ({
      ...pool,
      listed: listed.map((one) => this.#viewOf(one)),
    }))
    const made = { pools }
    this.#listed.set(found, made)
    return made
  }

  #viewAt(view: InstanceView, port: string): InstanceView | undefined {
    let views = this.#viewsAt.get(view)
    if (views === undefined) this.#viewsAt.set(view, (views = new Map<string, InstanceView | undefined>()))
    const known = views.get(port)
    if (known !== undefined) return known
    const made = frozen(atPort(view, port))
    views.set(port, made)
    return made
  }

  #viewOf(found: Found): InstanceView {
    const known = this.#views.get(found)
    const node = this.#union.node(found.owner)
    const zone = found.record.zone ?? node?.availabilityZone
    if (known !== undefined && known.nodeUrl === node?.url && known.zone === zone && known.region === node?.region)
      return known
    const view = frozen(this.#lasting(found))
    this.#views.set(found, view)
    return view
  }

  /** @param slug only those; costs no more than they do */
  instances(at: Moment, slug?: string): InstanceView[] {
    const found = slug === undefined ? [...this.#index.visible()] : (this.#index.lookup(slug, false) ?? [])
    return found.map((one) => this.instance(one, at)).sort(byId)
  }

  /** @param isWanted those that count: to look at each costs little, to tell all of it much */
  rows(at: Moment, isWanted: (record: InstanceRecord) => boolean = () => true): InstanceRow[] {
    const rows: InstanceRow[] = []
    for (const id of this.#union.instanceIds()) {
      for (const [owner, record] of this.#union.records(id)) {
        if (!isWanted(record)) continue
        const nodeId = this.#union.node(owner)?.id
        const hidden = whyNotShown({ owner, record }, this.#state)
        const recovering = owner === this.#state.self ? this.#state.checks.recovering(id) : undefined
        rows.push({
          ...this.instance({ owner, record }, at),
          ...(recovering !== undefined && { details: recovering }),
          owner,
          ...(nodeId !== undefined && { nodeId }),
          n: record.n,
          check: record.check ?? defaultCheck,
          ...lifetimeShown(record),
          ...(record.maintenance !== undefined && { maintenance: record.maintenance }),
          ...this.#ends({ owner, record }, at),
          visible: hidden === undefined,
          ...hidden,
          ...fromHereOf({ owner, record }, this.#state, at.now),
          ...(hidden !== undefined && this.#isLastKnown(id, owner) && { degraded: true }),
          ...(this.#index.isPickable(id, owner, this.#degraded.isOn) && { pickable: true }),
        })
      }
    }
    return rows.sort(byId)
  }

  #ends({ owner, record }: Found, { now }: Moment): Pick<InstanceRow, 'drainedBy' | 'ending'> {
    return { ...drainedBy(record), ...(owner === this.#state.self && endingOf(record.id, this.#state, now)) }
  }

  /** Whether lookups list it all the same, since we are in doubt. */
  #isLastKnown(id: string, owner: PeerId): boolean {
    return this.#degraded.isOn && this.#index.isLastKnown(id, owner)
  }

  definition(id: string): Definition | undefined {
    return this.#union.definition(id)
  }

  definitions(): Definition[] {
    const definitions = [...this.#union.definitionIds()].map((id) => this.#union.definition(id))
    return definitions.filter((definition) => definition !== undefined).sort(byId)
  }

  /** What the owner calls its node; undefined before its record is known. */
  nodeId(owner: PeerId): string | undefined {
    return this.#state.nodeOf(owner)?.id
  }

  /** What the owner says of its node; undefined before that is known. */
  nodeRecord(owner: PeerId): NodeRecord | undefined {
    return this.#union.node(owner)
  }

  node(owner: PeerId, at: Moment): NodeView {
    const record = this.#state.nodeOf(owner)
    const vitals = readObject(this.#state.liveness.heartbeats.vitalsOf(owner) ?? '')
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
    return this.#living()
      .map((owner) => this.node(owner, at))
      .sort(byId)
  }

  #living(): PeerId[] {
    const { self, liveness } = this.#state
    const others = [...liveness.membership.members()].filter(({ state }) => state === 'alive').map(({ id }) => id)
    return [self, ...others].filter((owner) => this.#union.node(owner) !== undefined)
  }

  /** Living nodes, those with the most room first. */
  pickNodes(query: PlacementQuery, at: Moment): PlacedNode[] {
    const nodes = this.#living().map((owner) => ({ node: this.node(owner, at), age_ms: this.#vitalsAge_ms(owner, at) }))
    return placementOf(nodes, query)
  }

  #vitalsAge_ms(owner: PeerId, { now }: Moment): number | undefined {
    const { membership, heartbeats } = this.#state.liveness
    const member = membership.member(owner)
    const word = member && { ...member, generation: member.heardGeneration }
    return heartbeats.vitalsAge_ms(owner, word, now)
  }

  /** By owner, whether or not they live. */
  nodeRecords(): ReadonlyMap<PeerId, NodeRecord> {
    return this.#union.nodes()
  }

  /** What heartbeats and syncs with one peer have brought. */
  exchange(peer: PeerId, at: Moment): ExchangeView {
    return exchangeView(this.#state.liveness.peers.get(peer), at.now)
  }

  /** What there should be with one peer, and what there was. */
  line(peer: PeerId, at: Moment): LineView {
    return this.#state.liveness.line(peer, at.now)
  }

  /** Whether this daemon means to be connected with a peer. */
  wants(peer: PeerId): boolean {
    return this.#state.liveness.overlay.wants(peer)
  }

  /** How many living nodes this daemon means to be connected with beside these. */
  missing(connected: ReadonlySet<PeerId>): number {
    const { membership } = this.#state.liveness
    let missing = 0
    for (const { id, state } of membership.members())
      if (state === 'alive' && !connected.has(id) && this.wants(id)) missing += 1
    return missing
  }

  sessions(at: Moment): SessionView[] {
    const { sessions, expiry } = this.#state
    return sessions.list(at.now).map(({ grace_ms, ...session }) => ({
      ...session,
      grace: formatDuration(grace_ms),
      instances: expiry.countOf(session.id),
    }))
  }

  /** Those who observe a member, as the rings are seen here. */
  observers(peer: PeerId): readonly PeerId[] {
    const { self, liveness } = this.#state
    const { membership } = liveness
    if (peer === self) return membership.observers()
    const member = membership.member(peer)
    return member === undefined ? [] : membership.observersOf(member)
  }

  /** How much of the cluster is left to its sight; absent while that is most of it. */
  get doubt(): Doubt | undefined {
    return this.#degraded.doubt
  }

  /** Members believed alive, this daemon included. */
  get alive(): number {
    return this.#state.liveness.membership.alive()
  }

  get ownersDeclined(): number {
    return this.#state.replica.sizes.declined
  }

  /** By peer id, this daemon among them. */
  members(at: Moment): MemberView[] {
    return atOnce(this.membersInSteps(at))
  }

  /** The same, a few at a time. */
  membersInSteps(at: Moment): Steps<MemberView[]> {
    return memberViews(this.#state, at)
  }

  /** Of one other node, for whoever tells of its line; all absent where nothing is known of it. */
  labelsOf(peer: PeerId, at: Moment): Pick<MemberView, 'nodeId' | 'trouble' | 'troubleKind' | 'software' | 'protocol'> {
    const record = this.#union.node(peer)
    const trouble = this.#state.liveness.membership.member(peer) && this.#state.troubleOf(peer, at.now)
    return {
      ...(record !== undefined && { nodeId: record.id }),
      ...versionsOf(record),
      ...(trouble !== undefined && { trouble: trouble.text, troubleKind: trouble.kind }),
    }
  }

  digest(): DigestView {
    return atOnce(this.digestInSteps())
  }

  /** The same, a few at a time. */
  digestInSteps(): Steps<DigestView> {
    const { replica, commits, crypto } = this.#state
    const heads = [...replica.owners()].map((owner) => replica.signed(owner))
    const signed = [...heads, commits.signed].filter((head) => head !== undefined)
    return digestOfAll(signed, crypto)
  }

  /** Our own clock minus the age of the owner's last word; two machines' clocks are never compared. */
  #heardAt(owner: PeerId, at: Moment): string | undefined {
    if (owner === this.#state.self) return new Date(at.wall).toISOString()
    const heardAt = this.#state.liveness.membership.member(owner)?.heardAt
    return heardAt === undefined ? undefined : new Date(at.wall - Math.max(0, at.now - heardAt)).toISOString()
  }
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
