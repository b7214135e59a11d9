/**
 * How late it is by the clock of the daemon that is asked, which may be another machine's: how old a moment is that it tells follows
 * from that clock alone.
 */

/** Its answers tell it to a second, after a time on their way. */
const tolerated_ms = 2000

/** Of the one daemon that a command asks. */
let ahead_ms = 0

/** The global `fetch`, whose answers are looked at for that. */
export const fetchHearingClock: typeof fetch = async (input, init) => {
  const response = await fetch(input, init)
  hearClock(response.headers.get('date'))
  return response
}

export function hearClock(date: string | null): void {
  const apart_ms = date === null ? NaN : Date.parse(date) - Date.now()
  ahead_ms = Math.abs(apart_ms) > tolerated_ms ? apart_ms : 0
}

/** Unix milliseconds. */
export function daemonNow(): number {
  return Date.now() + ahead_ms
}

/** The same moment by the clock here; what is none stays as it is. */
export function asHere(moment: string): string {
  const here = Date.parse(moment) - ahead_ms
  return ahead_ms === 0 || !(Math.abs(here) < 8e15) ? moment : new Date(here).toISOString()
}
