/**
 * Each member, each line to one, as people are told it: what the registry believes, beside what the network saw.
 */
import { type Steps, ofEach } from '../core/basics/steps.js'
import type { Moment } from '../core/effects.js'
import type { Registry } from '../core/registry.js'
import type { MemberView, PeersView, PeerView } from '../core/views.js'
import type { Network, NetworkPeer } from '../io/network/network.js'
import type { Labels } from './labels.js'

export interface ViewParts {
  readonly registry: Pick<Registry, 'read'>
  readonly network: Pick<Network, 'peers' | 'failures' | 'mdns'>
  readonly engine: { now(): Moment }
  /** What each has called itself. */
  readonly labels: Pick<Labels, 'look' | 'of'>
}

/** What is believed of each, beside it what came of dialling it: a belief that nobody can explain helps nobody at night. */
export function* membersView({ registry, network, engine, labels }: ViewParts): Steps<MemberView[]> {
  const dials = new Map(network.peers().map(({ peer, dial }) => [peer, dial]))
  // What the network saw of a member names addresses: of two daemons with its key, both.
  const seen = new Map(network.failures().map(({ where, error }) => [where, error]))
  const members = yield* registry.read.membersInSteps(engine.now())
  return yield* ofEach(members, (member): MemberView => {
    const [dial, two] = [dials.get(member.peer), seen.get(member.peer)]
    labels.look(member.peer)
    const called = labels.of(member.peer)
    if (dial === undefined && two === undefined && called === undefined) return member
    return {
      ...member,
      ...(dial !== undefined && { dial }),
      ...(two !== undefined && { trouble: two, troubleKind: 'two-daemons' as const }),
      ...(called !== undefined && { labels: called }),
    }
  })
}

export function* peersView({ registry: { read }, network, engine }: ViewParts): Steps<PeersView> {
  const at = engine.now()
  const peers = yield* ofEach(network.peers(), (peer): PeerView => ({
    ...fromNetwork(peer),
    ...read.labelsOf(peer.peer, at),
    ...read.exchange(peer.peer, at),
    ...read.line(peer.peer, at),
  }))
  const connected = peers.filter((peer) => peer.connected)
  const inStep = connected.filter((peer) => peer.inStep === true)
  const outOfStep = connected.filter((peer) => peer.inStep === false)
  const missing = read.missing(new Set(connected.map(({ peer }) => peer)))
  const failures = network.failures()
  const { doubt } = read
  const compared = inStep.length + outOfStep.length
  const summary = `${summaryOf(inStep.length, compared, connected.length, missing)}${notHere(read.ownersDeclined)}`
  const mdns = network.mdns()
  return {
    inStep: outOfStep.length === 0 && missing === 0 && doubt === undefined,
    degraded: doubt !== undefined,
    summary:
      doubt === undefined ? summary : `in doubt: ${doubt.visible} of ${doubt.missable} nodes in sight; ${summary}`,
    peers: peers.sort((a, b) => Number(b.connected) - Number(a.connected) || (a.peer < b.peer ? -1 : 1)),
    ...(failures.length > 0 && { failures }),
    ...(mdns !== undefined && { mdns }),
  }
}

/** In a large cluster only some peers send heartbeats here, and with them their digests. */
function summaryOf(inStep: number, compared: number, connected: number, missing: number): string {
  if (connected + missing === 0) return 'alone: no peer is connected'
  const peers = compared === connected ? 'connected peers' : `compared peers, ${connected} connected`
  const apart = missing === 0 ? '' : `; ${missing} living not connected`
  return `in step with ${inStep} of ${compared} ${peers}${apart}`
}

/** In step are those who know of the same: what finds no room here is known, and not held. */
function notHere(declined: number): string {
  if (declined === 0) return ''
  return `; what ${declined === 1 ? 'one other holds' : `${declined} others hold`} is not shown here: rollcall members says why`
}

function fromNetwork({ connectedSince, ...peer }: NetworkPeer): PeerView {
  const since = connectedSince === undefined ? {} : { connectedSince: new Date(connectedSince).toISOString() }
  return { ...peer, ...since, heartbeats: 0 }
}
