/**
 * Whether this daemon has lost sight of the cluster: fewer than half of the members that were visible a while ago still are.
 * Only then do lookups fall back on what was last known.
 */
import type { PeerId } from '../model.js'

const memory_ms = 15 * 60_000
const sampleInterval_ms = 60_000

interface Sample {
  readonly at: number
  readonly visible: ReadonlySet<PeerId>
}

export class Degraded {
  /** Oldest first, none older than the memory; now is compared with each. */
  #samples: Sample[]
  #isOn = false

  /** @param restored the members that were restored from disk: what was there before this start */
  constructor(restored: Iterable<PeerId>, now: number) {
    this.#samples = [{ at: now, visible: new Set(restored) }]
  }

  /** Whether lookups fall back on what was last known. */
  get isOn(): boolean {
    return this.#isOn
  }

  /** These were there before this start: from now on they are missed. */
  remember(restored: Iterable<PeerId>, now: number): void {
    this.#samples = [{ at: now, visible: new Set(restored) }]
  }

  /**
   * Looks anew.
   * @param visible the members visible now, without ourselves
   * @param hasLeft whether a member went on purpose: those are not missed
   */
  look(visible: ReadonlySet<PeerId>, hasLeft: (peer: PeerId) => boolean, now: number): void {
    this.#sample(visible, now)
    let looked: ReadonlySet<PeerId> | undefined
    this.#isOn = this.#samples.some((sample) => {
      if (sample.visible === looked) return false
      looked = sample.visible
      return isMostGone(looked, visible, hasLeft)
    })
  }

  #sample(visible: ReadonlySet<PeerId>, now: number): void {
    const newest = this.#samples.at(-1) as Sample
    if (now - newest.at >= sampleInterval_ms) {
      // In quiet times one set stands for many minutes, and is looked at once.
      const isSame = newest.visible.size === visible.size && [...visible].every((peer) => newest.visible.has(peer))
      this.#samples.push({ at: now, visible: isSame ? newest.visible : new Set(visible) })
    }
    while (this.#samples.length > 1 && now - (this.#samples[0] as Sample).at > memory_ms) this.#samples.shift()
  }
}

/** Whether fewer than half are visible still, ourselves included among both. */
function isMostGone(
  before: ReadonlySet<PeerId>,
  visible: ReadonlySet<PeerId>,
  hasLeft: (peer: PeerId) => boolean,
): boolean {
  let missable = 0
  let still = 0
  for (const peer of before) {
    if (hasLeft(peer)) continue
    missable += 1
    if (visible.has(peer)) still += 1
  }
  return (still + 1) * 2 < missable + 1
}
