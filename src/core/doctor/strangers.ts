/**
 * Looks at those who knocked without coming in, at the places where somebody should be, at the addresses that nodes tell.
 */
import { isOfItsMachine } from '../model/host.js'
import type { SeenMember } from '../survey/views.js'
import type { LinkFailureReason, LinkFailureView, MemberView } from '../views.js'
import { hostOf, isInDoubt, living, Machines, nameOf, placeOf, speaking, type Examined, type Look } from './examined.js'
import { lasting, named, type Finding } from './findings.js'
import { signPause_ms } from '../words/causes.js'

export const lookAtStrangers: Look = (examined) => [
  knocked(examined),
  foreign(examined),
  seeds(examined),
  mdns(examined),
  addresses(examined),
  dialledInVain(examined),
]

function failuresOf({ peers }: Examined, reason: LinkFailureReason): readonly LinkFailureView[] {
  return (peers.failures ?? []).filter((failure) => failure.reason === reason)
}

function placesOf(failures: readonly LinkFailureView[]): string[] {
  return [...new Set(failures.map(({ where }) => where))]
}

/** Whether this node is the one whose handshakes all fail: at several places, or where it was told to find others; else who can tell? */
export function isKeptOut(examined: Examined): boolean {
  const failures = failuresOf(examined, 'handshake')
  const isOwn = placesOf(failures).length > 1 || failures.some(({ direction }) => direction === 'outbound')
  return isAlone(examined) && isOwn
}

function isAlone({ peers }: Examined): boolean {
  return !peers.peers.some(({ connected }) => connected)
}

function knocked(examined: Examined): Finding | undefined {
  const { survey } = examined
  const failures = failuresOf(examined, 'handshake')
  const places = placesOf(failures)
  if (places.length === 0) return undefined
  const machines = new Machines(places, examined)
  const where = places.map((place) => machines.tell(placeOf(place)))
  const common = { id: 'wrong-key', about: places } as const
  if (isKeptOut(examined))
    return {
      ...common,
      severity: 'error',
      what: `The handshakes of this node (${survey.by}) fail, with ${named(where)}: most likely the cluster keys differ.`,
      meaning:
        'This node is kept out of its cluster: what is written here stays on this node, and of the others it knows nothing new.',
      remedy:
        'Give this node the key file of a node that works, and start it with that: rollcall start --cluster-key FILE.',
      about: [survey.by, ...places],
    }
  const there = awayAt(places, machines, examined)
  // Whoever has said goodbye is missed by nobody: another may run there by now.
  const isMissed = there.some(({ state }) => state !== 'left')
  const names = [...new Set(there.map(({ peer }) => nameOf(peer, examined)))]
  return {
    ...common,
    severity: isMissed || isAlone(examined) ? 'error' : 'warning',
    what: `The handshake with ${named(where)} ${fails(failures)}: most likely the cluster keys differ.`,
    meaning: keptOut(names, isMissed),
    remedy: `${names.length > 0 && !isMissed ? 'See who runs there; if it belongs here, give' : 'Give'} it the key file of a node that works, and start it with that: rollcall start --cluster-key FILE.`,
    about: [...names, ...places],
  }
}

function fails(failures: readonly LinkFailureView[]): string {
  const last_ms = Math.min(...failures.map(({ seenAge_ms = 0 }) => seenAge_ms))
  return last_ms < signPause_ms ? 'fails' : `failed, the last time ${lasting(last_ms)} ago`
}

function keptOut(names: readonly string[], isMissed: boolean): string {
  if (names.length === 0) return 'Whoever is there is kept out of this cluster, or keeps this node out of its own.'
  return isMissed
    ? `${named(names)} is kept out of this cluster: somebody runs there, with another key than all others.`
    : `${named(names)} was there, and has said goodbye: started again with another key it is kept out of this cluster; else somebody else is there.`
}

/** Nodes that are known to be at one of the places, and are not in the cluster at present, as nobody is who is there. */
function awayAt(places: readonly string[], machines: Machines, { members }: Examined): MemberView[] {
  const byPeer = new Map(members.map((member) => [member.peer, member]))
  return places.flatMap((place) => {
    const there = machines.at(place).map((peer) => byPeer.get(peer))
    const away = there.flatMap((member) => (member === undefined || member.state === 'alive' ? [] : [member]))
    return away.length === there.length ? away : []
  })
}

function foreign(examined: Examined): Finding | undefined {
  const places = placesOf(failuresOf(examined, 'other-cluster'))
  if (places.length === 0) return undefined
  return {
    id: 'other-cluster',
    severity: 'warning',
    what: `A daemon of another cluster is at ${named(places)}.`,
    meaning: 'Clusters of different names never mix: neither shows what is registered at the other.',
    remedy: 'If it belongs here start it with the same --cluster NAME; else take it out of --join.',
    about: places,
  }
}

