/**
 * What this daemon has asked of single peers, until they have answered. What becomes of an answer is not decided here.
 */
import type { Act } from '../model/act.js'
import type { Effect } from '../effects.js'
import { type PeerId, canonicalJson } from '../model/model.js'
import {
  type ActOutcome,
  type Holding,
  type Parcel,
  type Silence,
  type SyncRequest,
  type Witness,
  decodeSyncResponse,
  encodeSyncRequest,
  nothingOf,
} from '../wire/sync.js'
import type { CoreDropReason } from '../words/drop-reasons.js'

/** A request without an answer for this long has failed; answers that keep coming extend it. */
const syncTimeout_ms = 30_000
/** How long the owner of an instance may take to confirm a removal before it is removed without it. */
const removeTimeout_ms = 500
/** How long the home node of an instance may take to do what is asked of it; a caller that was refused has less patience. */
const actTimeout_ms = { suspect: 1000, others: 2000 } as const
/** A peer that does not say in this time what it holds is asked again. */
const compareTimeout_ms = 1000
/** A question under way for longer keeps nobody from asking again. */
const askPatience_ms = 10_000

/** A caller's removal of an instance that another daemon owns. */
export interface Removal {
  readonly ticket: number
  readonly id: string
  readonly n: number
}

/** What a caller wants done to an instance that lives at another daemon. */
export interface PassedOn {
  readonly ticket: number
  readonly id: string
  readonly home: PeerId
  readonly act: Act
  /** Until when the caller waits. */
  readonly until: number
}

/** How the passing on of an act ended: the home node's own word, or that there is none. */
export type PassedOnEnd = ActOutcome | 'no answer' | 'not understood' | 'connection lost'

/** Why a peer was asked. */
export type Purpose =
  /** All heads are compared, what differs is exchanged both ways. */
  | { readonly type: 'sync'; readonly ofAll: boolean }
  /** One owner's document is fetched. */
  | { readonly type: 'pull'; readonly owner: PeerId }
  /** Documents are given. */
  | { readonly type: 'push' }
  /** Its owner is to drop an instance. */
  | { readonly type: 'remove'; readonly removal: Removal }
  /** Whether it holds certain versions. */
  | { readonly type: 'compare'; readonly acknowledgement: number; readonly generation: number }
  /** The home node of an instance is to do something to it. */
  | { readonly type: 'act'; readonly passedOn: PassedOn }
  /** It is told how long others have been silent. */
  | { readonly type: 'silences' }

interface Asked {
  /** Of a comparison: whether it was said that nothing of it is wanted. */
  holds?: boolean
  readonly peer: PeerId
  readonly purpose: Purpose
  readonly askedAt: number
  brought: number
  /** Messages without any document. */
  steps: number
  ended: boolean
  acted?: ActOutcome
}

/** What one message of an answer came to. */
export type Answer =
  | { readonly type: 'dropped'; readonly reason: CoreDropReason }
  | { readonly type: 'documents'; readonly from: PeerId; readonly parcels: readonly Parcel[] }
  | {
      readonly type: 'compared'
      readonly peer: PeerId
      /** Which question was answered: later ones have greater numbers. */
      readonly question: number
      /** Not where we asked for nothing but what is ours. */
      readonly ofAll: boolean
      /** Documents that the answer brought. */
      readonly brought: number
      /** How far the answerer is from having all, see `FirstSync.stepsFor`. */
      readonly steps: number
      readonly wanted: readonly Holding[]
      readonly witness: Witness
    }
  /** What was given has come; of `refused` nothing is wanted, for lack of room. */
  | { readonly type: 'given'; readonly peer: PeerId; readonly refused: readonly Holding[] }
  | { readonly type: 'ended' }

/** What is over with a question. `done`: its answer came to an end. */
export type Ended =
  | { readonly type: 'pulled'; readonly owner: PeerId }
  /** Nothing was compared. */
  | { readonly type: 'unanswered'; readonly peer: PeerId }
  | { readonly type: 'pushed'; readonly peer: PeerId; readonly ok: boolean }
  | { readonly type: 'removed'; readonly removal: Removal; readonly done: boolean }
  | { readonly type: 'acted'; readonly passedOn: PassedOn; readonly end: PassedOnEnd }
  /** `holds` is absent where it did not say. */
  | { readonly type: 'compared'; readonly acknowledgement: number; readonly peer: PeerId; readonly holds?: boolean }

