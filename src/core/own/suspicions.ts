/**
 * How many checks callers may ask for, so that whoever asks for many, or lies, costs little.
 */
import type { PeerId } from '../model/model.js'

const window_ms = 1000
/** A second, all callers together. As many are remembered. */
const most = 50
const mostOfOneCaller = 10
/** All callers of one peer together: others have their share, whatever it makes up. */
const mostThroughOne = 25

/** Who says so. */
export interface Suspecting {
  readonly caller: string
  /** The peer that passed it on. */
  readonly through?: PeerId
}

interface Suspicion extends Suspecting {
  readonly at: number
  readonly id: string
}

export class Suspicions {
  /** Those that were taken lately, in order of time. */
  #taken: Suspicion[] = []

  /** Whether a check may be done because of it: once a second for an instance, within what its caller, its peer, all may ask for. */
  take(id: string, { caller, through }: Suspecting, now: number): boolean {
    this.#taken = this.#taken.filter(({ at }) => now - at < window_ms)
    if (this.#taken.length >= most || this.#taken.some((one) => one.id === id)) return false
    const ofPeer = this.#taken.filter((one) => one.through === through)
    if (through !== undefined && ofPeer.length >= mostThroughOne) return false
    if (ofPeer.filter((one) => one.caller === caller).length >= mostOfOneCaller) return false
    this.#taken.push({ at: now, id, caller, ...(through !== undefined && { through }) })
    return true
  }
}
