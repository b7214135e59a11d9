/**
 * The turns at dialling: every peer without a connection gets one for ever, ever more rarely, until it is there; of those that wait,
 * whoever waits longest. It knows which of two peers goes first, and never opens a connection itself.
 *
 * Anybody on the network can name peers by mDNS that there are not, or that take a connection and say nothing. So those of whom nothing
 * else is known have places of their own, each that brought any has a few of them, the next is for whoever was not served for longest,
 * and what lasts gives way to one who has none.
 */
import { BoundedMap } from '../../core/basics/bounded-map.js'
import type { PeerId } from '../../core/model/model.js'

export const scheduleLimits = {
  /** The first pause after a failure; doubled by each one. */
  firstPause_ms: 200,
  lastPause_ms: 30_000,
  /** The longest pause before somebody who is missed is tried again, and for how many attempts that holds: some ten minutes. */
  missedPause_ms: 5_000,
  missedAttempts: 120,
  /** Between two peers the greater id waits this long, so that only one of them dials. */
  otherTurn_ms: { from: 3_000, to: 5_000 },
  /** Attempts at once that are nobody's wish, and at once in all. */
  attempts: 16,
  urgentAttempts: 64,
  /** Attempts at once to reach seeds: most of the time they wait for names, and nobody is to wait for them. */
  seedAttempts: 64,
  /** Attempts at once to reach strangers, and those of them that one may have brought. */
  strangerAttempts: 16,
  broughtAttempts: 4,
  /** An attempt with a stranger has so long before it gives way, twice as long each time that it failed: a busy machine is slow. */
  patience_ms: 1_000,
  /** So many that bring strangers are told apart. */
  bringers: 1_024,
} as const

/**
 * How long to wait after so many failures.
 * @param missed it should be connected: a partition is to be noticed soon after its end, though not for ever at that price
 */
export function pause_ms(failures: number, missed: boolean): number {
  const { firstPause_ms, lastPause_ms, missedPause_ms, missedAttempts } = scheduleLimits
  const last_ms = missed && failures < missedAttempts ? missedPause_ms : lastPause_ms
  return Math.min(last_ms, firstPause_ms * 2 ** Math.min(failures, 20))
}

export interface ScheduleOptions {
  /** Whether we are the one of the two that dials first. */
  isOurTurn(target: PeerId): boolean
  isSeed(target: string): boolean
  /** Whether it should be connected, and is not only sought. */
  isMissed(target: PeerId): boolean
  /** Who brought it, where it is a stranger. */
  bringerOf(target: PeerId): string | undefined
  /** Runs one attempt, which the signal ends. Must settle, and not reject. */
  attempt(target: PeerId, signal: AbortSignal): Promise<void>
  readonly random: () => number
}

interface Turn {
  due: number
  failures: number
  running: boolean
  urgent: boolean
  /** Who brought it, where it is a stranger. */
  bringer: string | undefined
}

/** An attempt with a stranger. */
interface Trial {
  readonly bringer: string
  /** When it gives way to somebody who has none, on our own clock. */
  readonly lastsUntil: number
  readonly controller: AbortController
}

