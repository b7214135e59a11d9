/**
 * What may be done in one turn of the event loop, however often something comes within one. Whoever has done any of it has to be woken in
 * the next, which begins it anew.
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

  take(some: number): void {
    this.#left -= some
  }

  renew(): void {
    this.#left = this.#whole
  }
}
