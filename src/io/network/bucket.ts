/**
 * So many a second of something, some of them saved for one moment. A newcomer has saved all of them.
 */
export interface BucketRate {
  readonly perSecond: number
  readonly atOnce: number
}

export class Bucket {
  readonly #rate: BucketRate
  #tokens: number
  #at = performance.now()

  constructor(rate: BucketRate) {
    this.#rate = rate
    this.#tokens = rate.atOnce
  }

  /** @returns false where that is one too many */
  take(): boolean {
    const now = performance.now()
    this.#tokens = Math.min(this.#rate.atOnce, this.#tokens + ((now - this.#at) / 1000) * this.#rate.perSecond)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
