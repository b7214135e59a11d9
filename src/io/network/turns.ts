/**
 * How much of each turn of the event loop goes to what peers send: a millisecond, or a third where turns are long by themselves, of all of
 * them together, a piece of each in its turn; the rest waits. So nobody who sends without end holds anybody up, no neighbour and no caller
 * of this daemon. Whoever has had more time than a member needs shares what there is beyond that with others like it. It drops nothing.
 */
import { Order, type Turn, type Waiting } from './order.js'
import { Work } from '../work.js'

/** Of one turn. A caller waits for several: that of its question, those in which its answer is made and goes out. */
const turn_ms = 1
/** Of turns that are long by what else is done in them, by callers, by the program around us: peers are heard all the same. */
const shareOfTurn = 1 / 3
/** Of so many turns the shortest says how long they are: a pause of the garbage collector in one of them makes none of the next longer. */
const lookBack = 8
/** Those who have had more than their own go on so long after they had to wait. */
const pause_ms = 2

class Turns {
  readonly #order = new Order()
  /** How many daemons of this process take turns. */
  #daemons = 0
  #worked = new Work()
  /** So much work of this turn is for peers. */
  #most_ms = 0
  /** How much work the last turns were, with all that was done in them. */
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
    const turn = this.#isBusy || !this.#hasTime() ? undefined : this.#order.atOnce(one)
    if (turn !== undefined) return this.#goOnWith(turn)
    this.#order.add(one)
    if (!this.#isBusy) this.#next()
  }

  #goOnWith(turn: Turn): void {
    const work = new Work()
    let least_ms = 0
    this.#isBusy = true
    try {
      least_ms = turn.one.goOn()
    } finally {
      // Also where it throws: else nobody else had a turn any more.
      afterMicrotasks(() => this.#done(turn, work.time_ms(), least_ms))
    }
  }

  #done({ one, allowance, lane }: Turn, time_ms: number, least_ms: number): void {
    this.#isBusy = false
    lane.pay(Math.max(time_ms, least_ms), allowance, this.#daemons)
    one.took?.(time_ms)
    if (one.wantsMore()) this.#order.add(one)
    if (!this.#isBusy) this.#next()
  }

  #next(): void {
    const turn = this.#hasTime() ? this.#order.next() : undefined
    if (turn !== undefined) return this.#goOnWith(turn)
    this.#order.hold()
    if (this.#order.isSomebodyBeyond) this.#pause ??= setTimeout(() => this.#afterPause(), pause_ms).unref()
  }

  #afterPause(): void {
    this.#pause = undefined
    this.#order.lookAgain()
    if (!this.#isBusy) this.#next()
  }

  /**
   * Of several daemons in one process each waits for what the others do in a turn, and much of what peers send is what they say to each
   * other: a few share a turn of some milliseconds, dozens are hardly held up.
   */
  #hasTime(): boolean {
    if (this.#turn === undefined) {
      const least_ms = turn_ms * Math.max(1, this.#daemons) ** 3
      this.#worked = new Work()
      this.#most_ms = Math.max(least_ms, Math.min(...this.#lengths_ms) * shareOfTurn)
      this.#turn = setImmediate(() => this.#ended())
    }
    return this.#worked.time_ms() < this.#most_ms
  }

  #ended(): void {
    this.#turn = undefined
    this.#lengths_ms.shift()
    this.#lengths_ms.push(this.#worked.time_ms())
    if (this.#order.isSomebodyLight) this.#next()
  }
}

/** One for all daemons of a process: they share its event loop. */
export const turns = new Turns()

/** When the promises are settled that this call settles, and those that these do; before anything else of the event loop. */
function afterMicrotasks(call: () => void): void {
  queueMicrotask(() => process.nextTick(call))
}
