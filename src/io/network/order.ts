/**
 * Whose turn it is of those who send: each has one piece in a round, however much of it waits, in however many streams, at whatever
 * cost. It takes no time itself.
 *
 *     members who have some of their own ──▶ three pieces of four, and what the others leave
 *     members beyond that ─────────────────▶ half of a core, all of them together
 *     those of whom nobody knows who ──────▶ a quarter of a core, all of them together
 */
import { Allowance, type Share } from './allowances.js'

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

/**
 * How long we work for all those together who have had more than their own, and what may be saved. As much as honest members need that heal,
 * join, all restart; for the writes of others, five hundred a second, passed on by all who know them.
 */
const shares = {
  strangers: { ms: 250, saved_ms: 1000 },
  members: { ms: 500, saved_ms: 1000 },
} as const
/** One of so many pieces goes first to those who have nothing of their own: however many the others are, they have their turns. */
const round = 4

/** Those whose time is of one kind; whose turn it is stands first. */
class Lane {
  readonly standing: Allowance[] = []
  /** Absent where each has its own. */
  readonly #common: Allowance | undefined

  /** @param share what they have in common */
  constructor(share?: Share) {
    this.#common = share && new Allowance(share, share.saved_ms)
  }

  isLeft(): boolean {
    return this.#common?.isLeft() ?? true
  }

  /** @param daemons of this process, all of whose members have it in common */
  pay(time_ms: number, allowance: Allowance, daemons: number): void {
    if (this.#common === undefined) allowance.pay(time_ms)
    else this.#common.pay(time_ms / Math.max(1, daemons / 2))
  }
}

/** From when it begins until it is paid for. */
export interface Turn {
  readonly one: Waiting
  /** Whose it was, and of what kind, when it began. */
  readonly allowance: Allowance
  readonly lane: Lane
}

export class Order {
  readonly #light = new Lane()
  readonly #strangers = new Lane(shares.strangers)
  readonly #heavy = new Lane(shares.members)
  /** What waits of each, the oldest first; each stands in one lane. */
  readonly #waiting = new Map<Allowance, Waiting[]>()
  #looks = 0

  get isSomebodyLight(): boolean {
    return this.#light.standing.length > 0
  }

  get isSomebodyBeyond(): boolean {
    return this.#strangers.standing.length > 0 || this.#heavy.standing.length > 0
  }

  /** @returns its turn, where nobody waits before it */
  atOnce(one: Waiting): Turn | undefined {
    const { allowance } = one
    const lane = this.#laneOf(allowance)
    const isFree = !this.isSomebodyLight && lane.standing.length === 0 && lane.isLeft()
    return isFree ? { one, allowance, lane } : undefined
  }

  add(one: Waiting): void {
    const { allowance } = one
    const waiting = this.#waiting.get(allowance)
    if (waiting !== undefined) return void waiting.push(one)
    this.#waiting.set(allowance, [one])
    this.#laneOf(allowance).standing.push(allowance)
  }

  /** @returns undefined where nothing is left for those who wait */
  next(): Turn | undefined {
    for (const lane of this.#lanesInOrder()) {
      const allowance = lane.isLeft() ? this.#firstIn(lane) : undefined
      if (allowance !== undefined) return this.#take(allowance, lane)
    }
    return undefined
  }

  /** Who has some of its own again does not wait for what all have in common. */
  lookAgain(): void {
    for (const { standing } of [this.#strangers, this.#heavy])
      for (const allowance of standing.splice(0)) this.#laneOf(allowance).standing.push(allowance)
  }

  hold(): void {
    for (const waiting of this.#waiting.values()) for (const one of waiting) one.hold()
  }

  #laneOf(allowance: Allowance): Lane {
    if (allowance.isOfStrangers) return this.#strangers
    return allowance.isLeft() ? this.#light : this.#heavy
  }

  #lanesInOrder(): readonly Lane[] {
    this.#looks += 1
    const [light, strangers, heavy] = [this.#light, this.#strangers, this.#heavy]
    const beyond = this.#looks % (2 * round) < round ? [strangers, heavy] : [heavy, strangers]
    return this.#looks % round === 0 ? [...beyond, light] : [light, ...beyond]
  }

  /** Whoever has used up its own since it came, or has some again, stands elsewhere. */
  #firstIn(lane: Lane): Allowance | undefined {
    for (let n = lane.standing.length; n > 0; n--) {
      const allowance = lane.standing.shift() as Allowance
      const its = this.#laneOf(allowance)
      if (its === lane) return allowance
      its.standing.push(allowance)
    }
    return undefined
  }

  #take(allowance: Allowance, lane: Lane): Turn {
    const waiting = this.#waiting.get(allowance) as Waiting[]
    const one = waiting.shift() as Waiting
    if (waiting.length === 0) this.#waiting.delete(allowance)
    else lane.standing.push(allowance)
    return { one, allowance, lane }
  }
}
