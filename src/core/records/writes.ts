/**
 * What callers may change, with the rules for it: each act stages entries of this daemon's own document. None waits for anybody.
 */
import type { Patch } from '../model/act.js'
import type { Ancestry } from '../model/ancestry.js'
import type { Change, EntryMaps, MapName } from '../document/entries.js'
import { RegistryError } from '../model/errors.js'
import { type Holds, holdsOf, withHolds } from '../model/holds.js'
import type { Definition, InstanceRecord, NodeRecord, PeerId, Registration } from '../model/model.js'
import { canonicalJson } from '../model/model.js'
import { factsOf } from '../shown.js'
import type { SignedHead } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import { type Kind, isSameButForDate } from './claims.js'
import { mergeFacts, patchedRecord } from './instances.js'
import { type Values, kinds, nodeKey, readEntry } from './kinds.js'
import { KeptOut } from './kept-out.js'
import { isOver } from './lifetimes.js'
import { oneMore, secondsOf } from './numbers.js'
import type { Records } from './records.js'
import { UsedNumbers } from './used-numbers.js'

/** Beyond these a document takes no new records: well under what a peer accepts, so that removals and fences always fit. */
const room = {
  entries: wireLimits.entries * 0.8,
  bytes: wireLimits.entryBytes * 0.8,
  /** Of two lines that come together: what is left to removals and fences is less then. */
  merged: { entries: wireLimits.entries * 0.9, bytes: wireLimits.entryBytes * 0.9 },
} as const

/** When something is registered. */
export interface Dated {
  /** Unix milliseconds. */
  readonly wall: number
  /** What `Stamps` says. */
  readonly stamp: number
}

/** Another owner's document, as it is fenced. */
export interface FencedDocument {
  readonly signed: SignedHead
  readonly entries: EntryMaps
}

export class Writes {
  readonly #records: Records
  readonly used: UsedNumbers
  readonly keptOut: KeptOut
  /** What earlier starts have left. */
  #inherited: EntryMaps = { of: () => new Map() }
  /** By what is to be remembered is dated: see `LastHeard`. */
  uptime_ms = 0

  /** @param keptOut what an earlier run has left, see `KeptOut` */
  constructor(records: Records, keptOut?: string) {
    this.#records = records
    this.used = new UsedNumbers(records)
    this.keptOut = new KeptOut(keptOut)
  }

  /** This start goes on from these. */
  inherit(entries: EntryMaps): void {
    this.#inherited = entries
  }

  // ---- instances

  /** Makes an instance ours, or keeps it as it is where nothing changed. Who keeps it out of the lookups: see `#holdsAfter`. */
  register(id: string, registration: Registration, { wall, stamp }: Dated, session?: string): void {
    const { union, self } = this.#records
    const current = union.standing(id)
    const ours = current?.owner === self ? current.record : undefined
    const facts = mergeFacts(id, current?.record, livingHere(registration, session ?? ours?.session, current?.record))
    const living = facts.lifetime === 'session' ? { session: session ?? ours?.session } : {}
    const isSame = ours !== undefined && canonicalJson(factsOf(ours)) === canonicalJson(facts)
    const before = ours ?? current?.record
    const isSameProgram =
      before !== undefined && (living.session === undefined ? isSame : living.session === before.session)
    const holds = this.#holdsAfter(id, before, { ...facts, draining: registration.draining, isSameProgram }, wall)
    if (isSame) return this.#stageIfChanged(ours, withHolds({ ...ours, ...living } as InstanceRecord, holds))
    this.#checkRoom()
    const isSameTest =
      ours !== undefined && ours.url === facts.url && canonicalJson(ours.check) === canonicalJson(facts.check)
    const status = isSameTest ? ours.status : 'Unknown'
    const n = oneMore(Math.max(union.highestNumber(id), this.used.upTo(id)), id)
    // Should we be forgotten by mistake, this says that what was removed was there before.
    if (union.removedUpTo(id) > 0) this.remove(id, union.removedUpTo(id))
    this.#records.stage('instances', id, withHolds({ ...facts, ...living, status, n, stamp } as InstanceRecord, holds))
  }

  /** It is gone, though its program is here. @param record as it was */
  registerAgain(record: InstanceRecord): void {
    const { union } = this.#records
    const { id } = record
    const n = oneMore(Math.max(union.highestNumber(id), this.used.upTo(id), record.n), id)
    if (union.removedUpTo(id) > 0) this.remove(id, union.removedUpTo(id))
    this.#records.stage('instances', id, { ...record, status: 'Unknown', n })
  }

