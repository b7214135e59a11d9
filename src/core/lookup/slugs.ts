/**
 * The index that lookups read: instances by slug or url, those of them that are visible, which one to pick next.
 * It follows the union and what is visible of it; it never reads a document and never waits.
 */
import { dnsNameOf } from '../model/dns-name.js'
import type { Crypto, InstanceChange, RegistryEvent } from '../effects.js'
import {
  type InstanceStatus,
  canonicalJson,
  deriveInstanceId,
  type InstanceRecord,
  type NodeRecord,
  type PeerId,
  type Registration,
} from '../model/model.js'
import type { Found, Union } from '../records/union.js'
import { isOfItsNode } from '../model/url.js'
import type { Reading, Whereabouts } from './candidates.js'
import { Chooser, type Listed, type LoadOf, type PickQuery } from './chooser.js'
import { isWell } from './preference.js'
import type { Reach } from './reach.js'
import { type Visibility, isInService } from './visibility.js'

/**
 * Of the instances of a service that are meant to be called (not in maintenance, not draining) so many can be: none also where none is
 * meant to be.
 */
export type Availability = 'all' | 'some' | 'none'

/** One slug's instances, by id, ready to be read. Replaced, never changed, so a reader may keep it. */
interface Listing extends Listed<Found> {
  readonly visible: readonly Found[]
}

/** A listing holds for as long as nothing changes with any of these owners. */
interface Kept {
  readonly listing: Listing
  readonly owners: ReadonlySet<PeerId>
  /** After how many changes of what is visible that was looked at last. */
  asOf: number
}

/**
 * The id that a registration at this daemon gives; else that of the instance with its url and no other slug; else one that follows
 * from both. A url that leads somewhere else on each machine is another one at each home node.
 */
export function idOf({ id, slug, url }: Registration, index: Index, { self, hash }: Registrar): string {
  const owner = isOfItsNode(url) ? self : undefined
  const said = slug ?? undefined
  return id ?? index.idAt(url, said, owner) ?? deriveInstanceId(said, url, hash, owner)
}

/** The daemon at which something is registered, and what its ids are made with. */
interface Registrar {
  readonly self: PeerId
  readonly hash: Crypto['hash']
}

/** Who picks. */
interface Picking {
  readonly self: PeerId
  readonly seed: number
  /** Whom it does not reach. */
  readonly reach: Reach
  /** What a node says of itself; of this one, from its start on. By default, what is in the union. */
  readonly nodeOf?: NodeOf
}

type NodeOf = (owner: PeerId) => Pick<NodeRecord, 'availabilityZone' | 'region'> | undefined

export class Index {
  readonly #union: Union
  readonly #visibility: Visibility
  readonly #reach: Reach
  readonly #winners = new Map<string, Found>()
  readonly #idsBySlug = new Map<string, Set<string>>()
  /** Slugs with other than small letters, by the name that they have in the DNS. */
  readonly #spellings = new Map<string, Set<string>>()
  readonly #idsByUrl = new Map<string, Set<string>>()
  readonly #idsByOwner = new Map<PeerId, Set<string>>()
  /** The ids that readers were told of as visible. */
  readonly #told = new Set<string>()
  /** Owners whose ids readers may have been told otherwise than they are, with those that are still to be looked at. */
  readonly #untold = new Map<PeerId, Iterator<string>>()
  #revision = 0
  readonly #listings = new Map<string, Kept>()
  readonly #lastKnown = new Map<string, Kept>()
  /** Picks and lookups take turns of their own: whoever only looks moves nobody's pick. */
  readonly #picks: Chooser<Found>
  readonly #suggestions: Chooser<Found>

  /** @param seed of chance, and where turns begin: differs between daemons, so that they do not all pick the same one first */
  constructor(
    union: Union,
    visibility: Visibility,
    { self, seed, reach, nodeOf = (owner) => union.node(owner) }: Picking,
  ) {
    this.#union = union
    this.#reach = reach
    this.#visibility = visibility
    const chooser = (): Chooser<Found> => new Chooser(readingOf(nodeOf, self), seed)
    this.#picks = chooser()
    this.#suggestions = chooser()
  }

