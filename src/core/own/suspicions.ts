/**
 * How many checks callers may ask for, so that whoever asks for many, or lies, costs little.
 */

const window_ms = 1000
/** A second, all callers together. As many are remembered. */
const most = 50
const mostOfOneCaller = 10

interface Suspicion {
  readonly at: number
  readonly id: string
  readonly caller: string
}

export class Suspicions {
  /** Those that were taken lately, in order of time. */
  #taken: Suspicion[] = []

  /** Whether a check may be done because of it: once a second for an instance, within what its caller, and all of them, may ask for. */
  take(id: string, caller: string, now: number): boolean {
    this.#taken = this.#taken.filter(({ at }) => now - at < window_ms)
    if (this.#taken.length >= most || this.#taken.some((one) => one.id === id)) return false
    if (this.#taken.filter((one) => one.caller === caller).length >= mostOfOneCaller) return false
    this.#taken.push({ at: now, id, caller })
    return true
  }
}
