/**
 * The end of a daemon: the goodbye, then everything that was begun, last begun first. Any number of times, from anywhere.
 */
import type { Log } from '../log.js'
import type { Engine } from './engine.js'

/** Ends one thing; may be called when that thing has hardly begun. */
export type End = () => Promise<void> | void

/** How long a goodbye may take to reach the disk and the wire. */
const goodbyeTimeout_ms = 1000
/**
 * How long the others may take to hold all that was written here: gossip may lose it, and nobody can ask for it once this daemon is gone.
 * On machines that have much else to do half a second was not enough for one of ten. With the goodbye it is within what `start` has for all.
 */
const handOver_ms = 2000
/** Between the answer to `leave` and the end: the caller is to read it. */
const answer_ms = 50

export class Life {
  readonly #ends: readonly End[]
  readonly #engine: Engine
  readonly #log: Log
  #goodbye: Promise<void> | undefined
  #ending: Promise<void> | undefined
  readonly stopped: Promise<void>
  #resolveStopped!: () => void

  constructor(parts: { readonly ends: readonly End[]; readonly engine: Engine; readonly log: Log }) {
    this.#ends = parts.ends
    this.#engine = parts.engine
    this.#log = parts.log
    this.stopped = new Promise((resolve) => (this.#resolveStopped = resolve))
  }

  /**
   * Resolves once the goodbye is out; the end follows by itself.
   * @param restart this node will be back in a moment
   */
  async leave({ restart = false }: { readonly restart?: boolean } = {}): Promise<void> {
    await this.#sayGoodbye(restart)
    setTimeout(() => void this.stop(), answer_ms)
  }

  stop(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    await this.#sayGoodbye(false)
    await endAll(this.#ends, this.#log)
    this.#resolveStopped()
  }

  /** Once: who said that it restarts does not say otherwise when it then ends. */
  #sayGoodbye(restart: boolean): Promise<void> {
    this.#goodbye ??= this.#tryGoodbye(restart)
    return this.#goodbye
  }

  /** A daemon that cannot write, or has not joined yet, goes without. */
  async #tryGoodbye(restart: boolean): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), goodbyeTimeout_ms)))
    const outcome = await Promise.race([this.#engine.command({ type: 'leave', restart }), late])
    clearTimeout(timer)
    if (outcome === 'late') this.#log.warn('ending without a goodbye: it could not be written in time')
    else if (!outcome.ok) this.#log.warn(`ending without a goodbye: ${outcome.error.message}`)
    else await this.#handOver()
  }

  async #handOver(): Promise<void> {
    const begun = performance.now()
    await this.#engine.command({ type: 'acknowledge', acks: 'all', patience_ms: handOver_ms })
    if (performance.now() - begun >= handOver_ms)
      this.#log.warn('ending though not all others hold what was written here last: they will once this node is back')
  }
}

/** Ends everything, last begun first; a failure of one does not keep the others. */
export async function endAll(ends: readonly End[], log: Log): Promise<void> {
  for (const end of [...ends].reverse()) {
    try {
      await end()
    } catch (error) {
      log.error({ err: error }, 'a part of the daemon could not be ended')
    }
  }
}
