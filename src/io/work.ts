/**
 * How much work something is: the time that it takes of a core, without that in which other programs had it. By the clock alone a busy
 * machine would make all that peers send seem long: they would be left waiting for it, be late with their heartbeats, and be called silent.
 */
import { performance } from 'node:perf_hooks'

/** Begun with it, at once. */
export class Work {
  readonly #begun_ms = performance.now()
  readonly #before_ms = processor_ms()

  /** So far, in ms: by the clock or by what all threads worked, whichever is less. Each may count what is not of this, neither less. */
  time_ms(): number {
    return Math.min(performance.now() - this.#begun_ms, processor_ms() - this.#before_ms)
  }
}

/** How much of the time since it was last asked this thread had something to do, and no core to do it on. */
export class Waits {
  #loop = performance.eventLoopUtilization()
  #worked_ms = processor_ms()

  /** 0 to 1; a little less than it is, as the work of all threads counts for this one's. */
  share(): number {
    const loop = performance.eventLoopUtilization()
    const worked_ms = processor_ms()
    const [active, idle] = [loop.active - this.#loop.active, loop.idle - this.#loop.idle]
    const waited_ms = active - (worked_ms - this.#worked_ms)
    this.#loop = loop
    this.#worked_ms = worked_ms
    return active + idle > 0 ? Math.max(0, waited_ms / (active + idle)) : 0
  }
}

/** Tells that share once a second. @returns ends it */
export function tellWaits(tell: (share: number) => void): () => void {
  const waits = new Waits()
  const timer = setInterval(() => tell(waits.share()), 1000)
  timer.unref()
  return () => clearInterval(timer)
}

function processor_ms(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
