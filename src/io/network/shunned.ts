/**
 * Peers that kept no limit, for a while after that: who they are, until when. It cuts nobody off itself.
 */
import type { PeerId } from '../../core/model/model.js'

/** Long enough to cost less than it gives; short, since it may be a fault that has passed. */
export const shunnedFor_ms = 30_000

export class Shunned {
  readonly #timers = new Map<PeerId, NodeJS.Timeout>()
  readonly #onOver: (peer: PeerId) => void

  constructor(onOver: (peer: PeerId) => void) {
    this.#onOver = onOver
  }

  has(peer: PeerId): boolean {
    return this.#timers.has(peer)
  }

  add(peer: PeerId): void {
    clearTimeout(this.#timers.get(peer))
    const timer = setTimeout(() => {
      this.#timers.delete(peer)
      this.#onOver(peer)
    }, shunnedFor_ms)
    this.#timers.set(peer, timer)
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }
}
