/**
 * How much of each turn of the event loop goes to what peers send: a millisecond, or a third where turns are long by themselves, of all of
 * them together, a piece of each in its turn; the rest waits. So nobody who sends without end holds anybody up, no neighbour and no caller
 * of this daemon. Whoever has had more time than a member needs shares what there is beyond that with others like it. It drops nothing.
 *
 *     of their own ───────────────────▶ first
 *     beyond that: not known who ─────▶ a quarter of a core, all of them together
 *                  members ───────────▶ half of a core
 */
import { Allowance, type Share } from './allowances.js'

/** Of one turn. A caller waits for several: that of its question, those in which its answer is made and goes out. */
const turn_ms = 1
/** Of turns that are long by what else is done in them, by callers, by the program around us: peers are heard all the same. */
const shareOfTurn = 1 / 3
/** Of so many turns the shortest says how long they are: a pause of the garbage collector in one of them makes none of the next longer. */
const lookBack = 8
/**
 * How long we work for all those together who have had more than their own, and what may be saved. As much as honest members need that heal,
 * join, all restart; for the writes of others, five hundred a second, passed on by all who know them.
 */
const shares = {
  strangers: { ms: 250, saved_ms: 1000 },
  members: { ms: 500, saved_ms: 1000 },
} as const
/** Where nothing is left for those who wait. */
const pause_ms = 2

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

/** Those who wait for time of one kind; whose turn it is comes first. */
class Lane {
  readonly waiting: Waiting[] = []
  /** Absent where each has its own. */
  readonly #common: Allowance | undefined

  /** @param share what they have in common */
  constructor(share?: Share) {
    this.#common = share && new Allowance(share, share.saved_ms)
  }

  isLeft(): boolean {
    return this.#common?.isLeft() ?? true
  }

  pay(time_ms: number): void {
    this.#common?.pay(time_ms)
  }
}

class Turns {
  /** Of those who have some of their own. */
  readonly #light = new Lane()
  readonly #strangers = new Lane(shares.strangers)
  readonly #heavy = new Lane(shares.members)
  readonly #lanes = [this.#light, this.#strangers, this.#heavy] as const
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

  #isFreeFor(one: Waiting): boolean {
    if (this.#isBusy || this.#light.waiting.length > 0 || !this.#hasTime()) return false
    const lane = this.#laneOf(one)
    return lane.waiting.length === 0 && lane.isLeft()
  }

  #laneOf({ allowance }: Waiting): Lane {
    if (allowance.isLeft()) return this.#light
    return allowance.isOfStrangers ? this.#strangers : this.#heavy
  }

  #queue(one: Waiting): void {
    this.#laneOf(one).waiting.push(one)
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
    const lane = this.#laneOf(one)
    if (lane === this.#light) one.allowance.pay(cost_ms)
    else lane.pay(cost_ms / Math.max(1, this.#daemons / 2))
    one.took?.(time_ms)
    if (one.wantsMore()) this.#queue(one)
    if (!this.#isBusy) this.#next()
  }

  #next(): void {
    if (this.#hasTime()) {
      const lane = this.#lanes.find((each) => each.waiting.length > 0 && each.isLeft())
      const next = lane?.waiting.shift()
      if (next !== undefined) return this.#goOnWith(next)
    }
    for (const { waiting } of this.#lanes) for (const one of waiting) one.hold()
    if (this.#isSomebodyBeyond()) this.#pause ??= setTimeout(() => this.#afterPause(), pause_ms).unref()
  }

  #isSomebodyBeyond(): boolean {
    return this.#strangers.waiting.length > 0 || this.#heavy.waiting.length > 0
  }

  #afterPause(): void {
    this.#pause = undefined
    // Who has some of its own again does not wait for what all have in common.
    const beyond = [...this.#strangers.waiting.splice(0), ...this.#heavy.waiting.splice(0)]
    for (const one of beyond) this.#queue(one)
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
    if (this.#light.waiting.length > 0) this.#next()
  }
}

/** One for all daemons of a process: they share its event loop. */
export const turns = new Turns()

/** When the promises are settled that this call settles, and those that these do; before anything else of the event loop. */
function afterMicrotasks(call: () => void): void {
  queueMicrotask(() => process.nextTick(call))
}
