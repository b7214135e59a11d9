/**
 * The Yjs side of a document: five flat maps of strings, written by one Yjs client. The only file that knows Yjs.
 * It refuses bytes that one honest writer could not have made, before Yjs sees them; it does not know heads or digests.
 */
import * as Y from 'yjs'
import { assert } from '../model/errors.js'
import { wireLimits } from '../wire/limits.js'
import { type Change, type Entry, type MapName, mapNames } from './entries.js'
import { type Encoded, Joining } from './encoded.js'
import { type Deleted, UpdateReader, deletionsOf, updateAround } from './updates.js'

/** What is read or written of a large content at a time: a few milliseconds. */
const piece = { structs: 250, bytes: 64 * 1024 } as const
/** Structs are written faster than they are read. */
const encodedAtOnce = { structs: 2000, bytes: 256 * 1024 } as const
/** With what is written meanwhile: beyond it all is begun anew. */
const encodedInAll_bytes = 2 * wireLimits.contentBytes

/** A key that an update wrote or deleted, and what it holds now. */
export interface Touched {
  readonly map: MapName
  readonly key: string
  readonly value: string | undefined
}

interface Encoding {
  readonly pieces: Uint8Array[]
  bytes: number
  /** Structs that are encoded, and the clock up to which. */
  count: number
  clock: number
  joining?: Joining
}

export class Content {
  readonly #doc: Y.Doc
  readonly client: number
  /** What is encoded already, of an encoding that takes several turns. */
  #encoding: Encoding | undefined

  /** Without anything in it yet. */
  constructor(client: number) {
    const doc = new Y.Doc({ gc: true, guid: 'document' }) // a name of ours keeps Yjs from drawing one
    doc.clientID = 0 // a replica never writes
    for (const name of mapNames) doc.getMap(name)
    this.client = client
    this.#doc = doc
  }

  /** A new document of these entries. Equal entries in equal order, under an equal client, are equal bytes everywhere. */
  static build(entries: Iterable<Entry>, client: number): Content {
    const content = new Content(client)
    content.add(entries)
    return content
  }

