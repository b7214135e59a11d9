/**
 * Looks at those who knocked without coming in, at the places where somebody should be, at the addresses that nodes tell.
 */
import { isOfItsMachine } from '../host.js'
import type { LinkFailureReason, LinkFailureView } from '../views.js'
import { living, nameOf, type Examined, type Look } from './examined.js'
import { named, type Finding } from './findings.js'

export const lookAtStrangers: Look = (examined) => [
  knocked(examined),
  foreign(examined),
  seeds(examined),
  mdns(examined),
  addresses(examined),
]

function failuresOf({ peers }: Examined, reason: LinkFailureReason): readonly LinkFailureView[] {
  return (peers.failures ?? []).filter((failure) => failure.reason === reason)
}

function placesOf(failures: readonly LinkFailureView[]): string[] {
  return [...new Set(failures.map(({ where }) => where))]
}

function knocked(examined: Examined): Finding | undefined {
  const failures = failuresOf(examined, 'handshake')
  const places = placesOf(failures)
  if (places.length === 0) return undefined
  const where = places.map((place) => withNodes(place, examined))
  return {
    id: 'wrong-key',
    // Whoever is alone with it is the one that has another key than all others.
    severity: examined.peers.peers.some(({ connected }) => connected) ? 'warning' : 'error',
    what: `The handshake with ${named(where)} fails: most likely the cluster keys differ.`,
    meaning: 'Whoever is there is kept out of this cluster, or keeps this node out of its own.',
    remedy: 'Give it the key file of a node that works, and start it with that: rollcall start --cluster-key FILE.',
    about: places,
  }
}

/** A host, or host and port, with the nodes that are known to be on that machine. */
function withNodes(place: string, { records }: Examined): string {
  const host = place.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  const there = [...records.values()].filter(({ addresses = [] }) =>
    addresses.some((address) => hostOf(address) === host),
  )
  if (there.length === 0 || isOfItsMachine(host)) return place
  return `${place} (the machine of ${named(
    there.map(({ id }) => id),
    2,
  )})`
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
  if (places.length === 0) return undefined
  const isAlone = !examined.peers.peers.some(({ connected }) => connected)
  return {
    id: 'seed-unreachable',
    severity: isAlone ? 'error' : 'note',
    what: `${named(places)} of --join ${places.length === 1 ? 'does' : 'do'} not answer: ${failures[0]?.error}.`,
    meaning: isAlone
      ? 'This node is alone, although it was told where others are.'
      : 'This node has found the cluster elsewhere; a new one that knows this place alone would not.',
    remedy:
      'Check that a daemon runs there and that its --listen port can be reached, or correct --join; it is tried on and on.',
    about: places,
  }
}

function mdns({ peers }: Examined): Finding | undefined {
  const troubled = (peers.mdns ?? []).filter(({ trouble }) => trouble !== undefined)
  const isAlone = !peers.peers.some(({ connected }) => connected)
  if (troubled.length === 0) return undefined
  return {
    id: 'mdns-trouble',
    severity: isAlone ? 'warning' : 'note',
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

function isLocalAddress(address: string): boolean {
  return isOfItsMachine(hostOf(address))
}

/** Of a multiaddr such as `/ip4/127.0.0.1/tcp/58232`. */
function hostOf(address: string): string {
  return address.split('/')[2] ?? ''
}
