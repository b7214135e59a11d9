/**
 * One large document of another owner that is taken across turns, so that nothing else waits for it.
 *
 *     full content   read, slice by slice ── digest agrees ──▶ changes handed out, slice by slice ──▶ held
 *                                        └─ it does not ─────▶ refused; nothing of it was ever seen
 *     a step         the content that it starts from is built, part by part ──▶ taken in one turn
 *
 * Until it is held, what was held before counts: it is what is given to others, and what this node says that it holds. What else comes
 * of the same owner waits meanwhile.
 */
import { type Change, type EntryMaps, comparisons } from '../document/entries.js'
import type { NodeDocument } from '../document/document.js'
import type { Parcel } from '../wire/sync.js'
import type { Bringing } from './declined.js'
import { workLimits } from './work.js'

/** What is compared costs little, what has changed is looked at by everybody who follows. */
const handedOut = { changes: 200, compared: 5000, bytes: 256 * 1024 } as const

/** What a slice of the work came to, and how much it was. */
export interface Slice {
  readonly units: number
  /** To be followed, whatever becomes of the rest. */
  readonly changes: readonly Change[]
}

/** All of it is read, and is what its head says; or it is not. */
export type Read = NodeDocument | 'wrong'

export class Loading {
  readonly parcel: Parcel
  readonly from: Bringing
  readonly units: number
  readonly #reading: Generator<void, NodeDocument | undefined>
  #read: NodeDocument | undefined
  #changes: Generator<Change | undefined> | undefined

  /** @param units what all of it is, see `workLimits` */
  constructor(parcel: Parcel, from: Bringing, units: number, reading: Generator<void, NodeDocument | undefined>) {
    this.parcel = parcel
    this.from = from
    this.units = units
    this.#reading = reading
  }

  /** What was read, once all of it is, and right. */
  get document(): NodeDocument | undefined {
    return this.#read
  }

  /** Whether its changes are being handed out. */
  get isFollowed(): boolean {
    return this.#changes !== undefined
  }

  /** Reads on. @returns what was read; undefined where there is more to read */
  read(): Read | undefined {
    const next = this.#reading.next()
    if (next.done !== true) return undefined
    this.#read = next.value
    return next.value ?? 'wrong'
  }

  /** From now on it replaces what is held. */
  follow(held: EntryMaps, document: NodeDocument): void {
    this.#changes = comparisons(held, document.entries)
  }

  /** The next changes. @returns undefined where there are none left */
  next(): Slice | undefined {
    const changes: Change[] = []
    let [compared, bytes] = [0, 0]
    for (let next = this.#changes?.next(); next?.done === false; next = this.#changes?.next()) {
      compared += 1
      if (next.value !== undefined) changes.push(next.value)
      bytes += next.value?.after?.length ?? 0
      const isLittle = changes.length < handedOut.changes && compared < handedOut.compared && bytes < handedOut.bytes
      if (isLittle) continue
      return { units: 2 * workLimits.read * handedOut.changes, changes }
    }
    return changes.length === 0 ? undefined : { units: 2 * workLimits.read * changes.length, changes }
  }
}