  /** The union has changed at this id. @returns what that is for readers */
  refresh(id: string): RegistryEvent[] {
    const before = this.#winners.get(id)
    const after = this.#union.standing(id)
    if (before !== undefined && after !== undefined && isFoundAlike(before, after)) this.#winners.set(id, after)
    else {
      if (before !== undefined) this.#unlink(id, before)
      if (after !== undefined) this.#link(id, after)
    }
    if (before !== undefined && (before.owner !== after?.owner || before.record.n !== after?.record.n))
      this.#reach.forget(id)
    const events: RegistryEvent[] = []
    if (before !== undefined && after !== undefined && before.owner !== after.owner)
      events.push(moveOf(id, before, after))
    if (before !== undefined && after !== undefined && before.record.status !== after.record.status)
      events.push(statusNewsOf(id, before.record.status, after))
    return events.concat(this.#refreshVisibility(id, before))
  }

  /**
   * The belief about this owner has changed: whoever reads sees that at once, whoever follows is told with `tellMore`. An owner may have
   * 150 000 instances.
   */
  ownerChanged(owner: PeerId): void {
    const ids = this.#idsByOwner.get(owner)
    if (ids !== undefined) this.#untold.set(owner, ids.values())
  }

  /** Whether there is more to tell. */
  get hasUntold(): boolean {
    return this.#untold.size > 0
  }

  /** @param most instances that are looked at. @returns what that is for readers */
  tellMore(most: number): RegistryEvent[] {
    const events: RegistryEvent[] = []
    let left = most
    for (const [owner, ids] of this.#untold) {
      for (let next = ids.next(); next.done !== true; next = ids.next()) {
        const found = this.#winners.get(next.value)
        events.push(...this.#tell(next.value, found, found))
        left -= 1
        if (left === 0) return events
      }
      this.#untold.delete(owner)
    }
    return events
  }

  #link(id: string, found: Found): void {
    this.#winners.set(id, found)
    addTo(this.#idsByOwner, found.owner, id)
    addTo(this.#idsByUrl, found.record.url, id)
    const { slug } = found.record
    if (slug === undefined) return
    if (!this.#idsBySlug.has(slug)) this.#spell(slug, addTo)
    addTo(this.#idsBySlug, slug, id)
  }

  #unlink(id: string, found: Found): void {
    this.#winners.delete(id)
    removeFrom(this.#idsByOwner, found.owner, id)
    removeFrom(this.#idsByUrl, found.record.url, id)
    const { slug } = found.record
    if (slug === undefined) return
    removeFrom(this.#idsBySlug, slug, id)
    if (!this.#idsBySlug.has(slug)) this.#spell(slug, removeFrom)
  }

  #spell(slug: string, change: typeof addTo): void {
    const name = dnsNameOf(slug)
    if (name !== undefined && name !== slug) change(this.#spellings, name, slug)
  }

  /** A slug that nothing has any more is forgotten, with its turns: nobody could fill the memory with old ones. */
  #forgetUnused(slug: string): void {
    if (this.#idsBySlug.has(slug)) return
    this.#picks.forget(slug)
    this.#suggestions.forget(slug)
  }

  #refreshVisibility(id: string, before: Found | undefined): RegistryEvent[] {
    this.#revision += 1
    const after = this.#winners.get(id)
    for (const slug of [before?.record.slug, after?.record.slug]) {
      if (slug === undefined) continue
      this.#listings.delete(slug)
      this.#lastKnown.delete(slug)
      this.#forgetUnused(slug)
    }
    return this.#tell(id, before, after)
  }

  /** @param before what was there when readers were told last */
  #tell(id: string, before: Found | undefined, after: Found | undefined): RegistryEvent[] {
    const wasVisible = this.#told.has(id)
    const isVisible = after !== undefined && this.#visibility.shows(after)
    if (isVisible) this.#told.add(id)
    else this.#told.delete(id)
    return newsOf(id, wasVisible ? before : undefined, isVisible ? after : undefined)
  }

  /** Another number as soon as the version of any slug may be another one. */
  get revision(): number {
    return this.#revision + this.#visibility.changes
  }

  isVisible(id: string): boolean {
    const found = this.#winners.get(id)
    return found !== undefined && this.#visibility.shows(found)
  }

  /** Whether lookups of its slug list this record in doubt. */
  isLastKnown(id: string, owner: PeerId): boolean {
    const found = this.#winners.get(id)
    return found?.owner === owner && found.record.slug !== undefined && this.#countsInDoubt(found)
  }

  /** The record of an id that counts and is not removed, visible or not. */
  find(id: string): Found | undefined {
    return this.#winners.get(id)
  }

  /** The id of the instance with this url and no other slug. @param owner only of those at home there */
  idAt(url: string, slug?: string, owner?: PeerId): string | undefined {
    const slugAt = (known: string): string | undefined => this.#winners.get(known)?.record.slug
    const sameUrl = [...(this.#idsByUrl.get(url) ?? [])].sort().filter((known) => {
      if (owner !== undefined && this.#winners.get(known)?.owner !== owner) return false
      return slugAt(known) === undefined || slug === undefined || slugAt(known) === slug
    })
    return sameUrl.find((known) => slugAt(known) === slug) ?? sameUrl[0]
  }

  /** How much of each service can be called. */
  *availability(): Generator<readonly [slug: string, Availability]> {
    for (const [slug, ids] of this.#idsBySlug) {
      let [meant, callable] = [0, 0]
      for (const id of ids) {
        const found = this.#winners.get(id) as Found
        if (!isInService(found)) continue
        meant += 1
        if (isWell(found.record) && this.#visibility.shows(found)) callable += 1
      }
      yield [slug, callable === 0 ? 'none' : callable === meant ? 'all' : 'some']
    }
  }

  /** Every visible instance, in no particular order. */
  *visible(): Generator<Found> {
    for (const found of this.#winners.values()) if (this.#visibility.shows(found)) yield found
  }

  /**
   * The visible instances of a slug; undefined where no record has that slug.
   * @param inDoubt whether this daemon has lost sight of the cluster: then last-known ones count too
   */
  lookup(slug: string, inDoubt: boolean): readonly Found[] | undefined {
    if (!this.#idsBySlug.has(slug)) return undefined
    return this.#listing(slug, inDoubt).visible
  }

  /**
   * Another object as soon as `lookup` would give anything else, or say anything else of it; undefined where no record has that
   * slug. What is made of a lookup may be kept for as long as this is the same, moments of heartbeats aside.
   */
  version(slug: string, inDoubt: boolean): object | undefined {
    return this.#idsBySlug.has(slug) ? this.#listing(slug, inDoubt) : undefined
  }

  /** The slugs that have this name in the DNS, where case does not count. */
  spelledAs(name: string): readonly string[] {
    return [...(this.#idsBySlug.has(name) ? [name] : []), ...(this.#spellings.get(name) ?? [])]
  }

  /** Every record of a slug that counts, whether or not anybody is shown it. */
  records(slug: string): readonly InstanceRecord[] {
    return [...(this.#idsBySlug.get(slug) ?? [])].map((id) => (this.#winners.get(id) as Found).record)
  }

  /** One of them to call, of the best status there is; undefined where there is none. */
  pick(slug: string, inDoubt: boolean, query?: PickQuery, loadOf?: LoadOf<Found>): Found | undefined {
    if (!this.#idsBySlug.has(slug)) return undefined
    return this.#picks.choose(slug, this.#reach.rank(this.#listing(slug, inDoubt)), query, loadOf)
  }

  /** Whether a pick of its slug may give this record at present. */
  isPickable(id: string, owner: PeerId, inDoubt: boolean): boolean {
    const found = this.#winners.get(id)
    const slug = found?.record.slug
    if (found?.owner !== owner || slug === undefined) return false
    return this.#picks.mayGive(slug, this.#reach.rank(this.#listing(slug, inDoubt)), id)
  }

  /** What a pick chooses from; undefined where no record has that slug. Another one as soon as that changes. */
  listed(slug: string, inDoubt: boolean): Listed<Found> | undefined {
    return this.#idsBySlug.has(slug) ? this.#reach.rank(this.#listing(slug, inDoubt)) : undefined
  }

  /** The one that a lookup names, in a turn of lookups alone. */
  suggest(slug: string, inDoubt: boolean, query?: PickQuery, loadOf?: LoadOf<Found>): Found | undefined {
    if (!this.#idsBySlug.has(slug)) return undefined
    return this.#suggestions.choose(slug, this.#reach.rank(this.#listing(slug, inDoubt)), query, loadOf)
  }

  #listing(slug: string, inDoubt: boolean): Listing {
    const cache = inDoubt ? this.#lastKnown : this.#listings
    const kept = cache.get(slug)
    if (kept !== undefined && this.#holds(kept)) return kept.listing
    const known = this.#known(slug)
    const listing = this.#makeListing(known, inDoubt)
    // Never for unknown slugs: callers could fill the memory with them.
    if (known.length > 0)
      cache.set(slug, { listing, owners: new Set(known.map(({ owner }) => owner)), asOf: this.#visibility.changes })
    return listing
  }

  #holds(kept: Kept): boolean {
    const { changes } = this.#visibility
    if (kept.asOf === changes) return true
    for (const owner of kept.owners) if (this.#visibility.isChangedSince(owner, kept.asOf)) return false
    kept.asOf = changes
    return true
  }

  #known(slug: string): readonly Found[] {
    return [...(this.#idsBySlug.get(slug) ?? [])].sort().map((id) => this.#winners.get(id) as Found)
  }

  #makeListing(known: readonly Found[], inDoubt: boolean): Listing {
    const visible = known.filter((found) => this.#visibility.shows(found))
    const living = { listed: visible, inDoubt: false }
    if (!inDoubt) return { visible, pools: [living] }
    const lastKnown = known.filter((found) => this.#countsInDoubt(found))
    return { visible: lastKnown, pools: [living, { listed: lastKnown, inDoubt: true }] }
  }

  #countsInDoubt(found: Found): boolean {
    return isInService(found) && !this.#visibility.hasLeft(found.owner)
  }
}

/** How instances are read for a pick. What their nodes say of themselves is read when it is asked for. */
function readingOf(nodeOf: NodeOf, self: PeerId): Reading<Found> {
  const whereaboutsOf = (owner: PeerId, zone?: string): Whereabouts => {
    const node = nodeOf(owner)
    return { node: owner, zone: zone ?? node?.availabilityZone, region: node?.region }
  }
  return {
    of: ({ record }) => record,
    whereabouts: ({ owner, record }) => whereaboutsOf(owner, record.zone),
    here: () => whereaboutsOf(self),
  }
}

/** What readers of the old slug and of the new one have to know, each of which may follow its own slug alone. */
function newsOf(id: string, before: Found | undefined, after: Found | undefined): RegistryEvent[] {
  const news = (change: InstanceChange, { owner, record: { slug } }: Found): RegistryEvent => {
    return { type: 'instance', id, change, owner, ...(slug !== undefined && { slug }) }
  }
  if (before !== undefined && after !== undefined && before.record.slug === after.record.slug)
    return looksTheSame(before, after) ? [] : [news('changed', after)]
  return [
    ...(before === undefined ? [] : [news('hidden', before)]),
    ...(after === undefined ? [] : [news('shown', after)]),
  ]
}

function statusNewsOf(id: string, from: InstanceStatus, { owner, record: { slug, status } }: Found): RegistryEvent {
  return { type: 'instance-status', id, from, to: status, owner, ...(slug !== undefined && { slug }) }
}

function moveOf(id: string, { owner: from }: Found, { owner: to, record: { slug, url } }: Found): RegistryEvent {
  return { type: 'instance-moved', id, ...(slug !== undefined && { slug }), url, from, to }
}

/** Whether both are found in the same ways. */
function isFoundAlike(a: Found, b: Found): boolean {
  return a.owner === b.owner && a.record.url === b.record.url && a.record.slug === b.record.slug
}

/** What readers do not see of a record. */
const unseen: ReadonlySet<string> = new Set<keyof InstanceRecord>([
  ...(['n', 'stamp', 'check', 'lifetime', 'ttl', 'grace', 'deregisterAfter', 'session'] as const),
])

/** Whether readers, who see the record and the node that it is of, see no difference. */
function looksTheSame(a: Found, b: Found): boolean {
  return (
    a.owner === b.owner && (a.record === b.record || (isWithin(a.record, b.record) && isWithin(b.record, a.record)))
  )
}

/** Whether whatever readers see of one record stands in the other one as well. */
function isWithin(record: InstanceRecord, other: InstanceRecord): boolean {
  for (const key in record) {
    if (unseen.has(key)) continue
    const [here, there] = [record[key as keyof InstanceRecord], other[key as keyof InstanceRecord]]
    if (here !== there && (typeof here !== 'object' || canonicalJson(here) !== canonicalJson(there))) return false
  }
  return true
}

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key)
  if (ids === undefined) index.set(key, new Set([id]))
  else ids.add(id)
}

function removeFrom(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key)
  ids?.delete(id)
  if (ids?.size === 0) index.delete(key)
}
