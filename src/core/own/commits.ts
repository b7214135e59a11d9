/**
 * This daemon's own document: what is staged goes to disk, one group commit after the other, then to everybody.
 * What the disk refuses waits, is told to those who wait for it, and is tried again; nothing is published that is not on disk.
 */
import { Compaction, compactionFloor } from '../document/compaction.js'
import { type Giveable, type NodeDocument, OwnDocument } from '../document/document.js'
import { type Change, Entries, type EntryMaps, differences, snapshotOf } from '../document/entries.js'
import type { Crypto, Effect, StoreOp } from '../effects.js'
import { RegistryError, assert } from '../model/errors.js'
import { hex } from '../model/model.js'
import { ancestryOf, isContinuedBy } from '../records/lineage.js'
import type { Records } from '../records/records.js'
import type { Writes } from '../records/writes.js'
import type { StateView } from '../views.js'
import { type Head, type SignedHead, signHead } from '../wire/head.js'
import type { Holding } from '../wire/sync.js'
import { type Baseline, baselineNote, isShared } from './baseline.js'
import { FirstChecks, atOnce } from './first-checks.js'
import type { Identity } from './identity.js'
import { Publication, type Version } from './publication.js'
import type { Released, Waiting } from './waiting.js'
import { type TakenOver, Written } from './written.js'

/** How long to wait before a failed write to disk is tried again. */
const retry_ms = 1000
/**
 * How long what a first check found waits for the next caller, to go to the disk with what he says: where the last one came within that
 * time after somebody was answered. So of many registrations in a row each is one write to disk, and none alone is two with a pause.
 */
const company_ms = 3

/** A document of ours, as far as it is continued. */
type Continued = Pick<NodeDocument, 'signed' | 'entries'>

interface Commit extends Version {
  readonly id: number
  readonly ops: readonly StoreOp[]
  waiting: readonly Waiting[]
}

export class Commits {
  readonly #crypto: Crypto
  readonly #identity: Identity
  readonly #records: Records
  #document: OwnDocument
  #signed: SignedHead | undefined
  #version = 0
  #waiting: Waiting[] = []
  /** What goes to disk with the next commit, outside the document. */
  #accompanying: StoreOp | undefined
  /** What is written after it in the same write: copies of others go once what is saved of them is there. */
  #ended: StoreOp[] = []
  #inFlight: Commit | undefined
  readonly #publication = new Publication()
  readonly #firstChecks = new FirstChecks()
  #retryAt: number | undefined
  /** When what is staged goes to the disk at the latest; infinite where nothing waits for company. */
  #companyUntil = Number.POSITIVE_INFINITY
  /** When whoever waited for the disk was answered last, and whether somebody came right after that. */
  #answeredAt = Number.NEGATIVE_INFINITY
  #isFollowed = false
  /** Why the disk refused the last commit, while it does. */
  #refusal: string | undefined
  #rebaseDue = false
  #open = false
  /** Why nothing is signed at present. */
  #muted: string | undefined
  /** The document says what nobody is told before the next head. */
  #isAhead = false
  readonly #compaction = new Compaction(compactionFloor.own)
  /** What this boot started from: what differs was written since. */
  #begun: Baseline
  /** What was there before starts that some did not see, of which this may be one; see `baseline.ts`. Earliest first. */
  #baselines: readonly Baseline[]
  #isBaselineKept = false
  /** What was written since: others of our documents may go on from any version of this start. */
  readonly #written = new Written()
  /** What the next version is written over. */
  #takenOver: TakenOver | undefined
  /** What other starts may hold of ours, beside what they register themselves. */
  #inherited: EntryMaps

