/**
 * The Yjs side of a document: five flat maps of strings, written by one Yjs client. The only file that knows Yjs.
 * It refuses bytes that one honest writer could not have made, before Yjs sees them; it does not know heads or digests.
 */
import * as Y from 'yjs'
import { assert } from '../errors.js'
import { type Change, type Entry, type MapName, mapNames } from './entries.js'

/** Yjs clocks beyond this are not the work of a registry. */
const clockLimit = 2 ** 31

/** A key that an update wrote or deleted, and what it holds now. */
export interface Touched {
  readonly map: MapName
  readonly key: string
  readonly value: string | undefined
}

export class Content {
  readonly #doc: Y.Doc
  readonly client: number

  private constructor(client: number, doc: Y.Doc) {
    this.client = client
    this.#doc = doc
  }

  static #empty(): Y.Doc {
    const doc = new Y.Doc({ gc: true, guid: 'document' }) // a name of ours keeps Yjs from drawing one
    doc.clientID = 0 // a replica never writes
    for (const name of mapNames) doc.getMap(name)
    return doc
  }

  /** A new document of these entries. Equal entries in equal order, under an equal client, are equal bytes everywhere. */
  static build(entries: Iterable<Entry>, client: number): Content {
    assert(client > 0, 'client 0 is nobody')
    const doc = Content.#empty()
    doc.clientID = client
    doc.transact(() => {
      for (const { map, key, value } of entries) doc.getMap(map).set(key, value)
    })
    doc.clientID = 0
    return new Content(client, doc)
  }

  /** Reads a full content that came from elsewhere; undefined where it is not one of this client alone, or of nobody. */
  static load(bytes: Uint8Array, client: number): Content | undefined {
    const doc = Content.#empty()
    if (client === 0 || !isWorkOf(client, bytes, doc, 0)) return undefined
    const content = new Content(client, doc)
    return content.#applyChecked(bytes) ? content : undefined
  }

  /** The Yjs clock that the next struct must have. */
  get clock(): number {
    return Y.getState(this.#doc.store, this.client)
  }

  /** How many structs Yjs holds: live entries, and runs of tombstones. */
  get structs(): number {
    return this.#doc.store.clients.get(this.client)?.length ?? 0
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
   * @returns the keys that it touched, with their values now; undefined where it is not such an update, and the content may then be spoilt: throw it away
   */
  apply(update: Uint8Array): Touched[] | undefined {
    if (update.length === 0) return []
    if (!isWorkOf(this.client, update, this.#doc, this.clock)) return undefined
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

/**
 * Whether an update holds nothing but strings in our maps, all by one client, without a gap after `clock`, each entry
 * chained behind the former value of its key. This keeps out what would throw, stall (chains that Yjs resolves in
 * quadratic time), stay pending, or write for somebody else.
 */
function isWorkOf(client: number, update: Uint8Array, doc: Y.Doc, clock: number): boolean {
  let decoded: ReturnType<typeof Y.decodeUpdate>
  try {
    decoded = Y.decodeUpdate(update)
  } catch {
    return false
  }
  let next = clock
  const origins = new Set<number>()
  const firsts = new Set<string>()
  for (const struct of decoded.structs) {
    if (!(struct instanceof Y.Item) || struct.id.client !== client || struct.id.clock !== next) return false
    next += struct.length
    if (next > clockLimit || !isPlainValue(struct)) return false
    if (!isChained(struct, client, doc, origins, firsts)) return false
  }
  for (const [owner, deletions] of decoded.ds.clients) {
    if (owner !== client || deletions.some(({ clock: from, len }) => from + len > next)) return false
  }
  return true
}

function isPlainValue(item: Y.Item): boolean {
  const { content } = item
  if (content instanceof Y.ContentDeleted) return true
  return content instanceof Y.ContentAny && content.arr.length === 1 && typeof content.arr[0] === 'string'
}

function isChained(item: Y.Item, client: number, doc: Y.Doc, origins: Set<number>, firsts: Set<string>): boolean {
  if (item.rightOrigin !== null) return false
  if (item.origin !== null) {
    const { client: author, clock } = item.origin
    if (author !== client || clock >= item.id.clock || origins.has(clock)) return false
    origins.add(clock)
    return true
  }
  const parent: unknown = item.parent
  if (typeof parent !== 'string' || !mapNames.includes(parent as MapName) || item.parentSub === null) return false
  const first = `${parent}/${item.parentSub}`
  if (firsts.has(first) || doc.getMap(parent)._map.has(item.parentSub)) return false
  firsts.add(first)
  return true
}
