// A machine's own monotonic clock: it never steps, but it may run fast or slow.

/** A machine is woken this much after its time, where rounding could wake it before. */
const rounding_ms = 1e-6

export class Clock {
  #rate = 1
  #setAt = 0
  #shownThen = 0

  /** What it shows at a moment of the world's time. */
  at(now: number): number {
    return this.#shownThen + (now - this.#setAt) * this.#rate
  }

  /** When, in the world's time, it will show this. */
  whenAt(shown: number): number {
    if (this.#rate === 1 && this.#shownThen === this.#setAt) return shown
    return this.#setAt + (shown - this.#shownThen) / this.#rate + rounding_ms
  }

  setRate(rate: number, now: number): void {
    this.#shownThen = this.at(now)
    this.#setAt = now
    this.#rate = rate
  }
}
