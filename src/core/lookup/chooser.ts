/**
 * Picks: one of those that are listed under a name, by what its caller asks for. It keeps whose turn it is, and what was made of a
 * listing, for as long as that stands; it never finds out what is listed.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import { type Candidates, type Demands, type Pools, type Reading, candidatesOf } from './candidates.js'
import { Rotation } from './rotation.js'
import { Draws, type Strategy, leastLoaded, random, rendezvous } from './strategies.js'

/** What a pick asks for. */
export interface PickQuery extends Demands {
  /** Default: `round-robin`. */
  readonly strategy?: Strategy
  /** Of `hash`: what the choice follows. */
  readonly key?: string
}

/** What is listed under a name; another one as soon as that changes. */
export interface Listed<T> {
  readonly pools: Pools<T>
}

/** How many different demands are remembered of one listing, with their turns: callers may make up any number. */
const remembered = 64

const anything: Demands = {}

export type LoadOf<T> = (one: T) => number

const idle = (): number => 0

/** What one name is listed as, and what was made of it. */
interface Made<T> {
  readonly listed: Listed<T>
  /** What a pick without demands chooses from; undefined where there is nothing. */
  readonly plain: Candidates<T> | undefined
  readonly demanded: BoundedMap<string, Candidates<T> | undefined>
  /** Ids of those that such a pick may give; made when somebody asks. */
  givable?: ReadonlySet<string>
}

interface Service<T> {
  made: Made<T>
  /** The turns of demands: these outlive what was made of them, with each listing. */
  readonly turns: Rotation
  /** Those that have one: as many as are remembered, the newest. */
  readonly named: BoundedMap<string, true>
}

export class Chooser<T> {
  readonly #reading: Reading<T>
  readonly #services = new Map<string, Service<T>>()
  readonly #draws: Draws
  readonly #turns: Rotation
  #begun: number

  /** @param seed of chance, and where turns begin: differs between daemons, and between programs */
  constructor(reading: Reading<T>, seed: number) {
    this.#reading = reading
    this.#draws = new Draws(seed)
    this.#turns = new Rotation(seed)
    this.#begun = seed
  }

  /**
   * The one to call; undefined where there is none.
   * @param loadOf how loaded one is, the less the better: it changes all the time, and is asked where that decides
   * @param usualLoad asked beside that: up to which load one will do. Absent: the better one of two does
   */
  choose(
    name: string,
    listed: Listed<T>,
    query?: PickQuery,
    loadOf: LoadOf<T> = idle,
    usualLoad?: () => number | undefined,
  ): T | undefined {
    const service = this.#serviceOf(name, listed)
    if (query === undefined) {
      const { plain } = service.made
      return plain === undefined ? undefined : plain.ones[this.#turns.next(name, plain)]
    }
    const demand = demandOf(query)
    const candidates = this.#candidates(service.made, demand, query)
    if (candidates === undefined) return undefined
    switch (query.strategy ?? 'round-robin') {
      case 'random':
        return candidates.ones[random(candidates, this.#draws)]
      case 'least-loaded':
        return candidates.ones[
          leastLoaded(candidates, this.#draws, (place) => loadOf(candidates.ones[place] as T), usualLoad?.())
        ]
      case 'hash':
        return candidates.ones[rendezvous(candidates, query.key ?? '')]
      case 'round-robin':
        return candidates.ones[
          isWithout(query)
            ? this.#turnAgain(service, query, candidates)
            : demand === ''
              ? this.#turns.next(name, candidates)
              : turnsOf(service, demand).next(demand, candidates)
        ]
    }
  }

  /** Whether a pick without demands may give the one with that id at present. */
  mayGive(name: string, listed: Listed<T>, id: string): boolean {
    const { made } = this.#serviceOf(name, listed)
    made.givable ??= new Set(made.plain?.ids.filter((_, place) => (made.plain?.weights[place] ?? 0) > 0))
    return made.givable.has(id)
  }

  /** Whoever was not served, and asks for another one, takes turns of his own: those who ask first have their shares as before. */
  #turnAgain(service: Service<T>, { exclude: _, ...query }: PickQuery, candidates: Candidates<T>): number {
    const demand = demandOf(query)
    const all = this.#candidates(service.made, demand, query) ?? candidates
    return turnsOf(service, `without ${demand}`).nextOf(`without ${demand}`, all, candidates)
  }

  /** The name is gone, with its turns. */
  forget(name: string): void {
    this.#services.delete(name)
    this.#turns.forget(name)
  }

  #candidates({ listed, plain, demanded }: Made<T>, demand: string, query: PickQuery): Candidates<T> | undefined {
    // Whom a caller has just tried is his own matter, and seldom the same twice.
    if (isWithout(query)) return candidatesOf(listed.pools, query, this.#reading)
    if (demand === '') return plain
    if (demanded.has(demand)) return demanded.get(demand)
    const candidates = candidatesOf(listed.pools, query, this.#reading)
    demanded.set(demand, candidates)
    return candidates
  }

  #serviceOf(name: string, listed: Listed<T>): Service<T> {
    const known = this.#services.get(name)
    if (known?.made.listed === listed) return known
    const plain = candidatesOf(listed.pools, anything, this.#reading)
    const made: Made<T> = { listed, plain, demanded: new BoundedMap<string, Candidates<T> | undefined>(remembered) }
    if (known !== undefined) {
      known.made = made
      return known
    }
    this.#begun += 1
    const service = { made, turns: new Rotation(this.#begun), named: new BoundedMap<string, true>(remembered) }
    this.#services.set(name, service)
    return service
  }
}

/** In which this demand has its turn; those of demands beyond what is remembered go. */
function turnsOf<T>({ turns, named }: Service<T>, demand: string): Rotation {
  // Not set again by each pick, of which there are millions: so those that were made first make room.
  const oldest = named.has(demand) ? undefined : named.set(demand, true)
  if (oldest !== undefined) turns.forget(oldest[0])
  return turns
}

function isWithout({ exclude }: PickQuery): boolean {
  return exclude !== undefined && exclude.length > 0
}

/** The same text for the same demands, but for whom is left out; empty where there are none. */
function demandOf({ tags, metadata, port, prefer }: Demands): string {
  if (tags === undefined && metadata === undefined && port === undefined) return prefer ?? ''
  return JSON.stringify([prefer, port, tags, metadata && Object.entries(metadata)])
}
