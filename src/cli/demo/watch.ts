/**
 * Sees what the lookups of several daemons show, as any caller would. The times that a demonstration tells are the times at
 * which this saw it.
 */
import type { InstanceStatus } from '../../core/model/model.js'
import { pause, within } from '../../client/pause.js'
import type { DemoDaemon } from './daemons.js'

/** Between two questions to one daemon: while nobody waits, and while something is timed. */
const idle_ms = 100
const eager_ms = 3
/** What takes longer has failed, also on a machine that is busy with something else. */
export const deadline_ms = 60_000

/** Statuses by instance id, as one daemon shows them. */
export type Sight = ReadonlyMap<string, InstanceStatus>

interface Wait {
  readonly condition: () => boolean
  readonly done: () => void
}

export class Watch {
  readonly #sights = new Map<string, Sight>()
  readonly #ends = new Map<string, AbortController>()
  readonly #waits = new Set<Wait>()
  readonly #onChange: () => void
  #nudge = new AbortController()
  /** Questions that were answered so far. */
  answers = 0
  /** Questions that were not. */
  failures = 0

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  add(daemon: DemoDaemon): void {
    const end = new AbortController()
    this.#ends.set(daemon.name, end)
    void this.#follow(daemon, end.signal)
  }

  drop(name: string): void {
    this.#ends.get(name)?.abort()
    this.#ends.delete(name)
    this.#sights.delete(name)
    this.#onChange()
  }

  get names(): readonly string[] {
    return [...this.#ends.keys()]
  }

  /** What a daemon shows; undefined where it is not watched, or has not answered yet. */
  sight(name: string): Sight | undefined {
    return this.#sights.get(name)
  }

  /** Whether every watched daemon shows something that holds. */
  all(holds: (sight: Sight) => boolean): boolean {
    return this.names.every((name) => {
      const sight = this.#sights.get(name)
      return sight !== undefined && holds(sight)
    })
  }

  /**
   * Does something, and waits for what is to follow from it.
   * @param what for the error, where it does not follow
   * @returns the milliseconds from the beginning of the act until it was seen
   */
  async time(what: string, act: () => Promise<void>, condition: () => boolean): Promise<number> {
    let seen!: () => void
    const isSeen = new Promise<void>((resolve) => (seen = resolve))
    const begun = performance.now()
    const acted = act()
    const wait = { condition, done: seen }
    this.#waits.add(wait)
    this.#nudge.abort()
    this.#nudge = new AbortController()
    try {
      await within(deadline_ms, Promise.all([acted, isSeen]), `${what} did not happen in time`)
      return performance.now() - begun
    } finally {
      this.#waits.delete(wait)
    }
  }

  async #follow({ name, client }: DemoDaemon, end: AbortSignal): Promise<void> {
    while (!end.aborted) {
      try {
        const { instances } = await client.instances()
        if (end.aborted) return
        this.answers++
        this.#sights.set(name, new Map(instances.map(({ id, status }) => [id, status])))
        this.#onChange()
      } catch {
        if (end.aborted) return
        this.failures++
      }
      for (const { condition, done } of this.#waits) if (condition()) done()
      await (this.#waits.size > 0 ? pause(eager_ms) : pause(idle_ms, this.#nudge.signal))
    }
  }

  end(): void {
    for (const name of this.names) this.drop(name)
  }
}
