/**
 * How often something was dropped, by reason; what is counted is not kept.
 */
export class Dropped<Reason extends string = string> {
  readonly #counts = new Map<Reason, number>()

  count(reason: Reason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
  }

  /** Since the start. */
  all(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }
}
