/**
 * This daemon's own document: what is to be written, one group commit after the other, and what to publish of it.
 * It knows nothing of what the entries mean, and publishes nothing that is not on disk.
 */
import { type Giveable, type NodeDocument, OwnDocument } from '../document/document.js'
import {
  type Change,
  Entries,
  type EntryMaps,
  type MapName,
  differences,
  mapNames,
  snapshotOf,
} from '../document/entries.js'
import type { Crypto, Effect, StoreOp } from '../effects.js'
import { RegistryError, assert } from '../errors.js'
import { type PeerId, hex } from '../model.js'
import { type Head, type Origin, type Point, type SignedHead, comparePoints, signHead } from '../wire/head.js'
import type { Holding } from '../wire/sync.js'
import { Folding } from './folding.js'
import { Publication, type Version } from './publication.js'

/** How long to wait before a failed write to disk is tried again. */
const retry_ms = 1000

export interface JournalParts {
  readonly self: PeerId
  /** 16 hex digits, new at each start. */
  readonly boot: string
  readonly crypto: Crypto
  readonly emit: (effect: Effect) => void
  readonly nextId: () => number
  /** A change of the own document, staged: the union and the index follow at once. */
  readonly follow: (change: Change) => void
}

interface Commit extends Version {
  readonly id: number
  readonly ops: readonly StoreOp[]
  waiting: readonly Waiting[]
}

/** Someone who waits for the disk; told what went wrong, if anything did. */
type Waiting = (error: RegistryError | undefined) => void

export class Journal {
  readonly #parts: JournalParts
  #document: OwnDocument
  #signed: SignedHead | undefined
  #parent: Point | undefined
  #generation = 0
  #version = 0
  #incarnation = 0
  #left: Head['left']
  readonly #staged = new Map<string, Change>()
  #stagedBytes = 0
  #waiting: Waiting[] = []
  #inFlight: Commit | undefined
  readonly #publication: Publication
  #retryAt: number | undefined
  #isFailing = false
  #headDue = false
  #rebaseDue = false
  #raisedGeneration = false
  #open = false
  readonly #folding = new Folding()
  /** The entries that this boot started from: what differs was written since. */
  #baseline: EntryMaps
  /** Why the disk refused the last commit. */
  diskError: string | undefined

  constructor(parts: JournalParts) {
    this.#parts = parts
    this.#publication = new Publication(parts.emit)
    const entries = new Entries(parts.crypto.hash)
    this.#baseline = entries
    this.#document = this.#build(entries, 0)
  }

  #build(entries: Entries, epoch: number): OwnDocument {
    const client = this.#clientOf(epoch)
    return new OwnDocument(this.#parts.crypto.hash, { entries: entries.sorted(), epoch, client })
  }

