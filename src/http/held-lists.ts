/**
 * The lists that slow watchers have not taken yet: how many bytes these may be in all. It sends none.
 */
import type { EventLine } from './event-line.js'
import { SharedBytes } from './shared-bytes.js'

/** A list that several wait for counts once; one alone may be larger. */
const most_bytes = 64 * 1024 * 1024

type Line = Pick<EventLine, 'cutOff'>

export class HeldLists {
  readonly #most_bytes: number
  /** What each holds, the one that waits longest first. */
  readonly #held = new Map<Line, Buffer>()
  readonly #lists = new SharedBytes<Buffer>()

  constructor(most = most_bytes) {
    this.#most_bytes = most
  }

  get bytes(): number {
    return this.#lists.total
  }

  /**
   * It takes no more before it has taken this. Where that is too much beside what others hold, who waits longest is cut off: he may
   * come again, and is told the newest list.
   */
  hold(line: Line, list: Buffer): void {
    this.taken(line)
    this.#held.set(line, list)
    this.#lists.add(list, list.length)
    for (const [longest] of this.#held) {
      if (this.bytes <= this.#most_bytes || this.#lists.size === 1) return
      this.taken(longest)
      longest.cutOff()
    }
  }

  /** It holds nothing any more; any number of times. */
  taken(line: Line): void {
    const list = this.#held.get(line)
    if (list === undefined) return
    this.#held.delete(line)
    this.#lists.remove(list)
  }
}
