/**
 * Whose turn it is to be checked: never that of all at the same moment, however many are due. Whoever waits long for its answer keeps
 * nobody else waiting.
 */

/** So many begin at once, and after each beat again. */
const beginnings = 32
const beat_ms = 10
/** Who has not answered by then leaves its place to the next: a few silent ones would else be all that is ever checked. */
const placeFor_ms = 250

export interface TurnLimits {
  /** Places for those who were asked just now. */
  readonly places: number
  /** Those who have left their places, and are waited for all the same. */
  readonly silent: number
  readonly waiting: number
}

export interface Turn {
  begin(): void
  /** It will not begin: all is over. */
  drop(): void
}

export class Turns {
  readonly #limits: TurnLimits
  /** Since when each has a place, in order of time. */
  readonly #places = new Map<Turn, number>()
  readonly #silent = new Set<Turn>()
  readonly #waiting: Turn[] = []
  #beatAt = Number.NEGATIVE_INFINITY
  #begun = 0
  #timer: NodeJS.Timeout | undefined

  constructor(limits: TurnLimits) {
    this.#limits = limits
  }

  /** Begins now, or later. @returns false where too many are waiting */
  take(turn: Turn): boolean {
    if (this.#waiting.length === 0 && this.#mayBegin()) this.#begin(turn)
    else if (this.#waiting.length >= this.#limits.waiting) return false
    else this.#waiting.push(turn)
    this.#beatLater()
    return true
  }

  /** It has its answer. */
  end(turn: Turn): void {
    if (!this.#places.delete(turn)) this.#silent.delete(turn)
    this.#beginNext()
  }

  /** Drops all that wait. */
  stop(): void {
    clearTimeout(this.#timer)
    for (const turn of this.#waiting.splice(0)) turn.drop()
  }

  #mayBegin(): boolean {
    const now = performance.now()
    if (now - this.#beatAt >= beat_ms) {
      this.#beatAt = now
      this.#begun = 0
    }
    return this.#begun < beginnings && this.#places.size < this.#limits.places
  }

  #begin(turn: Turn): void {
    this.#begun += 1
    this.#places.set(turn, performance.now())
    turn.begin()
  }

  #beginNext(): void {
    while (this.#waiting.length > 0 && this.#mayBegin()) this.#begin(this.#waiting.shift() as Turn)
  }

  #beatLater(): void {
    if (this.#waiting.length === 0 || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#freePlaces()
      this.#beginNext()
      this.#beatLater()
    }, beat_ms)
  }

  #freePlaces(): void {
    const longAgo = performance.now() - placeFor_ms
    for (const [turn, since] of this.#places) {
      if (since > longAgo || this.#silent.size >= this.#limits.silent) return
      this.#places.delete(turn)
      this.#silent.add(turn)
    }
  }
}
