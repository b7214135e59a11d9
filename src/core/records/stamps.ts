/**
 * When a registration was made, as its home node can best say: its wall clock, within what the others have dated.
 *
 *     ├────────── not believed ──────────┤├────────── a year ──────────┤├───── not believed ─────▶
 *                                         the latest date of another,
 *                                         and what has passed here since
 *     clock behind it     that date counts: whoever has seen what another has dated registers after it
 *     clock within        it counts
 *     clock beyond        it is wrong, and so never wins: the date of the others counts instead. They do not wait for years to pass
 *
 * A date is the generation of another daemon, which is the second of its start, or a stamp of its records. One that is over a year
 * ahead of our clock is believed from two daemons alone, so that one wrong clock does not become everybody's. A stamp is only ever
 * some clock that was believed, or a date that was seen, with the time since: no two of them drive each other up. A clock of a machine
 * that does not know the time believes any date. Only where for over a year nobody else has started or registered anything, and this
 * daemon has just started, is a right clock taken for a wrong one; what it says then is an earlier time, never a later one.
 *
 * The stamp is written by registering alone. Health, patches, maintenance, renewals, an equal registration leave it: it says
 * when this one came, and whoever saw another one exceeds that by its number.
 */
import type { Change } from '../document/entries.js'
import type { Moment } from '../effects.js'
import { type PeerId, modelLimits } from '../model/model.js'
import type { Head } from '../wire/head.js'
import { firstDay_ms } from './lifetimes.js'
import type { Union } from './union.js'

/** A clock further from what others have dated is wrong: beyond any time in which nobody starts, and under any wrong year. */
const credible_ms = 365 * 24 * 3600_000

interface Dated {
  /** Unix milliseconds. */
  readonly date: number
  /** When it was seen here, on our monotonic clock. */
  readonly seenAt: number
}

export class Stamps {
  /** The latest date of each other owner. */
  readonly #dates = new Map<PeerId, Dated>()

  /** Another daemon has started, or registered something, by its clock. */
  follow(
    { owner, generation }: Pick<Head, 'owner' | 'generation'>,
    changes: readonly Change[],
    union: Union,
    now: number,
  ): void {
    let date = generation * 1000
    for (const { map, key } of changes)
      if (map === 'instances') date = Math.max(date, union.records(key).get(owner)?.stamp ?? 0)
    this.heard(owner, date, now)
  }

  heard(owner: PeerId, date: number, now: number): void {
    const known = this.#dates.get(owner)
    if (known === undefined || date > at(known, now)) this.#dates.set(owner, { date, seenAt: now })
  }

  forget(owner: PeerId): void {
    this.#dates.delete(owner)
  }

  /** What is registered now is dated so, in unix milliseconds. @param after the latest stamp of the id that is known */
  next(after: number, moment: Moment): number {
    return Math.min(Math.max(1, Math.floor(this.#date(moment)), after + 1), modelLimits.counter - 1)
  }

  #date({ now, wall }: Moment): number {
    const said = this.#latest(wall, now)
    return said === undefined || (wall >= said && wall <= said + credible_ms) ? wall : said
  }

  /** The latest date of others that is believed. */
  #latest(wall: number, now: number): number | undefined {
    let latest: number | undefined
    let second: number | undefined
    for (const dated of this.#dates.values()) {
      const date = at(dated, now)
      if (latest === undefined || date > latest) [latest, second] = [date, latest]
      else if (second === undefined || date > second) second = date
    }
    const isBelieved = latest === undefined || wall < firstDay_ms || latest <= wall + credible_ms
    return isBelieved ? latest : second
  }
}

function at({ date, seenAt }: Dated, now: number): number {
  return date + Math.max(0, now - seenAt)
}
