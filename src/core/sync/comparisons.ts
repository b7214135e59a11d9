/**
 * With whom all heads are compared: with one peer after the other, since what the first one gives the next is not asked for.
 *
 *     a joins    b? ── documents ── compared    c? ── the few that b lacked ── compared    d? ── compared
 *                b? ── silence for a second     c? ── documents ── compared                d? ── compared
 *
 * Nobody is believed to give what he offers: whoever does not is passed over, however slowly he goes on.
 */
import type { PeerId } from '../model/model.js'

/** Whoever says nothing for so long is not waited for, nor whoever takes so long in all. */
const silence_ms = 1000
const patience_ms = 3000

interface Comparison {
  readonly peer: PeerId
  readonly askedAt: number
  heardAt: number
}

const nobody: ReadonlyMap<PeerId, unknown> = new Map()

export class Comparisons {
  /** In the order in which they are to be asked; at most those that are connected. */
  readonly #waiting = new Set<PeerId>()
  #current: Comparison | undefined

  /** It is to be asked, after all that wait already; whoever is being asked will be once more. */
  add(peer: PeerId): void {
    this.#waiting.add(peer)
  }

  /** Whom to ask now. @param isReading whether anything that has come is still to be read */
  next(now: number, isReading: boolean): PeerId | undefined {
    if (isReading && this.#current !== undefined) this.#current.heardAt = now
    const [peer] = this.#waiting
    if (peer === undefined || this.#isWaitedFor(now)) return undefined
    this.#waiting.delete(peer)
    this.#current = { peer, askedAt: now, heardAt: now }
    return peer
  }

  /**
   * Whether anybody is to be asked yet, or is being asked and waited for.
   * @param known but for these, whose next answer nobody needs to wait for
   */
  isUnderWay(now: number, known: ReadonlyMap<PeerId, unknown> = nobody): boolean {
    for (const peer of this.#waiting) if (!known.has(peer)) return true
    return this.#current !== undefined && !known.has(this.#current.peer) && this.#isWaitedFor(now)
  }

  #isWaitedFor(now: number): boolean {
    if (this.#current === undefined) return false
    const { askedAt, heardAt } = this.#current
    return now - heardAt < silence_ms && now - askedAt < patience_ms
  }

  /** Whether it is being asked. */
  isAsked(peer: PeerId): boolean {
    return this.#current?.peer === peer
  }

  /** Whether what a peer offers may be left to comparisons: somebody is being asked for all, and this one has just been, or will be. */
  mayBring(peer: PeerId, now: number): boolean {
    return this.#isWaitedFor(now) && (this.#current?.peer === peer || this.#waiting.has(peer))
  }

  /** A part of an answer has come. */
  heard(peer: PeerId, now: number): void {
    if (this.#current?.peer === peer) this.#current.heardAt = now
  }

  /** All of it is read. */
  ended(peer: PeerId): void {
    if (this.#current?.peer === peer) this.#current = undefined
  }

  /** What was asked until now does not count any more. */
  clear(): void {
    this.#waiting.clear()
    this.#current = undefined
  }

  /** It is not connected any more. */
  forget(peer: PeerId): void {
    this.#waiting.delete(peer)
    this.ended(peer)
  }
}
