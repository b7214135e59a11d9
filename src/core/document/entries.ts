/**
 * The entries of one document, plain strings by map, then key, with a digest that costs one bucket a change. It knows nothing of
 * Yjs, heads or the meaning of an entry.
 */
import type { Crypto } from '../effects.js'
import { assert } from '../model/errors.js'
import { Writer } from '../wire/codec.js'

/** The root maps of every document. Their order is part of the digest and of the bytes of a new epoch. */
export const mapNames = ['node', 'instances', 'definitions', 'removals', 'fences'] as const
export type MapName = (typeof mapNames)[number]

export interface Entry {
  readonly map: MapName
  readonly key: string
  readonly value: string
}

/** One entry that came (`before` absent), went (`after` absent) or changed. */
export interface Change {
  readonly map: MapName
  readonly key: string
  readonly before?: string
  readonly after?: string
}

type Hash = Crypto['hash']

export class Entries {
  readonly #maps = new Map<MapName, Map<string, string>>(mapNames.map((name) => [name, new Map()]))
  readonly #digest: BucketDigest
  readonly #hash: Hash
  #size = 0
  #bytes = 0

  constructor(hash: Hash) {
    this.#hash = hash
    this.#digest = new BucketDigest(hash)
  }

  /** How many entries there are. */
  get size(): number {
    return this.#size
  }

  /** Bytes of all keys and values, in UTF-8. */
  get bytes(): number {
    return this.#bytes
  }

  get(map: MapName, key: string): string | undefined {
    return this.#maps.get(map)?.get(key)
  }

  of(map: MapName): ReadonlyMap<string, string> {
    return this.#maps.get(map) as Map<string, string>
  }

  /** Replaces, adds, or (without a value) removes. */
  set(map: MapName, key: string, value: string | undefined): void {
    const entries = this.#maps.get(map)
    assert(entries !== undefined, 'only the five maps have entries')
    const before = entries.get(key)
    if (before === value) return
    if (before !== undefined) this.#uncount(encodeEntry({ map, key, value: before }))
    if (value === undefined) {
      entries.delete(key)
    } else {
      entries.set(key, value)
      this.#count(encodeEntry({ map, key, value }))
    }
  }

  #count(encoded: Uint8Array): void {
    this.#digest.add(this.#hash(encoded))
    this.#size += 1
    this.#bytes += encoded.length
  }

  #uncount(encoded: Uint8Array): void {
    this.#digest.remove(this.#hash(encoded))
    this.#size -= 1
    this.#bytes -= encoded.length
  }

  apply(changes: readonly Change[]): void {
    for (const { map, key, after } of changes) this.set(map, key, after)
  }

  /** Takes `apply` back. */
  revert(changes: readonly Change[]): void {
    for (const { map, key, before } of changes) this.set(map, key, before)
  }

  /** In the one order that every replica agrees on: by map, then by key in UTF-16 order. */
  *sorted(): Generator<Entry> {
    for (const map of mapNames) {
      const entries = this.of(map)
      for (const key of [...entries.keys()].sort()) yield { map, key, value: entries.get(key) as string }
    }
  }

  /** The work of the next `digest`, a part at a time. */
  *settleDigest(): Generator<void> {
    while (this.#digest.settle(hashesAtOnce)) yield
  }

  /** 32 bytes, equal exactly for equal entries. */
  digest(): Uint8Array {
    return this.#digest.value()
  }
}

