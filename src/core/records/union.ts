/**
 * The registry as the union of all documents: which of several entries counts, what is removed, what is fenced.
 * It follows the documents change by change; it knows neither heads nor who is alive.
 */
import { type Change, type MapName, mapNames } from '../document/entries.js'
import type { Definition, InstanceRecord, NodeRecord, PeerId } from '../model/model.js'
import type { Signatures, SignedHead } from '../wire/head.js'
import type { Claim, Kind } from './claims.js'
import type { DefinitionEntry } from './definitions.js'
import { type Values, kinds, nodeKey, readEntry } from './kinds.js'
import { isOutdated, latestOf } from './later.js'

/** What a change of documents touched, so that its followers look only there. */
export interface Touched {
  readonly instances: Set<string>
  readonly definitions: Set<string>
  /** Owners whose fences changed. */
  readonly fenced: Set<PeerId>
  /** Owners whose node record changed. */
  readonly nodes: Set<PeerId>
}

export function nothingTouched(): Touched {
  return { instances: new Set(), definitions: new Set(), fenced: new Set(), nodes: new Set() }
}

export function isUntouched({ instances, definitions, fenced, nodes }: Touched): boolean {
  return instances.size + definitions.size + fenced.size + nodes.size === 0
}

/** Whose followers have to look, where an entry of this kind changes. A removal changes what is shown of its instance. */
const touches = {
  node: 'nodes',
  instances: 'instances',
  definitions: 'definitions',
  removals: 'instances',
  fences: 'fenced',
} as const satisfies Record<MapName, keyof Touched>

/** One record, and whose it is. */
export interface Found {
  readonly owner: PeerId
  readonly record: InstanceRecord
}

const nobody: ReadonlyMap<PeerId, never> = new Map<PeerId, never>()

/** The entries of one kind by their key, then by the owner of the document that holds them. */
class Table<T> {
  readonly #kind: Kind<T>
  readonly #byKey = new Map<string, Map<PeerId, T>>()

  constructor(kind: Kind<T>) {
    this.#kind = kind
  }

  set(key: string, owner: PeerId, value: T | undefined): void {
    const byOwner = this.#byKey.get(key) ?? new Map<PeerId, T>()
    if (value === undefined) byOwner.delete(owner)
    else byOwner.set(owner, value)
    if (byOwner.size === 0) this.#byKey.delete(key)
    else this.#byKey.set(key, byOwner)
  }

  of(key: string): ReadonlyMap<PeerId, T> {
    return this.#byKey.get(key) ?? nobody
  }

  keys(): IterableIterator<string> {
    return this.#byKey.keys()
  }

  /** The one that counts. */
  best(key: string): Claim<T> | undefined {
    let best: Claim<T> | undefined
    for (const [owner, value] of this.of(key)) {
      if (best === undefined || this.#kind.compare({ owner, value }, best) > 0) best = { owner, value }
    }
    return best
  }

  /** Whether another owner says the same, or what counts more. */
  isSpare(key: string, owner: PeerId): boolean {
    const value = this.of(key).get(owner)
    if (value === undefined) return true
    return [...this.of(key)].some(
      ([other, said]) => other !== owner && this.#kind.compare({ owner, value: said }, { owner, value }) >= 0,
    )
  }

  /** Whether an owner's entry has lost to another one. */
  isBeaten(key: string, owner: PeerId): boolean {
    const value = this.of(key).get(owner)
    const best = value === undefined ? undefined : this.best(key)
    return value !== undefined && best !== undefined && this.#kind.compare(best, { owner, value }) > 0
  }
}

type Tables = { readonly [M in MapName]: Table<Values[M]> }

function emptyTables(): Tables {
  return Object.fromEntries(
    mapNames.map(<M extends MapName>(map: M) => [map, new Table(kinds[map] as Kind<Values[M]>)]),
  ) as unknown as Tables
}

export class Union {
  readonly #tables = emptyTables()
  readonly #signatures: Signatures
  /** Owners dead or gone for so long that their instances no longer compete. */
  readonly #dormant = new Set<PeerId>()
  readonly #unreadable = new Map<MapName, number>()
  /** By the id of the node in small letters, which several may have. */
  readonly #nodesNamed = new Map<string, Set<PeerId>>()

  constructor(signatures: Signatures) {
    this.#signatures = signatures
  }

  /** Follows one document. */
  apply(owner: PeerId, changes: readonly Change[], touched: Touched = nothingTouched()): Touched {
    for (const change of changes) this.#applyOne(owner, change.map, change, touched)
    return touched
  }

  #applyOne<M extends MapName>(owner: PeerId, map: M, { key, after }: Change, touched: Touched): void {
    const value = readEntry(map, key, after)
    if (after !== undefined && value === undefined) this.#unreadable.set(map, (this.#unreadable.get(map) ?? 0) + 1)
    const table: Table<Values[M]> = this.#tables[map]
    if (map === 'node') this.#rename(owner, value as NodeRecord | undefined)
    table.set(key, owner, value)
    touched[touches[map]].add(map === 'node' ? owner : key)
  }

