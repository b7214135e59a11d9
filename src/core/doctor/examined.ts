/**
 * What a doctor looks at: a survey of the cluster beside the own views of the node that is asked.
 */
import type { NodeRecord, PeerId } from '../model.js'
import type { Survey, SurveyedNode } from '../survey/views.js'
import type { InstanceRow, MemberView, PeersView, SelfView } from '../views.js'
import type { Churn } from './churn.js'
import type { Finding } from './findings.js'

export interface Examined {
  readonly survey: Survey
  readonly self: Pick<SelfView, 'nodeId' | 'peer' | 'ready' | 'dropped' | 'state'>
  readonly members: readonly MemberView[]
  readonly peers: Pick<PeersView, 'peers' | 'failures' | 'mdns'>
  readonly rows: readonly InstanceRow[]
  /** What each node says of itself. */
  readonly records: ReadonlyMap<PeerId, NodeRecord>
  /** Services that do not come to rest, most first. */
  readonly churn?: readonly Churn[]
  /** This node answers DNS, where not every slug has a name. */
  readonly answersDns?: boolean
}

export type Look = (examined: Examined) => readonly (Finding | undefined)[]

/** How people call a node: its label, else its peer id. */
export function nameOf(peer: PeerId, { records }: Pick<Examined, 'records'>): string {
  return records.get(peer)?.id ?? peer
}

/** Those that said how they are, the one that was asked among them. */
export function speaking({ nodes }: Survey): readonly SurveyedNode[] {
  return nodes.filter(({ how }) => how === 'self' || how === 'answered')
}

/** By the belief of the node that was asked, itself included. */
export function living({ members }: Pick<Examined, 'members'>): readonly MemberView[] {
  return members.filter(({ state }) => state === 'alive')
}
