// Finds the moment at which something becomes true of a daemon, by asking it again and again over one connection.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Line, Reply } from './line.js'

/** Between an answer and the next question. Without it, the polling would take the cores from those who are measured. */
const pause_ms = 1
/** A cluster of 40 starts for minutes where cores are few. */
const limit_ms = 300_000

export interface Poll {
  readonly what: string
  readonly request: Buffer
  readonly holds: (reply: Reply) => boolean
  /** Above `pause_ms` where the answers are large. */
  readonly pause_ms?: number
}

/** The times between two questions: no moment is known more exactly than this. */
export class Resolution {
  readonly intervals_ms: number[] = []
}

/** @returns the time at which the first answer for which it holds arrived */
export async function whenSeen(line: Line, poll: Poll, resolution?: Resolution): Promise<number> {
  const begun = performance.now()
  for (let asked = begun; ;) {
    const reply = await line.ask(poll.request)
    const now = performance.now()
    if (poll.holds(reply)) return now
    if (now - begun > limit_ms) throw new Error(`never happened: ${poll.what}`)
    await sleep(poll.pause_ms ?? pause_ms)
    const next = performance.now()
    resolution?.intervals_ms.push(next - asked)
    asked = next
  }
}

/** @returns when the last of them has seen it */
export async function whenAllSee(lines: readonly Line[], poll: Poll, resolution?: Resolution): Promise<number> {
  return Math.max(...(await Promise.all(lines.map((line) => whenSeen(line, poll, resolution)))))
}
