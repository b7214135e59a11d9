/**
 * Looks for keys with which two daemons run: whose key it is, where they are, which of them has gone mute. What else is odd about such a
 * node follows from it.
 */
import type { Label } from '../link-views.js'
import type { PeerId } from '../model/model.js'
import { signMemory_ms, signPause_ms } from '../words/causes.js'
import { Machines, nameOf, placeOf, speaking, type Examined, type Look } from './examined.js'
import { lasting, named, type Finding } from './findings.js'

interface Clone {
  readonly peer: PeerId
  readonly labels: readonly Label[]
  /** Multiaddrs. */
  readonly places: readonly string[]
  /** Where the mute one is, if that is known. */
  readonly mute: string | undefined
  /** One of them has said that it is mute. */
  readonly isMute: boolean
  /** How long ago the last sign was that there are two, where that is known. */
  readonly seenAge_ms: number | undefined
}

export const lookAtClones: Look = (examined) => {
  const clones = clonesOf(examined)
  if (clones.length === 0) return []
  const machines = new Machines(
    clones.flatMap(({ places }) => places),
    examined,
  )
  return clones.map((clone) => finding(clone, machines, examined))
}

/** Whom two daemons are: now one of them is heard, now the other. */
export function cloned(examined: Examined): ReadonlySet<PeerId> {
  return new Set(clonesOf(examined).map(({ peer }) => peer))
}

function clonesOf(examined: Examined): Clone[] {
  const { members, peers, self, survey } = examined
  const failures = (peers.failures ?? []).filter(({ reason }) => reason === 'same-key')
  const byPeer = new Map(members.map((member) => [member.peer, member]))
  const muted = new Map(
    speaking(survey).flatMap((node) => (node.phase === 'muted' ? [[node.peer, node] as const] : [])),
  )
  const found = new Set([
    ...muted.keys(),
    // What has our own key is told by its place.
    ...failures.map(({ where }) => (byPeer.has(where) ? where : self.peer)),
    ...members.flatMap(({ peer, troubleKind }) => (troubleKind === 'two-daemons' ? [peer] : [])),
  ])
  return [...found].map((peer) => {
    const node = muted.get(peer)
    const told = failures.filter(({ where }) => (byPeer.has(where) ? where : self.peer) === peer)
    const { labels = [], troubleKind, troubleAge_ms } = byPeer.get(peer) ?? {}
    const all = [
      ...labels.flatMap(({ address }) => address ?? []),
      ...told.flatMap(({ places = [] }) => places),
      ...[node?.address, node?.otherAt].flatMap((place) => place ?? []),
    ]
    const places = [...new Map(all.map((place) => [placeOf(place), place])).values()]
    const signs = [
      ...told.map(({ seenAge_ms }) => seenAge_ms),
      ...(troubleKind === 'two-daemons' ? [troubleAge_ms] : []),
    ]
    const ages = signs.flatMap((age_ms) => age_ms ?? [])
    const isDated = node === undefined && ages.length > 0 && ages.length === signs.length
    return {
      ...{ peer, labels, places, mute: node?.address, isMute: node !== undefined },
      seenAge_ms: isDated ? Math.min(...ages) : undefined,
    }
  })
}

function finding(
  { peer, labels, places, mute, isMute, seenAge_ms = 0 }: Clone,
  machines: Machines,
  examined: Examined,
): Finding {
  const [first] = labels
  const owner = first?.id ?? nameOf(peer, examined)
  const called = (place: string): string | undefined =>
    labels.find(({ address }) => address !== undefined && placeOf(address) === placeOf(place))?.id
  const inWords = (place: string): string => {
    const label = called(place)
    return label === undefined ? machines.tell(placeOf(place), peer) : `${label} at ${placeOf(place)}`
  }
  const where = places.length === 0 ? '' : `: ${named(places.map(inWords), 4)}`
  // Who calls itself otherwise than the key did before is the one that came with a copy of it.
  const copies = labels.filter(({ id }) => id !== owner)
  const muteOne = mute === undefined ? 'One of them' : (called(mute) ?? `The one at ${placeOf(mute)}`)
  const common = { id: 'clone', about: [...new Set([owner, ...labels.map(({ id }) => id)])] } as const
  if (seenAge_ms >= signPause_ms)
    return {
      ...common,
      severity: 'warning',
      what: `Two daemons ran with one key, that of ${owner}${where}. The last sign of both was ${lasting(seenAge_ms)} ago: since then one of them is silent.`,
      meaning: `A data directory was copied. If the one that is silent was stopped all is well again: what either took and told is merged. This is told for ${lasting(Math.max(0, signMemory_ms - seenAge_ms))} more.`,
      remedy: `See that the one that still runs is the right one; the one to stop is ${stopped(copies, examined)}. It may start again with the data directory that it had before, or with an empty one: rollcall start --data-dir DIR. What it told nobody is in its directory alone.`,
    }
  return {
    ...common,
    severity: 'error',
    what: `Two daemons run with one key, that of ${owner}${where}.${isMute ? ` ${muteOne} has gone mute: it takes no writes.` : ''}`,
    meaning: `A data directory was copied: the two overwrite each other's records, and whoever asks ${owner} is answered now by one, now by the other${isMute ? '' : '; before long one of them goes mute'}. This is told until ten minutes after it was last seen.`,
    remedy: `Stop ${stopped(copies, examined)}, and start it with the data directory that it had before, or with an empty one: rollcall start --data-dir DIR. The other one, if it went mute, takes writes again by itself once nobody has heard of the stopped one for 16 s, longer where it had to go mute before; what only one of the two had told is merged. What the stopped one told nobody is in its directory alone.`,
  }
}

function stopped(copies: readonly Label[], { survey, self }: Examined): string {
  if (copies.length === 0)
    return 'the one that runs on a copy of the data directory (most likely the one that started later: rollcall status on each machine says for how long it is up; which of them goes mute is chance)'
  const names = copies.map(({ id, address }) => {
    const place = address === undefined ? '' : ` at ${placeOf(address)}`
    return id === survey.by || id === self.nodeId ? `this very daemon (${id}${place})` : `${id}${place}`
  })
  return `${named(names)}, most likely the copy, as it came later`
}
