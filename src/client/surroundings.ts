/**
 * Where this program's daemon stands, how busy the machines of the others are: what some picks go by. It is asked for while somebody
 * does, and now and then.
 */
import type { Whereabouts } from '../core/lookup/candidates.js'
import type { MemberView, NodeView } from '../core/views.js'
import { mayPass } from './failures.js'

/** Heartbeats tell every second; a machine is seldom busy for a shorter time than this. */
const fresh_ms = 5000
/** Of whom nothing is known. */
const unknownLoad = 50

export interface SurroundingsOptions {
  readonly selfNode: () => Promise<{ readonly node: NodeView }>
  readonly members: () => Promise<{ readonly members: readonly MemberView[] }>
  /** Milliseconds on a clock that never steps. */
  readonly now: () => number
}

export class Surroundings {
  readonly #here: Kept<Whereabouts>
  readonly #loads: Kept<ReadonlyMap<string, number>>

  constructor({ selfNode, members, now }: SurroundingsOptions) {
    this.#here = new Kept(async () => {
      const { node } = await selfNode()
      return { node: node.url, zone: node.availabilityZone, region: node.region }
    }, now)
    this.#loads = new Kept(async () => {
      const { members: all } = await members()
      return new Map(all.flatMap(({ url, load }) => (url === undefined || load === undefined ? [] : [[url, load]])))
    }, now)
  }

  /** What such a pick goes by is there afterwards. */
  async prepare({ prefer, strategy }: { readonly prefer?: unknown; readonly strategy?: unknown }): Promise<void> {
    if (prefer !== undefined) await this.#here.demand()
    if (strategy === 'least-loaded') await this.#loads.demand()
  }

  here(): Whereabouts {
    return this.#here.value ?? {}
  }

  /** In percent, by the url of a node. */
  loadOf(nodeUrl: string | undefined): number {
    return (nodeUrl === undefined ? undefined : this.#loads.value?.get(nodeUrl)) ?? unknownLoad
  }
}

/**
 * Asked for once at a time; where it is old it is asked anew behind the scenes. Where nobody answers picks do without; a daemon that
 * refuses is asked no more often, with the same words for all.
 */
class Kept<T> {
  readonly #load: () => Promise<T>
  readonly #now: () => number
  #loading: Promise<void> | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  #refusal: Error | undefined
  value: T | undefined

  constructor(load: () => Promise<T>, now: () => number) {
    this.#load = load
    this.#now = now
  }

  async demand(): Promise<void> {
    if (this.#now() - this.#askedAt > fresh_ms) {
      this.#loading ??= this.#reload().finally(() => {
        this.#loading = undefined
        this.#askedAt = this.#now()
      })
    }
    if (this.value !== undefined) return // what was known serves
    await this.#loading
    if (this.#refusal !== undefined) throw this.#refusal
  }

  async #reload(): Promise<void> {
    try {
      this.value = await this.#load()
      this.#refusal = undefined
    } catch (error) {
      this.#refusal = mayPass(error) ? undefined : (error as Error)
    }
  }
}
