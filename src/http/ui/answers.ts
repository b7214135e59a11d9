/**
 * The shapes of what a daemon answers, as the page reads them. Nothing of them is left when it runs.
 */
import type { Definition } from '../../core/model.js'
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
export type { Definition, MemberState }

/** How one node sees another. */
export interface Sight {
  readonly peer: string
  readonly state: MemberState
  readonly since_ms?: number
  readonly link: 'open' | 'failing' | 'none'
  readonly rtt_ms?: number
  readonly failure?: string
  readonly reported?: true
  readonly outOfStep_ms?: number
}

/** A node that was asked how it is, with what came of it. */
export interface Surveyed {
  readonly id: string
  readonly peer: string
  readonly url?: string
  readonly zone?: string
  readonly region?: string
  readonly how: 'self' | 'answered' | 'silent' | 'old' | 'unreachable' | 'not-asked'
  readonly software?: string
  readonly protocol?: number | string
  readonly clockOffset_ms?: number
  readonly sees?: readonly Sight[]
}

/** All nodes, as each says that it sees the others. */
export interface Survey {
  /** The label of the one that asked them. */
  readonly by?: string
  readonly nodes: readonly Surveyed[]
}

export interface Finding {
  readonly id: string
  readonly severity: 'error' | 'warning' | 'note'
  readonly what: string
  readonly meaning: string
  readonly remedy: string
  readonly about: readonly string[]
}

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
