/**
 * How much of something may be done in one turn of the event loop, however often something comes within it. Where it is not whole any more
 * its owner asks to be woken in the next turn, and renews it there.
 */
export class Quota {
  readonly #whole: number
  #left: number

  constructor(whole: number) {
    this.#whole = whole
    this.#left = whole
  }

  /** Below nothing where the last thing was larger than what was left for it. */
  get left(): number {
    return this.#left
  }

  get isWhole(): boolean {
    return this.#left === this.#whole
  }

  take(amount: number): void {
    this.#left -= amount
  }

  renew(): void {
    this.#left = this.#whole
  }
}