export function changeOf(map: MapName, key: string, before: string | undefined, after: string | undefined): Change {
  return { map, key, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
}

/** Entries to be read, by map. */
export interface EntryMaps {
  of(map: MapName): ReadonlyMap<string, string>
}

/** The entries as they are now, whatever becomes of the original. */
export function snapshotOf(entries: EntryMaps): EntryMaps {
  const maps = new Map(mapNames.map((map) => [map, new Map(entries.of(map))]))
  return { of: (map) => maps.get(map) as Map<string, string> }
}

/** What turns `from` into `to`. */
export function differences(from: EntryMaps, to: EntryMaps): Change[] {
  return mapNames.flatMap((map) => [...comparison(map, from, to)].filter((change) => change !== undefined))
}

/** The same, entry by entry, undefined for each that is the same; what ends others comes first, so that they do not show in between. */
export function* comparisons(from: EntryMaps, to: EntryMaps): Generator<Change | undefined> {
  for (const map of endingFirst) yield* comparison(map, from, to)
}

const endingFirst: readonly MapName[] = ['node', 'removals', 'fences', 'definitions', 'instances']

function* comparison(map: MapName, from: EntryMaps, to: EntryMaps): Generator<Change | undefined> {
  const before = from.of(map)
  const after = to.of(map)
  for (const [key, value] of before) yield after.has(key) ? undefined : { map, key, before: value }
  for (const [key, value] of after) {
    const old = before.get(key)
    yield old === value ? undefined : { map, key, after: value, ...(old !== undefined && { before: old }) }
  }
}

/** Length before each part, so that no two different entries are the same bytes. */
function encodeEntry(entry: Entry): Uint8Array {
  const writer = new Writer()
  return writer.text(entry.map).text(entry.key).text(entry.value).done()
}

/** Hashes, each as 32 characters below 256. */
type Bucket = Set<string>

const bucketCount = 256
/** A few milliseconds; a bucket of the largest document holds some six hundred. */
const hashesAtOnce = 2400

/** Entry hashes fall into 256 buckets by their first byte; the digest is the hash of the buckets' hashes. */
class BucketDigest {
  readonly #hash: Hash
  /** By first byte; most documents are small and leave most of them out. */
  readonly #buckets = new Map<number, Bucket>()
  /** The buckets' hashes one after the other, made when first asked for; up to date but for the buckets that changed since. */
  #bucketHashes: Uint8Array | undefined
  readonly #changed = new Set<number>()
  #value: Uint8Array | undefined

  constructor(hash: Hash) {
    this.#hash = hash
  }

  add(entry: Uint8Array): void {
    this.#bucketOf(entry).add(textOf(entry))
  }

  remove(entry: Uint8Array): void {
    const wasThere = this.#bucketOf(entry).delete(textOf(entry))
    assert(wasThere, 'an entry that leaves was counted when it came')
  }

  value(): Uint8Array {
    if (this.#value !== undefined) return this.#value
    this.settle(Number.POSITIVE_INFINITY)
    this.#value = this.#hash(this.#all())
    return this.#value
  }

  /** Looks at buckets that have changed, until they held so many hashes. @returns whether there are more */
  settle(most: number): boolean {
    let left = most
    for (const i of this.#changed) {
      if (left <= 0) return true
      const hashes = this.#buckets.get(i) as Bucket
      left -= hashes.size
      this.#all().set(this.#hash(bytesOf(hashes.size < 2 ? hashes : [...hashes].sort(), hashes.size)), 32 * i)
      this.#changed.delete(i)
    }
    return false
  }

  #all(): Uint8Array {
    return (this.#bucketHashes ??= this.#hashesOfNothing())
  }

  #bucketOf(entry: Uint8Array): Bucket {
    const first = entry[0] as number
    const bucket: Bucket = this.#buckets.get(first) ?? new Set()
    this.#buckets.set(first, bucket)
    this.#changed.add(first)
    this.#value = undefined
    return bucket
  }

  #hashesOfNothing(): Uint8Array {
    const nothing = this.#hash(new Uint8Array())
    const all = new Uint8Array(32 * bucketCount)
    all.set(nothing)
    for (let length = nothing.length; length < all.length; length *= 2) all.copyWithin(length, 0, length)
    return all
  }
}

/** Not by `...`, whose iterator costs more than the hash. */
function textOf(hash: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, hash) as string
}

/** So many hashes one after the other; a plain loop, since every commit comes by here. */
function bytesOf(hashes: Iterable<string>, count: number): Uint8Array {
  const bytes = new Uint8Array(32 * count)
  let at = 0
  for (const hash of hashes) for (let i = 0; i < 32; i++) bytes[at++] = hash.charCodeAt(i)
  return bytes
}
