/**
 * When the updates of a document on disk are folded into a snapshot: once they are larger than it, so that writing and reading
 * stay in proportion to what there is.
 */

/** Update bytes on disk that are not worth the folding. */
const foldAfterBytes = 256 * 1024

export class Folding {
  #updateBytes = 0
  #snapshotBytes = 0

  /** @param bytes of one more update */
  isDue(bytes: number): boolean {
    this.#updateBytes += bytes
    return this.#updateBytes > Math.max(foldAfterBytes, this.#snapshotBytes)
  }

  /** @param bytes of the snapshot */
  folded(bytes: number): void {
    this.#updateBytes = 0
    this.#snapshotBytes = bytes
  }
}
