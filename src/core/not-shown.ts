/**
 * Why no lookup shows a record, for programs as in words: the reason that the index finds, with what the rest of the core knows of it.
 */
import { whyInvisible } from './lookup/visibility.js'
import type { Found } from './records/union.js'
import type { RegistryState } from './state.js'
import type { InstanceRow, InvisibleReason } from './views.js'

/** @returns undefined where lookups show it */
export function whyNotShown(
  found: Found,
  state: RegistryState,
): Required<Pick<InstanceRow, 'why' | 'reason'>> | undefined {
  const { id } = found.record
  const reason = whyInvisible(found, {
    isRemoved: state.records.union.isRemoved(found.record),
    winner: state.index.find(id)?.owner,
    isShown: state.index.isVisible(id),
    state: state.liveness.membership.member(found.owner)?.state,
  })
  return reason === undefined ? undefined : { why: inWords(reason, found, state), reason }
}

function inWords(reason: InvisibleReason, { owner, record: { id, maintenance } }: Found, state: RegistryState): string {
  const winner = state.index.find(id)?.owner ?? ''
  if (reason === 'superseded') return `superseded by ${state.records.union.node(winner)?.id ?? winner}`
  if (reason === 'maintenance') return `in maintenance: ${maintenance}`
  if (reason === 'node-restarted' && state.replica.isDeclined(owner))
    return state.replica.isWrong(owner)
      ? 'what its node says now is not what it has signed'
      : 'no room for what its node says now'
  return reason === 'node-restarted' ? 'node started again' : reason.replace('-', ' ')
}
