/**
 * One owner's document as any daemon holds it: a signed head over entries, which Yjs content carries. It takes a step only where
 * digest and structure agree with the head; which head is preferred is decided elsewhere.
 */
import type { Crypto } from '../effects.js'
import { assert } from '../model/errors.js'
import { equalBytes } from '../wire/codec.js'
import type { UpdateStep } from '../wire/gossip.js'
import type { SignedHead } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Holding } from '../wire/sync.js'
import { building } from './building.js'
import { Content } from './content.js'
import type { Encoded } from './encoded.js'
import { type Change, Entries, type Entry, differences } from './entries.js'

type Hash = Crypto['hash']

/** Live entries and runs of tombstones; an owner rebases long before. */
const maxStructs = 3 * wireLimits.entries

/** A document is taken, given or built in one turn up to this size. */
export const turnLimits = { structs: 500, bytes: 512 * 1024 } as const
/** A step likewise; the longest value may be in one. */
export const stepLimits = { structs: 1000, bytes: wireLimits.valueBytes + turnLimits.bytes } as const

/** Whether all of such a document is too much for one turn. */
export function isLarge(structs: number, bytes: number): boolean {
  return structs > turnLimits.structs || bytes > turnLimits.bytes
}

function fits(entries: Entries): boolean {
  return entries.size <= wireLimits.entries && entries.bytes <= wireLimits.entryBytes
}

/** `gap`: it does not start from what is held. `wrong`: it does, and leads elsewhere than its head says. `long`: it touches too much. */
export type StepOutcome =
  | { readonly type: 'taken'; readonly changes: readonly Change[] }
  | { readonly type: 'gap' }
  | { readonly type: 'wrong' }
  | { readonly type: 'long' }

interface Building {
  readonly parts: Generator<void, Content>
  content: Content | undefined
  /** A step is to be taken onto it. */
  isForStep: boolean
}

export class NodeDocument implements Giveable {
  #signed: SignedHead
  #entries: Entries
  /**
   * `unbuilt`: a new epoch without a change; its bytes follow from the entries, and are built when they are needed.
   * `spoilt`: after a wrong step; the entries stand, the next content must be a full one.
   */
  #content: Content | 'unbuilt' | 'spoilt'
  /** Contents of these entries that are being built across turns, by their client: of this epoch, to be given, and of the next. */
  readonly #building = new Map<number, Building>()

  private constructor(signed: SignedHead, entries: Entries, content: Content) {
    this.#signed = signed
    this.#entries = entries
    this.#content = content
  }

  /** Reads a full content; undefined where it is not what the head says. */
  static load(hash: Hash, signed: SignedHead, bytes: Uint8Array): NodeDocument | undefined {
    const content = Content.load(bytes, signed.head.client)
    if (content === undefined || content.structs > maxStructs) return undefined
    const entries = new Entries(hash)
    for (const { map, key, value } of content.entries()) entries.set(map, key, value)
    if (!fits(entries) || !equalBytes(entries.digest(), signed.head.digest)) return undefined
    return new NodeDocument(signed, entries, content)
  }

  /** The same as `load`, a part at a time. */
  static *read(hash: Hash, signed: SignedHead, bytes: Uint8Array): Generator<void, NodeDocument | undefined> {
    const entries = new Entries(hash)
    const reading = Content.read(bytes, signed.head.client)
    let next = reading.next()
    for (; next.done !== true; next = reading.next()) {
      if (entries.size > maxStructs) return undefined
      for (const { map, key, value } of next.value) entries.set(map, key, value)
      yield
    }
    const content = next.value
    if (content === undefined || content.structs > maxStructs || !fits(entries)) return undefined
    yield* entries.settleDigest()
    return equalBytes(entries.digest(), signed.head.digest) ? new NodeDocument(signed, entries, content) : undefined
  }

  get signed(): SignedHead {
    return this.#signed
  }

  get entries(): Entries {
    return this.#entries
  }

  /** Live entries, and runs of tombstones, as far as they are built. */
  get structs(): number {
    return typeof this.#content === 'string' ? this.#entries.size : this.#content.structs
  }

