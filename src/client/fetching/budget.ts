/**
 * How many attempts beyond the first one the calls of a service may cost, so that trying again never doubles an overload (Finagle's
 * retry budget).
 */
const window_ms = 10_000
const slots = 10
const slot_ms = window_ms / slots

/** However few calls there are. */
const leastPerSecond = 10

export class Budget {
  readonly #calls = new Float64Array(slots)
  readonly #retries = new Float64Array(slots)
  #slot = Number.NEGATIVE_INFINITY

  /** A call begins. */
  call(now: number): void {
    const slot = this.#turn(now)
    this.#calls[slot] = (this.#calls[slot] as number) + 1
  }

  /**
   * @param share of the calls of the last ten seconds
   * @returns whether one more attempt may be made, which is then counted
   */
  retry(now: number, share: number): boolean {
    const slot = this.#turn(now)
    const allowed = Math.max(share * sum(this.#calls), (leastPerSecond * window_ms) / 1000)
    if (sum(this.#retries) + 1 > allowed) return false
    this.#retries[slot] = (this.#retries[slot] as number) + 1
    return true
  }

  /** What is older than the window is forgotten. */
  #turn(now: number): number {
    const slot = Math.floor(now / slot_ms)
    for (let past = Math.max(this.#slot + 1, slot - slots + 1); past <= slot; past += 1) {
      this.#calls[past % slots] = 0
      this.#retries[past % slots] = 0
    }
    this.#slot = Math.max(this.#slot, slot)
    return this.#slot % slots
  }
}

function sum(counts: Float64Array): number {
  return counts.reduce((total, count) => total + count, 0)
}
