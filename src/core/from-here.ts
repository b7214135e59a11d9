/**
 * Whether this node reaches an instance itself, for whoever asks why it is picked, or is not.
 */
import { lapsedAlone } from './words/lapsed.js'
import { checkOfRecord, isAsked } from './model/check.js'
import type { InstanceRecord } from './model/model.js'
import type { Found } from './records/union.js'
import type { RegistryState } from './state.js'
import type { FromHere } from './views.js'

/** @returns nothing where this node has nothing to go by */
export function fromHereOf(
  found: Found,
  { self, reach, liveness }: RegistryState,
  now: number,
): { readonly fromHere?: FromHere } {
  const { owner, record } = found
  const since = (at: number): { readonly age_ms: number } => ({ age_ms: Math.max(0, Math.round(now - at)) })
  const against = reach.of(found)
  if (against !== undefined) return { fromHere: { reached: false, how: against.how, ...since(against.since) } }
  if (owner === self) return { fromHere: { ...reachedAtHome(record), how: 'home' } }
  const member = liveness.membership.member(owner)
  if (member?.state !== 'alive') return {}
  const connectedAt = liveness.peers.get(owner)?.since
  if (member.directAt === undefined || connectedAt === undefined) return { fromHere: { how: 'hearsay' } }
  return { fromHere: { reached: true, how: 'heartbeats', ...since(connectedAt) } }
}

/** As its last check says, which was made here: no word of that where there is none, or where its ttl alone has ended it. */
function reachedAtHome(record: InstanceRecord): { readonly reached?: boolean } {
  const { status, details } = record
  if (!isAsked(checkOfRecord(record)) || status === 'Unknown' || lapsedAlone(details) !== undefined) return {}
  return { reached: status !== 'Unreachable' }
}
