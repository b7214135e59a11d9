/**
 * What has come from peers without being read yet: in the order in which it came, as much a turn as lets everything else go on.
 *
 *     message ── little, and nothing waits ──▶ read at once
 *             └─ much, or behind much ──▶ waits ── a turn ── a turn ──▶ read; what its end means comes after all of it
 */
import type { PeerId } from '../model.js'
import type { Head } from '../wire/head.js'
import type { Parcel } from '../wire/sync.js'
import type { Answer, Ended } from './requests.js'
import { WaitingBytes } from './waiting-bytes.js'

export const arrivalLimits = {
  /** Units of `workLimits`: some ten milliseconds. The last document of a turn may go beyond. */
  turnUnits: 1000,
  /** Looking at a step at all: most of it is its signature. */
  stepUnits: 10,
  /** The same for a whole document, however small, with what follows from it. */
  documentUnits: 50,
} as const

/** What is to be done once all that came before it has been read. */
export type Afterwards =
  | {
      readonly type: 'pushed'
      readonly from: PeerId
      readonly request: number
      readonly documents: number
      /** Of the document of whoever pushed, where it was among them. */
      readonly own?: Head
    }
  | Extract<Answer, { readonly type: 'compared' }>
  | { readonly type: 'closed'; readonly ended: Exclude<Ended, { readonly type: 'compared' }> }

export type Arrival = { readonly type: 'parcel'; readonly parcel: Parcel; readonly via: PeerId } | Afterwards

/** Parcels hold on to the message that they came in until the last of them is read. */
interface Message {
  readonly via: PeerId
  readonly parcels: readonly Parcel[]
  readonly bytes: number
  next: number
}

export class Arrivals {
  readonly #waiting: (Message | Afterwards)[] = []
  readonly #bytes = new WaitingBytes()

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  get bytes(): number {
    return this.#bytes.total
  }

  /** @returns false where too much waits already: then it is left to the next comparison */
  bring(via: PeerId, parcels: readonly Parcel[], bytes: number): boolean {
    if (parcels.length === 0) return true
    if (!this.#bytes.mayGrow(via)) return false
    this.#bytes.add(via, bytes)
    this.#waiting.push({ via, parcels, bytes, next: 0 })
    return true
  }

  then(afterwards: Afterwards): void {
    this.#waiting.push(afterwards)
  }

  /** The next to be read, or to be done. */
  take(): Arrival | undefined {
    const [first] = this.#waiting
    if (first === undefined) return undefined
    if ('type' in first) return this.#waiting.shift() as Afterwards
    const { via, parcels, bytes } = first
    const parcel = parcels[first.next++] as Parcel
    if (first.next === parcels.length) {
      this.#waiting.shift()
      this.#bytes.remove(via, bytes)
    }
    return { type: 'parcel', parcel, via }
  }
}