  /** Before its record is another one. */
  #rename(owner: PeerId, after: NodeRecord | undefined): void {
    const names = [this.node(owner), after].map((record) => record?.id.toLowerCase())
    const [old, name] = names
    const those = old === undefined ? undefined : this.#nodesNamed.get(old)
    those?.delete(owner)
    if (old !== undefined && those?.size === 0) this.#nodesNamed.delete(old)
    if (name === undefined) return
    this.#nodesNamed.set(name, (this.#nodesNamed.get(name) ?? new Set()).add(owner))
  }

  /** How many entries could not be read, by map. They are kept in their documents, and do nothing. */
  get unreadable(): ReadonlyMap<MapName, number> {
    return this.#unreadable
  }

  /** What an owner's document says of a key, whether or not it counts. */
  value<M extends MapName>(map: M, key: string, owner: PeerId): Values[M] | undefined {
    return this.#tables[map].of(key).get(owner)
  }

  setDormant(owner: PeerId, dormant: boolean): boolean {
    if (this.#dormant.has(owner) === dormant) return false
    if (dormant) this.#dormant.add(owner)
    else this.#dormant.delete(owner)
    return true
  }

  // ---- nodes

  node(owner: PeerId): NodeRecord | undefined {
    return this.nodes().get(owner)
  }

  nodes(): ReadonlyMap<PeerId, NodeRecord> {
    return this.#tables.node.of(nodeKey)
  }

  /** Those with that id. @param name in small letters */
  nodesNamed(name: string): Iterable<PeerId> {
    return this.#nodesNamed.get(name) ?? []
  }

  // ---- instances

  instanceIds(): IterableIterator<string> {
    return this.#tables.instances.keys()
  }

  /** Every record of an id, whoever owns it and whether or not it counts. */
  records(id: string): ReadonlyMap<PeerId, InstanceRecord> {
    return this.#tables.instances.of(id)
  }

  /**
   * The one record of an id that counts: that of the latest registration. Visible or not.
   * @param among those of owners who are away for long as well; else they do not count
   */
  winner(id: string, among: 'present' | 'away too' = 'present'): Found | undefined {
    const best = latestOf(this.#claims(id, among))
    return best && { owner: best.owner, record: best.value }
  }

  #claims(id: string, among: 'present' | 'away too'): Claim<InstanceRecord>[] {
    const claims = [...this.records(id)].map(([owner, value]) => ({ owner, value }))
    return among === 'present' ? claims.filter(({ owner }) => !this.#dormant.has(owner)) : claims
  }

  /** The same, where it is not removed. */
  standing(id: string): Found | undefined {
    const winner = this.winner(id)
    return winner !== undefined && !this.isRemoved(winner.record) ? winner : undefined
  }

  /** The same, or the one that would count again were its owner back, who has been away for so long that it competes with nobody. */
  standingAwayToo(id: string): Found | undefined {
    const winner = this.standing(id) ?? this.winner(id, 'away too')
    return winner !== undefined && !this.isRemoved(winner.record) ? winner : undefined
  }

  /** Every record of the id with this registration number or a lower one is removed; 0 where there is no removal. */
  removedUpTo(id: string): number {
    return this.#tables.removals.best(id)?.value.n ?? 0
  }

  isRemoved({ id, n }: Pick<InstanceRecord, 'id' | 'n'>): boolean {
    return n <= this.removedUpTo(id)
  }

  /** What the next registration of the id must exceed. */
  highestNumber(id: string): number {
    let number = this.removedUpTo(id)
    for (const record of this.records(id).values()) number = Math.max(number, record.n)
    return number
  }

  /** The latest stamp that any record of the id has; 0 for none. */
  latestStamp(id: string): number {
    return Math.max(0, ...[...this.records(id).values()].map(({ stamp }) => stamp ?? 0))
  }

  /** Whether an owner's instance record has lost to another record or to a removal, so that its owner drops it. */
  isBeaten(id: string, owner: PeerId): boolean {
    const record = this.records(id).get(owner)
    if (record === undefined) return false
    return this.isRemoved(record) || isOutdated({ owner, value: record }, this.#claims(id, 'present'))
  }

  // ---- definitions

  definitionIds(): IterableIterator<string> {
    return this.#tables.definitions.keys()
  }

  /** The entry of an id that counts, which may be a deletion mark. */
  definitionEntry(id: string): DefinitionEntry | undefined {
    return this.#tables.definitions.best(id)?.value
  }

  definition(id: string): Definition | undefined {
    return this.definitionEntry(id)?.definition
  }

  /** Whether the definition entry in an owner's document has lost to one elsewhere. */
  isDefinitionBeaten(id: string, owner: PeerId): boolean {
    return this.#tables.definitions.isBeaten(id, owner)
  }

  /** Whether what an owner says of a key is said in another document as well, or has lost to that. */
  isSpare(map: 'definitions' | 'removals' | 'fences', key: string, owner: PeerId): boolean {
    return this.#tables[map].isSpare(key, owner)
  }

  /** Whether anything is registered at all. */
  holdsAnything(): boolean {
    return this.instanceIds().next().done !== true || this.definitionIds().next().done !== true
  }

  // ---- fences

  /** Whether anybody was forgotten of whom that is still said. */
  hasFences(): boolean {
    return this.#tables.fences.keys().next().done !== true
  }

  /** The highest head of that owner that any document fences, and that the owner did sign. */
  fence(owner: PeerId): SignedHead | undefined {
    const byFencer = this.#tables.fences.of(owner)
    if (byFencer.size === 0) return undefined // so it is with nearly all, and this is asked of thousands at once
    const claims = [...byFencer.values()].map(({ fenced }) => fenced)
    return claims.sort((a, b) => b.head.generation - a.head.generation).find((head) => this.#signatures.isGenuine(head))
  }
}
