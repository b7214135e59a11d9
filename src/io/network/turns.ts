/**
 * What peers send, a few at a time: whoever sends much at once waits for its own, others go in between. It drops nothing, reads nothing.
 */
import type { PeerId } from '../../core/model/model.js'

export interface TurnsOptions<T> {
  /** So many go on in one turn of the event loop, of all peers together. */
  readonly perTurn: number
  run(one: T): void
}

export class Turns<T> {
  readonly #options: TurnsOptions<T>
  /** Of each peer in its order; the peer whose turn it is comes first. */
  readonly #waiting = new Map<PeerId, T[]>()
  #left: number
  #turn: NodeJS.Immediate | undefined

  constructor(options: TurnsOptions<T>) {
    this.#options = options
    this.#left = options.perTurn
  }

  /** Goes on at once where this turn has done little and nothing of that peer waits. */
  add(peer: PeerId, one: T): void {
    this.#turn ??= setImmediate(() => this.#next())
    const before = this.#waiting.get(peer)
    if (before !== undefined) return void before.push(one)
    if (this.#left <= 0) return void this.#waiting.set(peer, [one])
    this.#left -= 1
    this.#options.run(one)
  }

  waitingOf(peer: PeerId): number {
    return this.#waiting.get(peer)?.length ?? 0
  }

  stop(): void {
    clearImmediate(this.#turn)
    this.#waiting.clear()
  }

  #next(): void {
    this.#turn = undefined
    this.#left = this.#options.perTurn
    const due: T[] = []
    for (const [peer, own] of this.#waiting) {
      if (this.#left <= 0) break
      due.push(...own.splice(0, 1))
      this.#left -= 1
      this.#waiting.delete(peer)
      if (own.length > 0) this.#waiting.set(peer, own) // its next turn comes after those of all others
    }
    if (this.#waiting.size > 0) this.#turn = setImmediate(() => this.#next())
    for (const one of due) this.#options.run(one)
  }
}