  get isLarge(): boolean {
    return isLarge(this.structs, this.#entries.bytes)
  }

  /** Takes another full content of the same owner. */
  replaceBy(other: NodeDocument): readonly Change[] {
    const changes = differences(this.#entries, other.entries)
    this.become(other)
    return changes
  }

  /** The same, where its changes are followed already. */
  become(other: NodeDocument): void {
    this.#signed = other.#signed
    this.#entries = other.#entries
    this.#content = other.#content
    this.#building.clear()
  }

  #startsHere({ fromEpoch, fromVersion }: UpdateStep): boolean {
    const { epoch, version } = this.#signed.head
    return fromEpoch === epoch && fromVersion === version
  }

  /** Whether such a step begins the next epoch of what is held: its content is to be built from all entries. */
  isRebasedBy(signed: SignedHead, step: UpdateStep): boolean {
    return this.#startsHere(step) && signed.head.epoch === this.#signed.head.epoch + 1
  }

  /** Whether such a step has to be prepared over several turns. */
  isLong(signed: SignedHead, step: UpdateStep): boolean {
    const { size, bytes } = this.#entries
    return isLarge(size, bytes) && this.#lacking(signed, step) !== undefined
  }

  /** Builds what such a step starts from, a part at a time, so that it can then be taken in one turn. */
  *preparing(signed: SignedHead, step: UpdateStep): Generator<void, undefined> {
    for (let client = this.#lacking(signed, step); client !== undefined; client = this.#lacking(signed, step)) {
      const begun = this.#beginBuilding(client)
      begun.isForStep = true
      if (buildMore(begun) !== undefined) return
      yield
    }
  }

  /** The client whose content of these entries such a step needs, where it is not built. */
  #lacking(signed: SignedHead, step: UpdateStep): number | undefined {
    const isRebase = this.isRebasedBy(signed, step)
    if (isRebase ? step.bytes.length === 0 : !this.#startsHere(step) || this.#content !== 'unbuilt') return undefined
    const { client } = isRebase ? signed.head : this.#signed.head
    return client === 0 ? undefined : client
  }

  /** Content of these entries, as far as it is built. */
  #beginBuilding(client: number): Building {
    const known = this.#building.get(client)
    if (known !== undefined) return known
    const current = this.#signed.head.client
    // Of next epochs only the newest is of use.
    if (client !== current)
      for (const other of this.#building.keys()) if (other !== current) this.#building.delete(other)
    const begun = { parts: building(this.#entries, client), content: undefined, isForStep: false }
    this.#building.set(client, begun)
    return begun
  }

  /** Content of these entries, which may have been built in turns. */
  #takeBuilt(client: number): Content {
    const built = this.#building.get(client)?.content
    this.#building.delete(client)
    return built ?? Content.build(this.#entries.sorted(), client)
  }

  /**
   * Takes a step that gossip or sync brought; on `wrong` the entries stay as they were.
   * @param most entries that it may touch
   */
  take(signed: SignedHead, step: UpdateStep, most?: number): StepOutcome {
    const { head } = this.#signed
    if (this.isRebasedBy(signed, step)) return this.#takeRebase(signed, step.bytes, most)
    if (!this.#startsHere(step) || signed.head.epoch !== head.epoch) return { type: 'gap' }
    const content = this.#built()
    if (content === undefined) return { type: 'gap' }
    if (signed.head.client !== content.client) return { type: 'wrong' }
    return this.#takeUpdate(signed, content, { update: step.bytes, rebased: false, most })
  }

  /** A new epoch: everyone builds its first bytes from the entries that all hold, then applies what comes on top. */
  #takeRebase(signed: SignedHead, update: Uint8Array, most: number | undefined): StepOutcome {
    const { client, digest } = signed.head
    if (client === 0) return { type: 'wrong' }
    if (update.length > 0) return this.#takeUpdate(signed, this.#takeBuilt(client), { update, rebased: true, most })
    if (!equalBytes(this.#entries.digest(), digest)) return { type: 'wrong' }
    this.#signed = signed
    this.#content = 'unbuilt'
    for (const other of this.#building.keys()) if (other !== client) this.#building.delete(other)
    return { type: 'taken', changes: [] }
  }

  #takeUpdate(
    signed: SignedHead,
    content: Content,
    { update, rebased, most }: { update: Uint8Array; rebased: boolean; most: number | undefined },
  ): StepOutcome {
    const touched = content.apply(update, most)
    if (touched === 'long') return { type: 'long' }
    const changes: Change[] = []
    for (const { map, key, value } of touched ?? []) {
      const before = this.#entries.get(map, key)
      if (before === value) continue
      changes.push({ map, key, ...(before !== undefined && { before }), ...(value !== undefined && { after: value }) })
    }
    this.#entries.apply(changes)
    const isRight = touched !== undefined && fits(this.#entries) && content.structs <= maxStructs
    if (!isRight || !equalBytes(this.#entries.digest(), signed.head.digest)) {
      this.#entries.revert(changes)
      if (!rebased) this.#content = 'spoilt'
      return { type: 'wrong' }
    }
    this.#signed = signed
    this.#content = content
    this.#building.clear()
    return { type: 'taken', changes }
  }

  /** What this replica can say that it holds. Without content it holds nothing that a difference could start from. */
  get holding(): Holding {
    const { owner, generation, version, boot, epoch } = this.#signed.head
    if (this.#content === 'spoilt') return { owner, generation, version, boot, epoch: 0, clock: 0 }
    const clock = this.#content === 'unbuilt' ? this.#entries.size : this.#content.clock
    return { owner, generation, version, boot, epoch, clock }
  }

  #built(): Content | undefined {
    if (this.#content === 'unbuilt') this.#content = this.#takeBuilt(this.#signed.head.client)
    return this.#content === 'spoilt' ? undefined : this.#content
  }

  /** The full content. After a wrong step it is built from the entries, which the head describes as well. */
  encode(): Uint8Array {
    const content = this.#built() ?? Content.build(this.#entries.sorted(), this.#signed.head.client)
    return content.encode()
  }

  encodeMore(): Encoded | undefined {
    if (this.#content instanceof Content) return this.#content.encodeMore()
    const built = buildMore(this.#beginBuilding(this.#signed.head.client))
    if (built === undefined) return undefined
    if (this.#content === 'unbuilt') this.#content = this.#takeBuilt(built.client)
    const encoded = built.encodeMore()
    if (encoded !== undefined) this.#building.delete(built.client)
    return encoded
  }

  dropEncoding(): void {
    if (this.#content instanceof Content) this.#content.dropEncoding()
    const { client } = this.#signed.head
    const building = this.#building.get(client)
    if (building?.isForStep === true) building.content?.dropEncoding()
    else this.#building.delete(client)
  }

  encodeSince(clock: number): Uint8Array | undefined {
    if (this.#content === 'unbuilt' && this.isLarge) return undefined
    const content = this.#built()
    return content === undefined || content.lacksMore(clock, stepLimits) ? undefined : content.encodeSince(clock)
  }
}

/** @returns the content, once all of it is built */
function buildMore(begun: Building): Content | undefined {
  if (begun.content !== undefined) return begun.content
  const next = begun.parts.next()
  return next.done === true ? (begun.content = next.value) : undefined
}

/** A document that can be given to others: a head, and the content that it describes. */
export interface Giveable {
  readonly signed: SignedHead
  readonly holding: Holding
  /** Live entries, and runs of tombstones. */
  readonly structs: number
  /** All of it is too much for one turn. */
  readonly isLarge: boolean
  encode(): Uint8Array
  /** A part of what `encode` does; undefined until all is done. */
  encodeMore(): Encoded | undefined
  /** What was encoded in part is not asked for any more. */
  dropEncoding(): void
  /** What a holder of the same epoch at `clock` lacks, where that is not so much that all of it is as good. */
  encodeSince(clock: number): Uint8Array | undefined
}

/** The document of this daemon itself: the only one that is written here. */
export class OwnDocument {
  #entries: Entries
  #content: Content
  epoch: number

  constructor(
    hash: Hash,
    base: { readonly entries: Iterable<Entry>; readonly epoch: number; readonly client: number },
  ) {
    this.#entries = new Entries(hash)
    for (const { map, key, value } of base.entries) this.#entries.set(map, key, value)
    this.epoch = base.epoch
    this.#content = Content.build(this.#entries.sorted(), base.client)
  }

  get entries(): Entries {
    return this.#entries
  }

  get client(): number {
    return this.#content.client
  }

  get clock(): number {
    return this.#content.clock
  }

  /** More tombstones than content: the time to rebase. */
  get outgrown(): boolean {
    return this.#content.structs > 2 * this.#entries.size + 64
  }

  /** One transaction; returns the Yjs update that carries it. */
  write(changes: readonly Change[]): Uint8Array {
    this.#entries.apply(changes)
    const update = this.#content.write(changes)
    assert(changes.length === 0 || update.length > 0, 'a change makes an update')
    return update
  }

  /** Begins a new epoch: the same entries, the fewest bytes. */
  rebase(client: number): void {
    this.epoch += 1
    this.#content = Content.build(this.#entries.sorted(), client)
  }

  encode(): Uint8Array {
    return this.#content.encode()
  }

  get structs(): number {
    return this.#content.structs
  }

  get isLarge(): boolean {
    return isLarge(this.structs, this.#entries.bytes)
  }

  encodeMore(): Encoded | undefined {
    return this.#content.encodeMore()
  }

  dropEncoding(): void {
    this.#content.dropEncoding()
  }

  encodeSince(clock: number): Uint8Array | undefined {
    return this.#content.lacksMore(clock, stepLimits) ? undefined : this.#content.encodeSince(clock)
  }
}
