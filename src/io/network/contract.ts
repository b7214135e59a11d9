/**
 * The network as others see it: what it is made from, what it can be told, what it shows of a peer. Nothing of it is done here.
 */
import type { PrivateKey } from '@libp2p/interface'
import type { Logger } from 'pino'
import type { DialOutcome } from '../../core/words/dial-words.js'
import type { PeerId } from '../../core/model/model.js'
import type { LinkFailureReason, MdnsView } from '../../core/views.js'
import type { Names } from '../names.js'
import type { BookFile } from './book.js'
import type { RequestOptions } from './requests.js'

export interface NetworkOptions {
  /** Ed25519; its peer id is who we are. */
  readonly key: PrivateKey
  /** Part of every protocol name, of the gossip topic and of the mDNS tag: clusters of other names never mix with this one. */
  readonly cluster: string
  /** Multiaddrs; port 0 means any free one. */
  readonly listen: readonly string[]
  /** Where the port is in use: listen on any free one instead of failing, until that port is free. */
  readonly listenFallback: boolean
  /** Told to others instead of what is listened on. */
  readonly announce: readonly string[]
  /** Where to find the cluster: multiaddrs, `HOST` or `HOST:PORT`; names are resolved at every dial. */
  readonly join: readonly string[]
  /** False: neither asks nor answers. */
  readonly mdns: boolean
  /** The content of a cluster key file, see `generateClusterKey`; absent: anybody on the network can join. */
  readonly clusterKey?: Uint8Array
  /** With so many connections nobody else comes in. */
  readonly connectionLimit?: number
  readonly addressBook: BookFile
  /** How names of peers are resolved; the network ends it. By default as this machine does, apart from all others who wait. */
  readonly names?: Names
  readonly log: Logger
  /** What people call a peer; by its peer id unless given. */
  readonly nameOf?: (peer: PeerId) => string
  /** For tests. `dropGossip`: the share of gossip messages lost, both ways; 1 turns gossip off. */
  readonly faults?: { readonly dropGossip?: number }
  /** Jitter; `Math.random` unless given. */
  readonly random?: () => number
}

export interface NetworkPeer {
  readonly peer: PeerId
  readonly connected: boolean
  /** Where it is connected, or where it would be dialled first. */
  readonly address?: string
  /** Who dialled: `outbound` is us. */
  readonly direction?: 'inbound' | 'outbound'
  /** Unix milliseconds. */
  readonly connectedSince?: number
  readonly roundTrip_ms?: number
  /** Gossip and heartbeats can flow to it. */
  readonly streamsHealthy: boolean
  /** Why the last dial failed, for people. */
  readonly lastError?: string
  /** What that says of the other end, where its addresses all say the same. */
  readonly dial?: DialOutcome
}

/** What came of a seed, as far as is known: nobody but this daemon is there; or somebody is, who has said that it is kept out. */
export type SeedOutcome = 'untried' | 'reached' | 'nobody' | 'unreachable' | 'refused'

export interface SeedView {
  /** As it was given. */
  readonly where: string
  readonly outcome: SeedOutcome
  /** For people; absent where there is nothing wrong. */
  readonly error?: string
}

/** How the start goes, for a daemon that was told where others are. */
export interface FirstContact {
  /** A daemon of this cluster was connected since the start. */
  readonly hasMet: boolean
  readonly seeds: readonly SeedView[]
}

/** A place where a peer should be, or from where one came, and why there is no connection. */
export interface LinkFailure {
  /** A seed as it was given, a host, or host and port. */
  readonly where: string
  readonly direction: 'inbound' | 'outbound'
  /** For people. */
  readonly error: string
  readonly reason: LinkFailureReason
  /** Where two daemons with one key are. */
  readonly places?: readonly string[]
  /** How long ago that was seen last, of whoever came by himself. */
  readonly seenAge_ms?: number
}

export interface Network {
  readonly peerId: PeerId
  /** @throws RegistryError `malformed`, `conflict` or `unavailable`, naming the address that cannot be listened on */
  start(): Promise<void>
  /** Hangs up and lets go of everything, within two seconds. Any number of times, also while starting. */
  stop(): Promise<void>
  /** Where others can dial us, best first, without `/p2p/…`; empty before the start. */
  addresses(): string[]
  /** Best effort to everybody, at most 64 KiB. */
  broadcast(bytes: Uint8Array): void
  /** One frame of at most 8 KiB to one peer; dropped where it cannot go out at once. */
  beat(to: PeerId, bytes: Uint8Array): void
  /** One message of at most 64 MiB; the deadline is for the time without progress. */
  request(to: PeerId, bytes: Uint8Array, options: RequestOptions): void
  /** Now, whoever's turn it is; the outcome is `connected`, `refused`, or nothing. Nothing to do where connected. */
  dial(peer: PeerId): void
  /** Hangs up, then dials. */
  redial(peer: PeerId): void
  /**
   * From now on the wanted are dialled again and again, the spared are not, and all others are strangers: dialled until
   * somebody says who they are. Before the first call everybody is a stranger.
   */
  follow(wanted: readonly PeerId[], spared: readonly PeerId[]): void
  /** Closes the connection in order; whether it is dialled again depends on what was said last. */
  hangUp(peer: PeerId): void
  /** Addresses that somebody says a peer listens on. */
  learn(peer: PeerId, addresses: readonly string[]): void
  /** Every peer that is connected or in the address book. */
  peers(): NetworkPeer[]
  /** What the last dial of one of them says of the other end, as in `peers`; undefined where nothing speaks against it. */
  dialOf(peer: PeerId): DialOutcome | undefined
  /** Seeds that do not answer, those who reached us and did not come in, and copies of ourselves. */
  failures(): LinkFailure[]
  firstContact(): FirstContact
  /** How mDNS does on each interface; undefined where it is off. */
  mdns(): MdnsView[] | undefined
  /** What was dropped since the start, by reason. */
  dropped(): Record<string, number>
}
