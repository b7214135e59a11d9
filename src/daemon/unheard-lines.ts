/**
 * Of members of whom no word ever came the first changes are told by name, of the others that there are more: somebody may make them up by
 * the thousand. It writes nothing.
 */
import type { RegistryEvent } from '../core/effects.js'
import type { Line } from './log-lines.js'

/** In so long so many lines name one. */
const named = { within_ms: 60_000, lines: 8 } as const

/** Whatever it is said to do: for all that is known here it was never there. */
export function isUnheardOf(event: RegistryEvent): boolean {
  return event.type === 'member' && event.isUnmet === true
}

export class UnheardLines {
  readonly #now: () => number
  #since = Number.NEGATIVE_INFINITY
  #lines = 0

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
      this.#lines = 0
    }
    this.#lines += 1
    if (this.#lines <= named.lines) return line
    if (this.#lines > named.lines + 1) return { ...line, level: 'debug' }
    const message = `there are more members of whom nobody has ever heard a word; for ${named.within_ms / 1000} s what is said of them is told at level debug: see who they are by rollcall members`
    return { level: line.level, fields: {}, message }
  }
}
