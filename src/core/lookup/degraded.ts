/**
 * Whether this daemon has lost sight of the cluster: fewer than half of the members that were visible a while ago still are.
 * Only then do lookups fall back on what was last known.
 */
import type { PeerId } from '../model/model.js'

const memory_ms = 15 * 60_000
const sampleInterval_ms = 60_000
/** Those of whom no word is remembered may be made up: they are missed for as long as it takes machines to start that were off together. */
const unmetMemory_ms = 3 * 60_000

interface Sample {
  readonly at: number
  readonly visible: Set<PeerId>
}

/** How much of the cluster is left to this daemon's sight, itself included in both. */
export interface Doubt {
  readonly visible: number
  /** Those that were visible lately and have not said goodbye. */
  readonly missable: number
}

export class Degraded {
  /** Oldest first, none older than the memory; now is compared with each. */
  #samples: Sample[]
  #doubt: Doubt | undefined

  /** @param restored the members that were restored from disk: what was there before this start */
  constructor(restored: Iterable<PeerId>, now: number) {
    this.#samples = [{ at: now, visible: new Set(restored) }]
  }

  /** Whether lookups fall back on what was last known. */
  get isOn(): boolean {
    return this.#doubt !== undefined
  }

  /** Present while it has lost sight of the cluster. */
  get doubt(): Doubt | undefined {
    return this.#doubt
  }

  /** These were there before this start: from now on they are missed. @param unmet of whom no word is remembered */
  remember(met: readonly PeerId[], unmet: readonly PeerId[], now: number): void {
    const all = { at: now - memory_ms + unmetMemory_ms, visible: new Set([...met, ...unmet]) }
    const sure = { at: now, visible: new Set(met) }
    this.#samples = unmet.length === 0 ? [sure] : [all, sure]
  }

  /**
   * Looks anew.
   * @param visible the members visible now, without ourselves
   * @param hasLeft whether a member went on purpose: those are not missed
   */
  look(visible: ReadonlySet<PeerId>, hasLeft: (peer: PeerId) => boolean, now: number): void {
    this.#sample(visible, now)
    let looked: ReadonlySet<PeerId> | undefined
    this.#doubt = undefined
    for (const sample of this.#samples) {
      if (sample.visible === looked) continue
      looked = sample.visible
      this.#doubt = doubtBy(looked, visible, hasLeft)
      if (this.#doubt !== undefined) return
    }
  }

  #sample(visible: ReadonlySet<PeerId>, now: number): void {
    const newest = this.#samples.at(-1) as Sample
    // Whoever came is missed from now on, and not only from the next sample on.
    for (const peer of visible) newest.visible.add(peer)
    if (now - newest.at >= sampleInterval_ms) {
      // In quiet times one set stands for many minutes, and is looked at once.
      const isSame = newest.visible.size === visible.size && [...visible].every((peer) => newest.visible.has(peer))
      this.#samples.push({ at: now, visible: isSame ? newest.visible : new Set(visible) })
    }
    while (this.#samples.length > 1 && now - (this.#samples[0] as Sample).at > memory_ms) this.#samples.shift()
  }
}

/** Present where fewer than half are visible still. */
function doubtBy(
  before: ReadonlySet<PeerId>,
  visible: ReadonlySet<PeerId>,
  hasLeft: (peer: PeerId) => boolean,
): Doubt | undefined {
  let missable = 1
  let still = 1
  for (const peer of before) {
    if (hasLeft(peer)) continue
    missable += 1
    if (visible.has(peer)) still += 1
  }
  return still * 2 < missable ? { visible: still, missable } : undefined
}
