/**
 * What the HTTP doors ask of a daemon; the daemon implements it, nothing here does anything.
 */
import type { Definition, PeerId, Registration } from '../core/model.js'
import type {
  DigestView,
  ExchangeView,
  InstanceRow,
  InstanceView,
  LookupResult,
  MemberView,
  NodeView,
  Readiness,
} from '../core/views.js'

/** One connected or known peer, as the network and the registry see it. */
export interface PeerView extends ExchangeView {
  readonly peer: PeerId
  readonly nodeId?: string
  readonly connected: boolean
  /** The multiaddr of the open connection, else the first known address. */
  readonly address?: string
  readonly direction?: 'inbound' | 'outbound'
  /** RFC 3339. */
  readonly connectedSince?: string
  readonly roundTrip_ms?: number
  /** Heartbeat and gossip streams are open in both directions. */
  readonly streamsHealthy: boolean
  /** The last dial's failure, where it is not connected. */
  readonly lastError?: string
}

export interface PeersView {
  /** This replica has every connected peer's digest, and all members that it believes alive are connected. */
  readonly inStep: boolean
  /** One line for people: `in step with 2 of 2 peers`. */
  readonly summary: string
  readonly peers: readonly PeerView[]
}

export interface SelfView {
  readonly peer: PeerId
  readonly nodeId: string
  readonly url: string
  readonly cluster: string
  readonly version: string
  readonly generation: number
  readonly http?: string
  readonly listen: readonly string[]
  readonly ready: Readiness
  /** Members believed alive, this one included. */
  readonly alive: number
  readonly uptime_ms: number
  /** What was dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>
}

/**
 * A running daemon. Every method may throw a RegistryError; writes resolve once the write is on this machine's disk
 * (and, for an instance that lives elsewhere, once its removal is certain).
 */
export interface RegistryService {
  register(registration: Registration): Promise<{ readonly id: string }>
  deregister(id: string): Promise<void>
  saveDefinition(definition: Definition): Promise<void>
  removeDefinition(id: string): Promise<void>
  /** Forgets the node with that url; `conflict` where several nodes share it. */
  removeNode(url: string): Promise<void>
  /** Says goodbye, then shuts the daemon down; resolves once the goodbye is out. */
  leave(): Promise<void>

  /** The visible instances, whatever their status; where a slug is given, no more than needed to find that slug's. */
  instances(slug?: string): readonly InstanceView[]
  /** Every record that is known, visible or not. */
  instanceRows(): readonly InstanceRow[]
  /** @throws RegistryError `not-found` where no record has that slug */
  lookup(slug: string): LookupResult
  definitions(): readonly Definition[]
  /** The living nodes. */
  nodes(): readonly NodeView[]
  selfNode(): NodeView
  self(): SelfView
  members(): readonly MemberView[]
  peers(): PeersView
  digest(): DigestView
  readiness(): Readiness
}
