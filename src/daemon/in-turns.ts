/**
 * Does work that can be left off a little at a time: what else the event loop has to do comes in between.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Steps, atOnce } from '../core/basics/steps.js'

/** @returns what came of it, with how long it took without all that came in between */
export type Work = <T>(steps: Steps<T>) => Promise<{ readonly value: T; readonly took_ms: number }>

/** So much of it is done in one turn; what takes much longer the machine has done something else in. */
const [turn_ms, longTurn_ms] = [2, 10]

export const inTurns: Work = async (steps) => {
  let took_ms = 0
  for (;;) {
    const begun = performance.now()
    let next = steps.next()
    while (next.done !== true && performance.now() - begun < turn_ms) next = steps.next()
    took_ms += Math.min(performance.now() - begun, longTurn_ms)
    if (next.done === true) return { value: next.value, took_ms }
    await nextTurn()
  }
}

/** Where time is not real no turn is too long. */
export const inNoTime: Work = async (steps) => ({ value: atOnce(steps), took_ms: 0 })
