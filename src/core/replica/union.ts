/**
 * The registry as the union of all documents: which of several records counts, what is removed, what is fenced.
 * It follows the documents change by change; it knows neither heads nor who is alive.
 */
import { type Change, type MapName } from '../document/entries.js'
import {
  type Definition,
  type InstanceRecord,
  type NodeRecord,
  type PeerId,
  modelLimits,
  readInstanceRecord,
  readNodeRecord,
} from '../model.js'
import type { SignedHead } from '../wire/head.js'
import {
  type DefinitionEntry,
  compareStamps,
  readDefinitionEntry,
  readFenceEntry,
  readRemovalEntry,
} from './records.js'

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

/** One record, and whose it is. */
export interface Found {
  readonly owner: PeerId
  readonly record: InstanceRecord
}

/** Entries by their id, then by the owner of the document that holds them. */
class Table<T> {
  readonly #byId = new Map<string, Map<PeerId, T>>()

  set(id: string, owner: PeerId, value: T | undefined): void {
    const byOwner = this.#byId.get(id) ?? new Map<PeerId, T>()
    if (value === undefined) byOwner.delete(owner)
    else byOwner.set(owner, value)
    if (byOwner.size === 0) this.#byId.delete(id)
    else this.#byId.set(id, byOwner)
  }

  of(id: string): ReadonlyMap<PeerId, T> {
    return this.#byId.get(id) ?? new Map()
  }

  ids(): IterableIterator<string> {
    return this.#byId.keys()
  }
}

/** Characters of a value, by map; what is longer no honest daemon has written. */
const valueLengths: Readonly<Record<MapName, number>> = {
  node: 64 * 1024,
  instances: 64 * 1024,
  removals: 1024,
  fences: 4096,
  definitions: Number.POSITIVE_INFINITY, // see readDefinitionEntry
}

export class Union {
  readonly #nodes = new Map<PeerId, NodeRecord>()
  readonly #instances = new Table<InstanceRecord>()
  readonly #removals = new Table<number>()
  readonly #definitions = new Table<DefinitionEntry>()
  readonly #fences = new Table<SignedHead>()
  readonly #verify: (head: SignedHead) => boolean
  /** Signatures are checked when it matters, and once. */
  readonly #verified = new WeakMap<SignedHead, boolean>()
  /** Owners dead or gone for so long that their instances no longer compete. */
  readonly #dormant = new Set<PeerId>()
  readonly #unreadable = new Map<MapName, number>()

  /** @param verify whether a head is signed by its owner */
  constructor(verify: (head: SignedHead) => boolean) {
    this.#verify = verify
  }

  /** Follows one document. */
  apply(owner: PeerId, changes: readonly Change[], touched: Touched = nothingTouched()): Touched {
    for (const change of changes) this.#applyOne(owner, change, touched)
    return touched
  }

