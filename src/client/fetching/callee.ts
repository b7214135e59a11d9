/**
 * One service as its caller knows it: how long its instances take, which of them are left out, how much may be tried again. It is what
 * the caller has seen himself, of calls that are made elsewhere.
 */
import { avoiding, bearable } from '../../core/lookup/avoided.js'
import type { Listed } from '../../core/lookup/chooser.js'
import { Outliers, type Turn } from '../../core/lookup/outliers.js'
import { defaultWeight } from '../../core/model/traits.js'
import type { InstanceView } from '../../core/views.js'
import { Budget } from './budget.js'
import { Latencies, PeakEwma } from './latency.js'

/** Of a service of which not enough is known. */
const patience_ms = 1000
/** How far above what 99 of 100 calls take. */
const slack = 3
const shortest_ms = 20
/** How far above what half of its calls take an instance is slow. */
const usualSlack = 4

const idOf = ({ id }: InstanceView): string => id

interface Considered {
  readonly without: ReadonlySet<string>
  readonly listed: Listed<InstanceView>
}

export class Callee {
  readonly budget = new Budget()
  readonly #latencies = new Latencies()
  readonly #outliers = new Outliers()
  readonly #instances = new Map<string, PeakEwma>()
  #listed: Listed<InstanceView> | undefined
  /** What was made of a list, or of a part of one, without these. */
  readonly #considered = new WeakMap<Listed<InstanceView>, Considered>()

  /** How long an attempt is waited for before another one is worth it. */
  patience_ms(now: number): number {
    const usual_ms = this.#latencies.quantile(now, 0.99)
    return usual_ms === undefined ? patience_ms : Math.max(shortest_ms, slack * usual_ms)
  }

  /** All that is listed of it at present; what is not any more is forgotten. */
  follow(listed: Listed<InstanceView>): void {
    if (listed === this.#listed) return
    this.#listed = listed
    const ids = new Set(listed.pools.flatMap((pool) => pool.listed.map(idOf)))
    for (const [id, { inFlight }] of this.#instances) if (inFlight === 0 && !ids.has(id)) this.#instances.delete(id)
    this.#outliers.keep(ids)
  }

  /**
   * The same with those last that are left out at present.
   * @param listed what is listed, or those of it that can be called
   * @returns the same object for as long as nothing of that changes
   */
  considered(listed: Listed<InstanceView>, now: number): Listed<InstanceView> {
    const without = this.#outliers.ejected(now)
    if (without.size === 0) return listed
    const known = this.#considered.get(listed)
    if (known?.without === without) return known.listed
    const made = avoiding(listed, (pool) => bearable(pool, idOf, without))
    this.#considered.set(listed, { without, listed: made })
    return made
  }

  /** A call by other means was not answered. @returns undefined also where it is not one of the service's */
  suspected(id: string, now: number): Turn {
    const isListed = this.#listed?.pools.some(({ listed }) => listed.some((one) => one.id === id)) === true
    return isListed ? this.#outliers.suspected(id, now) : undefined
  }

  /** Up to this load nobody is slow; undefined where too little is known. */
  usualLoad(now: number): number | undefined {
    const usual_ms = this.#latencies.quantile(now, 0.5)
    return usual_ms === undefined ? undefined : (usualSlack * usual_ms) / defaultWeight
  }

  /** The less the better. */
  loadOf({ id, weight = defaultWeight }: InstanceView, now: number): number {
    return (this.#instances.get(id)?.load(now) ?? 0) / Math.max(weight, 1)
  }

  begin(id: string, now: number): void {
    this.#outliers.called(id, now)
    this.#of(id).begin()
  }

  answered(id: string, now: number, latency_ms: number): Turn {
    this.#latencies.add(now, latency_ms)
    this.#of(id).end(now, latency_ms)
    return this.#outliers.answered(id, now)
  }

  /** Whoever fails at once does not look fast: it counts as long as a call that nobody waits for. */
  failed(id: string, now: number, latency_ms: number): Turn {
    this.#of(id).end(now, Math.max(latency_ms, this.patience_ms(now)))
    return this.#outliers.failed(id, now)
  }

  /**
   * Nobody waited for it: in that time it was not answered, which says something of the service, too. But each would make the next wait
   * `slack` times as long, up to the time of a whole call: they alone make it no longer than that of a service of which nothing is known.
   */
  late(id: string, now: number, latency_ms: number): Turn {
    this.#latencies.add(now, Math.min(latency_ms, patience_ms / slack))
    return this.failed(id, now, latency_ms)
  }

  /** Its caller wants it no more. */
  givenUp(id: string, now: number): undefined {
    this.#of(id).end(now)
    this.#outliers.givenUp(id)
  }

  /** Its caller has waited for as long as he had. That is nobody's failure where it was no longer than a call may well take. */
  outOfTime(id: string, now: number, latency_ms: number): Turn {
    const usual_ms = this.#latencies.quantile(now, 0.5)
    const isShort = latency_ms < (usual_ms === undefined ? patience_ms / slack : usualSlack * usual_ms)
    return isShort ? this.givenUp(id, now) : this.failed(id, now, latency_ms)
  }

  /** How many instances are remembered. */
  get size(): number {
    return this.#instances.size
  }

  #of(id: string): PeakEwma {
    let known = this.#instances.get(id)
    if (known === undefined) this.#instances.set(id, (known = new PeakEwma()))
    return known
  }
}
