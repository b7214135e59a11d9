/**
 * How long whoever drains waits for the others: until all that live hold it, or for a bounded time. It asks nobody.
 *
 * In clusters of up to nine everybody is connected with everybody, who says what it holds. Beyond that only neighbours can be asked, and
 * heartbeats do not tell it of the others within that time: digests leave out what changed lately. Gossip reaches these in a part of
 * it, lost messages are fetched in another: the whole of it is waited for.
 */

/** So long all living nodes are waited for, unless it is said otherwise. */
export const everybody_ms = 2000

/** @returns how long to wait on; nothing where all that live hold it */
export function restOf_ms(
  { acks, alive }: { readonly acks: number; readonly alive: number },
  elapsed_ms: number,
  patience_ms: number = everybody_ms,
): number {
  return acks >= alive ? 0 : Math.max(0, patience_ms - elapsed_ms)
}
