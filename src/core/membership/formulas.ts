/**
 * The numbers of failure detection: each rule one pure function. Times are milliseconds.
 */

/** How often a daemon sends a heartbeat to each of its observers. */
export const heartbeatInterval_ms = 1000

/**
 * Silence after which an observer reports: two heartbeats lost and 0.3 s of lateness. A shorter one would report
 * a machine for a single garbage collection; a longer one delays the hiding of a silent death.
 */
export const silence_ms = 2300

/** How old the last word of a member may be for it to count as alive again; direct silence plus one relay. */
export const fresh_ms = 3000

/** How long a report counts after its receipt; must exceed two repeats, so that one may be lost. */
export const reportStanding_ms = 5000
export const reportRepeat_ms = 2000

/** A timer of ours this late means that we were asleep: what we missed meanwhile says nothing about others (Lifeguard). */
export const ownLateness_ms = 200

/** For how long hidings and refutations of a member are held against it, or for it. */
export const memory_ms = 10 * 60_000

/**
 * How many distinct observers must report a member before it is hidden (Rapid's H): a third of them, but never one
 * alone where there are more, so that one sick observer or one cut link hides nobody.
 * @param observers how many living members observe it
 * @param refutations how often it lately proved such reports wrong; each raises the bar, up to a majority (Lifeguard)
 */
export function reportsNeeded(observers: number, refutations: number): number {
  const base = Math.min(observers, Math.max(2, Math.ceil(observers / 3)))
  const majority = Math.floor(observers / 2) + 1
  return Math.max(1, base, Math.min(base + refutations, majority))
}

/** Unheard of by anyone for this long, a member is hidden without any report; grows with the time that hearsay travels. */
export function slowPath_ms(members: number): number {
  return Math.max(8000, (members / 50) * 1000)
}

/** Hidden for this long, a member is dead (SWIM's suspicion time, log-scaled as in memberlist). */
export function deadAfter_ms(members: number): number {
  return 3000 * Math.max(1, Math.log10(Math.max(1, members)))
}

/**
 * How long a hidden member must look well before it is shown again.
 * @param hidings how often it was hidden lately, this time included: each doubles the wait, so that a node that stalls again and again stays hidden
 */
export function recovery_ms(hidings: number): number {
  return Math.min(500 * 2 ** (Math.max(1, hidings) - 1), 300_000)
}
