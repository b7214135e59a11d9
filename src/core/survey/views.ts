/**
 * What each node of a cluster says that it sees, side by side in one answer.
 */
import type { DialOutcome } from '../words/dial-words.js'
import type { UnreadyCause } from '../words/causes.js'
import type { PeerId } from '../model/model.js'
import type { MemberState } from '../views.js'

/** `failing`: it is to be connected, and is not, or nothing flows over the connection; `none`: nobody means to be connected. */
export const linkStates = ['open', 'failing', 'none'] as const
export type LinkState = (typeof linkStates)[number]

export const linkDirections = ['inbound', 'outbound'] as const
export type LinkDirection = (typeof linkDirections)[number]

/** One member as a node sees it. */
export interface SeenMember {
  readonly peer: PeerId
  readonly state: MemberState
  /** For how long it has been in this state. */
  readonly since_ms?: number
  readonly link: LinkState
  /** Who dialled, where the connection is open; `inbound`: it did, so that whether it can be dialled itself does not show. */
  readonly direction?: LinkDirection
  /** What came of dialling it last, where it is not connected. */
  readonly dial?: DialOutcome
  /** There and back, over the open connection. */
  readonly rtt_ms?: number
  /** What is wrong with the link, for people. */
  readonly failure?: string
  /** Whether it is heard, or was until the link was gone; absent where nothing of it is to be heard. */
  readonly hears?: boolean
  /** Somebody reports it as silent. */
  readonly reported?: true
  /** For so long its registry digest has been none of this node's. */
  readonly outOfStep_ms?: number
}

/** What one node says of itself, asked at any moment. */
export interface Sight {
  /** Unix milliseconds, by its own clock. For display alone. */
  readonly clock: number
  readonly software?: string
  readonly protocol?: number
  /** See `core/phase.ts`. */
  readonly phase: string
  readonly ready: boolean
  /** Why not, for people. */
  readonly reason?: string
  /** The same for programs: of the words that this version knows. */
  readonly causes?: readonly UnreadyCause[]
  /** Why its disk refused the last write, while it does. */
  readonly refusal?: string
  /** Where it can be dialled, as it says; where the other daemon with its key is, of one that is muted. */
  readonly address?: string
  readonly otherAt?: string
  /** Over all that it holds. */
  readonly digest: string
  /** It has lost sight of most of the cluster. */
  readonly inDoubt: boolean
  /** All that it knows but itself, those with something wrong first. */
  readonly sees: readonly SeenMember[]
  /** So many more that there was no room for. */
  readonly more?: number
}

/**
 * What came of asking a node: `silent`, no answer in time; `busy`, it was asked more than it answers; `old`, it runs a version that
 * knows no such question; `unreachable`, there is no connection with it; `not-asked`, it lives, and none is meant to be: beyond nine nodes each is connected with some alone.
 */
export const surveyOutcomes = ['self', 'answered', 'silent', 'busy', 'old', 'unreachable', 'not-asked'] as const
export type SurveyOutcome = (typeof surveyOutcomes)[number]

/** One node, with what it said; what it did not say is absent. */
export interface SurveyedNode extends Partial<Omit<Sight, 'clock'>> {
  /** The label of its node; its peer id while that is not known. */
  readonly id: string
  readonly peer: PeerId
  readonly url?: string
  readonly zone?: string
  readonly region?: string
  readonly how: SurveyOutcome
  /** How long its answer took. */
  readonly took_ms?: number
  /** Its clock minus that of the node that asked, mid of the way there and back. For display alone. */
  readonly clockOffset_ms?: number
}

/** What a cluster sees of itself, as one node was told. */
export interface Survey {
  /** RFC 3339, by the clock of whoever asked. */
  readonly at: string
  /** The node that asked. */
  readonly by: string
  readonly took_ms: number
  /** Itself first, then by label. */
  readonly nodes: readonly SurveyedNode[]
}
