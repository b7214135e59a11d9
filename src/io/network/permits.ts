/**
 * A bounded queue for a bounded number of permits. It never knows what they are for.
 */

export class Permits {
  readonly #queueLimit: number
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(atOnce: number, queueLimit: number) {
    this.#free = atOnce
    this.#queueLimit = queueLimit
  }

  /** @returns undefined when the queue is full, else settled once the permit is there; it must be given back */
  take(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free -= 1
      return Promise.resolve()
    }
    if (this.#waiting.length >= this.#queueLimit) return undefined
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  giveBack(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}