function seeds(examined: Examined): Finding | undefined {
  const failures = failuresOf(examined, 'no-answer')
  const places = placesOf(failures)
  // To whom everybody is silent it is no news that those are.
  if (places.length === 0 || isInDoubt(examined)) return undefined
  const alone = isAlone(examined)
  return {
    id: 'seed-unreachable',
    severity: alone ? 'error' : 'note',
    what: `${named(places.map(placeOf))} of --join ${places.length === 1 ? 'does' : 'do'} not answer: ${failures[0]?.error}.`,
    meaning: alone
      ? 'This node is alone, although it was told where others are.'
      : 'This node has found the cluster elsewhere; a new one that knows this place alone would not.',
    remedy:
      'Check that a daemon runs there and that its --listen port can be reached, or correct --join; it is tried on and on.',
    about: places,
  }
}

function mdns(examined: Examined): Finding | undefined {
  const { peers } = examined
  const troubled = (peers.mdns ?? []).filter(({ trouble }) => trouble !== undefined)
  if (troubled.length === 0) return undefined
  return {
    id: 'mdns-trouble',
    severity: isAlone(examined) ? 'warning' : 'note',
    what: `mDNS does not work on ${named(troubled.map(({ interface: name, family }) => `${name} (${family})`))}: ${troubled[0]?.trouble}.`,
    meaning: 'Peers are not found by themselves on that network.',
    remedy: 'Allow UDP port 5353 there, or name a node: rollcall start --join HOST.',
    about: troubled.map(({ interface: name }) => name),
  }
}

/** Where all are on one machine loopback is right. */
function addresses(examined: Examined): Finding | undefined {
  const told = living(examined).flatMap(({ peer }) => {
    const listed = examined.records.get(peer)?.addresses ?? []
    return listed.length === 0 ? [] : [{ name: nameOf(peer, examined), isLocal: listed.every(isLocalAddress) }]
  })
  const local = told.filter(({ isLocal }) => isLocal).map(({ name }) => name)
  if (local.length === 0 || local.length === told.length) return undefined
  return {
    id: 'address-unreachable',
    severity: 'warning',
    what: `${named(local)} ${local.length === 1 ? 'tells' : 'tell'} others loopback addresses alone, at which nobody on another machine can reach it.`,
    meaning: 'It has to dial all others itself; two such nodes never meet, and a restart may leave it alone.',
    remedy:
      'Start it with a --listen address of its network, such as /ip4/0.0.0.0/tcp/58232, or tell another one with --announce.',
    about: local,
  }
}

/** So many have to fail: one alone may be cut off from it, which the look at links tells. */
const inVainAtLeast = 2

/** Who lives and dials all others itself, while those who dial it come through nowhere: what it tells is no address for them. */
function dialledInVain(examined: Examined): Finding | undefined {
  const byPeer = new Map(
    living(examined).map(({ peer }) => [peer, [] as { readonly id: string; readonly seen: SeenMember }[]]),
  )
  for (const { id, sees = [] } of speaking(examined.survey))
    for (const seen of sees) byPeer.get(seen.peer)?.push({ id, seen })
  const told = [...byPeer].flatMap(([peer, views]) => {
    const listed = examined.records.get(peer)?.addresses ?? []
    const open = views.filter(({ seen }) => seen.link === 'open')
    const inVain = views.filter(
      ({ seen: { link, dial } }) => link === 'failing' && (dial === 'no-answer' || dial === 'refused'),
    )
    const isAtIt = listed.length > 0 && open.length > 0 && open.every(({ seen }) => seen.direction === 'inbound')
    if (!isAtIt || inVain.length < inVainAtLeast) return []
    return [{ name: nameOf(peer, examined), listed, from: inVain.map(({ id }) => id) }]
  })
  if (told.length === 0) return undefined
  const each = told.map(
    ({ name, listed, from }) => `${name} at ${named(listed.map(placeOf), 2)}, as seen from ${named(from, 3)}`,
  )
  return {
    id: 'address-unreachable',
    severity: 'warning',
    what: `Dialled in vain, though it lives: ${named(each, 3)}.`,
    meaning:
      'All its connections it has made itself: nobody is known to reach the addresses that it tells, and a restart may leave it alone.',
    remedy:
      'Let in the port of its --listen at its machine, or tell others the address at which they reach it: rollcall start --announce.',
    about: told.map(({ name }) => name),
  }
}

function isLocalAddress(address: string): boolean {
  return isOfItsMachine(hostOf(address))
}
