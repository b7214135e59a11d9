/**
 * When the updates of a document on disk are replaced by a snapshot: once they are larger than it, so that writing as well as
 * reading stays in proportion to what there is.
 */

/** Update bytes that are not worth a snapshot: of the own document, where every commit is waited for; of a copy. */
export const compactionFloor = { own: 256 * 1024, copy: 128 * 1024 } as const

export class Compaction {
  readonly #floorBytes: number
  #updateBytes = 0
  #snapshotBytes: number

  /** @param snapshotBytes on disk already */
  constructor(floorBytes: number, snapshotBytes = 0) {
    this.#floorBytes = floorBytes
    this.#snapshotBytes = snapshotBytes
  }

  /** Counts one more update. @returns whether a snapshot is to be written in its place */
  isDue(updateBytes: number): boolean {
    this.#updateBytes += updateBytes
    return this.#updateBytes > Math.max(this.#floorBytes, this.#snapshotBytes)
  }

  /** A snapshot was written. */
  compacted(snapshotBytes: number): void {
    this.#updateBytes = 0
    this.#snapshotBytes = snapshotBytes
  }

  /** What is on disk may not be whole: the next thing that is written is a snapshot. */
  distrust(): void {
    this.#updateBytes = Number.POSITIVE_INFINITY
  }
}
