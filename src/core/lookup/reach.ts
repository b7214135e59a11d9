/**
 * What this node does not reach itself, though all others may see it: home nodes by its own hearing, instances by what its callers met.
 */
import type { PeerId } from '../model/model.js'
import type { Found } from '../records/union.js'
import type { Unreached } from '../views.js'
import { avoiding, bearable } from './avoided.js'
import type { Pool } from './candidates.js'
import type { Listed } from './chooser.js'
import { Outliers } from './outliers.js'

interface Since<How> {
  readonly how: How
  readonly since: number
}

/** What was made of a listing, while these were not reached. */
interface Ranked {
  readonly revision: number
  readonly listed: Listed<Found>
}

/**
 * What one caller says all others here have to bear, though they may well reach it; who calls himself leaves it out for as long as he
 * sees fit. So it is asked again after that at the latest, however often it was said.
 */
const longestForAll_ms = 20_000

export class Reach {
  readonly #homes = new Map<PeerId, Since<'silence' | 'refused'>>()
  readonly #suspects = new Outliers(longestForAll_ms)
  /** Since when each is left out. */
  readonly #suspectedAt = new Map<string, number>()
  /** As of the last look: picks have no clock. */
  #suspected: ReadonlySet<string>
  /** Raised as soon as anybody else is not reached. */
  #revision = 0
  #ranked = new WeakMap<Listed<Found>, Ranked>()

  constructor() {
    this.#suspected = this.#suspects.ejected(0)
  }

  /** Looks anew. @param unreached the home nodes that this node does not reach at present, by its own word */
  look(unreached: ReadonlyMap<PeerId, 'silence' | 'refused'>, now: number): void {
    for (const home of this.#homes.keys()) if (!unreached.has(home)) this.#change(() => this.#homes.delete(home))
    for (const [home, how] of unreached) {
      const known = this.#homes.get(home)
      if (known?.how === how) continue
      this.#change(() => this.#homes.set(home, { how, since: known?.since ?? now }))
    }
    this.#lookAtSuspects(now)
  }

  /** A caller of this node was not answered by it. */
  suspected(id: string, now: number): void {
    if (this.#suspects.suspected(id, now) === 'ejected') this.#suspectedAt.set(id, now)
    this.#lookAtSuspects(now)
  }

  /** It was registered anew, or is gone: what callers said was said of another one. */
  forget(id: string): void {
    this.#suspects.forget(id)
    this.#suspectedAt.delete(id)
    if (this.#suspected.has(id)) this.#change(() => (this.#suspected = without(this.#suspected, id)))
  }

  /** The same with those last that are not reached. The same object for as long as that is so. */
  rank(listing: Listed<Found>): Listed<Found> {
    if (this.#homes.size === 0 && this.#suspected.size === 0) return listing
    const known = this.#ranked.get(listing)
    if (known?.revision === this.#revision) return known.listed
    const listed = avoiding(listing, (pool) => this.#avoided(pool))
    this.#ranked.set(listing, { revision: this.#revision, listed })
    return listed
  }

  /** Why this node does not reach it; undefined where nothing speaks against that. */
  of({ owner, record: { id } }: Found): Since<Unreached> | undefined {
    const home = this.#homes.get(owner)
    if (home !== undefined) return home
    const since = this.#suspected.has(id) ? this.#suspectedAt.get(id) : undefined
    return since === undefined ? undefined : { how: 'suspected', since }
  }

  /** What callers say counts for no more than half of those whose home nodes are reached. */
  #avoided({ listed, inDoubt }: Pool<Found>): ReadonlySet<string> {
    const [reached, others] = [new Array<Found>(), new Array<Found>()]
    for (const one of listed) (this.#homes.has(one.owner) ? others : reached).push(one)
    // Where no home node is reached, it is not them.
    const all = reached.length === 0
    const suspected = bearable({ listed: all ? listed : reached, inDoubt }, idOf, this.#suspected)
    if (all || others.length === 0) return suspected
    return new Set([...others.map(idOf), ...suspected])
  }

  #lookAtSuspects(now: number): void {
    const suspected = this.#suspects.ejected(now)
    if (suspected === this.#suspected) return
    this.#change(() => (this.#suspected = suspected))
    for (const id of this.#suspectedAt.keys()) if (!suspected.has(id)) this.#suspectedAt.delete(id)
  }

  #change(change: () => unknown): void {
    change()
    this.#revision += 1
  }
}

function idOf({ record: { id } }: Found): string {
  return id
}

function without(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return new Set([...ids].filter((one) => one !== id))
}