  #applyOne(owner: PeerId, { map, key, after }: Change, touched: Touched): void {
    const parsed = <T>(read: (json: string) => T | undefined): T | undefined => {
      const isSane = after !== undefined && after.length <= valueLengths[map] && key.length <= modelLimits.idLength
      const value = isSane ? read(after) : undefined
      if (after !== undefined && value === undefined) this.#unreadable.set(map, (this.#unreadable.get(map) ?? 0) + 1)
      return value
    }
    switch (map) {
      case 'node': {
        const node = parsed(readNodeRecord)
        if (node === undefined) this.#nodes.delete(owner)
        else this.#nodes.set(owner, node)
        touched.nodes.add(owner)
        break
      }
      case 'instances':
        this.#instances.set(
          key,
          owner,
          parsed((json) => readInstanceRecord(key, json)),
        )
        touched.instances.add(key)
        break
      case 'removals':
        this.#removals.set(key, owner, parsed(readRemovalEntry)?.n)
        touched.instances.add(key)
        break
      case 'definitions':
        this.#definitions.set(
          key,
          owner,
          parsed((json) => readDefinitionEntry(key, json)),
        )
        touched.definitions.add(key)
        break
      case 'fences':
        this.#fences.set(key, owner, parsed((json) => readFenceEntry(key, json))?.fenced)
        touched.fenced.add(key)
        break
    }
  }

  /** How many entries could not be read, by map. They are kept in their documents, and do nothing. */
  get unreadable(): ReadonlyMap<MapName, number> {
    return this.#unreadable
  }

  setDormant(owner: PeerId, dormant: boolean): boolean {
    if (this.#dormant.has(owner) === dormant) return false
    if (dormant) this.#dormant.add(owner)
    else this.#dormant.delete(owner)
    return true
  }

  node(owner: PeerId): NodeRecord | undefined {
    return this.#nodes.get(owner)
  }

  nodes(): ReadonlyMap<PeerId, NodeRecord> {
    return this.#nodes
  }

  instanceIds(): IterableIterator<string> {
    return this.#instances.ids()
  }

  /** Every record of an id, whoever owns it and whether or not it counts. */
  records(id: string): ReadonlyMap<PeerId, InstanceRecord> {
    return this.#instances.of(id)
  }

  /**
   * The one record of an id that counts: the highest registration number, then the greater owner. Visible or not.
   * @param among those of owners who are away for long as well; else they do not count
   */
  winner(id: string, among: 'present' | 'away too' = 'present'): Found | undefined {
    let best: Found | undefined
    for (const [owner, record] of this.#instances.of(id)) {
      if (among === 'present' && this.#dormant.has(owner)) continue
      if (best === undefined || compareClaims({ owner, record }, best) > 0) best = { owner, record }
    }
    return best
  }

  /** Every record of the id with this registration number or a lower one is removed; 0 where there is no removal. */
  removedUpTo(id: string): number {
    return highest(this.#removals.of(id))
  }

  /** What the next registration of the id must exceed. */
  highestNumber(id: string): number {
    let number = this.removedUpTo(id)
    for (const record of this.#instances.of(id).values()) number = Math.max(number, record.n)
    return number
  }

  definitionIds(): IterableIterator<string> {
    return this.#definitions.ids()
  }

  /** The entry of an id that counts, which may be a deletion mark. */
  definitionEntry(id: string): DefinitionEntry | undefined {
    let best: DefinitionEntry | undefined
    for (const entry of this.#definitions.of(id).values()) {
      if (best === undefined || compareStamps(entry, best) > 0) best = entry
    }
    return best
  }

  definition(id: string): Definition | undefined {
    return this.definitionEntry(id)?.definition
  }

  /** Whether anybody was forgotten of whom that is still said. */
  hasFences(): boolean {
    return this.#fences.ids().next().done !== true
  }

  /** The highest head of that owner that any document fences, and that the owner did sign. */
  fence(owner: PeerId): SignedHead | undefined {
    const claims = [...this.#fences.of(owner).values()].sort((a, b) => b.head.generation - a.head.generation)
    return claims.find((head) => this.#isGenuine(head))
  }

  #isGenuine(head: SignedHead): boolean {
    const isGenuine = this.#verified.get(head) ?? this.#verify(head)
    this.#verified.set(head, isGenuine)
    return isGenuine
  }

  /** Whether an owner's instance record has lost to another record or to a removal, so that its owner drops it. */
  isBeaten(id: string, owner: PeerId): boolean {
    const record = this.#instances.of(id).get(owner)
    if (record === undefined) return false
    const winner = this.winner(id)
    return record.n <= this.removedUpTo(id) || (winner !== undefined && compareClaims(winner, { owner, record }) > 0)
  }

  /** Whether the definition entry in an owner's document has lost to one elsewhere. */
  isDefinitionBeaten(id: string, owner: PeerId): boolean {
    const entry = this.#definitions.of(id).get(owner)
    const best = this.definitionEntry(id)
    return entry !== undefined && best !== undefined && compareStamps(entry, best) < 0
  }
}

function compareClaims(a: Found, b: Found): number {
  return a.record.n - b.record.n || (a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0)
}

function highest(byOwner: ReadonlyMap<PeerId, number>): number {
  let most = 0
  for (const value of byOwner.values()) most = Math.max(most, value)
  return most
}
