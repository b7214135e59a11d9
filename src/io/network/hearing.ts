/**
 * Frames of heartbeat streams on their way in: those of whoever sends too many are dropped, but for its newest heartbeat, so that our
 * limit makes nobody silent. It reads no more of a frame than of what kind it is.
 */
import type { PeerId } from '../../core/model/model.js'
import { isHeartbeat } from '../../core/wire/beat.js'
import type { Allowances } from './allowances.js'
import type { Drops } from './drops.js'
import type { Rates } from './rates.js'
import { Queues } from './queues.js'

/** As often as an honest member says that it lives. */
const newestEvery_ms = 1000

export interface HearingOptions {
  readonly drops: Drops
  readonly rates: Rates
  readonly allowances: Allowances
  onBeat(from: PeerId, bytes: Uint8Array): void
}

interface Frame {
  readonly from: PeerId
  readonly bytes: Uint8Array
}

export class Hearing {
  readonly #options: HearingOptions
  /** Bounded by what the buckets of all who are connected hold. */
  readonly #queues: Queues<Frame>
  /** The newest heartbeats of those who sent too much, until they are passed on. */
  readonly #newest = new Map<PeerId, Uint8Array>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: HearingOptions) {
    this.#options = options
    this.#queues = new Queues({
      allowanceOf: (peer) => options.allowances.ofBeats(peer),
      run: ({ from, bytes }) => options.onBeat(from, bytes),
    })
  }

  stop(): void {
    this.#queues.stop()
    clearTimeout(this.#timer)
    this.#newest.clear()
  }

  /**
   * @param bytes lent: what is kept is copied
   * @returns false where that is more than it may send
   */
  take(from: PeerId, bytes: Uint8Array): boolean {
    const { rates, drops } = this.#options
    if (rates.take('frame', from)) {
      this.#newest.delete(from)
      this.#queues.add(from, { from, bytes: bytes.slice() })
      return true
    }
    drops.count('beat-excess')
    if (isHeartbeat(bytes)) this.#newest.set(from, bytes.slice())
    if (this.#newest.size > 0) this.#timer ??= setTimeout(() => this.#passOnNewest(), newestEvery_ms)
    return false
  }

  #passOnNewest(): void {
    this.#timer = undefined
    const newest = [...this.#newest]
    this.#newest.clear()
    for (const [from, bytes] of newest) this.#queues.add(from, { from, bytes })
  }
}
