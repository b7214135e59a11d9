/**
 * Sees that the lengths before messages end. One that does not libp2p reads byte by byte; it keeps each byte, and makes an exception of
 * each. Nothing but lengths is read here.
 */

/** Two bytes tell sixteen thousand: no name of a protocol is longer, nor what identify says. */
const mostBytes = 2

export class Lengths {
  #length = 0
  #lengthBytes = 0
  /** Of the message that has begun. */
  #left = 0

  /** @returns false where a length goes on for too long */
  take(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length;) {
      const passed = Math.min(this.#left, bytes.length - at)
      this.#left -= passed
      at += passed
      if (at < bytes.length && !this.#takeOfLength(bytes[at++] as number)) return false
    }
    return true
  }

  #takeOfLength(byte: number): boolean {
    this.#length += (byte & 127) << (7 * this.#lengthBytes)
    this.#lengthBytes += 1
    if (byte >= 128) return this.#lengthBytes < mostBytes
    this.#left = this.#length
    this.#length = this.#lengthBytes = 0
    return true
  }
}
