/**
 * What callers may change, and the rules for it: registration numbers, stamps, removals, fences.
 * Each command stages entries of this daemon's own document; none waits for anybody.
 */
import { defaultCheck } from '../check.js'
import type { EntryMaps } from '../document/entries.js'
import type { Change } from '../document/entries.js'
import { RegistryError } from '../errors.js'
import { type Index, idOf } from '../lookup.js'
import {
  type Definition,
  type InstanceFacts,
  type InstanceRecord,
  type PeerId,
  type Registration,
  canonicalJson,
  modelLimits,
  readInstanceRecord,
} from '../model.js'
import {
  type DefinitionEntry,
  compareStamps,
  readDefinitionEntry,
  readRemovalEntry,
  writeDefinitionEntry,
  writeFenceEntry,
  writeInstanceRecord,
  writeRemovalEntry,
} from '../replica/records.js'
import type { SignedHead } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Desk } from './desk.js'

/** Beyond these a document takes no new records: well under what a peer accepts, so that removals and fences always fit. */
const room = { entries: wireLimits.entries * 0.8, bytes: wireLimits.entryBytes * 0.8 } as const

/** Dropped instances that are remembered. */
const droppedKept = 10_000

export class Commands {
  readonly #desk: Desk
  readonly #index: Index
  /** Numbers of instances that went without a removal: somebody may still remove what he saw of them, so they are not used again. */
  readonly #droppedUnsaid = new Map<string, number>()

  constructor(desk: Desk, index: Index) {
    this.#desk = desk
    this.#index = index
  }

