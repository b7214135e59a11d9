/**
 * What the membership answers with: changes of belief, what to tell everybody, whom to look at.
 */
import type { PeerId } from '../model/model.js'
import type { MemberState } from '../views.js'
import type { About } from '../wire/gossip.js'

/** A member that changed its state. */
export interface Transition {
  readonly peer: PeerId
  readonly from: MemberState
  readonly to: MemberState
  readonly why: string
  /** No word of it has ever come: it may be made up. */
  readonly isUnmet?: true
}

/** What a look at the clock came to. */
export interface Verdict {
  readonly transitions: readonly Transition[]
  /** Subjects to tell everybody of: fallen silent, or heard again. */
  readonly reports: readonly About[]
  /** Enough members report us: raise the incarnation. */
  readonly refute: boolean
  /** Members that lived before and that we observe from now on. */
  readonly takenOver: readonly PeerId[]
}

/** What a heartbeat came to: `news` of a generation whose head is not held yet is a reason to fetch it. */
export type Hearing = 'heard' | 'news' | 'old'
