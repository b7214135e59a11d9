/**
 * What has come from peers without being read yet: in the order in which it came, as much a turn as lets everything else go on.
 *
 *     message ── little, and nothing waits ──▶ read at once
 *             └─ much, or behind much ──▶ waits ── a turn ── a turn ──▶ read; what its end means comes after all of it
 *
 * A large document takes many turns. What comes after it from the same peer waits for its end, what others bring does not, but for other
 * large ones.
 */
import { Tally } from '../basics/tally.js'
import type { PeerId } from '../model/model.js'
import type { Head } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Parcel } from '../wire/sync.js'
import type { Answer, Ended } from './requests.js'
import { WaitingBytes } from './waiting-bytes.js'

export const arrivalLimits = {
  /** Units of `workLimits`: some five milliseconds. The last document of a turn may go beyond. */
  turnUnits: 500,
  /** Looking at a step at all: most of it is its signature. */
  stepUnits: 10,
  /** The same for a whole document, however small, with what follows from it. */
  documentUnits: 150,
  /** Messages of one peer that wait: an honest one has some of its answers under way, and says forty versions a second. */
  messages: 256,
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
  /** With what each of its parcels takes by itself: many of them may be in few bytes. */
  readonly bytes: number
  next: number
}

interface Later {
  readonly via: PeerId
  readonly afterwards: Afterwards
}

export class Arrivals {
  readonly #waiting: (Message | Later)[] = []
  readonly #bytes = new WaitingBytes()
  readonly #messages = new Tally<PeerId>()
  /** The message of which a large document is being taken. */
  #begun: Message | undefined

  /** Whether nothing waits to be read, or done. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  get bytes(): number {
    return this.#bytes.total
  }

  /** @returns false where too much waits already: then it is left to the next comparison */
  bring(via: PeerId, parcels: readonly Parcel[], bytes: number): boolean {
    if (parcels.length === 0) return true
    if (!this.#bytes.mayGrow(via) || this.#messages.of(via) >= arrivalLimits.messages) return false
    const held = bytes + parcels.length * wireLimits.headBytes
    this.#bytes.add(via, held)
    this.#messages.add(via, 1)
    this.#waiting.push({ via, parcels, bytes: held, next: 0 })
    return true
  }

  /** @param via whose messages it comes after */
  then(via: PeerId, afterwards: Afterwards): void {
    this.#waiting.push({ via, afterwards })
  }

  /**
   * The next to be read, or to be done.
   * @param isLong whether a parcel is taken across turns: then what its bringer brought after it waits for `ended`
   */
  take(isLong: (parcel: Parcel) => boolean = () => false): Arrival | undefined {
    const heldUp = new Set(this.#begun && [this.#begun.via])
    for (const [at, first] of this.#waiting.entries()) {
      if (heldUp.has(first.via)) continue
      if ('afterwards' in first) {
        this.#waiting.splice(at, 1)
        return first.afterwards
      }
      const parcel = first.parcels[first.next] as Parcel
      if (!isLong(parcel)) return this.#read(first, parcel)
      if (this.#begun === undefined) {
        this.#begun = first
        first.next += 1
        return { type: 'parcel', parcel, via: first.via }
      }
      heldUp.add(first.via)
    }
    return undefined
  }

  #read(message: Message, parcel: Parcel): Arrival {
    message.next += 1
    this.#forgetRead(message)
    return { type: 'parcel', parcel, via: message.via }
  }

  #forgetRead(message: Message): void {
    if (message.next < message.parcels.length) return
    this.#waiting.splice(this.#waiting.indexOf(message), 1)
    this.#bytes.remove(message.via, message.bytes)
    this.#messages.add(message.via, -1)
  }

  /** The large document is taken, or is not going to be. */
  ended(): void {
    const message = this.#begun
    this.#begun = undefined
    if (message !== undefined) this.#forgetRead(message)
  }
}
