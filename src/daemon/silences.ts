/**
 * Hears of each member that falls silent, to tell those who are gone from a machine that is cut off: of all others at once there is one
 * line. It writes nothing.
 */
import type { DialOutcome } from '../core/words/dial-words.js'
import type { RegistryEvent } from '../core/effects.js'
import type { PeerId } from '../core/model/model.js'
import type { Line } from './log-lines.js'

export interface SilencesParts {
  /** How many members live, this node included. */
  readonly alive: () => number
  /** What came of the last dial. */
  readonly dial: (peer: PeerId) => DialOutcome | undefined
  /** Milliseconds. */
  readonly now: () => number
}

/** Whom a cable took all at once fall silent within so long of each other. */
const atOnce_ms = 15_000

export class Silences {
  readonly #parts: SilencesParts
  /** Since when each is silent. */
  readonly #since = new Map<PeerId, number>()
  /** Of whom it was said, all at once, that they are silent. */
  readonly #told = new Set<PeerId>()

  constructor(parts: SilencesParts) {
    this.#parts = parts
  }

  /** @returns the line as loud as it is to be; and what is to be said before it, once */
  weigh(event: RegistryEvent, line: Line): { readonly line: Line; readonly before?: string } {
    // Of whom no word ever came nobody can say that it fell silent.
    if (event.type !== 'member' || event.isUnmet === true) return { line }
    const { peer, to } = event
    if (to !== 'hidden' && to !== 'dead') {
      this.#since.delete(peer)
      const wasTold = this.#told.delete(peer)
      return { line: wasTold ? quiet(line) : line }
    }
    if (!this.#since.has(peer)) this.#since.set(peer, this.#parts.now())
    const wasToldOf = this.#told.size > 0
    if (!wasToldOf && !this.#isCutOff()) return { line }
    this.#told.add(peer)
    if (wasToldOf) return { line: quiet(line) }
    for (const one of this.#since.keys()) this.#told.add(one)
    const before = `all ${this.#since.size} others are silent at once: this machine is cut off (its cable, its firewall, its cluster key), rather than all of them; see: rollcall doctor`
    return { line: quiet(line), before }
  }

  /** Nobody lives, several fell silent together, and no machine of theirs takes a dial, or refuses one. */
  #isCutOff(): boolean {
    const { alive, dial, now } = this.#parts
    if (alive() > 1 || this.#since.size < 2) return false
    const earliest = Math.min(...this.#since.values())
    const isReached = [...this.#since.keys()].some((peer) => ['refused', 'silent'].includes(dial(peer) ?? ''))
    return now() - earliest <= atOnce_ms && !isReached
  }
}

/** That they are gone, and back, is no more than what was said of all. */
function quiet(line: Line): Line {
  return line.level === 'warn' ? { ...line, level: 'info' } : line
}
