/**
 * Of members of whom no word ever came the first ones are told by name, of the others that there are more: somebody may make them up by
 * the thousand. It writes nothing.
 */
import type { RegistryEvent } from '../core/effects.js'
import type { Line } from './log-lines.js'

/** In so long so many are named. */
const named = { within_ms: 60_000, members: 8 } as const

/** Nobody has heard of it: it was not there before, for all that is known here, and has not gone. */
export function isUnheardOf(event: RegistryEvent): boolean {
  return event.type === 'member' && event.from === 'unknown' && event.to === 'dead'
}

export class UnheardLines {
  readonly #now: () => number
  #since = Number.NEGATIVE_INFINITY
  #members = 0

  /** @param now milliseconds of a clock that never jumps */
  constructor(now: () => number) {
    this.#now = now
  }

  /** @returns the line as it is to be */
  weigh(event: RegistryEvent, line: Line): Line {
    if (!isUnheardOf(event)) return line
    const now = this.#now()
    if (now - this.#since >= named.within_ms) {
      this.#since = now
      this.#members = 0
    }
    this.#members += 1
    if (this.#members <= named.members) return line
    if (this.#members > named.members + 1) return { ...line, level: 'debug' }
    const message = `more members than ${named.members} are dead of whom nobody has heard a word, each of the others told at level debug for ${named.within_ms / 1000} s; see who they are: rollcall members`
    return { level: line.level, fields: {}, message }
  }
}
