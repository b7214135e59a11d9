/**
 * How much of each turn of the event loop goes to what peers send: a millisecond, or a third where turns are long by themselves, of all of
 * them together, a piece of each in its turn; the rest waits. So nobody who sends without end holds anybody up, no neighbour and no caller
 * of this daemon. Whoever has had more time than a member needs shares half of a core with others like it. It drops nothing.
 */
import { BoundedMap } from '../../core/basics/bounded-map.js'

/** Of one turn. A caller waits for several: that of its question, those in which its answer is made and goes out. */
const turn_ms = 1
/** Of turns that are long by what else is done in them, by callers, by the program around us: peers are heard all the same. */
const shareOfTurn = 1 / 3
/** Of so many turns the shortest says how long they are: a pause of the garbage collector in one of them makes none of the next longer. */
const lookBack = 8
/**
 * How long we may work for each stream that is read, and for all those together that have had more than their own, in ms for each second,
 * and what may be saved. An honest member takes a few ms each second, more where it heals or joins; one for whose writes we vouch, 500 of
 * them a second, takes half of a core.
 */
const own = { ms: 10, saved_ms: 3000 } as const
const common = { ms: 500, saved_ms: 1000 } as const

/** What waits of one that sends. */
export interface Waiting {
  readonly allowance: Allowance
  /** Does a piece of it. @returns what it costs at the least, in ms, however soon it is done: some of it is cleared away later */
  goOn(): number
  /** What that took, with all that came of it at once. */
  took?(time_ms: number): void
  /** @returns whether more of it is to have a turn */
  wantsMore(): boolean
  /** It waits longer than this turn: no more is to come for now, where that can be had. */
  hold(): void
}

/** Beyond that nothing is owed: one long piece, or a moment in which this machine did something else, keeps nobody waiting for seconds. */
const owed_ms = 50

/** Time that may be taken, some of it saved; what was taken beyond it is owed. A newcomer has saved nothing. */
export class Allowance {
  readonly #perMs: number
  readonly #most_ms: number
  #left_ms: number
  #at = performance.now()

  constructor(share: { readonly ms: number; readonly saved_ms: number } = own, left_ms = 0) {
    this.#perMs = share.ms / 1000
    this.#most_ms = share.saved_ms
    this.#left_ms = left_ms
  }

  isLeft(): boolean {
    const now = performance.now()
    this.#left_ms = Math.min(this.#most_ms, this.#left_ms + (now - this.#at) * this.#perMs)
    this.#at = now
    return this.#left_ms > 0
  }

  pay(time_ms: number): void {
    this.#left_ms = Math.max(this.#left_ms - time_ms, -owed_ms)
  }
}

/** So many are told apart. */
const placeLimit = 1024

/** One for all that come from one place, as long as it is not known who they are: each of them is new, and would have its own. */
export class Allowances {
  readonly #byPlace = new BoundedMap<string, Allowance>(placeLimit)

  of(place: string): Allowance {
    const allowance = this.#byPlace.get(place) ?? new Allowance()
    this.#byPlace.set(place, allowance)
    return allowance
  }
}

class Turns {
  /** Whose turn it is comes first. */
  readonly #waiting: Waiting[] = []
  /** Those who have had more than their own. */
  readonly #heavy: Waiting[] = []
  readonly #common = new Allowance(common, common.saved_ms)
  /** How many daemons of this process take turns. */
  #daemons = 0
  #begun = 0
  /** So long something more of this turn is for peers. */
  #until = 0
  /** How long the last turns were, with all that was done in them. */
  readonly #lengths_ms = new Array<number>(lookBack).fill(0)
  #turn: NodeJS.Immediate | undefined
  #pause: NodeJS.Timeout | undefined
  #isBusy = false

  /** A daemon of this process has begun, or ended. */
  daemonBegan(): void {
    this.#daemons += 1
  }

  daemonEnded(): void {
    this.#daemons -= 1
  }

  /** Goes on with it at once where nobody else waits and this turn has done little; else when its turn comes. */
  add(one: Waiting): void {
    if (this.#isFreeFor(one)) return this.#goOnWith(one)
    this.#queue(one)
    if (!this.#isBusy) this.#next()
  }

  #isFreeFor({ allowance }: Waiting): boolean {
    if (this.#isBusy || this.#waiting.length > 0 || !this.#hasTime()) return false
    return allowance.isLeft() || (this.#heavy.length === 0 && this.#common.isLeft())
  }

  #queue(one: Waiting): void {
    if (one.allowance.isLeft()) this.#waiting.push(one)
    else this.#heavy.push(one)
  }

  #goOnWith(one: Waiting): void {
    const begun = performance.now()
    let least_ms = 0
    this.#isBusy = true
    try {
      least_ms = one.goOn()
    } finally {
      // Also where it throws: else nobody else had a turn any more.
      afterMicrotasks(() => this.#done(one, performance.now() - begun, least_ms))
    }
  }

  #done(one: Waiting, time_ms: number, least_ms: number): void {
    this.#isBusy = false
    const cost_ms = Math.max(time_ms, least_ms)
    if (one.allowance.isLeft()) one.allowance.pay(cost_ms)
    else this.#common.pay(cost_ms / Math.max(1, this.#daemons / 2))
    one.took?.(time_ms)
    if (one.wantsMore()) this.#queue(one)
    if (!this.#isBusy) this.#next()
  }

  #next(): void {
    if (this.#hasTime()) {
      const next = this.#waiting.shift() ?? (this.#common.isLeft() ? this.#heavy.shift() : undefined)
      if (next !== undefined) return this.#goOnWith(next)
    }
    for (const one of this.#waiting) one.hold()
    for (const one of this.#heavy) one.hold()
    if (this.#heavy.length > 0) this.#pause ??= setTimeout(() => this.#afterPause(), turn_ms).unref()
  }

  #afterPause(): void {
    this.#pause = undefined
    // Who has some of its own again does not wait for what all have in common.
    for (const one of this.#heavy.splice(0)) this.#queue(one)
    if (!this.#isBusy) this.#next()
  }

  /**
   * Of several daemons in one process each waits for what the others do in a turn, and much of what peers send is what they say to each
   * other: a few share a turn of some milliseconds, dozens are hardly held up.
   */
  #hasTime(): boolean {
    const now = performance.now()
    if (this.#turn === undefined) {
      const least_ms = turn_ms * Math.max(1, this.#daemons) ** 3
      this.#begun = now
      this.#until = now + Math.max(least_ms, Math.min(...this.#lengths_ms) * shareOfTurn)
      this.#turn = setImmediate(() => this.#ended())
    }
    return now < this.#until
  }

  #ended(): void {
    this.#turn = undefined
    this.#lengths_ms.shift()
    this.#lengths_ms.push(performance.now() - this.#begun)
    if (this.#waiting.length > 0) this.#next()
  }
}

/** One for all daemons of a process: they share its event loop. */
export const turns = new Turns()

/** When the promises are settled that this call settles, and those that these do; before anything else of the event loop. */
function afterMicrotasks(call: () => void): void {
  queueMicrotask(() => process.nextTick(call))
}
