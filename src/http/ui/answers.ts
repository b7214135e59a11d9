/**
 * The shapes of what a daemon answers, as the page reads them. Nothing of them is left when it runs.
 */
import type { Finding } from '../../core/doctor/findings.js'
import type { Definition } from '../../core/model/model.js'
import type { SeenMember, Survey, SurveyedNode } from '../../core/survey/views.js'
import type {
  InstanceRow,
  MemberState,
  MemberView,
  NewsEvent,
  NodeView,
  PeersView,
  SelfView,
} from '../../core/views.js'

export type Row = InstanceRow
export type Member = MemberView
export type Node = NodeView
export type Self = SelfView
export type Peers = PeersView
export type News = NewsEvent & { readonly at: string }
export type Surveyed = SurveyedNode
/** How one node sees another. */
export type Sight = SeenMember
export type { Definition, Finding, MemberState, Survey }

/** One write, as the node that took it remembers it. */
export interface Entry {
  readonly at: string
  readonly act: string
  readonly id?: string
  readonly slug?: string
  readonly node?: string
  readonly by?: string
  readonly address?: string
  readonly via?: string
  readonly outcome?: string
  readonly details?: string
}

export interface History {
  /** How far back it can know. */
  readonly from?: string
  readonly entries: readonly Entry[]
}
