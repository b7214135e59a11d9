/**
 * What peers send, each its own in order: whoever sends much at once waits for its own, others go in between. It drops nothing, reads
 * nothing; how much one turn of the event loop does is not its question.
 */
import type { PeerId } from '../../core/model/model.js'
import type { Allowance } from './allowances.js'
import type { Waiting } from './order.js'
import { turns } from './turns.js'

/** Of so many peers nothing waits before those are let go of that sent nothing for a while. */
const idleQueues = 256
const idle_ms = 60_000

export interface QueuesOptions<T> {
  /** Whose time it takes. */
  allowanceOf(peer: PeerId): Allowance
  run(one: T): void
  /** What each costs at the least, however soon it is done. */
  readonly least_ms?: number
  /** So many wait of a peer for longer than a turn: no more is to come for now. */
  readonly most?: number
  onMany?(peer: PeerId): void
  /** Nothing of it waits any more. */
  onNone?(peer: PeerId): void
}

export class Queues<T> {
  readonly #options: QueuesOptions<T>
  readonly #byPeer = new Map<PeerId, Queue<T>>()
  #isStopped = false

  constructor(options: QueuesOptions<T>) {
    this.#options = options
  }

  /** Goes on at once where this turn has done little and nothing of that peer waits. */
  add(peer: PeerId, one: T): void {
    if (this.#isStopped) return
    if (!this.#byPeer.has(peer)) this.#makeRoom()
    const queue = this.#byPeer.get(peer) ?? new Queue(peer, this.#options)
    this.#byPeer.set(peer, queue)
    queue.add(one)
  }

  /** It has gone before its turn. */
  remove(peer: PeerId, one: T): void {
    this.#byPeer.get(peer)?.remove(one)
  }

  stop(): void {
    this.#isStopped = true
    for (const queue of this.#byPeer.values()) queue.clear()
    this.#byPeer.clear()
  }

  #makeRoom(): void {
    if (this.#byPeer.size < idleQueues) return
    const before = performance.now() - idle_ms
    for (const [peer, queue] of this.#byPeer) if (queue.isIdleSince(before)) this.#byPeer.delete(peer)
  }
}

class Queue<T> implements Waiting {
  readonly allowance: Allowance
  readonly #peer: PeerId
  readonly #options: QueuesOptions<T>
  #waiting: T[] = []
  #isWaiting = false
  #isMany = false
  #addedAt = 0

  constructor(peer: PeerId, options: QueuesOptions<T>) {
    this.allowance = options.allowanceOf(peer)
    this.#peer = peer
    this.#options = options
  }

  isIdleSince(time: number): boolean {
    return this.#waiting.length === 0 && !this.#isWaiting && this.#addedAt < time
  }

  add(one: T): void {
    this.#addedAt = performance.now()
    this.#waiting.push(one)
    if (this.#isWaiting) return this.#judge()
    this.#isWaiting = true
    turns.add(this)
  }

  remove(one: T): void {
    const at = this.#waiting.indexOf(one)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  goOn(): number {
    const one = this.#waiting.shift()
    if (one === undefined) return 0
    this.#options.run(one)
    return this.#options.least_ms ?? 0
  }

  wantsMore(): boolean {
    this.#isWaiting = this.#waiting.length > 0
    if (this.#isWaiting || !this.#isMany) return this.#isWaiting
    this.#isMany = false
    this.#options.onNone?.(this.#peer)
    return false
  }

  hold(): void {
    this.#judge()
  }

  clear(): void {
    this.#waiting = []
  }

  #judge(): void {
    const { most = Number.POSITIVE_INFINITY } = this.#options
    if (this.#isMany || this.#waiting.length < most) return
    this.#isMany = true
    this.#options.onMany?.(this.#peer)
  }
}
