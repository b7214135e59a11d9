/**
 * What a doctor looks at: a survey of the cluster beside the own views of the node that is asked.
 */
import { isOfItsMachine } from '../model/host.js'
import type { NodeRecord, PeerId } from '../model/model.js'
import type { Survey, SurveyedNode } from '../survey/views.js'
import type { InstanceRow, MemberView, PeersView, SelfView } from '../views.js'
import type { Churn } from './churn.js'
import { named, type Finding } from './findings.js'

/** What the document of one node takes on the disk of the node that is asked. */
export interface DocumentSize {
  readonly owner: PeerId
  /** With what was in it before. */
  readonly bytes: number
  /** Of what it says now. */
  readonly live_bytes: number
}

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
  /** Of each document that is held. */
  readonly documents?: readonly DocumentSize[]
  /** This node answers DNS, where not every slug has a name. */
  readonly answersDns?: boolean
}

export type Look = (examined: Examined) => readonly (Finding | undefined)[]

/** How people call a node: its label, else its peer id. */
export function nameOf(peer: PeerId, { records }: Pick<Examined, 'records'>): string {
  return records.get(peer)?.id ?? peer
}

/** `HOST:PORT` of a multiaddr; anything else as it is. */
export function placeOf(address: string): string {
  const [, , host, , port] = address.split('/')
  if (host === undefined || port === undefined) return address
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Of a multiaddr such as `/ip4/127.0.0.1/tcp/58232`, or of a host with or without a port. */
export function hostOf(place: string): string {
  if (place.startsWith('/')) return place.split('/', 3)[2] ?? ''
  return place.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

/** Who is known to be on the machine of each of these places, looked up once for all of them: there may be many, and thousands of nodes. */
export class Machines {
  readonly #examined: Pick<Examined, 'records'>
  readonly #byHost: ReadonlyMap<string, Set<PeerId>>

  constructor(places: readonly string[], examined: Pick<Examined, 'records'>) {
    const hosts = new Set(places.map(hostOf))
    this.#examined = examined
    this.#byHost = new Map([...hosts].flatMap((host) => (isOfItsMachine(host) ? [] : [[host, new Set()]])))
    for (const [peer, { addresses = [] }] of examined.records)
      for (const address of addresses) this.#byHost.get(hostOf(address))?.add(peer)
  }

  at(place: string): PeerId[] {
    return [...(this.#byHost.get(hostOf(place)) ?? [])]
  }

  /** The place, with the nodes that are known to be on that machine. @param but one of them that is told of anyway */
  tell(place: string, but?: PeerId): string {
    const there = this.at(place).filter((peer) => peer !== but)
    if (there.length === 0) return place
    const names = [...new Set(there.map((peer) => nameOf(peer, this.#examined)))]
    return `${place} (the machine of ${named(names, 2)})`
  }
}

/** Those that said how they are, the one that was asked among them. */
export function speaking({ nodes }: Survey): readonly SurveyedNode[] {
  return nodes.filter(({ how }) => how === 'self' || how === 'answered')
}

/** Whether the node that was asked has lost sight of most of the cluster. */
export function isInDoubt({ survey }: Pick<Examined, 'survey'>): boolean {
  return survey.nodes.some(({ how, inDoubt }) => how === 'self' && inDoubt === true)
}

/** By the belief of the node that was asked, itself included. */
export function living({ members }: Pick<Examined, 'members'>): readonly MemberView[] {
  return members.filter(({ state }) => state === 'alive')
}

/**
 * Whether all that live say that they are at the same addresses, of which each but loopback belongs to one machine. One that they share is not
 * enough: the bridge of a container engine has the same on each machine.
 */
export function isOneMachine(examined: Pick<Examined, 'members' | 'records'>): boolean {
  const hosts = living(examined).map(({ peer }) => examined.records.get(peer)?.addresses?.map(hostOf) ?? [])
  const said = new Set(hosts.map((each) => [...new Set(each)].sort().join(' ')))
  return said.size === 1 && !said.has('')
}