  /** Writes new entries, as their owner would: all of a new document, a part after the other. */
  add(entries: Iterable<Entry>): void {
    assert(this.client > 0, 'client 0 is nobody')
    this.#doc.clientID = this.client
    this.#doc.transact(() => {
      for (const { map, key, value } of entries) this.#doc.getMap(map).set(key, value)
    })
    this.#doc.clientID = 0
  }

  /** Reads a full content that came from elsewhere; undefined where it is not one of this client alone, or of nobody. */
  static load(bytes: Uint8Array, client: number): Content | undefined {
    const content = new Content(client)
    if (client === 0 || content.#reader(bytes).all() === undefined) return undefined
    return content.#applyChecked(bytes) ? content : undefined
  }

  /**
   * Reads a full content as `load` does, a piece at a time.
   * @returns the keys that each piece touched, with their values by then; in the end what was read
   */
  static *read(bytes: Uint8Array, client: number): Generator<Touched[], Content | undefined> {
    const content = new Content(client)
    const reader = content.#reader(bytes)
    while (client > 0 && reader.hasStructs) {
      const update = reader.structs(piece)
      const touched = update && content.#touchedBy(update)
      if (touched === undefined) return undefined
      yield touched
    }
    for (let range = reader.deleted(); range !== undefined;) {
      const ranges: Deleted[] = []
      for (let left: number = piece.structs; left > 0 && range !== undefined;) {
        const { part, structs, rest } = content.#partOf(range, left)
        ranges.push(part)
        left -= structs
        range = rest ?? reader.deleted()
      }
      const touched = content.#touchedBy(deletionsOf(client, ranges))
      if (touched === undefined) return undefined
      yield touched
    }
    return client === 0 || reader.isBroken ? undefined : content
  }

  /** As much of a range as so many structs are: few bytes may delete all that there is. */
  #partOf({ clock, length }: Deleted, most: number): { part: Deleted; structs: number; rest?: Deleted } {
    const structs = this.#structs()
    const from = Y.findIndexSS(structs, clock)
    const end = clock + length
    const next = structs[from + most]?.id.clock ?? end
    if (next >= end) return { part: { clock, length }, structs: Math.min(most, length) }
    return { part: { clock, length: next - clock }, structs: most, rest: { clock: next, length: end - next } }
  }

  /** Reads an update of this client that starts where this content ends. */
  #reader(update: Uint8Array): UpdateReader {
    const held = Object.fromEntries(mapNames.map((map) => [map, this.#doc.getMap(map)._map])) as Record<
      MapName,
      Map<string, unknown>
    >
    return new UpdateReader(update, { client: this.client, clock: this.clock, held })
  }

  /** The Yjs clock that the next struct must have. */
  get clock(): number {
    return Y.getState(this.#doc.store, this.client)
  }

  /** How many structs Yjs holds: live entries, and runs of tombstones. */
  get structs(): number {
    return this.#structs().length
  }

  #structs(): (Y.Item | Y.GC)[] {
    return this.#doc.store.clients.get(this.client) ?? []
  }

  *entries(): Generator<Entry> {
    for (const map of mapNames) {
      for (const [key, value] of this.#doc.getMap<string>(map).entries()) yield { map, key, value }
    }
  }

  /** All of it, as bytes that `load` reads. */
  encode(): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc)
  }

  /**
   * A part of what `encode` does; undefined until all is done. What is written here meanwhile is in it: what was encoded as it was before
   * is told to be deleted at the end.
   */
  encodeMore(): Encoded | undefined {
    const structs = this.#structs()
    const encoding = (this.#encoding ??= { pieces: [], bytes: 0, count: 0, clock: 0 })
    if (encoding.clock < this.clock) {
      const encoder = new Y.UpdateEncoderV1()
      const from = Y.findIndexSS(structs, encoding.clock)
      let bytes = 0
      for (let i = from; i < from + encodedAtOnce.structs && bytes < encodedAtOnce.bytes; i += 1) {
        const struct = structs[i]
        if (struct === undefined) break
        struct.write(encoder, encoding.clock - struct.id.clock)
        encoding.clock = struct.id.clock + struct.length
        encoding.count += 1
        bytes += lengthOf(struct)
      }
      const encoded = encoder.toUint8Array()
      encoding.pieces.push(encoded)
      encoding.bytes += encoded.length
      if (encoding.bytes > encodedInAll_bytes) this.#encoding = undefined
      // An owner who writes without a pause adds a little each time, and is joined all the same.
      if (encoding.bytes > encodedInAll_bytes || encoding.clock < this.clock) return undefined
    }
    const { pieces, count } = encoding
    encoding.joining ??= new Joining(pieces)
    if (!encoding.joining.addSome()) return undefined
    this.#encoding = undefined
    const { first, last } = updateAround(this.client, { count, deleted: deletedIn(structs) })
    return encoding.joining.between(first, last)
  }

  dropEncoding(): void {
    this.#encoding = undefined
  }

  /** Whether someone who stands at `clock` lacks more than that. */
  lacksMore(clock: number, most: { readonly structs: number; readonly bytes: number }): boolean {
    if (clock >= this.clock) return false
    const structs = this.#structs()
    const from = Y.findIndexSS(structs, clock)
    if (structs.length - from > most.structs) return true
    let bytes = 0
    for (let i = from; i < structs.length; i += 1) bytes += lengthOf(structs[i])
    return bytes > most.bytes
  }

  /** What someone who stands at `clock` lacks, deletions included. */
  encodeSince(clock: number): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc, Y.encodeStateVector(new Map([[this.client, clock]])))
  }

  /** Writes as the owner: one transaction. Returns its update. */
  write(changes: readonly Change[]): Uint8Array {
    let update: Uint8Array | undefined
    const keep = (bytes: Uint8Array): void => void (update = bytes)
    this.#doc.on('update', keep)
    this.#doc.clientID = this.client
    this.#doc.transact(() => {
      for (const { map, key, after } of changes) {
        if (after === undefined) this.#doc.getMap(map).delete(key)
        else this.#doc.getMap(map).set(key, after)
      }
    })
    this.#doc.clientID = 0
    this.#doc.off('update', keep)
    return update ?? new Uint8Array()
  }

  /**
   * Applies an update of the owner's that starts where this content ends.
   * @param most entries that it may take back or replace; how many it may write is told by its first bytes
   * @returns the keys that it touched, with their values now; `long` where these would be more, and nothing is done; undefined where it is
   * not such an update, and the content may then be spoilt: throw it away
   */
  apply(update: Uint8Array, most = Number.POSITIVE_INFINITY): Touched[] | 'long' | undefined {
    if (update.length === 0) return []
    const all = this.#reader(update).all()
    if (all === undefined) return undefined
    return this.#takesBackMore(all.deleted, most) ? 'long' : this.#touchedBy(update)
  }

  /** Of a difference, which names all that was ever deleted: what is gone here already costs nothing. */
  #takesBackMore(deleted: readonly Deleted[], most: number): boolean {
    const structs = this.#structs()
    let count = 0
    for (const { clock, length } of deleted) {
      if (clock >= this.clock) continue
      for (let i = Y.findIndexSS(structs, clock); (structs[i]?.id.clock ?? Infinity) < clock + length; i += 1)
        if (structs[i]?.deleted === false && (count += 1) > most) return true
    }
    return false
  }

  #touchedBy(update: Uint8Array): Touched[] | undefined {
    const touched: Touched[] = []
    const collect = (transaction: Y.Transaction): void => {
      for (const map of mapNames) {
        const keys = transaction.changed.get(this.#doc.getMap(map) as never) as Set<string> | undefined
        for (const key of keys ?? []) touched.push({ map, key, value: this.#doc.getMap<string>(map).get(key) })
      }
    }
    this.#doc.on('beforeObserverCalls', collect)
    const applied = this.#applyChecked(update)
    this.#doc.off('beforeObserverCalls', collect)
    return applied ? touched : undefined
  }

  #applyChecked(bytes: Uint8Array): boolean {
    try {
      Y.applyUpdate(this.#doc, bytes)
    } catch {
      return false
    }
    const { pendingStructs, pendingDs } = this.#doc.store
    return pendingStructs === null && pendingDs === null && this.#doc.store.clients.size <= 1
  }
}

/** Joins updates that follow each other. */
export function joinUpdates(updates: readonly Uint8Array[]): Uint8Array {
  const content = updates.filter((update) => update.length > 0)
  return content.length === 0
    ? new Uint8Array()
    : content.length === 1
      ? (content[0] as Uint8Array)
      : Y.mergeUpdates(content)
}

/** How long its key and its value are. */
function lengthOf(struct: Y.Item | Y.GC | undefined): number {
  if (!(struct instanceof Y.Item)) return 0
  const { parentSub, content } = struct
  const values = content instanceof Y.ContentAny ? content.arr : []
  return values.reduce<number>((sum, value) => sum + String(value).length, parentSub?.length ?? 0)
}

/** What is deleted among all structs, in ranges. */
function deletedIn(structs: readonly (Y.Item | Y.GC)[]): Deleted[] {
  const ranges: { clock: number; length: number }[] = []
  for (const { id, length, deleted } of structs) {
    if (!deleted) continue
    const last = ranges.at(-1)
    if (last !== undefined && last.clock + last.length === id.clock) last.length += length
    else ranges.push({ clock: id.clock, length })
  }
  return ranges
}
