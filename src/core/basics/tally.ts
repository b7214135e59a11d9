/**
 * How much of something each one has, beside how much all have together.
 */
export class Tally<K> {
  readonly #byOne = new Map<K, number>()
  #total = 0

  get total(): number {
    return this.#total
  }

  /** 0 where it has nothing. */
  of(one: K): number {
    return this.#byOne.get(one) ?? 0
  }

  /** @param more may be below zero; whoever has nothing left takes no room here */
  add(one: K, more: number): void {
    this.#total += more
    const sum = this.of(one) + more
    if (sum > 0) this.#byOne.set(one, sum)
    else this.#byOne.delete(one)
  }
}