  constructor(crypto: Crypto, identity: Identity, records: Records) {
    this.#crypto = crypto
    this.#identity = identity
    this.#records = records
    const entries = new Entries(crypto.hash)
    this.#begun = { at: undefined, boots: [], entries }
    this.#baselines = [this.#begun]
    this.#inherited = entries
    this.#document = this.#build(entries, 0)
    records.rebase(this.#document.entries, [])
  }

  #build(entries: Entries, epoch: number): OwnDocument {
    const client = this.#clientOf(epoch)
    return new OwnDocument(this.#crypto.hash, { entries: entries.sorted(), epoch, client })
  }

  /** A Yjs client that nobody else and no other epoch uses. */
  #clientOf(epoch: number): number {
    const { self, boot } = this.#identity
    const seed = new TextEncoder().encode(`${self}/${boot}/${epoch}`)
    return Number.parseInt(hex(this.#crypto.hash(seed).subarray(0, 4)), 16) || 1
  }

  // ---- starting

  /**
   * Continues from a document of an earlier start, found on disk or at a peer. Only before `open`.
   * @param kept by earlier starts
   */
  continueFrom(document: Continued, kept: readonly Baseline[] = []): void {
    assert(!this.#open, 'what is open adopts')
    const { head } = document.signed
    this.#begun = { at: head, boots: [], entries: snapshotOf(document.entries) }
    const isSeen = kept.length === 0 || this.#identity.history.isSeen(head.boot)
    this.#baselines = isSeen ? [...kept.slice(0, 1), this.#begun] : kept
    this.#isBaselineKept ||= kept.length > 0
    this.#written.clear()
    this.#goOn(document, isSeen)
  }

  #goOn(document: Continued, isSeen: boolean): void {
    const { head } = document.signed
    // What is staged by now is what checks found of instances as they were in the document before: they are checked anew.
    const changes = differences(this.#records.ownEntries(), document.entries)
    this.#inherited = snapshotOf(document.entries)
    this.#document = this.#build(document.entries, head.epoch)
    this.#records.rebase(this.#document.entries, changes)
    this.#signed = document.signed
    this.#version = head.version
    this.#identity.continuePoint(head, ancestryOf(document), isSeen)
    if (head.generation >= this.#identity.generation) this.#identity.raiseGeneration(head.generation + 1)
  }

  /** The entries that it goes on from. */
  get inherited(): EntryMaps {
    return this.#inherited
  }

  /** From now on heads are signed. The first one begins an epoch, so nothing of an earlier Yjs client goes on. */
  open(): void {
    this.#open = true
    this.#identity.demandHead()
    this.#rebaseDue = true
  }

  /**
   * What an earlier start has kept as a baseline is kept on; so is what this one begins from, where others are missing.
   * It goes to disk with the next head.
   */
  keepBaseline(isMissing: boolean): void {
    const isWorthIt = this.#identity.history.isShared || this.#baselines.some(({ at }) => at === undefined)
    if (!this.#isBaselineKept && !(isMissing && isWorthIt)) return
    this.#isBaselineKept = true
    const before = this.#signed?.head.boot
    const kept = this.#baselines.map((baseline) => {
      const boots = new Set([...baseline.boots, ...(before === undefined ? [] : [before]), this.#identity.boot])
      boots.delete(baseline.at?.boot ?? '')
      return { ...baseline, boots: [...boots] }
    })
    this.#ended.push(baselineNote(kept))
  }

  get isBaselineKept(): boolean {
    return this.#isBaselineKept
  }

  /** Whoever held anything that we lack would have given it by now. @returns what goes to disk */
  dropBaseline(): StoreOp[] {
    this.#isBaselineKept = false
    return [baselineNote([])]
  }

  /**
   * Stops signing: nothing that is not told by now is told before `resume`. Whoever waits, or comes to wait, is refused. What is on its
   * way to the disk is on its way still.
   * @param why for those who wait
   */
  mute(why: string): void {
    this.#open = false
    this.#muted = `${why}; what was on its way may be on its disk, and counts once this one takes writes again`
    this.#publication.clear()
    const commit = this.#inFlight
    if (commit === undefined) return
    this.#isAhead = true
    this.#waiting.push(...commit.waiting)
    commit.waiting = []
  }

  /**
   * Goes on where it was muted, as a start that finds on its disk what this one has written there; whatever was staged meanwhile is gone,
   * as that start would not know of it. Unlike one, it still knows its versions, of which the other daemon may have continued any. Heads
   * are signed once it is opened again. Not while busy.
   */
  resume(): void {
    assert(!this.isBusy && this.#signed !== undefined, 'what is on its way to the disk is part of it')
    this.#muted = undefined
    this.#isAhead = true
    this.#goOn({ signed: this.#signed, entries: this.#document.entries }, true)
  }

  // ---- what it is now

  /** The newest head that is on disk. */
  get signed(): SignedHead | undefined {
    return this.#signed
  }

  /** Whether a head of this start is on disk, with whatever was dropped before it. */
  get hasBegun(): boolean {
    return this.#signed?.head.boot === this.#identity.boot
  }

  /** Whether a commit is on its way to the disk: then the document is ahead of `signed`. */
  get isBusy(): boolean {
    return this.#inFlight !== undefined
  }

  /** Why the disk refuses writes, while it does. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** What can be given to others; only while not busy, and once a head of this start is on disk. */
  get giveable(): Giveable | undefined {
    const signed = this.#signed
    if (signed === undefined || this.isBusy || this.#isAhead || !this.hasBegun) return undefined
    const { owner, generation, version, boot, epoch } = signed.head
    const document = this.#document
    return {
      signed,
      holding: { owner, generation, version, boot, epoch, clock: document.clock },
      structs: document.structs,
      isLarge: document.isLarge,
      encode: () => document.encode(),
      encodeMore: () => document.encodeMore(),
      dropEncoding: () => document.dropEncoding(),
      encodeSince: (clock) => document.encodeSince(clock),
    }
  }

  /** What is held of our own document, also of an earlier start. */
  get holding(): Holding | undefined {
    if (this.giveable !== undefined) return this.giveable.holding
    if (this.#signed === undefined) return undefined
    const { owner, generation, version, boot } = this.#signed.head
    return { owner, generation, version, boot, epoch: 0, clock: 0 }
  }

  /** Whoever waits here is released once everything that is staged, or on its way, is on disk. */
  wait(waiting: Waiting): void {
    this.#waiting.push(waiting)
  }

  /**
   * Continues a document of ours that somebody else wrote or remembered. Not while busy.
   *
   *     it continues a version of this start        its entries, and on top what was written here since then, as new acts
   *     it continues what this start began from     the same, since the beginning
   *     it continues the baseline                   the same, since the baseline
   *     none of these                               both have been published: entry by entry the later one, and what only one has
   *
   * @returns what could not be written again, in words
   */
  adopt(document: NodeDocument, writes: Writes, wall: number): string[] {
    assert(!this.isBusy, 'adoption waits for the commit on its way')
    const { head } = document.signed
    const current = this.#records.ownEntries()
    const shared = this.#writtenSince(document, current)
    const written = (shared ?? differences(document.entries, current)).filter(({ map }) => map !== 'node')
    const isDraining = writes.isDraining
    this.#begun = { at: head, boots: [], entries: snapshotOf(document.entries) }
    this.#baselines = [this.#begun]
    for (const change of differences(current, document.entries)) if (change.map !== 'node') writes.take(change)
    writes.continueNode(document.entries)
    this.#inherited = this.#begun.entries
    writes.inherit(this.#inherited)
    const failures = written.flatMap((change) => {
      try {
        if (shared === undefined) writes.merge(change)
        else writes.rewrite(change, this.#begun.entries, wall)
        return []
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error
        return [error.message]
      }
    })
    this.#takenOver = { at: head, beneath: this.#begun.entries, over: this.#records.ownEntries() }
    if (head.left !== undefined && writes.isDraining) writes.drain(isDraining) // what was about to stop then has stopped
    this.keepBaseline(false)
    this.#identity.continuePoint(head, ancestryOf(document), true)
    this.#version = Math.max(this.#version, head.version)
    this.#document.epoch = Math.max(this.#document.epoch, head.epoch)
    this.#rebaseDue = true
    this.#identity.raiseGeneration(head.generation + 1)
    return failures
  }

  /** What was written here that it lacks; undefined where that is not known. @param current what is staged included */
  #writtenSince(document: NodeDocument, current: EntryMaps): Change[] | undefined {
    const told = ancestryOf(document)?.points.find(({ boot }) => boot === this.#identity.boot)
    if (told !== undefined && this.#written.has(told.version)) {
      const takenOver = this.#written.takenOverSince(told.version)
      if (takenOver?.every((at) => isContinuedBy(at, document)) !== true) return undefined
      return this.#written.since(told.version, current, differences(this.#document.entries, current))
    }
    const shared = [...this.#baselines, this.#begun].findLast((baseline) => isShared(baseline, document))
    return shared && differences(shared.entries, current)
  }

  /** Goes to disk with the next commit, before it, in place of what was said of it before. */
  accompany(op: StoreOp): void {
    this.#accompanying = op
  }

  /** Goes from the disk with the next commit, after it, in the same write. */
  end(ops: readonly StoreOp[]): void {
    this.#ended.push(...ops)
  }

  // ---- committing

  /**
   * Sends what is staged to the disk, as one transaction and one head, unless a commit is on its way already.
   * @param id of the write, should there be one
   */
  commit(now: number, id: number): { readonly effects: Effect[]; readonly released?: Released } {
    const companyUntil = Math.min(this.#companyUntil, now + company_ms)
    this.#companyUntil = Number.POSITIVE_INFINITY
    if (this.#muted !== undefined) return this.#refuseAll(this.#muted)
    if (this.#inFlight !== undefined || this.#retryAt !== undefined) return { effects: [] }
    if (!this.#records.isStaged && !this.#identity.isHeadDue && this.#accompanying === undefined) {
      const effects = this.#endAlone(id)
      return this.#waiting.length === 0 ? { effects } : { effects, released: { waiting: this.#takeWaiting() } }
    }
    if (!this.#open) return { effects: [] }
    if (now < companyUntil && this.#mayWait(now)) {
      this.#companyUntil = companyUntil
      return { effects: [] }
    }
    this.#isFollowed = this.#waiting.length > 0 && now - this.#answeredAt <= company_ms
    const isRebased = this.#rebaseDue || this.#document.outgrown
    const published = isRebased ? this.publish(now, true) : [] // an update never spans a new epoch
    this.#inFlight = this.#nextCommit(id, isRebased)
    return { effects: [...published, storing(this.#inFlight)] }
  }

  /** Whether somebody is likely to come, and all that is staged is what first checks found. */
  #mayWait(now: number): boolean {
    const isAwaited = this.#waiting.length > 0 || this.#identity.isHeadDue || this.#accompanying !== undefined
    return this.#isFollowed && !isAwaited && this.#firstChecks.heldUntil(this.#records.staged()) > now
  }

  #refuseAll(why: string): { readonly effects: Effect[]; readonly released?: Released } {
    return this.#waiting.length === 0 ? { effects: [] } : { effects: [], released: refused(this.#takeWaiting(), why) }
  }

  /** There was nothing to save of them. */
  #endAlone(id: number): Effect[] {
    const ops = this.#ended.splice(0)
    return ops.length === 0 ? [] : [{ type: 'store', id, sync: false, ops }]
  }

  #nextCommit(id: number, isRebased: boolean): Commit {
    const changes = this.#records.takeStaged()
    // A head that is due says something of its own: a goodbye, a refutation.
    const heldUntil = this.#identity.isHeadDue ? atOnce : this.#firstChecks.heldUntil(changes)
    const from = { epoch: this.#document.epoch, version: this.#version }
    if (isRebased) this.#document.rebase(this.#clientOf(this.#document.epoch + 1))
    const update = this.#document.write(changes)
    this.#version += 1
    this.#written.note(this.#version, changes, this.#takenOver)
    this.#takenOver = undefined
    const signed = signHead(this.#head(), this.#crypto)
    const isRaised = this.#identity.headSigned()
    const raised: StoreOp[] = isRaised ? [{ type: 'generation', generation: signed.head.generation }] : []
    const accompanying = this.#accompanying === undefined ? [] : [this.#accompanying]
    const ops = [...raised, ...accompanying, this.#contentOp(signed, update, isRebased), ...this.#ended.splice(0)]
    this.#accompanying = undefined
    this.#rebaseDue = false
    return { id, signed, from, update, heldUntil, ops, waiting: this.#takeWaiting() }
  }

  #head(): Head {
    const { self: owner, boot, generation, incarnation, parent, left } = this.#identity
    return {
      owner,
      generation,
      boot,
      ...(parent && { parent }),
      epoch: this.#document.epoch,
      version: this.#version,
      incarnation,
      ...(left && { left }),
      client: this.#document.client,
      digest: this.#document.entries.digest(),
    }
  }

  /** An update that is appended, or a snapshot in place of all of them. */
  #contentOp(signed: SignedHead, update: Uint8Array, isRebased: boolean): StoreOp {
    const { owner, version } = signed.head
    if (!this.#compaction.isDue(update.length + signed.bytes.length) && !isRebased) {
      return { type: 'update', owner, version, head: signed.bytes, update }
    }
    const content = this.#document.encode()
    this.#compaction.compacted(content.length)
    return { type: 'snapshot', owner, head: signed.bytes, content }
  }

  /** Whether this write is the commit on its way. */
  awaits(id: number): boolean {
    return this.#inFlight?.id === id
  }

  /** The commit on its way is on disk, or was refused. */
  stored(error: string | undefined, now: number): Released {
    const commit = this.#inFlight
    assert(commit !== undefined, 'only what was sent to the disk is stored')
    this.#refusal = error
    const { waiting } = commit
    if (error !== undefined) {
      commit.waiting = []
      this.#retryAt = now + retry_ms
      const wayOut = 'it is tried again and may still happen; free or repair the disk'
      return refused([...waiting, ...this.#takeWaiting()], `the disk refused the write (${error}): ${wayOut}`)
    }
    this.#inFlight = undefined
    this.#signed = commit.signed
    if (waiting.length > 0) this.#answeredAt = now
    if (this.#muted !== undefined) return { waiting }
    this.#isAhead = false
    this.#publication.add(commit)
    return { waiting }
  }

  /** A new registration is being checked: what it comes to is worth a moment's waiting, to everybody but the caller. */
  awaitFirstCheck(id: string, now: number): void {
    this.#firstChecks.registered(id, now)
  }

  checked(id: string): void {
    this.#firstChecks.checked(id)
  }

  /** Tells everybody what is new on disk; at once only where `urgent`. */
  publish(now: number, urgent = false): Effect[] {
    return urgent || now >= this.#publishAt ? this.#publication.publish(now) : []
  }

  get #publishAt(): number {
    return this.#publication.dueAt(this.#firstChecks.isAwaited || this.#records.isStaged || this.isBusy)
  }

  /** Tries the disk again where it failed. */
  retry(now: number): Effect[] {
    if (this.#retryAt === undefined || now < this.#retryAt || this.#inFlight === undefined) return []
    this.#retryAt = undefined
    return [storing(this.#inFlight)]
  }

  /** When to be woken: to publish, to write what has waited for company, or to try the disk again. */
  get wakeAt(): number {
    return Math.min(this.#publishAt, this.#companyUntil, this.#retryAt ?? Number.POSITIVE_INFINITY)
  }

  /** How it is, to be printed. */
  summary(): Pick<StateView, 'version' | 'epoch' | 'committing' | 'refusal' | 'waitingForDisk'> {
    return {
      version: this.#signed?.head.version ?? 0,
      epoch: this.#document.epoch,
      committing: this.isBusy,
      ...(this.#refusal !== undefined && { refusal: this.#refusal }),
      waitingForDisk: this.#waiting.length + (this.#inFlight?.waiting.length ?? 0),
    }
  }

  #takeWaiting(): Waiting[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }
}

function storing({ id, ops }: Commit): Effect {
  return { type: 'store', id, sync: true, ops }
}

function refused(waiting: readonly Waiting[], why: string): Released {
  return { waiting, error: new RegistryError('unavailable', why) }
}
