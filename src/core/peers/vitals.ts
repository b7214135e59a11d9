/**
 * The newest vitals of each daemon, to be passed on to whoever missed most of them. Nobody reads them here.
 */
import { Piggyback } from '../basics/piggyback.js'
import type { PeerId } from '../model/model.js'
import type { Vitals } from '../wire/beat.js'
import { wireLimits } from '../wire/limits.js'

interface Kept {
  readonly owner: PeerId
  generation: number
  sequence: number
  json: string
}

/** Around the JSON of one machine in a frame: its id and numbers. */
const overheadBytes = wireLimits.peerIdBytes

export class VitalsBoard {
  readonly #kept = new Map<PeerId, Kept>()
  readonly #piggyback: Piggyback<Kept>

  constructor(self: PeerId) {
    this.#piggyback = new Piggyback(self)
  }

  of(owner: PeerId): string | undefined {
    return this.#kept.get(owner)?.json
  }

  /** With which heartbeat they were taken. */
  takenAt(owner: PeerId): { readonly generation: number; readonly sequence: number } | undefined {
    return this.#kept.get(owner)
  }

  /** @returns whether they were new */
  note({ owner, generation, sequence, json }: Vitals): boolean {
    const kept = this.#kept.get(owner)
    if (kept === undefined) {
      if (this.#kept.size > wireLimits.documents) return false
      const added = { owner, generation, sequence, json }
      this.#kept.set(owner, added)
      this.#piggyback.add(added)
      return true
    }
    if (generation < kept.generation || (generation === kept.generation && sequence <= kept.sequence)) return false
    Object.assign(kept, { generation, sequence, json })
    return true
  }

  forget(owner: PeerId): void {
    const kept = this.#kept.get(owner)
    if (kept !== undefined) this.#piggyback.delete(kept)
    this.#kept.delete(owner)
    this.#piggyback.forgetListener(owner)
  }

  forgetListener(listener: PeerId): void {
    this.#piggyback.forgetListener(listener)
  }

  /** What a frame to this daemon holds: those of which it missed most, as many as fit, at least one where there is one. */
  take(listener: PeerId): readonly Vitals[] {
    let count = 0
    let bytes = 0
    const fits = ({ json }: Kept): boolean => {
      bytes += 3 * json.length + overheadBytes // three bytes a character at the most
      count += 1
      return count === 1 || (count <= wireLimits.vitalsAtOnce && bytes <= wireLimits.vitalsBytes)
    }
    return this.#piggyback.take(listener, ({ owner }) => owner !== listener, fits)
  }
}
