/**
 * How long what must not come back is remembered, against how long anybody may be away.
 *
 *     day   0 ─────────────────────── 30 ────── 35 ──▶
 *           removed                    │         the removal's writer lets go of it
 *                                      whoever was away until now goes blank: it may hold what was removed
 */

const day_ms = 24 * 3600_000

/**
 * The first day of 2025, before which no record was written: an earlier date is that of a machine that did not know the time. How long
 * ago it was nobody can say.
 */
export const firstDay_ms = 1_735_689_600_000

/** A node that was off for longer may hold what everybody else has forgotten the removal of. */
export const horizon_ms = 30 * day_ms

/** Removals, deletion marks, fences live longer than any node may be away. */
const lifetime_ms = 35 * day_ms

/** Whether what was to be remembered since then may be forgotten now. Of unknown age is kept. */
export function isOver(since_ms: number, wall: number): boolean {
  return since_ms >= firstDay_ms && wall - since_ms > lifetime_ms
}
