/**
 * Steps that do not start from what is held: gossip reorders, so they wait a little for the one before them, then all is pulled.
 *
 *     gossip    v4 ── v6 ····· v5            v6 waits; v5 comes within 100 ms: both are taken
 *     gossip    v4 ── v6 ──────────── pull   v5 got lost: the document is fetched, what waited is tried once more
 */
import type { PeerId } from '../model/model.js'
import { compareHeads } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Parcel } from '../wire/sync.js'

/** How long a missing piece may be on its way before it is pulled: gossip reorders. */
const gapPatience_ms = 100
/** Steps that may wait for a missing piece, per owner. */
const waitingSteps = 16
/** Owners with a gap at a time. */
const gapsAtOnce = 1024

/** A step that waits, and who brought it. */
export interface Step {
  readonly parcel: Parcel
  readonly via: PeerId
}

interface Gap {
  readonly steps: Step[]
  /** Who told of it first. */
  readonly via: PeerId
  deadline: number | undefined
}

/** An owner whose document is to be pulled, and who told of it last. */
export interface Pull {
  readonly owner: PeerId
  readonly via: PeerId
}

export class Gaps {
  readonly #gaps = new Map<PeerId, Gap>()

  /** Whether something of this owner waits for what is missing before it. */
  has(owner: PeerId): boolean {
    return this.#gaps.has(owner)
  }

  get size(): number {
    return this.#gaps.size
  }

  /**
   * @param isHeld whether there is any document of its owner, which the missing piece could be applied to
   * @returns false where there are too many gaps
   */
  note({ parcel, via }: Step, isHeld: boolean, now: number): boolean {
    const { owner } = parcel.signed.head
    if (!this.#gaps.has(owner) && this.#gaps.size >= gapsAtOnce) return false
    const gap: Gap = this.#gaps.get(owner) ?? { steps: [], via, deadline: now + gapPatience_ms }
    this.#gaps.set(owner, gap)
    const canWait = isHeld && parcel.content.bytes.length <= wireLimits.gossipBytes
    if (canWait && gap.steps.length < waitingSteps) gap.steps.push({ parcel: detached(parcel), via })
    return true
  }

  /** Something of this owner was taken, or a pull of it has ended: what waited for it may go on. @returns in order */
  filled(owner: PeerId): readonly Step[] {
    const gap = this.#gaps.get(owner)
    if (gap === undefined) return []
    this.#gaps.delete(owner)
    return gap.steps.sort((a, b) => compareHeads(a.parcel.signed.head, b.parcel.signed.head))
  }

  /** What still does not fit is left to the comparison of digests. */
  close(owner: PeerId): void {
    this.#gaps.delete(owner)
  }

  /** Those that have waited long enough; each is told once. */
  due(now: number): Pull[] {
    const due: Pull[] = []
    for (const [owner, gap] of this.#gaps) {
      if (gap.deadline === undefined || now < gap.deadline) continue
      gap.deadline = undefined
      due.push({ owner, via: gap.steps.at(-1)?.via ?? gap.via })
    }
    return due
  }
}

/** A copy that does not hold on to the whole message that it came in. */
function detached({ signed, content }: Parcel): Parcel {
  return { signed, content: { ...content, bytes: content.bytes.slice() } }
}
