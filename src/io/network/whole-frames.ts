/**
 * Gathers what comes in pieces into whole frames, so that half of one costs what it has of bytes, into however many pieces it was cut.
 * Each piece by itself is an object, and may be a window on all that came with it. It reads no more than headers.
 */

/** @returns bytes of the frame that begins there, its header included; undefined where that has not come yet */
export type LengthOf = (bytes: Uint8Array, at: number) => number | undefined

/** @returns whether anything is to be made of the whole frame that begins there */
export type IsWanted = (bytes: Uint8Array, at: number) => boolean

/** No header of ours is longer: until it has come this is what is made room for. */
const headerRoom_bytes = 16
const empty = new Uint8Array(0)

export class WholeFrames {
  readonly #lengthOf: LengthOf
  readonly #isWanted: IsWanted
  /** The beginning of a frame, with room for more of it. */
  #part: Uint8Array = empty
  #filled = 0
  /** How long that frame is, once it is known. */
  #length: number | undefined
  #completed = 0

  constructor(lengthOf: LengthOf, isWanted: IsWanted = () => true) {
    this.#lengthOf = lengthOf
    this.#isWanted = isWanted
  }

  /** How many were complete, in all that came. */
  get completed(): number {
    return this.#completed
  }

  /** Bytes of memory that are held for a frame that is not complete. */
  get held(): number {
    return this.#part.length
  }

  /** Of the frame that is not complete, once it has said that. */
  get length(): number | undefined {
    return this.#length
  }

  /** @returns how many of these bytes may be taken until more than so many of the frames that begin in them count */
  until(bytes: Uint8Array, most: number, counts: (bytes: Uint8Array, at: number) => boolean): number {
    // Of a header that came in part the rest, and no more of what follows than another one may be.
    if (this.#filled > 0 && this.#length === undefined) return Math.min(bytes.length, headerRoom_bytes)
    let left = most
    for (let at = (this.#length ?? 0) - this.#filled; at < bytes.length;) {
      const length = this.#lengthOf(bytes, at)
      if (length === undefined) return bytes.length
      if (counts(bytes, at)) left -= 1
      if (left < 0) return at
      at += length
    }
    return bytes.length
  }

  /** @returns all wanted frames that are complete now, in order; the bytes are lent: they may be a window on what was given */
  take(bytes: Uint8Array): Uint8Array[] {
    const whole: Uint8Array[] = []
    let rest = bytes
    while (this.#filled > 0 && rest.length > 0) rest = this.#complete(rest, whole)
    const end = this.#takeWhole(rest, whole)
    if (end < rest.length) this.#keep(rest.subarray(end))
    return whole
  }

  /** @returns what does not belong to the frame that has begun */
  #complete(bytes: Uint8Array, whole: Uint8Array[]): Uint8Array {
    // Byte by byte until its length is known, which is said at once.
    const wanted = this.#length === undefined ? 1 : this.#length - this.#filled
    this.#keep(bytes.subarray(0, wanted))
    if (this.#length === this.#filled) {
      if (this.#isWanted(this.#part, 0)) whole.push(this.#part.subarray(0, this.#filled))
      this.#completed += 1
      this.clear()
    }
    return bytes.subarray(wanted)
  }

  clear(): void {
    this.#part = empty
    this.#filled = 0
    this.#length = undefined
  }

  /** Takes those that are complete in these, as few pieces. @returns where they end */
  #takeWhole(bytes: Uint8Array, whole: Uint8Array[]): number {
    let [begin, at] = [0, 0]
    for (;;) {
      const length = this.#lengthOf(bytes, at)
      if (length === undefined || at + length > bytes.length) break
      const end = at + length
      this.#completed += 1
      if (!this.#isWanted(bytes, at)) {
        if (at > begin) whole.push(bytes.subarray(begin, at))
        begin = end
      }
      at = end
    }
    if (at > begin) whole.push(bytes.subarray(begin, at))
    return at
  }

  #keep(bytes: Uint8Array): void {
    const filled = this.#filled + bytes.length
    if (filled > this.#part.length) {
      const grown = new Uint8Array(Math.max(filled, Math.min(2 * filled, this.#length ?? headerRoom_bytes)))
      grown.set(this.#part.subarray(0, this.#filled))
      this.#part = grown
    }
    this.#part.set(bytes, this.#filled)
    this.#filled = filled
    this.#length ??= this.#lengthOf(this.#part.subarray(0, filled), 0)
  }
}