  /**
   * Makes an instance ours, or keeps it as it is where nothing changed. Ends its maintenance: who registers wants it called.
   * @returns its record
   */
  register(registration: Registration, wall: number): InstanceRecord {
    const { union, journal, self } = this.#desk
    const id = this.#idFor(registration)
    const current = this.#index.find(id)
    const facts = mergeFacts(id, current?.record, registration)
    const ours = current?.owner === self ? current.record : undefined
    if (ours !== undefined && canonicalJson(factsOf(ours)) === canonicalJson(facts)) {
      return this.#inService(ours)
    }
    this.#checkRoom()
    const isSameTest = ours !== undefined && ours.url === facts.url && ours.check === facts.check
    const status = isSameTest ? ours.status : 'Unknown'
    const record: InstanceRecord = {
      ...facts,
      status,
      n: oneMore(Math.max(union.highestNumber(id), this.#droppedUnsaid.get(id) ?? 0), id),
    }
    // Should we be forgotten by mistake, this says that what was removed was there before.
    if (union.removedUpTo(id) > 0) this.remove(id, union.removedUpTo(id), wall)
    journal.set('instances', id, writeInstanceRecord(record))
    return record
  }

  /**
   * Hides an instance of ours from every lookup for as long as it is set, or shows it again.
   * @throws RegistryError `not-found`, or `conflict` where its home is another node: nobody else may write its record
   */
  setMaintenance(id: string, reason: string | undefined): void {
    const { owner } = this.ownerOf(id)
    const { self, union, journal } = this.#desk
    const record = union.records(id).get(self)
    if (owner !== self || record === undefined) {
      const { id: nodeId, url } = union.node(owner) ?? { id: owner, url: 'unknown' }
      const wayOut = `ask that node, at ${url}`
      throw new RegistryError('conflict', `id: ${JSON.stringify(id)} is at home at node ${nodeId}; ${wayOut}`)
    }
    if (reason === undefined) this.#inService(record)
    else if (record.maintenance !== reason)
      journal.set('instances', id, writeInstanceRecord({ ...record, maintenance: reason }))
  }

  #inService(record: InstanceRecord): InstanceRecord {
    if (record.maintenance === undefined) return record
    const { maintenance: _, ...rest } = record
    this.#desk.journal.set('instances', record.id, writeInstanceRecord(rest))
    return rest
  }

  #idFor(registration: Registration): string {
    return idOf(registration, this.#index, this.#desk.crypto.hash)
  }

  /**
   * Whose an instance is, and up to which number its records are to go.
   * @throws RegistryError `not-found` where there is no record that is not removed already
   */
  ownerOf(id: string): { readonly owner: PeerId; readonly n: number } {
    const found = this.#index.findAwayToo(id)
    if (found === undefined) {
      throw new RegistryError(
        'not-found',
        `id: no instance ${JSON.stringify(id)}; see GET /registry-svc/instances for those there are`,
      )
    }
    return { owner: found.owner, n: this.#desk.union.highestNumber(id) }
  }

  /** Drops an instance of ours, and leaves a removal unless nobody can know another record of it. */
  dropOwn(id: string, n: number, wall: number): void {
    const { journal, union, self } = this.#desk
    const alone = [...union.records(id).keys()].every((owner) => owner === self)
    journal.set('instances', id, undefined)
    // Who was forgotten may know of another record, and come back with it.
    if (n > 1 || !alone || union.hasFences()) return this.remove(id, n, wall)
    this.#keepNumber(id, n)
  }

  #keepNumber(id: string, n: number): void {
    this.#droppedUnsaid.set(id, Math.max(n, this.#droppedUnsaid.get(id) ?? 0))
    const [oldest] = this.#droppedUnsaid.keys()
    if (this.#droppedUnsaid.size > droppedKept && oldest !== undefined) this.#droppedUnsaid.delete(oldest)
  }

  /** Whoever is forgotten may come back with these: what is registered from now on exceeds them. */
  keepNumbers(dropped: EntryMaps): void {
    for (const [id, json] of dropped.of('instances')) {
      const record = readInstanceRecord(id, json)
      if (record !== undefined) this.#keepNumber(id, record.n)
    }
  }

  /** Drops an instance of ours that another daemon was asked to remove: it may have told the others already, or may yet. */
  dropAsAsked(id: string, n: number, wall: number): void {
    this.#desk.journal.set('instances', id, undefined)
    this.remove(id, n, wall)
  }

  /** Hides every record of the id up to this registration number, everywhere. What others say of it may go with them. */
  remove(id: string, n: number, wall: number): void {
    const known = readRemovalEntry(this.#desk.journal.get('removals', id) ?? '')
    if (known !== undefined && known.n >= n) return
    this.#desk.journal.set('removals', id, writeRemovalEntry({ n, at: seconds(wall) }))
  }

  saveDefinition(definition: Definition): void {
    const { union, journal, self } = this.#desk
    const current = union.definitionEntry(definition.id)
    if (current?.definition !== undefined && canonicalJson(current.definition) === canonicalJson(definition)) return
    this.#checkRoom()
    const entry = { stamp: oneMore(current?.stamp ?? 0, definition.id), writer: self, definition }
    journal.set('definitions', definition.id, writeDefinitionEntry(entry))
  }

  /** @throws RegistryError `not-found` */
  removeDefinition(id: string, wall: number): void {
    const { union, journal, self } = this.#desk
    const current = union.definitionEntry(id)
    if (current?.definition === undefined) {
      throw new RegistryError('not-found', `id: no definition ${JSON.stringify(id)}; see GET /registry-svc/definitions`)
    }
    const mark = { stamp: oneMore(current.stamp, id), writer: self, at: seconds(wall) }
    journal.set('definitions', id, writeDefinitionEntry(mark))
  }

  /** Ends an owner's documents up to its present generation; what of them must outlive them is copied, in the same head. */
  fence(owner: PeerId, wall: number): void {
    const document = this.#desk.replica.document(owner)
    if (document === undefined) throw new RegistryError('not-found', `node: no document of ${owner}`)
    for (const id of document.entries.of('definitions').keys()) this.#copyDefinition(owner, id, wall)
    for (const [id, json] of document.entries.of('removals')) {
      const removal = readRemovalEntry(json)
      if (removal !== undefined) this.remove(id, removal.n, wall)
    }
    for (const fenced of document.entries.of('fences').keys()) {
      const head = this.#desk.union.fence(fenced)
      if (fenced !== owner && fenced !== this.#desk.self && head !== undefined) this.fenceUpTo(head, wall)
    }
    this.fenceUpTo(document.signed, wall)
  }

  /** Keeps what would be lost with a document that is dropped, and that no other one has. */
  save(dropped: EntryMaps, wall: number): void {
    const { union, journal } = this.#desk
    for (const [id, json] of dropped.of('removals')) {
      const removal = readRemovalEntry(json)
      if (removal !== undefined && removal.n > union.removedUpTo(id)) this.remove(id, removal.n, wall)
    }
    for (const [id, json] of dropped.of('definitions')) {
      const entry = readDefinitionEntry(id, json)
      const best = union.definitionEntry(id)
      if (entry === undefined || (best !== undefined && compareStamps(entry, best) <= 0)) continue
      journal.set('definitions', id, writeDefinitionCopy(entry, wall))
    }
  }

  /** Says of an owner that its documents have ended up to this head of it. */
  fenceUpTo(fenced: SignedHead, wall: number): void {
    this.#desk.journal.set('fences', fenced.head.owner, writeFenceEntry({ fenced, at: seconds(wall) }))
  }

  /** Only where it still counts. */
  #copyDefinition(owner: PeerId, id: string, wall: number): void {
    const { replica, union, journal } = this.#desk
    const json = replica.document(owner)?.entries.get('definitions', id)
    const entry = json === undefined ? undefined : readDefinitionEntry(id, json)
    const winner = union.definitionEntry(id)
    if (entry === undefined || winner === undefined) return
    if (entry.stamp !== winner.stamp || entry.writer !== winner.writer) return
    journal.set('definitions', id, writeDefinitionCopy(entry, wall))
  }

  /**
   * Writes again what was written here while this daemon did not know of a newer document of its own:
   * each entry as a new act that exceeds whatever is known of it now.
   */
  rewrite({ map, key, before, after }: Change, adopted: EntryMaps, wall: number): void {
    const { journal, union, self } = this.#desk
    const adoptedValue = adopted.of(map).get(key)
    if (map === 'node' || map === 'fences') return journal.set(map, key, after)
    if (map === 'instances') {
      const known = adoptedValue === undefined ? undefined : readInstanceRecord(key, adoptedValue)
      const record = after === undefined ? undefined : readInstanceRecord(key, after)
      const found = before === undefined ? undefined : readInstanceRecord(key, before)
      if (record !== undefined && found?.n === record.n) return this.#rewriteState(found, record, known)
      if (record !== undefined) {
        const n = known !== undefined && record.n <= known.n ? oneMore(union.highestNumber(key), key) : record.n
        return journal.set('instances', key, writeInstanceRecord({ ...record, n }))
      }
      if (known === undefined) return
      // What went because others' records or removals beat it must not come to count as a caller's removal.
      const isBeaten =
        known.n <= union.removedUpTo(key) || [...union.records(key).keys()].some((owner) => owner !== self)
      return isBeaten ? journal.set('instances', key, undefined) : this.dropOwn(key, known.n, wall)
    }
    if (map === 'removals') {
      const removal = after === undefined ? undefined : readRemovalEntry(after)
      const known = adoptedValue === undefined ? undefined : readRemovalEntry(adoptedValue)
      if (removal !== undefined && removal.n > (known?.n ?? 0)) journal.set('removals', key, after)
      return
    }
    const entry = after === undefined ? undefined : readDefinitionEntry(key, after)
    if (entry === undefined) return
    const stamp = Math.max(entry.stamp, oneMore(union.definitionEntry(key)?.stamp ?? 0, key))
    journal.set('definitions', key, writeDefinitionEntry({ ...entry, writer: self, stamp }))
  }

  /**
   * Nobody registered it here: what a check found, or its maintenance, is said again of the same registration alone. Where
   * the newer document has another one, or none any more, that is what callers did.
   */
  #rewriteState(found: InstanceRecord, record: InstanceRecord, known: InstanceRecord | undefined): void {
    if (known?.n !== record.n) return
    const { details: _details, maintenance: _maintenance, ...facts } = known
    const { status, details } = record
    const maintenance = found.maintenance === record.maintenance ? known.maintenance : record.maintenance
    const state = {
      status,
      ...(details !== undefined && { details }),
      ...(maintenance !== undefined && { maintenance }),
    }
    this.#desk.journal.set('instances', record.id, writeInstanceRecord({ ...facts, ...state }))
  }

  /** Drops entries of ours that have lost to those of others, as far as these ids go. */
  dropBeaten(instances: Iterable<string>, definitions: Iterable<string>): void {
    const { union, journal, self } = this.#desk
    for (const id of instances) if (union.isBeaten(id, self)) journal.set('instances', id, undefined)
    for (const id of definitions) if (union.isDefinitionBeaten(id, self)) journal.set('definitions', id, undefined)
  }

  /** Drops all of ours that has lost: what was beaten while we joined. */
  dropAllBeaten(): void {
    const { journal } = this.#desk
    this.dropBeaten(journal.keys('instances'), journal.keys('definitions'))
  }

  #checkRoom(): void {
    const { size, bytes } = this.#desk.journal
    if (size < room.entries && bytes < room.bytes) return
    throw new RegistryError(
      'too-large',
      `this node holds ${size} records of ${bytes} bytes, and takes no more; remove some, or register at another node`,
    )
  }
}

/** @throws RegistryError `conflict` where some member has counted beyond all reason: nobody could read the next number */
function oneMore(highest: number, id: string): number {
  if (highest + 1 < modelLimits.counter) return highest + 1
  throw new RegistryError(
    'conflict',
    `${JSON.stringify(id)}: a member has used up its numbers; find and remove that node, or use another id`,
  )
}

/** Stamp and writer stay; the lifetime of a copied deletion mark begins now. */
function writeDefinitionCopy(entry: DefinitionEntry, wall: number): string {
  return writeDefinitionEntry(entry.at === undefined ? entry : { ...entry, at: seconds(wall) })
}

function seconds(wall: number): number {
  return Math.floor(wall / 1000)
}

/** What a caller said, without what the home node adds. */
function factsOf(record: InstanceRecord): InstanceFacts {
  const { n: _n, status: _status, details: _details, maintenance: _maintenance, ...facts } = record
  return facts
}

const urlPartNames = ['scheme', 'host', 'ip', 'port', 'path'] as const

/** What is not said again stays, except the parts of a url that has changed. */
function mergeFacts(id: string, current: InstanceRecord | undefined, registration: Registration): InstanceFacts {
  if (current === undefined) return withoutDefault({ ...registration, id })
  const kept: Record<string, unknown> = { ...factsOf(current) }
  if (current.url !== registration.url) for (const name of urlPartNames) delete kept[name]
  return withoutDefault({ ...(kept as unknown as InstanceFacts), ...registration, id })
}

/** The default check, said or not said, is one fact, and has one spelling. */
function withoutDefault({ check, ...facts }: InstanceFacts): InstanceFacts {
  return check === undefined || check === defaultCheck ? facts : { ...facts, check }
}
