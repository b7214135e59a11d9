/**
 * Documents of one owner that do not continue each other: what that says of their owner, when it is to be shown both.
 *
 *     started from older records   g1 ── g2 ── g3 (held here)
 *                                   └── g4, which does not know g3: g3 is given back to it
 *     two daemons with one key     two starts in one generation; or one that goes on after a later one has begun without it
 */
import { signMemory_ms, stopTheCopy, type Trouble } from '../words/causes.js'
import type { PeerId } from '../model/model.js'
import type { Head, Signatures, SignedHead } from '../wire/head.js'
import type { Outcome } from './outcome.js'

/** An owner is shown two documents of its own at most this often. */
const disputePause_ms = 1000
/** So many starts of one owner are remembered to tell of a dispute. */
const bootsKept = 16

/** What came, and what was held when it came. */
export interface Meeting {
  readonly signed: SignedHead
  readonly held: Head
  /** What was held continues what came. */
  readonly isContinued: boolean
  readonly outcome: Outcome['type']
  /** Somebody is connected to whom both can be shown. */
  readonly isTellable: boolean
}

interface Dispute {
  /** Two daemons run with one key. */
  readonly isTwo: boolean
  /** Starts whose heads were held when another one's came. */
  readonly heldBoots: ReadonlySet<string>
  readonly at: number
}

export class Disputes {
  readonly #signatures: Signatures
  /** When an owner was last shown two documents of its own. */
  readonly #shownAt = new Map<PeerId, number>()
  readonly #troubles = new Map<PeerId, Dispute>()

  constructor(signatures: Signatures) {
    this.#signatures = signatures
  }

  /**
   * Their owner decides: it is shown both, for of two daemons with one key we may be connected to either.
   * @returns whether both are to be shown now
   */
  note({ signed, held, isContinued, outcome, isTellable }: Meeting, now: number): boolean {
    const { owner } = signed.head
    if (isContinued || !isDisputed(signed.head, held, outcome)) return false
    const isPaused = now - (this.#shownAt.get(owner) ?? Number.NEGATIVE_INFINITY) < disputePause_ms
    this.#noteTrouble(signed, held, outcome, isPaused, now)
    if (isPaused || !isTellable || !this.#signatures.isGenuine(signed)) return false
    this.#shownAt.set(owner, now)
    return true
  }

  #noteTrouble(signed: SignedHead, held: Head, outcome: Outcome['type'], isPaused: boolean, now: number): void {
    const { owner, boot } = signed.head
    // Of what is old nobody has checked the signature yet.
    if (outcome === 'old' && (isPaused || !this.#signatures.isGenuine(signed))) return
    const before = this.#troubles.get(owner)
    const known = before !== undefined && now - before.at < signMemory_ms ? before : undefined
    const heldBoots = new Set([...(known?.heldBoots ?? []), held.boot].slice(-bootsKept))
    const isTwo = known?.isTwo === true || outcome !== 'behind' || known?.heldBoots.has(boot) === true
    this.#troubles.set(owner, { isTwo, heldBoots, at: now })
  }

  /** What is odd about an owner's documents lately. */
  troubleOf(owner: PeerId, now: number): Trouble | undefined {
    const dispute = this.#troubles.get(owner)
    if (dispute === undefined || now - dispute.at >= signMemory_ms) return undefined
    return { ...(dispute.isTwo ? twoDaemons : olderRecords), age_ms: Math.round(now - dispute.at) }
  }

  forget(owner: PeerId): void {
    this.#shownAt.delete(owner)
    this.#troubles.delete(owner)
  }
}

const twoDaemons: Trouble = {
  kind: 'two-daemons',
  text: `two daemons seem to run with its key: ${stopTheCopy}`,
}
const olderRecords: Trouble = {
  kind: 'older-records',
  text: 'it started from older records than it had published (a restored backup, or a lost store); others gave them back',
}

/**
 * Whether a head and the one that was held show that their owner does not know one of them: a start that knew nothing of what is
 * held; two starts in one generation; a start that goes on after a later one has begun without it.
 */
function isDisputed(head: Head, held: Head, outcome: Outcome['type']): boolean {
  if (head.boot === held.boot || outcome === 'refused' || outcome === 'fenced') return false
  return outcome === 'behind' || outcome === 'old' || head.generation === held.generation
}
