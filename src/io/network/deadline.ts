/**
 * A deadline that progress moves, up to a bound that nothing moves. It never ends anything itself.
 */

export interface DeadlineOptions {
  /** The longest time without progress. */
  readonly idle_ms: number
  /** The longest time at all. */
  readonly total_ms: number
  onPassed(): void
}

export class Deadline {
  readonly #options: DeadlineOptions
  readonly #latest: number
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
    this.#timer = setTimeout(
      () => {
        if (performance.now() >= this.#due) this.#options.onPassed()
        else this.#wait()
      },
      Math.max(1, this.#due - performance.now()),
    )
  }
}