/** How long whoever passes on such an act waits for its home node. */
export function patienceOf({ type }: Act): number {
  return type === 'suspect' ? actTimeout_ms.suspect : actTimeout_ms.others
}

export class Requests {
  readonly #asked = new Map<number, Asked>()
  #lastId = 0

  /** The last question, whoever was asked; 0 for none. */
  get last(): number {
    return this.#lastId
  }

  // ---- asking

  /** Compares all heads with a peer and exchanges what differs, both ways. */
  sync(peer: PeerId, holdings: readonly Holding[], isStale: boolean, now: number): Effect {
    const purpose = { type: 'sync', ofAll: true } as const
    return this.#ask(peer, purpose, { type: 'sync', scope: 'all', stale: isStale, holdings }, now)
  }

  /** Asks a peer what it knows of ourselves. @param held what we hold of our own document */
  own(peer: PeerId, held: Holding, now: number): Effect {
    const request = { type: 'sync', scope: 'listed', stale: false, holdings: [held] } as const
    return this.#ask(peer, { type: 'sync', ofAll: false }, request, now)
  }

  /** Asks a peer what it knows of our past: no document is named, so none comes. */
  witness(peer: PeerId, now: number): Effect {
    const request = { type: 'sync', scope: 'listed', stale: false, holdings: [] } as const
    return this.#ask(peer, { type: 'sync', ofAll: false }, request, now)
  }

  /** Fetches one owner's document. @param held what is held of it */
  pull(owner: PeerId, from: PeerId, held: Holding | undefined, now: number): Effect {
    const holdings = [held ?? nothingOf(owner)]
    return this.#ask(from, { type: 'pull', owner }, { type: 'sync', scope: 'listed', stale: false, holdings }, now)
  }

  /** Asks a peer whether it holds at least these, of which the first is ours. */
  compare(peer: PeerId, acknowledgement: number, holdings: readonly Holding[], now: number): Effect {
    const purpose = { type: 'compare', acknowledgement, generation: holdings[0]?.generation ?? 0 } as const
    return this.#ask(peer, purpose, { type: 'sync', scope: 'listed', stale: false, holdings }, now, compareTimeout_ms)
  }

  /** Gives documents to a peer. */
  push(peer: PeerId, parcels: readonly Parcel[], now: number): Effect & { type: 'request' } {
    return this.#ask(peer, { type: 'push' }, { type: 'push', parcels }, now)
  }

  /** Asks the owner of an instance to drop it. @param holding what is held of its document */
  remove(owner: PeerId, removal: Removal, holding: Holding, now: number): Effect {
    const { id, n } = removal
    return this.#ask(owner, { type: 'remove', removal }, { type: 'remove', id, n, holding }, now, removeTimeout_ms)
  }

  /** Asks the home node of an instance to do something to it. @param holding what is held of its document */
  act(passedOn: PassedOn, holding: Holding, now: number): Effect {
    const { id, home, act, until } = passedOn
    const request = { type: 'act', id, act: canonicalJson(act), holding } as const
    return this.#ask(home, { type: 'act', passedOn }, request, now, Math.max(1, until - now))
  }

  /** Tells a peer for how long members have been silent. */
  tellSilences(peer: PeerId, silences: readonly Silence[], now: number): Effect {
    return this.#ask(peer, { type: 'silences' }, { type: 'silences', silences }, now)
  }

