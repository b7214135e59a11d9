/**
 * How much work something is: the time that it takes of a core, without that in which other programs had it. By the clock alone a busy
 * machine would make all that peers send seem long: they would be left waiting for it, be late with their heartbeats, and be called silent.
 */

/** Begun with it, at once. */
export class Work {
  readonly #begun_ms = performance.now()
  readonly #before_ms = processor_ms()

  /** So far, in ms: by the clock or by what all threads worked, whichever is less. Each may count what is not of this, neither less. */
  time_ms(): number {
    return Math.min(performance.now() - this.#begun_ms, processor_ms() - this.#before_ms)
  }
}

function processor_ms(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
