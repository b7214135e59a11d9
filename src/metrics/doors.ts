/**
 * What is counted at the doors of a node: who looked something up by which of them, how long calls took.
 */
import { type Count, Counts, type Durations, DurationsBy } from './samples.js'

/** Most answers come from memory within a millisecond; writes wait for a disk. */
const requestBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export type Door = 'http' | 'dns' | 'library'

/** `empty`: known, while nothing of it is to be called. */
export type LookupResult = 'found' | 'empty' | 'unknown'

/** The counts of one door, at hand: lookups are what is asked for most. */
export type LookupCounts = Readonly<Record<LookupResult, Count>>

export class DoorCounts {
  readonly #lookups = new Counts('door', 'result')
  readonly #requests = new DurationsBy(requestBounds, 'method', 'route', 'code')

  lookups(door: Door): LookupCounts {
    const of = (result: LookupResult): Count => this.#lookups.of(door, result)
    return { found: of('found'), empty: of('empty'), unknown: of('unknown') }
  }

  /** @param route its template, never what was asked for: callers choose that */
  requests(method: string, route: string, code: number): Durations {
    return this.#requests.of(method, route, String(code))
  }

  readLookups(): ReturnType<Counts['read']> {
    return this.#lookups.read()
  }

  readRequests(name: string): ReturnType<DurationsBy['read']> {
    return this.#requests.read(name)
  }
}
