/**
 * The turns at dialling: every peer without a connection gets one for ever, ever more rarely, until it is there. It knows which
 * of two peers goes first, and never opens a connection itself.
 */
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
  /** Runs one attempt. Must settle, and not reject. */
  attempt(target: PeerId): Promise<void>
  readonly random: () => number
}

interface Turn {
  due: number
  failures: number
  running: boolean
  urgent: boolean
}

/** Targets are peers, or seeds whose peer is not known yet. */
export class DialSchedule {
  readonly #options: ScheduleOptions
  readonly #turns = new Map<string, Turn>()
  readonly #running = { peers: 0, seeds: 0 }
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: ScheduleOptions) {
    this.#options = options
  }

  /** The target is not connected: it gets its turn. A target that has one keeps it, unless the news is fresh. */
  plan(target: string, { fresh }: { fresh: boolean }): void {
    if (this.#stopped || (this.#turns.has(target) && !fresh)) return
    const turn = this.#turns.get(target) ?? { due: Infinity, failures: 0, running: false, urgent: false }
    turn.failures = 0
    turn.due = Math.min(turn.due, performance.now() + this.#firstWait(target))
    this.#turns.set(target, turn)
    this.#run()
  }

  /** At once, whoever's turn it is. During an attempt: once more after it. */
  now(target: string): void {
    if (this.#stopped) return
    const turn = this.#turns.get(target) ?? { due: 0, failures: 0, running: false, urgent: false }
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
    for (const [target, turn] of this.#turns) {
      if (turn.running) continue
      if (turn.due > now) next = Math.min(next, turn.due)
      else if (this.#hasRoom(target, turn)) this.#start(target, turn)
    }
    if (next < Infinity) this.#timer = setTimeout(() => this.#run(), Math.max(1, next - now))
  }

  #hasRoom(target: string, { urgent }: Turn): boolean {
    const { attempts, urgentAttempts, seedAttempts } = scheduleLimits
    if (this.#options.isSeed(target)) return this.#running.seeds < seedAttempts
    return this.#running.peers < (urgent ? urgentAttempts : attempts)
  }

  #start(target: string, turn: Turn): void {
    const lane = this.#options.isSeed(target) ? 'seeds' : 'peers'
    const started: Turn = { ...turn, running: true, urgent: false, due: Infinity }
    this.#turns.set(target, started)
    this.#running[lane] += 1
    void this.#options.attempt(target).finally(() => {
      this.#running[lane] -= 1
      this.#ended(target)
      this.#run()
    })
  }

  #ended(target: string): void {
    const turn = this.#turns.get(target)
    if (turn === undefined || !turn.running) return
    const wait_ms = pause_ms(turn.failures, this.#options.isMissed(target))
    const due = performance.now() + wait_ms * (0.75 + 0.5 * this.#options.random())
    this.#turns.set(target, { ...turn, running: false, failures: turn.failures + 1, due: Math.min(turn.due, due) })
  }
}
