/**
 * What is still to come here of that which others hold, for whoever has just begun. Nothing is worked out that is not asked for.
 */
import type { Member } from './membership/member.js'
import type { PeerId } from './model/model.js'
import type { RegistryState } from './state.js'
import type { Incoming } from './sync/first-sync.js'

export function incomingOf({
  comparisons,
  firstSync,
  requests,
  postponed,
  replica,
  liveness,
  at,
}: RegistryState): Incoming {
  const { membership, peers } = liveness
  const hasInstances = (owner: PeerId): boolean => (replica.document(owner)?.entries.of('instances').size ?? 0) > 0
  const isUnheard = (member: Readonly<Member> | undefined): boolean =>
    member?.state === 'unknown' && hasInstances(member.id)
  return {
    isComparing: comparisons.isUnderWay(at.now, firstSync.said),
    fetched() {
      const loading = replica.loadingOwner
      return new Set([...requests.pulled(), ...postponed.owners(), ...(loading === undefined ? [] : [loading])])
    },
    isSomebodyUnheard() {
      for (const member of membership.members()) if (isUnheard(member)) return true
      return false
    },
    isPeerUnheard() {
      for (const id of peers.ids()) if (isUnheard(membership.member(id))) return true
      return false
    },
  }
}
