/**
 * Lets libp2p forget whom we are no longer connected with: it keeps eight kilobytes of each whom it ever met, beside our own address
 * book. Not at once: who hears of the end of a connection later asks there what the peer spoke.
 */
import type { PeerId } from '../../core/model/model.js'

export const forgettingAfter_ms = 60_000

export interface ForgettingOptions {
  isConnected(peer: PeerId): boolean
  forget(peer: PeerId): Promise<void>
}

export class Forgetting {
  readonly #options: ForgettingOptions
  /** Whose last connection has gone, and when. The longest ago comes first. */
  readonly #gone = new Map<PeerId, number>()
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: ForgettingOptions) {
    this.#options = options
  }

  /** Connections end after this. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#gone.clear()
  }

  gone(peer: PeerId): void {
    if (this.#isStopped) return
    this.#gone.delete(peer)
    this.#gone.set(peer, performance.now())
    this.#timer ??= setTimeout(() => this.#forget(), forgettingAfter_ms)
  }

  #forget(): void {
    this.#timer = undefined
    const before = performance.now() - forgettingAfter_ms
    for (const [peer, at] of this.#gone) {
      if (at > before) break
      this.#gone.delete(peer)
      if (!this.#options.isConnected(peer)) this.#options.forget(peer).catch(() => {})
    }
    if (this.#gone.size > 0) this.#timer = setTimeout(() => this.#forget(), forgettingAfter_ms)
  }
}
