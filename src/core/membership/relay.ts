/**
 * Which heartbeats of others a heartbeat passes on: those longest unsent to that observer that have news since.
 * Not the freshest: they would crowd out the members that are far away.
 */
import type { PeerId } from '../model.js'
import type { RelayedHeartbeat } from '../wire/beat.js'
import { wireLimits } from '../wire/limits.js'
import type { Member } from './member.js'

interface Sent {
  readonly generation: number
  readonly sequence: number
  readonly at: number
}

export class RelayPlan {
  /** What each observer was last told of each subject. */
  readonly #sent = new Map<PeerId, Map<PeerId, Sent>>()

  take(observer: PeerId, members: Iterable<Readonly<Member>>, now: number): RelayedHeartbeat[] {
    const sent = this.#sent.get(observer) ?? new Map<PeerId, Sent>()
    this.#sent.set(observer, sent)
    const news: Readonly<Member>[] = []
    for (const member of members) if (member.id !== observer && hasNews(member, sent.get(member.id))) news.push(member)
    if (news.length > wireLimits.relayedHeartbeats) {
      news.sort((a, b) => (sent.get(a.id)?.at ?? -1) - (sent.get(b.id)?.at ?? -1))
    }
    return news.slice(0, wireLimits.relayedHeartbeats).map((member) => {
      sent.set(member.id, { generation: member.heardGeneration, sequence: member.sequence, at: now })
      return {
        shortId: member.shortId,
        generation: member.heardGeneration,
        sequence: member.sequence,
        load: member.load ?? 0,
        age_ms: Math.max(0, Math.round(now - (member.heardAt as number))),
      }
    })
  }

  forgetObserver(observer: PeerId): void {
    this.#sent.delete(observer)
  }

  forget(id: PeerId): void {
    this.#sent.delete(id)
    for (const sent of this.#sent.values()) sent.delete(id)
  }
}

function hasNews(member: Readonly<Member>, sent: Sent | undefined): boolean {
  if (member.heardAt === undefined || member.heardGeneration !== member.generation || member.left) return false
  if (sent === undefined || sent.generation !== member.heardGeneration) return true
  return member.sequence > sent.sequence
}

/** A short id as a key of a map; asked for with every relayed heartbeat, so no spreading. */
export function shortIdKey(id: Uint8Array): string {
  const half = String.fromCharCode(id[0] as number, id[1] as number, id[2] as number, id[3] as number)
  return half + String.fromCharCode(id[4] as number, id[5] as number, id[6] as number, id[7] as number)
}
