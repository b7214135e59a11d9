/**
 * The bytes of a Yjs update as one honest writer makes it: strings under keys of our maps, one after the other, each chained behind the
 * former value of its key, then what was deleted, in order. It reads a piece at a time, without Yjs; whatever else is in them is refused.
 *
 *     1 structs client clock  (info origin? (map key)? value)*   1 client ranges (clock length)*
 *
 * This keeps out what would throw in Yjs, stall it (chains that it resolves in quadratic time, the same deleted again and again), stay
 * pending, or write for somebody else.
 */
import { Reader, Writer } from '../wire/codec.js'
import { wireLimits } from '../wire/limits.js'
import { type MapName, mapNames } from './entries.js'

/** Yjs clocks beyond this are not the work of a registry. */
const clockLimit = 2 ** 31

/** Bits of the first byte of a struct. */
const bits = { hasOrigin: 0x80, hasRightOrigin: 0x40, hasKey: 0x20, kind: 0x1f } as const
/** Kinds of content, and the one kind of value that ours has. */
const kinds = { deleted: 1, any: 8, string: 119 } as const

/** A byte order mark is a part of a key like any other. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** So much is read at a time. */
interface Piece {
  readonly structs: number
  readonly bytes: number
}

const allOfIt: Piece = { structs: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

/** Clocks that were deleted, from one on. */
export interface Deleted {
  readonly clock: number
  readonly length: number
}

/** Whose update it is, where what is held ends, which keys there are. */
interface Expected {
  readonly client: number
  readonly clock: number
  readonly held: Readonly<Record<MapName, ReadonlyMap<string, unknown>>>
}

class NotHonest extends Error {}

export class UpdateReader {
  readonly #reader: Reader
  readonly #expected: Expected
  #structsLeft = 0
  #rangesLeft: number | undefined
  /** The clock that the next struct has. */
  #clock: number
  /** Where the last range ended. */
  #deletedTo = 0
  readonly #origins = new Set<number>()
  #isBroken = false

  constructor(bytes: Uint8Array, expected: Expected) {
    this.#reader = new Reader(bytes)
    this.#expected = expected
    this.#clock = expected.clock
    this.#try(() => {
      if (this.#reader.uint(1) === 0) return
      this.#structsLeft = this.#reader.uint()
      this.#demand(this.#reader.uint() === expected.client)
      this.#demand(this.#reader.uint() === expected.clock)
    })
  }

  /** Not the work of an honest writer. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  get hasStructs(): boolean {
    return !this.#isBroken && this.#structsLeft > 0
  }

  /** Structs that follow, as an update of their own; undefined where they are broken. */
  structs(piece: Piece): Uint8Array | undefined {
    const { client } = this.#expected
    const clock = this.#clock
    const from = this.#reader.consumed
    const count = this.#skipStructs(piece)
    if (this.#isBroken) return undefined
    const bytes = this.#reader.source.subarray(from, this.#reader.consumed)
    return new Writer(bytes.length + 32).uint(1).uint(count).uint(client).uint(clock).raw(bytes).uint(0).done()
  }

  /** Once all structs are read: the next range; undefined where there is none, or it is broken. */
  deleted(): Deleted | undefined {
    return this.#try(() => {
      if (this.#rangesLeft === undefined) this.#rangesLeft = this.#readRangeCount()
      if (this.#rangesLeft === 0) return undefined
      this.#rangesLeft -= 1
      const range = { clock: this.#reader.uint(), length: this.#reader.uint() }
      this.#demand(range.length > 0 && range.clock >= this.#deletedTo)
      this.#deletedTo = range.clock + range.length
      this.#demand(this.#deletedTo <= this.#clock)
      return range
    })
  }

  /** Reads on to the end. @returns what there is, where all of it is the work of an honest writer */
  all(): { readonly structs: number; readonly deleted: readonly Deleted[] } | undefined {
    const structs = this.#skipStructs(allOfIt)
    const deleted: Deleted[] = []
    for (let range = this.deleted(); range !== undefined; range = this.deleted()) deleted.push(range)
    return this.#isBroken ? undefined : { structs, deleted }
  }

  #readRangeCount(): number {
    if (this.#reader.uint(1) === 0) return 0
    this.#demand(this.#reader.uint() === this.#expected.client)
    return this.#reader.uint()
  }

  /** @returns how many were read */
  #skipStructs(piece: Piece): number {
    const from = this.#reader.consumed
    /** Keys that begin in this piece; those of earlier ones are held already. */
    const begun = new Set<string>()
    let count = 0
    this.#try(() => {
      while (this.#structsLeft > 0 && count < piece.structs && this.#reader.consumed - from < piece.bytes) {
        this.#skipStruct(begun)
        this.#structsLeft -= 1
        count += 1
      }
    })
    return count
  }

  #skipStruct(begun: Set<string>): void {
    const reader = this.#reader
    const info = reader.raw(1)[0] as number
    this.#demand((info & bits.hasRightOrigin) === 0)
    if ((info & bits.hasOrigin) === 0) this.#readKey(info, begun)
    else this.#readOrigin()
    const length = this.#skipContent(info & bits.kind)
    this.#demand(length > 0)
    this.#clock += length
    this.#demand(this.#clock <= clockLimit)
  }

  #readOrigin(): void {
    this.#demand(this.#reader.uint() === this.#expected.client)
    const clock = this.#reader.uint()
    this.#demand(clock < this.#clock && !this.#origins.has(clock))
    this.#origins.add(clock)
  }

  #readKey(info: number, begun: Set<string>): void {
    this.#demand(this.#reader.uint() === 1 && (info & bits.hasKey) !== 0)
    const map = this.#text() as MapName
    this.#demand(mapNames.includes(map))
    const key = this.#text()
    const id = `${map}/${key}`
    this.#demand(!begun.has(id) && !this.#expected.held[map].has(key))
    begun.add(id)
  }

  /** @returns how many clocks it takes */
  #skipContent(kind: number): number {
    const length = this.#reader.uint()
    if (kind === kinds.deleted) return length
    this.#demand(kind === kinds.any && length === 1 && this.#reader.raw(1)[0] === kinds.string)
    this.#reader.bytes(wireLimits.valueBytes)
    return length
  }

  #text(): string {
    return decoder.decode(this.#reader.bytes(wireLimits.valueBytes))
  }

  #demand(isSo: boolean): void {
    if (!isSo) throw new NotHonest()
  }

  #try<T>(read: () => T): T | undefined {
    if (this.#isBroken) return undefined
    try {
      return read()
    } catch {
      this.#isBroken = true
      return undefined
    }
  }
}

/** An update that deletes these, and writes nothing. */
export function deletionsOf(client: number, ranges: readonly Deleted[]): Uint8Array {
  return writeDeletions(new Writer().uint(0), client, ranges).done()
}

/** What an update says before and after its structs, of which there are so many, from clock 0 on. */
export function updateAround(
  client: number,
  { count, deleted }: { count: number; deleted: readonly Deleted[] },
): { readonly first: Uint8Array; readonly last: Uint8Array } {
  const first = count === 0 ? new Writer().uint(0) : new Writer().uint(1).uint(count).uint(client).uint(0)
  return { first: first.done(), last: writeDeletions(new Writer(10 * deleted.length), client, deleted).done() }
}

function writeDeletions(writer: Writer, client: number, ranges: readonly Deleted[]): Writer {
  if (ranges.length === 0) return writer.uint(0)
  writer.uint(1).uint(client)
  return writer.list(ranges, ({ clock, length }) => void writer.uint(clock).uint(length))
}
