/**
 * Does work that can be left off a little at a time: what else the event loop has to do comes in between.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Steps } from '../core/basics/steps.js'

/** So much of it is done in one turn. */
const turn_ms = 2

/** @returns what came of it, with how long it took without all that came in between */
export async function inTurns<T>(steps: Steps<T>): Promise<{ readonly value: T; readonly took_ms: number }> {
  let took_ms = 0
  for (;;) {
    const begun = performance.now()
    let spent_ms = 0
    let next = steps.next()
    while (next.done !== true && (spent_ms = performance.now() - begun) < turn_ms) next = steps.next()
    took_ms += next.done === true ? performance.now() - begun : spent_ms
    if (next.done === true) return { value: next.value, took_ms }
    await nextTurn()
  }
}
