/**
 * Answers to peers, which wait while a commit is on its way: until then the own document is ahead of its newest head on disk.
 */
import type { Effect } from '../effects.js'
import type { PeerId } from '../model/model.js'
import { wireLimits } from '../wire/limits.js'
import {
  type ActOutcome,
  type Holding,
  type Parcel,
  type SyncRequest,
  type Witness,
  encodeSyncResponse,
} from '../wire/sync.js'

/** Answers that may wait for the commit on its way; beyond it they go without the own document. */
const waitingLimit = 256

/** What is to be given once the own document agrees with its head on disk. */
export type Given =
  /** A peer asked what it lacks. */
  | {
      readonly type: 'answer'
      readonly from: PeerId
      readonly request: number
      readonly question: SyncRequest & { readonly type: 'sync' }
    }
  /** A peer asked for a removal, which is on disk; it holds this of our document. */
  | { readonly type: 'removed'; readonly from: PeerId; readonly request: number; readonly holding: Holding }
  /** An act that a peer passed on is done, and on disk; it holds this of our document. */
  | {
      readonly type: 'acted'
      readonly from: PeerId
      readonly request: number
      readonly holding: Holding
      readonly value?: string
    }
  /** A peer wants the documents of these owners. */
  | { readonly type: 'push'; readonly peer: PeerId; readonly owners: readonly PeerId[] }

export class Answers {
  #waiting: Given[] = []

  wait(given: Given): void {
    this.#waiting.push(given)
  }

  /** @param isSettled whether the own document agrees with its head on disk, or will not soon */
  takeDue(isSettled: boolean): readonly Given[] {
    if (this.#waiting.length === 0 || (!isSettled && this.#waiting.length <= waitingLimit)) return []
    const due = this.#waiting
    this.#waiting = []
    return due
  }
}

type Reply = Effect & { readonly type: 'reply' }

/**
 * Documents on their way to a peer, in a message that is not the last.
 * @param made the message, where it is at hand
 */
export function documentsReply(request: number, parcels: readonly Parcel[], made?: Uint8Array): Reply {
  const bytes = made ?? encodeSyncResponse({ type: 'documents', parcels })
  return { type: 'reply', id: request, bytes, last: false }
}

export function endReply(request: number, wanted: readonly Holding[], witness: Witness): Reply {
  return { type: 'reply', id: request, bytes: encodeSyncResponse({ type: 'end', wanted, witness }), last: true }
}

/** What became of an act that a peer passed on. A message that is too long says its beginning. */
export function actedReply(request: number, outcome: ActOutcome): Reply {
  const said = outcome.ok ? outcome : { ...outcome, message: outcome.message.slice(0, wireLimits.actAnswerBytes / 4) }
  return { type: 'reply', id: request, bytes: encodeSyncResponse({ type: 'acted', ...said }), last: true }
}

/** No answer at all. */
export function emptyReply(request: number): Reply {
  return { type: 'reply', id: request, bytes: new Uint8Array(), last: true }
}
