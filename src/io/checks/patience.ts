/**
 * A wait for somebody else, which a stall of this very process does not use up.
 */

/** A timer that comes later than this says that we were stalled, not that others were silent. */
const lateness_ms = 200

/**
 * Even in time, what came in the same turn of the loop is read first.
 * @param over nothing came within the time @returns ends the wait; more than once, too
 */
export function patience(wait_ms: number, over: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  let grace: NodeJS.Immediate | undefined
  const wait = (): void => {
    const due = performance.now() + wait_ms
    timer = setTimeout(() => {
      if (performance.now() - due > lateness_ms) wait()
      else grace = setImmediate(over)
    }, wait_ms)
  }
  wait()
  return () => {
    clearTimeout(timer)
    clearImmediate(grace)
  }
}

/** By default Node gives up on each address that is further away than 250 ms. */
const addressPatience_ms = 1000

/** How long one address of several is tried before the next one: each of them has its turn within the time of the check. */
export function attemptPatience_ms(timeout_ms: number, addresses: number): number {
  return Math.max(10, Math.min(addressPatience_ms, Math.floor(timeout_ms / (addresses + 1))))
}