  /** A Yjs client that nobody else and no other epoch uses. */
  #clientOf(epoch: number): number {
    const seed = new TextEncoder().encode(`${this.#parts.self}/${this.#parts.boot}/${epoch}`)
    return Number.parseInt(hex(this.#parts.crypto.hash(seed).subarray(0, 4)), 16) || 1
  }

  // ---- starting

  /** Continues from a document of an earlier start, found on disk or at a peer. Only before `open`. */
  continueFrom(document: NodeDocument): void {
    assert(!this.#open, 'a journal that is open adopts')
    const { head } = document.signed
    // What is staged by now is what checks found of instances as they were in the document before: they are checked anew.
    for (const change of differences(this.#current(), document.entries)) this.#parts.follow(change)
    this.#staged.clear()
    this.#stagedBytes = 0
    this.#baseline = snapshotOf(document.entries)
    this.#document = this.#build(document.entries, head.epoch)
    this.#signed = document.signed
    this.#parent = { generation: head.generation, version: head.version }
    this.#version = head.version
    if (head.generation >= this.#generation) this.raiseGeneration(head.generation + 1)
  }

  /** From now on heads are signed. The first one begins an epoch, so nothing of an earlier Yjs client goes on. */
  open(): void {
    this.#open = true
    this.#headDue = true
    this.#rebaseDue = true
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Stops signing for good. */
  mute(): void {
    this.#open = false
    this.#refuse(this.#takeWaiting(), 'this daemon has stopped publishing')
  }

  // ---- what it is now

  get generation(): number {
    return this.#generation
  }

  get incarnation(): number {
    return this.#incarnation
  }

  /** Of the document that this start continues; 0 where there is none. */
  get continuedGeneration(): number {
    return this.#parent?.generation ?? 0
  }

  /** The newest head that is on disk. */
  get signed(): SignedHead | undefined {
    return this.#signed
  }

  /** Whether a head of ours was made by another start than this one, and is not part of what this one continues. */
  isForeign(head: Origin): boolean {
    if (head.boot === this.#parts.boot) return false
    return this.#parent === undefined || comparePoints(head, this.#parent) > 0
  }

  /** Whether a commit is on its way to the disk: then the document is ahead of `signed`. */
  get busy(): boolean {
    return this.#inFlight !== undefined
  }

  /** Entries on disk and staged: how many, and about how many bytes. */
  get size(): number {
    return this.#document.entries.size + this.#staged.size
  }

  get bytes(): number {
    return this.#document.entries.bytes + this.#stagedBytes
  }

  /** An entry as the next commit will have it. */
  get(map: MapName, key: string): string | undefined {
    const staged = this.#staged.get(`${map}/${key}`)
    return staged === undefined ? this.#document.entries.get(map, key) : staged.after
  }

  /** The keys of a map as the next commit will have them. */
  keys(map: MapName): string[] {
    const keys = new Set(this.#document.entries.of(map).keys())
    for (const change of this.#staged.values()) {
      if (change.map !== map) continue
      if (change.after === undefined) keys.delete(change.key)
      else keys.add(change.key)
    }
    return [...keys]
  }

  /** What can be given to others; only while not busy, and once a head of this start is on disk. */
  get giveable(): Giveable | undefined {
    const signed = this.#signed
    if (signed === undefined || this.busy || signed.head.boot !== this.#parts.boot) return undefined
    const { owner, generation, version, boot, epoch } = signed.head
    const document = this.#document
    return {
      signed,
      holding: { owner, generation, version, boot, epoch, clock: document.clock },
      encode: () => document.encode(),
      encodeSince: (clock) => document.encodeSince(clock),
    }
  }

  /** What is held of our own document, also of an earlier start. */
  get holding(): Holding | undefined {
    if (this.#signed === undefined) return undefined
    const { owner, generation, version, boot } = this.#signed.head
    return { owner, generation, version, boot, epoch: 0, clock: 0 }
  }

  // ---- writing

  /** Stages an entry; without a value it goes. An equal one stages nothing. */
  set(map: MapName, key: string, after: string | undefined): void {
    const before = this.get(map, key)
    if (before === after) return
    const change = { map, key, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
    this.#staged.set(`${map}/${key}`, change)
    this.#stagedBytes += key.length + (after?.length ?? 0)
    this.#parts.follow(change)
  }

  /** Calls back once everything that is staged, or on its way, is on disk. */
  whenDurable(waiting: Waiting): void {
    this.#waiting.push(waiting)
  }

  raiseIncarnation(): void {
    this.#incarnation += 1
    this.#headDue = true
  }

  raiseGeneration(atLeast: number): void {
    this.#generation = Math.max(this.#generation + 1, atLeast)
    this.#raisedGeneration = true
    this.#incarnation = 0
    this.#headDue = true
  }

  /** The first generation of this start, already on disk. */
  setGeneration(generation: number): void {
    this.#generation = Math.max(this.#generation, generation)
  }

  leave(restartGrace_s: number): void {
    this.#left = { restartGrace_s }
    this.#headDue = true
  }

  /**
   * Continues a document of ours that somebody else wrote or remembered: its entries, and on top what was written here
   * since this start. Not while busy.
   * @param rewrite writes an entry again that was written here, in the light of the adopted entries
   */
  adopt(document: NodeDocument, rewrite: (change: Change, adopted: EntryMaps) => void): void {
    assert(!this.busy, 'adoption waits for the commit on its way')
    const { head } = document.signed
    const current = this.#current()
    const written = differences(this.#baseline, current)
    this.#baseline = snapshotOf(document.entries)
    for (const { map, key, after } of differences(current, document.entries)) this.set(map, key, after)
    for (const change of written) rewrite(change, this.#baseline)
    this.#parent = { generation: head.generation, version: head.version }
    this.#version = Math.max(this.#version, head.version)
    this.#document.epoch = Math.max(this.#document.epoch, head.epoch)
    this.#rebaseDue = true
    this.raiseGeneration(head.generation + 1)
  }

  /** The entries as the next commit will have them. */
  #current(): EntryMaps {
    const maps = new Map(
      mapNames.map((map) => [map, new Map(this.keys(map).map((key) => [key, this.get(map, key) as string]))]),
    )
    return { of: (map) => maps.get(map) as Map<string, string> }
  }

  // ---- committing

  /** Sends what is staged to the disk, as one transaction and one head, unless a commit is on its way already. */
  commit(now: number): void {
    if (this.#inFlight !== undefined || this.#retryAt !== undefined) return
    if (this.#staged.size === 0 && !this.#headDue) {
      for (const waiting of this.#takeWaiting()) waiting(undefined)
      return
    }
    if (!this.#open) return
    const commit = this.#nextCommit(now)
    this.#inFlight = commit
    this.#store(commit)
  }

  #nextCommit(now: number): Commit {
    const changes = [...this.#staged.values()].map(({ map, key, after }) => this.#sinceDocument(map, key, after))
    this.#staged.clear()
    this.#stagedBytes = 0
    const from = { epoch: this.#document.epoch, version: this.#version }
    const rebased = this.#rebaseDue || this.#document.outgrown
    if (rebased) {
      this.publish(now, true) // an update never spans a new epoch
      this.#document.rebase(this.#clientOf(this.#document.epoch + 1))
    }
    const update = this.#document.write(changes.filter(({ before, after }) => before !== after))
    this.#version += 1
    const signed = signHead(this.#head(), this.#parts.crypto)
    const ops = this.#opsFor(signed, update, rebased)
    this.#headDue = false
    this.#rebaseDue = false
    return { id: this.#parts.nextId(), signed, from, update, ops, waiting: this.#takeWaiting() }
  }

  #sinceDocument(map: MapName, key: string, after: string | undefined): Change {
    const before = this.#document.entries.get(map, key)
    return { map, key, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
  }

  #head(): Head {
    return {
      owner: this.#parts.self,
      generation: this.#generation,
      boot: this.#parts.boot,
      ...(this.#parent && { parent: this.#parent }),
      epoch: this.#document.epoch,
      version: this.#version,
      incarnation: this.#incarnation,
      ...(this.#left && { left: this.#left }),
      client: this.#document.client,
      digest: this.#document.entries.digest(),
    }
  }

  #opsFor(signed: SignedHead, update: Uint8Array, rebased: boolean): StoreOp[] {
    const { owner, generation, version } = signed.head
    const ops: StoreOp[] = this.#raisedGeneration ? [{ type: 'generation', generation }] : []
    this.#raisedGeneration = false
    if (!this.#folding.isDue(update.length + signed.bytes.length) && !rebased) {
      return [...ops, { type: 'update', owner, version, head: signed.bytes, update }]
    }
    const content = this.#document.encode()
    this.#folding.folded(content.length)
    return [...ops, { type: 'snapshot', owner, head: signed.bytes, content }]
  }

  #store({ id, ops }: Commit): void {
    this.#parts.emit({ type: 'store', id, sync: true, ops })
  }

  /** Whether this store is the commit on its way. */
  awaits(id: number): boolean {
    return this.#inFlight?.id === id
  }

  /** The commit on its way is on disk, or was refused. */
  stored(error: string | undefined, now: number): void {
    const commit = this.#inFlight
    assert(commit !== undefined, 'only what was sent to the disk is stored')
    this.diskError = error
    if (error !== undefined) {
      this.#isFailing = true
      this.#refuse(
        [...commit.waiting, ...this.#takeWaiting()],
        `the disk refused the write (${error}): it is tried again and may still happen; free or repair the disk`,
      )
      commit.waiting = []
      this.#retryAt = now + retry_ms
      return
    }
    this.#isFailing = false
    this.#inFlight = undefined
    this.#signed = commit.signed
    this.#publication.add(commit)
    for (const waiting of commit.waiting) waiting(undefined)
  }

  /** Tells everybody what is new on disk; at once only where `urgent`. */
  publish(now: number, urgent = false): void {
    if (urgent || now >= this.#publication.dueAt) this.#publication.publish(now)
  }

  /** Tries the disk again where it failed. */
  retry(now: number): void {
    if (this.#retryAt === undefined || now < this.#retryAt || this.#inFlight === undefined) return
    this.#retryAt = undefined
    this.#store(this.#inFlight)
  }

  /** When to be woken: to publish, or to try the disk again. */
  get wakeAt(): number {
    return Math.min(this.#publication.dueAt, this.#retryAt ?? Number.POSITIVE_INFINITY)
  }

  #takeWaiting(): Waiting[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }

  #refuse(waiting: readonly Waiting[], why: string): void {
    for (const tell of waiting) tell(new RegistryError('unavailable', why))
  }

  /** Whether the disk is refusing writes. */
  get failing(): boolean {
    return this.#isFailing
  }
}
