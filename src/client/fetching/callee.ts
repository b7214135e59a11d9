/**
 * One service as its caller knows it: how long its instances take, which of them are left out, how much may be tried again. It is what
 * the caller has seen himself, of calls that are made elsewhere.
 */
import type { Pools } from '../../core/lookup/candidates.js'
import type { Listed } from '../../core/lookup/chooser.js'
import type { InstanceView } from '../../core/views.js'
import { Budget } from './budget.js'
import { Latencies, PeakEwma } from './latency.js'
import { Outliers, type Turn } from './outliers.js'

/** Of a service of which not enough is known. */
const patience_ms = 1000
/** How far above what 99 of 100 calls take. */
const slack = 3
const shortest_ms = 20

export class Callee {
  readonly budget = new Budget()
  readonly #latencies = new Latencies()
  readonly #outliers = new Outliers()
  readonly #instances = new Map<string, PeakEwma>()
  #listed: Listed<InstanceView> | undefined

  /** How long an attempt is waited for before another one is worth it. */
  patience_ms(now: number): number {
    const usual_ms = this.#latencies.quantile(now, 0.99)
    return usual_ms === undefined ? patience_ms : Math.max(shortest_ms, slack * usual_ms)
  }

  /** The same with those last that are left out at present. What is not listed any more is forgotten. */
  considered(listed: Listed<InstanceView>, now: number): Listed<InstanceView> {
    if (listed !== this.#listed) this.#follow(listed)
    if (this.#outliers.isEmpty) return listed
    const pools = listed.pools.flatMap((pool): Pools<InstanceView> => {
      const others = this.#outliers.without(pool.listed, ({ id }) => id, now)
      return others === pool.listed ? [pool] : [{ ...pool, listed: others }, pool]
    })
    return pools.length === listed.pools.length ? listed : { pools }
  }

  #follow({ pools }: Listed<InstanceView>): void {
    const ids = new Set(pools.flatMap(({ listed }) => listed.map(({ id }) => id)))
    for (const [id, { inFlight }] of this.#instances) if (inFlight === 0 && !ids.has(id)) this.#instances.delete(id)
    this.#outliers.keep(ids)
  }

  /** The less the better. */
  loadOf({ id, weight = 100 }: InstanceView, now: number): number {
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

  /** Nobody waited for it: in that time it was not answered, which says something of the service, too. */
  late(id: string, now: number, latency_ms: number): Turn {
    this.#latencies.add(now, latency_ms)
    return this.failed(id, now, latency_ms)
  }

  /** Its caller wants it no more. */
  givenUp(id: string, now: number): void {
    this.#of(id).end(now)
    this.#outliers.givenUp(id)
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
