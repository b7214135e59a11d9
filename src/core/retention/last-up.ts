/**
 * When this daemon was last up, as far as the dates on its disk agree with its clock. A machine without a clock of its own starts
 * in 1970, or on the day its system was built, until somebody tells it the time; what it notes meanwhile must not make it believe
 * later that it was away for years.
 *
 *     dates on disk       before this program was written: of a machine that did not know the time; they say nothing
 *     clock behind them   one of the two is wrong, so nobody can say how long we were away, and we were not. Time goes on from the
 *                         latest date, until the clock is set past it, or has held for a day: then it is the dates that were wrong
 *     clock after them    we were away since the latest
 */
import type { Moment } from '../effects.js'
import { firstDay_ms } from '../records/lifetimes.js'

const day_ms = 24 * 3600_000
/** Clocks in the wrong zone are off by less than that, and nobody is thought to be away for a day or two. */
const tolerance_ms = day_ms
/** What happens to the wall clock and not to the other one, by more than drift: it has been set. */
const step_ms = 60_000

/** The latest of those that can be true. */
function latestOf(dates: Iterable<number | undefined>): number | undefined {
  let latest: number | undefined
  for (const date of dates) if (date !== undefined && date >= firstDay_ms) latest = Math.max(latest ?? 0, date)
  return latest
}

export class LastUp {
  readonly #start: Moment
  /** The latest credible date of an earlier run. */
  #before: number | undefined
  #offset_ms: number
  #wasSet = false

  /**
   * @param dates at which earlier runs were up and current, as they noted, unix milliseconds
   * @param startedAt when the last one began: that says little, since it may have been too old to join, and is better than nothing
   */
  constructor(dates: Iterable<number | undefined>, startedAt: number, start: Moment) {
    this.#start = start
    this.#offset_ms = start.wall - start.now
    this.#before = latestOf(dates) ?? latestOf([startedAt])
  }

  /** For how long it was off before this start; 0 where that cannot be said. */
  get away_ms(): number {
    return Math.max(0, this.#start.wall - (this.#before ?? this.#start.wall))
  }

  /** The same moment by the best clock that there is: not before what the disk proves. */
  corrected({ now, wall }: Moment): Moment {
    const offset_ms = wall - now
    if (Math.abs(offset_ms - this.#offset_ms) > step_ms) this.#wasSet = true
    this.#offset_ms = offset_ms
    const proven = this.#before === undefined ? wall : this.#before + now - this.#start.now
    if (proven <= wall + tolerance_ms) return { now, wall }
    if (wall < firstDay_ms || now - this.#start.now < day_ms) return { now, wall: proven }
    this.#before = undefined
    this.#wasSet = true
    return { now, wall }
  }

  /** Whether the clock has been set since this was last asked: what was noted by the old one is to be noted anew. */
  takeSet(): boolean {
    const wasSet = this.#wasSet
    this.#wasSet = false
    return wasSet
  }
}
