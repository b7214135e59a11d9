/**
 * Who waits for something, but not for ever: a bounded list of values, each until its own moment. For what they wait it does not know.
 */

/** Beyond it nobody waits. */
const limit = 1000

export class WaitingList<T extends { readonly until: number }> {
  #waiting: T[] = []

  /** @returns false where there is no room */
  keep(one: T): boolean {
    if (this.#waiting.length >= limit) return false
    this.#waiting.push(one)
    return true
  }

  /** What those waited for has come, or will not come. @returns in the order in which they came */
  take(isMeant: (one: T) => boolean): readonly T[] {
    if (this.#waiting.length === 0) return []
    const taken = this.#waiting.filter(isMeant)
    if (taken.length > 0) this.#waiting = this.#waiting.filter((one) => !taken.includes(one))
    return taken
  }

  /** Those who wait no longer. */
  takeOverdue(now: number): readonly T[] {
    return this.take(({ until }) => now >= until)
  }
}