/** Targets are peers, or seeds whose peer is not known yet. */
export class DialSchedule {
  readonly #options: ScheduleOptions
  readonly #turns = new Map<string, Turn>()
  readonly #running = { peers: 0, seeds: 0 }
  readonly #trials = new Set<Trial>()
  readonly #attempts = new Set<AbortController>()
  /** When each that brings strangers was served last. */
  readonly #served = new BoundedMap<string, number>(scheduleLimits.bringers)
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: ScheduleOptions) {
    this.#options = options
  }

  /** The target is not connected: it gets its turn. A target that has one keeps it, unless the news is fresh. */
  plan(target: string, { fresh }: { fresh: boolean }): void {
    if (this.#stopped) return
    const known = this.#turns.get(target)
    const bringer = this.#options.bringerOf(target)
    if (known !== undefined) known.bringer = bringer
    if (known !== undefined && !fresh) return
    const turn = known ?? { due: Infinity, failures: 0, running: false, urgent: false, bringer }
    turn.failures = 0
    turn.due = Math.min(turn.due, performance.now() + this.#firstWait(target))
    this.#turns.set(target, turn)
    this.#run()
  }

  /** At once, whoever's turn it is. During an attempt: once more after it. */
  now(target: string): void {
    if (this.#stopped) return
    const turn = this.#turns.get(target) ?? { due: 0, failures: 0, running: false, urgent: false, bringer: undefined }
    this.#turns.set(target, { ...turn, due: 0, urgent: true })
    this.#run()
  }

  /** The target is connected, or nobody wants it any more. */
  cancel(target: string): void {
    this.#turns.delete(target)
    this.#run()
  }

  stop(): void {
    this.#stopped = true
    this.#turns.clear()
    clearTimeout(this.#timer)
    for (const controller of this.#attempts) controller.abort()
  }

  #firstWait(target: string): number {
    const { otherTurn_ms, firstPause_ms } = scheduleLimits
    if (this.#options.isOurTurn(target)) return firstPause_ms * this.#options.random()
    return otherTurn_ms.from + (otherTurn_ms.to - otherTurn_ms.from) * this.#options.random()
  }

  #run(): void {
    clearTimeout(this.#timer)
    if (this.#stopped) return
    let next = Infinity
    const now = performance.now()
    const due: [string, Turn][] = []
    for (const [target, turn] of this.#turns) {
      if (turn.running) continue
      if (turn.due > now) next = Math.min(next, turn.due)
      else due.push([target, turn])
    }
    this.#startAll(due)
    next = Math.min(next, this.#makeWay(due, now))
    if (next < Infinity) this.#timer = setTimeout(() => this.#run(), Math.max(1, next - now))
  }

  #startAll(due: readonly [string, Turn][]): void {
    for (;;) {
      let first: [string, Turn] | undefined
      for (const one of due) {
        const isWaiting = this.#turns.get(one[0]) === one[1] && this.#hasRoom(...one)
        if (isWaiting && (first === undefined || this.#isBefore(one[1], first[1]))) first = one
      }
      if (first === undefined) return
      this.#start(...first)
    }
  }

  #isBefore(one: Turn, other: Turn): boolean {
    const [served, servedOther] = [this.#servedAt(one), this.#servedAt(other)]
    return served === servedOther ? one.due < other.due : served < servedOther
  }

  #servedAt({ bringer }: Turn): number {
    return (bringer === undefined ? undefined : this.#served.get(bringer)) ?? 0
  }

  #hasRoom(target: string, { urgent, bringer }: Turn): boolean {
    const { attempts, urgentAttempts, seedAttempts, strangerAttempts, broughtAttempts } = scheduleLimits
    if (this.#options.isSeed(target)) return this.#running.seeds < seedAttempts
    if (urgent || bringer === undefined) return this.#running.peers < (urgent ? urgentAttempts : attempts)
    return this.#trials.size < strangerAttempts && this.#trialsOf(bringer) < broughtAttempts
  }

  #trialsOf(bringer: string): number {
    return [...this.#trials].filter((trial) => trial.bringer === bringer).length
  }

  /** Where all places are taken, and somebody who has none of them waits: the trial that has lasted longest ends. @returns when to look again */
  #makeWay(due: readonly [string, Turn][], now: number): number {
    if (this.#trials.size < scheduleLimits.strangerAttempts) return Infinity
    const isWaiting = due.some(([target, { bringer, urgent }]) => {
      return this.#turns.has(target) && !urgent && bringer !== undefined && this.#trialsOf(bringer) === 0
    })
    if (!isWaiting) return Infinity
    const first = [...this.#trials].reduce((one, other) => (other.lastsUntil < one.lastsUntil ? other : one))
    if (first.lastsUntil > now) return first.lastsUntil
    first.controller.abort() // its end looks again
    return Infinity
  }

  #start(target: string, turn: Turn): void {
    const started: Turn = { ...turn, running: true, urgent: false, due: Infinity }
    this.#turns.set(target, started)
    const controller = new AbortController()
    const leave = this.#enter(target, turn, controller)
    this.#attempts.add(controller)
    void this.#options.attempt(target, controller.signal).finally(() => {
      leave()
      this.#attempts.delete(controller)
      this.#ended(target)
      this.#run()
    })
  }

  /** @returns how it leaves its place again */
  #enter(target: string, { urgent, bringer, failures }: Turn, controller: AbortController): () => void {
    const isSeed = this.#options.isSeed(target)
    if (isSeed || urgent || bringer === undefined) {
      const lane = isSeed ? 'seeds' : 'peers'
      this.#running[lane] += 1
      return () => (this.#running[lane] -= 1)
    }
    const now = performance.now()
    const trial = { bringer, lastsUntil: now + scheduleLimits.patience_ms * 2 ** Math.min(failures, 20), controller }
    this.#trials.add(trial)
    this.#served.set(bringer, now)
    return () => this.#trials.delete(trial)
  }

  #ended(target: string): void {
    const turn = this.#turns.get(target)
    if (turn === undefined || !turn.running) return
    const wait_ms = pause_ms(turn.failures, this.#options.isMissed(target))
    const due = performance.now() + wait_ms * (0.75 + 0.5 * this.#options.random())
    this.#turns.set(target, { ...turn, running: false, failures: turn.failures + 1, due: Math.min(turn.due, due) })
  }
}
