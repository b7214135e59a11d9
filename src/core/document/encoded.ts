/**
 * The bytes of a large content, put together from the pieces in which it was encoded, some at a time: to copy all of them takes as long as to
 * encode many. Before them is room for what a message that holds them says first, so that they are not copied once more for that.
 */
import { wireLimits } from '../wire/limits.js'

/** Its first numbers, the head, what kind of content it is and how long; of the content how many structs, and of whom. */
const room_bytes = wireLimits.headBytes + 128
/** To copy so much is a millisecond or two. */
const atOnce_bytes = 4 * 1024 * 1024
/** What is deleted is told at the end; mostly there is little of it. */
const spare = 1 / 16

export class Encoded {
  readonly bytes: Uint8Array
  /** Bytes before these in the same buffer, which nobody uses yet. */
  #room: number

  constructor(bytes: Uint8Array, room = 0) {
    this.bytes = bytes
    this.#room = room
  }

  /** A message that ends with these, which are not copied where there is room before them: the first one has it. */
  precededBy(first: Uint8Array): Uint8Array {
    const { bytes } = this
    const length = first.length + bytes.length
    const isRoom = first.length <= this.#room
    const message = isRoom
      ? new Uint8Array(bytes.buffer, bytes.byteOffset - first.length, length)
      : new Uint8Array(length)
    message.set(first)
    if (isRoom) this.#room = 0
    else message.set(bytes, first.length)
    return message
  }
}

export class Joining {
  readonly #pieces: readonly Uint8Array[]
  #bytes: Uint8Array
  #end = room_bytes
  #added = 0

  /** @param pieces to which others may be added meanwhile */
  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
    this.#bytes = new Uint8Array(room_bytes + Math.ceil(length * (1 + spare)))
  }

  /** @returns whether that was the last of them */
  addSome(): boolean {
    for (let left = atOnce_bytes; this.#added < this.#pieces.length && left > 0; this.#added += 1) {
      const piece = this.#pieces[this.#added] as Uint8Array
      this.#append(piece)
      left -= piece.length
    }
    return this.#added === this.#pieces.length
  }

  /** @returns all of it, between these; the last call */
  between(first: Uint8Array, last: Uint8Array): Encoded {
    this.#append(last)
    const begin = room_bytes - first.length
    this.#bytes.set(first, begin)
    return new Encoded(this.#bytes.subarray(begin, this.#end), begin)
  }

  #append(bytes: Uint8Array): void {
    const end = this.#end + bytes.length
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.ceil(end * (1 + spare)))
      grown.set(this.#bytes.subarray(0, this.#end))
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.#end)
    this.#end = end
  }
}
