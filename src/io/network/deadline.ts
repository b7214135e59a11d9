/**
 * A deadline that progress moves, up to a bound that nothing moves but our own stall. It never ends anything itself.
 */

/** A timer of ours this late: what should have come meanwhile may be here, unread. */
const stall_ms = 1000

export interface DeadlineOptions {
  /** The longest time without progress. */
  readonly idle_ms: number
  /** The longest time at all. */
  readonly total_ms: number
  onPassed(): void
}

export class Deadline {
  readonly #options: DeadlineOptions
  #latest: number
  #due: number
  #timer: NodeJS.Timeout | undefined

  constructor(options: DeadlineOptions) {
    this.#options = options
    this.#latest = performance.now() + options.total_ms
    this.#due = 0
    this.progress()
    this.#wait()
  }

  progress(): void {
    this.#due = Math.min(this.#latest, performance.now() + this.#options.idle_ms)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** One timer that looks again when it is early, since progress comes thousands of times a second. */
  #wait(): void {
    const expectedAt = Math.max(performance.now() + 1, this.#due)
    this.#timer = setTimeout(() => this.#look(performance.now() - expectedAt), expectedAt - performance.now())
  }

  /** @param late_ms our own stall: it is no silence of whoever should have made progress */
  #look(late_ms: number): void {
    if (late_ms >= stall_ms) {
      this.#latest += late_ms
      this.progress()
    }
    if (performance.now() >= this.#due) this.#options.onPassed()
    else this.#wait()
  }
}

/** Waits for something to settle, however it does, but not for long. */
export async function settledWithin(timeout_ms: number, done: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeout_ms)))
  await Promise.race([Promise.resolve(done).catch(() => {}), timeout])
  clearTimeout(timer)
}