  /**
   * Maintenance outlives the restarts of the program: what lives by a session or a ttl is registered by programs, at each start, and nobody
   * means to end it by that. Whoever registers for good does so by hand, and wants it called. A drain ends with the program that
   * drains, that of the node when the node says so.
   */
  #holdsAfter(id: string, before: InstanceRecord | undefined, said: Registering, wall: number): Holds {
    const { operator, program } = before === undefined ? {} : holdsOf(before)
    const isByProgram = said.lifetime !== undefined
    const reason = isByProgram ? (operator ?? this.keptOut.of(id, wall)) : undefined
    this.keptOut.forget(id)
    const isDraining = said.draining ?? (program === true && isByProgram && said.isSameProgram)
    return {
      ...(reason !== undefined && { operator: reason }),
      ...(isDraining && { program: true }),
      ...(this.isDraining && { node: true }),
    }
  }

  /**
   * Hides an instance of ours from every lookup for as long as it is set, or shows it again, whoever of its operator and its program
   * wanted it hidden. @throws RegistryError `not-found`
   */
  setMaintenance(id: string, reason: string | undefined): void {
    const record = this.#demandOwn(id)
    const { node, ...others } = holdsOf(record)
    const holds = reason === undefined ? {} : { ...others, operator: reason }
    this.#stageIfChanged(record, withHolds(record, { ...holds, ...(node && { node }) }))
  }

  /** Its program is about to stop, or is not. @throws RegistryError `not-found` */
  drainInstance(id: string, isDraining: boolean): void {
    const record = this.#demandOwn(id)
    const { program: _, ...others } = holdsOf(record)
    this.#stageIfChanged(record, withHolds(record, { ...others, ...(isDraining && { program: true }) }))
  }

  /** Changes what an instance of ours says of itself; it stays the same registration. @throws RegistryError `not-found` */
  patch(id: string, patch: Patch): void {
    const record = this.#demandOwn(id)
    this.#stageIfChanged(record, patchedRecord(record, patch))
  }

  #demandOwn(id: string): InstanceRecord {
    const { self, union } = this.#records
    const record = union.standing(id)?.owner === self ? union.records(id).get(self) : undefined
    if (record !== undefined) return record
    throw new RegistryError('not-found', `id: no instance ${JSON.stringify(id)} of this node`)
  }

  #stageIfChanged(before: InstanceRecord, after: InstanceRecord): void {
    if (canonicalJson(before) !== canonicalJson(after)) this.#records.stage('instances', after.id, after)
  }

  /**
   * Whose an instance is, and up to which number its records are to go.
   * @throws RegistryError `not-found` where there is no record that is not removed already
   */
  ownerOf(id: string): { readonly owner: PeerId; readonly n: number } {
    const found = this.#records.union.standingAwayToo(id)
    if (found === undefined) {
      // No node waits for others before it answers, unless it is asked to.
      const late =
        'one that another node took a moment ago comes here by itself, and PUT /v1/instances?acks=all waits for that'
      const those = 'see GET /registry-svc/instances for those there are'
      throw new RegistryError('not-found', `id: no instance ${JSON.stringify(id)}; ${those}; ${late}`)
    }
    return { owner: found.owner, n: this.#records.union.highestNumber(id) }
  }

  /** Drops an instance of ours, with a removal unless nobody can know another record of it. */
  deregisterOwn(id: string, n: number, wall: number): void {
    const { union } = this.#records
    const alone = this.#isAlone(id)
    this.#drop(id, wall)
    // Who was forgotten may know of another record, and come back with it; so may another line of our own, from before this start.
    const isElsewhere = !alone || union.hasFences() || this.#inherited.of('instances').has(id)
    if (n > this.used.base + 1 || isElsewhere) return this.remove(id, n)
    this.used.keep(id, n)
  }

  /** An instance of ours has come to the end that it asked for: nothing is said of it unless others have said something. */
  endOwn(id: string, wall: number): void {
    const { union } = this.#records
    if (this.#records.own('instances', id) === undefined) return
    const n = union.highestNumber(id)
    const alone = this.#isAlone(id)
    this.#drop(id, wall)
    if (alone) this.used.keep(id, n)
    else this.remove(id, n)
  }

  /** Whether nobody else has a record of it, and nobody has removed it. */
  #isAlone(id: string): boolean {
    const { union, self } = this.#records
    return union.removedUpTo(id) === 0 && [...union.records(id).keys()].every((owner) => owner === self)
  }

  /** Drops an instance of ours that another daemon was asked to remove: it may have told the others already, or may yet. */
  dropAsAsked(id: string, n: number, wall: number): void {
    this.#drop(id, wall)
    this.remove(id, n)
  }

  /** What its program registers again at its next start is in maintenance still. */
  #drop(id: string, wall: number): void {
    const record = this.#records.own('instances', id)
    const { operator } = record === undefined ? {} : holdsOf(record)
    if (record?.lifetime !== undefined && operator !== undefined) this.keptOut.keep(id, operator, wall)
    this.#records.stage('instances', id, undefined)
  }

  /** Hides every record of the id up to this registration number, everywhere. What others say of it may go with them. */
  remove(id: string, n: number): void {
    const known = this.#records.own('removals', id)
    if (known !== undefined && known.n >= n) return
    this.#records.stage('removals', id, { n, at: secondsOf(this.uptime_ms) })
  }

  // ---- the node itself

  saveNode(node: NodeRecord): void {
    const { floor, draining, ancestry } = this.#records.own('node', nodeKey) ?? {}
    const kept = { ...(floor !== undefined && { floor }), ...(draining && { draining }), ...(ancestry && { ancestry }) }
    this.#records.stage('node', nodeKey, { ...node, ...kept })
  }

  /** Another document of ours is continued, of whatever start. */
  continueNode(adopted: EntryMaps): void {
    const [ours, theirs] = [this.#records.text('node', nodeKey), adopted.of('node').get(nodeKey)]
    if (ours !== undefined) this.#merge('node', nodeKey, ours, theirs)
    else this.#records.stageText('node', nodeKey, theirs)
  }

  /** Says which earlier documents of ours are part of this one. */
  saveAncestry(ancestry: Ancestry): void {
    const node = this.#records.own('node', nodeKey)
    if (node !== undefined) this.#records.stage('node', nodeKey, { ...node, ancestry })
  }

  /** This node is about to stop. */
  get isDraining(): boolean {
    return this.#records.own('node', nodeKey)?.draining === true
  }

  /**
   * Keeps all that is at home here, or will be, out of every lookup; or takes that back. Each record says so by itself, since earlier
   * versions look at nothing else.
   * @returns how many there are
   */
  drain(isDraining: boolean): number {
    const { draining: _, ...node } = this.#records.own('node', nodeKey) ?? {}
    if (this.isDraining !== isDraining && 'id' in node)
      this.#records.stage('node', nodeKey, { ...node, ...(isDraining && { draining: true as const }) })
    const ids = this.#records.ownKeys('instances')
    for (const id of ids) {
      const record = this.#records.own('instances', id)
      if (record === undefined) continue
      const { node: _node, ...others } = holdsOf(record)
      this.#stageIfChanged(record, withHolds(record, { ...others, ...(isDraining && { node: true }) }))
    }
    return ids.length
  }

  // ---- definitions

  saveDefinition(definition: Definition): void {
    const { union, self } = this.#records
    const current = union.definitionEntry(definition.id)
    if (current?.definition !== undefined && canonicalJson(current.definition) === canonicalJson(definition)) return
    this.#checkRoom()
    const stamp = oneMore(current?.stamp ?? 0, definition.id)
    this.#records.stage('definitions', definition.id, { stamp, writer: self, definition })
  }

  /** @throws RegistryError `not-found` */
  removeDefinition(id: string): void {
    const { union, self } = this.#records
    const current = union.definitionEntry(id)
    if (current?.definition === undefined) {
      const late = 'one that another node took a moment ago comes here by itself'
      const wayOut = `see GET /registry-svc/definitions; ${late}`
      throw new RegistryError('not-found', `id: no definition ${JSON.stringify(id)}; ${wayOut}`)
    }
    const mark = { stamp: oneMore(current.stamp, id), writer: self, at: secondsOf(this.uptime_ms) }
    this.#records.stage('definitions', id, mark)
  }

  // ---- fences

  /** Ends an owner's documents up to its present generation; what of them must outlive them is copied, in the same head. */
  fence(document: FencedDocument): void {
    this.inheritFrom(document)
    this.fenceUpTo(document.signed)
  }

  /** Takes over what of a document has to outlive it. */
  inheritFrom(document: FencedDocument): void {
    const { owner } = document.signed.head
    for (const id of document.entries.of('definitions').keys()) this.#copyDefinition(document, id)
    for (const [id, json] of document.entries.of('removals')) {
      const removal = readEntry('removals', id, json)
      if (removal !== undefined) this.remove(id, removal.n)
    }
    for (const fenced of document.entries.of('fences').keys()) {
      const head = this.#records.union.fence(fenced)
      if (fenced !== owner && fenced !== this.#records.self && head !== undefined) this.fenceUpTo(head)
    }
    this.used.exceedAll(owner, document.entries)
  }

  /** Whether nothing would be lost with a document: what has to outlive it is said elsewhere as well. */
  isSpare({ signed, entries }: FencedDocument): boolean {
    const { union } = this.#records
    return (['definitions', 'removals', 'fences'] as const).every((map) =>
      [...entries.of(map).keys()].every((key) => union.isSpare(map, key, signed.head.owner)),
    )
  }

  /** Only where it still counts. */
  #copyDefinition({ entries }: FencedDocument, id: string): void {
    const entry = readEntry('definitions', id, entries.of('definitions').get(id))
    const winner = this.#records.union.definitionEntry(id)
    if (entry === undefined || winner === undefined) return
    if (entry.stamp !== winner.stamp || entry.writer !== winner.writer) return
    this.#records.stage('definitions', id, kinds.definitions.copy(entry, secondsOf(this.uptime_ms)))
  }

  /** Keeps what would be lost with a document that is dropped, and that no other one has. */
  save(dropped: EntryMaps): void {
    const { union, self } = this.#records
    for (const [id, json] of dropped.of('removals')) {
      const removal = readEntry('removals', id, json)
      if (removal !== undefined && removal.n > union.removedUpTo(id)) this.remove(id, removal.n)
    }
    for (const [id, json] of dropped.of('definitions')) {
      const value = readEntry('definitions', id, json)
      const best = union.definitionEntry(id)
      if (value === undefined) continue
      if (best !== undefined && kinds.definitions.compare({ owner: self, value }, { owner: self, value: best }) <= 0)
        continue
      this.#records.stage('definitions', id, kinds.definitions.copy(value, secondsOf(this.uptime_ms)))
    }
  }

  /** Says of an owner that its documents have ended up to this head of it. */
  fenceUpTo(fenced: SignedHead): void {
    this.#records.stage('fences', fenced.head.owner, { fenced, at: secondsOf(this.uptime_ms) })
  }

  // ---- writing again, letting go

  /**
   * Writes again what was written here while this daemon did not know of a newer document of its own:
   * each entry as a new act that exceeds whatever is known of it now.
   * @throws RegistryError `conflict` where the numbers of an id are used up
   */
  rewrite(change: Change, adopted: EntryMaps, wall: number): void {
    this.#rewrite(change.map, change, adopted, wall)
  }

  #rewrite<M extends MapName>(map: M, { key, before, after }: Change, adopted: EntryMaps, wall: number): void {
    const { union, self } = this.#records
    const read = (json: string | undefined): Values[M] | undefined => readEntry(map, key, json)
    const kind: Kind<Values[M]> = kinds[map]
    const written = { key, before: read(before), after: read(after), adopted: read(adopted.of(map).get(key)) }
    if (isSameButForDate(kind, written.before, written.after)) return // it was taken over, and is dated anew
    const rewritten = kind.rewrite(written, {
      self,
      highestNumber: Math.max(union.highestNumber(key), this.used.upTo(key)),
      usedUpTo: this.used.upTo(key),
      removedUpTo: union.removedUpTo(key),
      hasOthers: [...union.records(key).keys()].some((owner) => owner !== self),
      highestStamp: union.definitionEntry(key)?.stamp ?? 0,
    })
    if (rewritten.type === 'write') this.#records.stage(map, key, this.#asNew(map, rewritten.value))
    if (rewritten.type === 'deregister') this.deregisterOwn(key, rewritten.n, wall)
  }

  /**
   * Goes on from another document of ours, as it stands there. Of the age of what is to be remembered its dates say nothing: they are
   * of another count than ours.
   */
  take({ map, key, after }: Change): void {
    this.#take(map, key, after)
  }

  #take<M extends MapName>(map: M, key: string, json: string | undefined): void {
    const value = readEntry(map, key, json)
    const kind: Kind<Values[M]> = kinds[map]
    if (value === undefined || kind.livesFrom(value) === undefined) this.#records.stageText(map, key, json)
    else this.#records.stage(map, key, this.#asNew(map, value))
  }

  /** What is to be remembered for a time counts from now. */
  #asNew<M extends MapName>(map: M, value: Values[M] | undefined): Values[M] | undefined {
    const kind: Kind<Values[M]> = kinds[map]
    const isLimited = value !== undefined && kind.livesFrom(value) !== undefined
    return isLimited ? kind.copy(value, secondsOf(this.uptime_ms)) : value
  }

  /**
   * Two documents of ours that both have been published, of which the other one is staged now: which of two entries counts, and
   * what only one of them has, but for what is known to have ended here. @throws RegistryError `too-large` for what has no room beside the other one
   */
  merge({ map, key, before: theirs, after: ours }: Change): void {
    if (ours !== undefined) return this.#merge(map, key, ours, theirs)
    const n = map === 'instances' ? readEntry(map, key, theirs)?.n : undefined
    if (n === undefined || n > this.used.endedWith(key)) return
    this.#records.stage('instances', key, undefined)
    this.remove(key, n)
  }

  #merge<M extends MapName>(map: M, key: string, ours: string, theirs: string | undefined): void {
    const kind: Kind<Values[M]> = kinds[map]
    const [value, other] = [readEntry(map, key, ours), readEntry(map, key, theirs)]
    if (value === undefined) return // nobody could read it
    if (other === undefined && map === 'instances') this.#checkMerged(key)
    this.#records.stage(map, key, this.#asNew(map, other === undefined ? value : kind.merge(value, other, key)))
  }

  #checkMerged(id: string): void {
    const { size, bytes } = this.#records
    if (size < room.merged.entries && bytes < room.merged.bytes) return
    throw new RegistryError(
      'too-large',
      `instance ${JSON.stringify(id)} has no room beside the ${size} records of another line of this node’s own; register it elsewhere`,
    )
  }

  /** Drops entries of ours that have lost to those of others, as far as these ids go. */
  dropBeaten(instances: Iterable<string>, definitions: Iterable<string>): void {
    const { union, self } = this.#records
    for (const id of instances) if (union.isBeaten(id, self)) this.#records.stage('instances', id, undefined)
    for (const id of definitions)
      if (union.isDefinitionBeaten(id, self)) this.#records.stage('definitions', id, undefined)
  }

  /** Drops all of ours that has lost: what was beaten while we joined. */
  dropAllBeaten(): void {
    this.dropBeaten(this.#records.ownKeys('instances'), this.#records.ownKeys('definitions'))
  }

  /** Drops all that was ever written here, but for the record of the node itself. */
  dropEverything(): void {
    for (const map of ['instances', 'definitions', 'removals', 'fences'] as const)
      for (const key of this.#records.ownKeys(map)) this.#records.stage(map, key, undefined)
  }

  /** Drops what was to be remembered for a time that is over; what is dated by another count than ours counts anew. */
  dropExpired(): void {
    for (const map of ['removals', 'fences', 'definitions'] as const)
      for (const key of this.#records.ownKeys(map)) this.#dropIfExpired(map, key)
  }

  #dropIfExpired<M extends MapName>(map: M, key: string): void {
    const kind: Kind<Values[M]> = kinds[map]
    const value = this.#records.own(map, key)
    const from_s = value === undefined ? undefined : kind.livesFrom(value)
    if (value === undefined || from_s === undefined) return
    const now_s = secondsOf(this.uptime_ms)
    if (isOver(from_s * 1000, this.uptime_ms)) this.#records.stage(map, key, undefined)
    else if (from_s > now_s) this.#records.stage(map, key, kind.copy(value, now_s))
  }

  #checkRoom(): void {
    const { size, bytes } = this.#records
    if (size < room.entries && bytes < room.bytes) return
    throw new RegistryError(
      'too-large',
      `this node holds ${size} records of ${bytes} bytes, and takes no more; remove some, or register at another node`,
    )
  }
}

/** What decides who keeps out what is registered. */
interface Registering {
  readonly lifetime?: InstanceRecord['lifetime']
  readonly draining: boolean | undefined
  /** It is said by the program that said it before. */
  readonly isSameProgram: boolean
}

/** The session that a record lived with stays at its home node: registered elsewhere without one it has none, and is not to end. */
function livingHere(
  said: Registration,
  session: string | undefined,
  current: InstanceRecord | undefined,
): Registration {
  if (session !== undefined || said.lifetime !== undefined || current?.lifetime !== 'session') return said
  return { ...said, lifetime: 'persistent' }
}
