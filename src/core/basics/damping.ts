/**
 * How long something must last that comes back repeatedly, before it counts: one rule for hidden members, failing services, crashes.
 * (Flap damping as of routes in BGP, RFC 2439, with a count in place of a decaying penalty.)
 */

/** For how long hidings and refutations of a member, failures and crashes of a service, are held against it, or for it. */
export const memory_ms = 10 * 60_000

/**
 * How long who was gone must look well before it counts as well again.
 * @param times how often it was gone lately, this time included: each doubles the wait, so that what stalls again and again stays hidden
 */
export function recovery_ms(times: number): number {
  return Math.min(500 * 2 ** (Math.max(1, times) - 1), 300_000)
}