  #ask(
    to: PeerId,
    purpose: Purpose,
    request: SyncRequest,
    now: number,
    timeout_ms = syncTimeout_ms,
  ): Effect & { type: 'request' } {
    const id = (this.#lastId += 1)
    this.#asked.set(id, { peer: to, purpose, askedAt: now, brought: 0, steps: 0, ended: false })
    return { type: 'request', id, to, bytes: encodeSyncRequest(request), timeout_ms }
  }

  /** A question that has been under way for long does not keep others from being asked: its answer may trickle for ever. */
  isSyncing(peer: PeerId, now: number): boolean {
    return this.#isUnderWay(now, ({ peer: of, purpose }) => purpose.type === 'sync' && purpose.ofAll && of === peer)
  }

  isPulling(owner: PeerId, now: number): boolean {
    return this.#isUnderWay(now, ({ purpose }) => purpose.type === 'pull' && purpose.owner === owner)
  }

  /** Owners whose documents are being fetched. */
  *pulled(): Generator<PeerId> {
    for (const { purpose } of this.#asked.values()) if (purpose.type === 'pull') yield purpose.owner
  }

  #isUnderWay(now: number, isMeant: (asked: Asked) => boolean): boolean {
    for (const asked of this.#asked.values()) if (now - asked.askedAt <= askPatience_ms && isMeant(asked)) return true
    return false
  }

  // ---- hearing the answers

  response(id: number, bytes: Uint8Array): Answer {
    const asked = this.#asked.get(id)
    if (asked === undefined) return { type: 'dropped', reason: 'answer to no question' }
    const response = decodeSyncResponse(bytes)
    if (response === undefined) return { type: 'dropped', reason: 'unreadable answer' }
    const { peer, purpose } = asked
    if (response.type === 'documents') {
      asked.brought += response.parcels.length
      if (response.parcels.length === 0) asked.steps += 1
      return { type: 'documents', from: peer, parcels: response.parcels }
    }
    asked.ended = true
    if (response.type === 'acted') {
      if (purpose.type !== 'act') return { type: 'dropped', reason: 'answer to no such question' }
      const { type: _, ...outcome } = response
      asked.acted = outcome
      return { type: 'ended' }
    }
    const { wanted, witness } = response
    if (purpose.type === 'compare') asked.holds = wanted.length === 0 && mayTake(witness, purpose.generation)
    if (purpose.type === 'push') return { type: 'given', peer, refused: wanted }
    if (purpose.type !== 'sync') return { type: 'ended' }
    const { brought, steps } = asked
    return { type: 'compared', peer, question: id, ofAll: purpose.ofAll, brought, steps, wanted, witness }
  }

  /** Who was asked, of a question that is not closed. */
  peerOf(id: number): PeerId | undefined {
    return this.#asked.get(id)?.peer
  }

  /** No more answers to this question. */
  closed(id: number, ok: boolean): Ended | undefined {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    if (asked?.purpose.type === 'act') {
      const end = asked.acted ?? (ok ? 'not understood' : 'connection lost')
      return { type: 'acted', passedOn: asked.purpose.passedOn, end }
    }
    if (asked?.purpose.type === 'compare') {
      const { peer, purpose, holds } = asked
      const { acknowledgement } = purpose
      return { type: 'compared', acknowledgement, peer, ...(ok && holds !== undefined && { holds }) }
    }
    if (asked?.purpose.type === 'sync' && asked.purpose.ofAll && !asked.ended)
      return { type: 'unanswered', peer: asked.peer }
    if (asked?.purpose.type === 'push') return { type: 'pushed', peer: asked.peer, ok }
    if (asked?.purpose.type === 'remove') return { type: 'removed', removal: asked.purpose.removal, done: asked.ended }
    return asked?.purpose.type === 'pull' ? { type: 'pulled', owner: asked.purpose.owner } : undefined
  }

  /** What callers do not wait for any longer, whatever the streams do. */
  overdue(now: number): Ended[] {
    const overdue: Ended[] = []
    for (const [id, { purpose, askedAt }] of this.#asked) {
      const isRemoval = purpose.type === 'remove' && now - askedAt >= removeTimeout_ms
      const isAct = purpose.type === 'act' && now >= purpose.passedOn.until
      if (!isRemoval && !isAct) continue
      this.#asked.delete(id)
      if (isRemoval) overdue.push({ type: 'removed', removal: purpose.removal, done: false })
      if (isAct) overdue.push({ type: 'acted', passedOn: purpose.passedOn, end: 'no answer' })
    }
    return overdue
  }

  /** Questions that are not closed yet, by purpose; to be printed. */
  summary(): Record<Purpose['type'], number> {
    const count = { sync: 0, pull: 0, push: 0, remove: 0, act: 0, compare: 0, silences: 0 }
    for (const { purpose } of this.#asked.values()) count[purpose.type] += 1
    return count
  }
}

/** Whoever was off for too long, or holds us for forgotten, wants nothing of ours, and holds nothing. */
function mayTake({ stale, fence }: Witness, generation: number): boolean {
  return !stale && (fence === undefined || fence.head.generation < generation)
}
