/**
 * Who waits for what the check of an instance finds, but not for long. It begins none.
 */

/** Less than whoever passed it on waits for the answer. */
const patience_ms = 800
/** Beyond it nobody waits. */
const limit = 1000

export class AwaitedChecks<Waiter> {
  #waiting: { readonly id: string; readonly waiter: Waiter; readonly until: number }[] = []

  /** @returns false where there is no room */
  wait(id: string, waiter: Waiter, now: number): boolean {
    if (this.#waiting.length >= limit) return false
    this.#waiting.push({ id, waiter, until: now + patience_ms })
    return true
  }

  /** The check of that instance is back. */
  checked(id: string): readonly Waiter[] {
    return this.#take((one) => one.id === id)
  }

  /** Those who wait no longer. */
  overdue(now: number): readonly Waiter[] {
    return this.#take(({ until }) => now >= until)
  }

  #take(isMeant: (one: { readonly id: string; readonly until: number }) => boolean): readonly Waiter[] {
    if (this.#waiting.length === 0) return []
    const taken = this.#waiting.filter(isMeant)
    if (taken.length > 0) this.#waiting = this.#waiting.filter((one) => !isMeant(one))
    return taken.map(({ waiter }) => waiter)
  }
}
