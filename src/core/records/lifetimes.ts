/**
 * How long what must not come back is remembered, against how long anybody may be away.
 *
 *     day   0 ─────────────────────── 30 ────── 35 ──▶
 *           removed                    │         the removal's writer lets go of it
 *                                      whoever was away until now goes blank: it may hold what was removed
 */

const day_ms = 24 * 3600_000

/** A node that was off for longer may hold what everybody else has forgotten the removal of. */
export const horizon_ms = 30 * day_ms

/** Removals, deletion marks, fences live longer than any node may be away. */
export const lifetime_ms = 35 * day_ms
