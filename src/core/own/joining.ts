/**
 * The way from a start to the first head: ask the peers what they hold of us, decide whether our own content may be
 * trusted, learn how our instances are. Reads are answered all the while; writes wait for the end of it.
 */
import { NodeDocument } from '../document/document.js'
import type { Crypto } from '../effects.js'
import type { PeerId } from '../model/model.js'
import type { Parcel, Witness } from '../wire/sync.js'
import { type Signatures, type SignedHead, compareHeads } from '../wire/head.js'
import { horizon_ms } from '../records/lifetimes.js'

/** How long a start waits for peers that may know a newer head of ours. */
const joinTimeout_ms = 3000
/** How long the first head waits for the first checks of our instances. */
const checkTimeout_ms = 1000

export interface JoinStart {
  readonly now: number
  readonly hash: Crypto['hash']
  readonly signatures: Signatures
  readonly self: PeerId
  /** Made in this very start: nobody can know it. */
  readonly freshKey: boolean
  /** Off for longer than the horizon, with content that could bring back what was removed. */
  readonly stale: boolean
  /** Members that were known when we went down, as far as we mean to be connected with them. */
  readonly expected: readonly PeerId[]
  /** The last question of before: an answer to that one, or to an earlier one, says nothing of what this start asks. */
  readonly askedBefore: number
}

/** `blank`: our content is too old to be trusted. `content`: a newer document of ours than the one on disk. */
export interface JoinEnd {
  readonly blank: boolean
  readonly content: NodeDocument | undefined
}

export class Joining {
  readonly #start: JoinStart
  readonly #expected: Set<PeerId>
  readonly #answered = new Set<PeerId>()
  #unchecked = new Set<string>()
  readonly #stale: boolean
  /** What peers said of our absence. One of them may not know it all: it is judged once all are asked. */
  #isConfirmed = false
  #isRefuted = false
  #firstContactAt: number | undefined
  #content: NodeDocument | undefined
  /** Heads of ours that peers say are fenced; one an answer. */
  readonly fences: SignedHead[] = []

  constructor(start: JoinStart) {
    this.#start = start
    this.#stale = start.stale
    this.#expected = new Set(start.expected)
  }

  /** Whether content from here must be neither given nor wanted: for as long as this lasts. */
  get isStale(): boolean {
    return this.#stale
  }

  /** Whether anybody may know of us: each one that is connected is to say what. */
  get asksForItself(): boolean {
    return !this.#start.freshKey
  }

  /** These instances are being checked. */
  checking(ids: Iterable<string>): void {
    this.#unchecked = new Set(ids)
  }

  checked(id: string): void {
    this.#unchecked.delete(id)
  }

  /** The instances that have not answered a check yet. */
  get unchecked(): ReadonlySet<string> {
    return this.#unchecked
  }

  /** A dial was refused: no answer will come from there. */
  refused(peer: PeerId): void {
    this.#expected.delete(peer)
  }

  /** @param question which one was answered */
  answered(peer: PeerId, question: number, witness: Witness, now: number): void {
    if (question <= this.#start.askedBefore) return
    this.#answered.add(peer)
    if (witness.fence !== undefined) this.fences.push(witness.fence)
    this.#firstContactAt ??= now
    const verdict = staleVerdict(witness)
    if (verdict === 'refuted') this.#isRefuted = true
    if (verdict === 'confirmed') this.#isConfirmed = true
  }

  /** A peer gave back a document of ours; the newest one counts. */
  offer({ signed, content }: Parcel): void {
    const { hash, signatures, self } = this.#start
    if (signed.head.owner !== self || content.type !== 'full') return
    if (this.#content !== undefined && compareHeads(signed.head, this.#content.signed.head) <= 0) return
    if (!signatures.isGenuine(signed)) return
    this.#content = NodeDocument.load(hash, signed, content.bytes) ?? this.#content
  }

  /** @returns the outcome, once it is time for the first head */
  end(connected: ReadonlySet<PeerId>, now: number): JoinEnd | undefined {
    if (!this.#isAsked(connected, now)) return undefined
    if (this.#unchecked.size > 0 && now < this.#start.now + checkTimeout_ms) return undefined
    return { blank: this.#stale && this.#isConfirmed && !this.#isRefuted, content: this.#content }
  }

  #isAsked(connected: ReadonlySet<PeerId>, now: number): boolean {
    if (this.#stale && !this.#isConfirmed && !this.#isRefuted) return this.#isStaleSettled(now)
    if (this.#start.freshKey || now >= this.#start.now + joinTimeout_ms) return true
    const isPending = (peer: PeerId): boolean => !this.#answered.has(peer)
    return this.#answered.size > 0 && ![...connected].some(isPending) && ![...this.#expected].some(isPending)
  }

  /** Nobody confirmed it: where all whom we reach were away themselves, the whole cluster was off, and the content stands. */
  #isStaleSettled(now: number): boolean {
    const alone = this.#start.expected.length === 0
    const since = this.#firstContactAt ?? (alone ? this.#start.now : undefined)
    return since !== undefined && now >= since + joinTimeout_ms
  }

  /** Why it is not over, for people. */
  get reason(): string {
    if (this.#stale) {
      return 'this node was off for over 30 days and waits for a peer to say whether its records may come back'
    }
    return 'joining: asking peers for the newest version of this node’s own records'
  }
}

/** What a daemon that was off for long makes of what its peers tell. */
export type StaleVerdict = 'confirmed' | 'refuted' | 'no-word'

/** A member that is itself stale, or too young to know, has no word in it. */
export function staleVerdict(witness: Witness): StaleVerdict {
  if (witness.stale) return 'no-word'
  if (witness.silence_s * 1000 > horizon_ms) return 'confirmed'
  return witness.heardOfAsker ? 'refuted' : 'no-word'
}
