/**
 * What the registry shows to its readers: plain values, safe to serialise, that never change once given out, with the list of
 * states that each may be in. The doors (HTTP, CLI, library) know these shapes and nothing behind them.
 */
import type { DialOutcome } from './words/dial-words.js'
import type { TroubleKind, UnreadyCause } from './words/causes.js'
import type { CheckForm } from './model/check.js'
import type { Duration } from './model/duration.js'
import type { Drainer } from './model/holds.js'
import type { Lifetime, LifetimeFacts } from './model/lifetime.js'
import type { InstanceFacts, InstanceStatus, PeerId } from './model/model.js'
import type { Label, LineView } from './link-views.js'
import { portOf } from './model/traits.js'
import { urlEndpoint } from './model/url.js'

/** One instance as callers see it. `lastHeartbeat` (RFC 3339) is present only while it is `Healthy`. */
export interface InstanceView extends Omit<InstanceFacts, 'check' | keyof LifetimeFacts> {
  readonly status: InstanceStatus
  readonly nodeUrl?: string
  /** Of its node. */
  readonly region?: string
  readonly details?: string
  readonly lastHeartbeat?: string
}

/**
 * An instance as it is called at its port of that name; undefined where it has none. The path of its url is that of its own port, and
 * goes with it.
 */
export function atPort(view: InstanceView, name: string): InstanceView | undefined {
  const port = portOf(view.ports, name)
  const endpoint = urlEndpoint(view.url)
  if (port === undefined || endpoint === undefined) return undefined
  if (port === endpoint.port) return view
  const { path: _, ...rest } = view
  const host = endpoint.host.includes(':') && !endpoint.host.startsWith('[') ? `[${endpoint.host}]` : endpoint.host
  return { ...rest, url: `${view.url.slice(0, view.url.indexOf('://'))}://${host}:${port}`, port }
}

/** One record with everything that decides whether it is visible, for operators. */
export interface InstanceRow extends InstanceView {
  readonly owner: PeerId
  readonly nodeId?: string
  readonly n: number
  /** How its home node checks it: in the short form (`tcp`, `http:/path`…), or the long one. */
  readonly check: CheckForm
  readonly lifetime: Lifetime
  readonly ttl?: Duration
  readonly grace?: Duration
  readonly deregisterAfter?: Duration
  /** The public id of the session that it lives with. */
  readonly session?: string
  /** Why its owner hides it, while it does. */
  readonly maintenance?: string
  /** Who drains it, beside or instead of an operator: its program, or its node, each about to stop. */
  readonly drainedBy?: readonly Drainer[]
  /** What it lives with is over. Known at its home node alone. */
  readonly ending?: EndingView
  readonly visible: boolean
  /** Why not, where it is not visible, for people: `node dead`, `superseded by NODE`, `removed`, `in maintenance: REASON`… */
  readonly why?: string
  /** The same for programs. */
  readonly reason?: InvisibleReason
  /** Not visible, but lookups list it as last known: this daemon has lost sight of most of the cluster. */
  readonly degraded?: true
  /** A pick of its slug here may give it at present: it is among the best that there are. */
  readonly pickable?: true
  /** Whether this node reaches it, as far as it has found out itself; absent where it has nothing to go by. */
  readonly fromHere?: FromHere
}

/**
 * How this node knows that it does not reach an instance: it hears nothing of its home node, its dials of that are refused, or a caller
 * here was not answered by the instance.
 */
export const unreached = ['silence', 'refused', 'suspected'] as const
export type Unreached = (typeof unreached)[number]

/** How this node knows what it reaches: it is the home node, or hears that itself, or only through others. */
export const reachedBy = ['home', 'heartbeats', 'hearsay', ...unreached] as const

/**
 * Whether this node reaches an instance, or its home node at least. What it does not reach is picked here where nothing else is left,
 * whatever the others see.
 */
export interface FromHere {
  /** Absent where that is not known. */
  readonly reached?: boolean
  readonly how: (typeof reachedBy)[number]
  /** For how long that has been so; absent where it was not noted. */
  readonly age_ms?: number
}

/** Since when what an instance lives with is over, and when its record goes unless that comes back. */
export interface EndingView {
  readonly what: 'session lost' | 'ttl passed'
  readonly age_ms: number
  readonly goesIn_ms: number
}

/**
 * Why no lookup shows a record: another one of its id counts, or it was removed, or its node is not alive; `node-restarted` where
 * that is alive again and has not confirmed the record yet.
 */
export const invisibleReasons = [
  'removed',
  'superseded',
  'maintenance',
  'node-restarted',
  'node-unknown',
  'node-hidden',
  'node-dead',
  'node-left',
] as const
export type InvisibleReason = (typeof invisibleReasons)[number]

/** `restored`: of before a start of this daemon, and not opened again yet. */
export const sessionStates = ['open', 'lost', 'restored'] as const

/** A program that has opened a session at this daemon; its secret is known to nobody else. */
export interface SessionView {
  /** The public one. */
  readonly id: string
  readonly state: (typeof sessionStates)[number]
  /** The token that opened it. */
  readonly holder?: string
  readonly grace: Duration
  /** How long ago its program spoke; absent where it did not since this daemon started. */
  readonly heardAge_ms?: number
  /** How many live with it. */
  readonly instances: number
}

export interface Usage {
  readonly used?: number
  readonly total?: number
  readonly percent?: number
}

/** One living node. `lastHeartbeat`, `usage` and `gpus` are live values. */
export interface NodeView {
  readonly id: string
  readonly url: string
  readonly region?: string
  readonly availabilityZone?: string
  readonly lastHeartbeat?: string
  readonly usage?: { readonly cpu?: Usage; readonly memory?: Usage; readonly disk?: Usage }
  readonly gpus?: readonly unknown[]
}

/**
 * A living node as somebody who looks for room sees it. `room` is what is left of what was asked for: percent of the CPU, bytes of
 * memory and disk, MiB on the GPU that has most. Both are absent where no figure is known.
 */
export interface PlacedNode extends NodeView {
  readonly room?: number
  /** How long ago the figure was taken on that machine, to a second or so. */
  readonly roomAge_ms?: number
}

export const memberStates = ['unknown', 'alive', 'hidden', 'dead', 'left'] as const
export type MemberState = (typeof memberStates)[number]

/** How much of an owner's is listed: everything, its healthy instances alone, or nothing. */
export type Listing = 'all' | 'healthy' | 'none'

/** What this daemon believes of one daemon (itself included). Ages are milliseconds before the moment of asking. */
export interface MemberView {
  readonly peer: PeerId
  readonly nodeId?: string
  readonly url?: string
  readonly self: boolean
  readonly state: MemberState
  readonly stateAge_ms: number
  /** For how long it has been hidden or dead, while it is: the one becomes the other without an end between them. */
  readonly outOfSight_ms?: number
  /** It is heard again, and alive in so long if it stays well: the longer the more often it was away within ten minutes. */
  readonly returnsIn_ms?: number
  /** How it came to this state, in words; absent for the daemon itself. */
  readonly why?: string
  /** Absent where nothing was ever heard in this run. */
  readonly heardAge_ms?: number
  readonly generation: number
  readonly incarnation: number
  readonly version: number
  /** The version of the program that it runs, then that of what it speaks; absent where it told none. */
  readonly software?: string
  readonly protocol?: number
  /** Percent of the machine's CPU, as of the last heartbeat. */
  readonly load?: number
  /** Who says that it is silent, while those reports stand. */
  readonly reportedBy: readonly PeerId[]
  /** What came of the last dial, where it is not connected and its addresses all say the same. */
  readonly dial?: DialOutcome
  /** Its label is also another node's. */
  readonly sameLabel: boolean
  /** It is about to stop: what is registered there is in no lookup. */
  readonly draining?: true
  /** What is odd about its records lately: started from a backup, or a clone runs with its key. In words. */
  readonly trouble?: string
  /** The same for programs. */
  readonly troubleKind?: TroubleKind
  /** How long ago the last sign of it was, of two daemons with one key, and of older records. */
  readonly troubleAge_ms?: number
  /** What it called itself in this run, and where, where that has changed: first what it did first. */
  readonly labels?: readonly Label[]
}

/** How old the truth of a lookup may be. */
export interface Freshness {
  /**
   * How long ago the home node of a listed instance was heard of that was heard of longest ago; 0 where all are at home here.
   * Heartbeats come every second, and in clusters of more than nine take some seconds on their way. Absent where that is not known:
   * one was not heard of in this run, or this node is in doubt and has nothing to list.
   */
  readonly heardAge_ms?: number
  /** So many of the living nodes that this one compares with hold what it holds, `members` of which there are. */
  readonly inStep?: number
  readonly members?: number
}

export interface LookupResult {
  readonly slug: string
  readonly instances: readonly InstanceView[]
  /** One of them to call, another one with each lookup: a lookup never moves whose turn it is for `pick`. Absent where none can be called. */
  readonly picked?: InstanceView
  /** These are last-known instances: this daemon has lost sight of most of the cluster. */
  readonly degraded: boolean
}

/** All that a lookup of a slug lists, at one moment; what follows a slug is told one after the other. */
export interface SlugList {
  readonly slug: string
  /** By id, whatever their status; without `lastHeartbeat`, which changes all the time. */
  readonly instances: readonly InstanceView[]
  /** These are last-known instances: the daemon has lost sight of most of the cluster. */
  readonly degraded: boolean
  /** Nothing is registered by that name; something may come. */
  readonly unknown?: true
  /** This was true when the daemon was last heard; it is not heard at present. A node never says so. */
  readonly stale?: true
  /** `events({ after: position })` tells all that happened after what is in it. */
  readonly position?: string
}

export interface PickResult {
  readonly slug: string
  /** The instance whose turn it is; absent where none can be called. */
  readonly picked?: InstanceView
  /** It is a last-known one: this daemon has lost sight of most of the cluster. */
  readonly degraded: boolean
}

/** How many nodes hold a write, the one that took it included. */
export interface Held {
  readonly acks: number
}

/** How an instance is, after somebody said that it did not answer. */
export interface Suspicion {
  readonly status: InstanceStatus
  readonly details?: string
  /** Its home node has looked because of it; else this is what was known before. */
  readonly checked: boolean
}

/** What was done to which of many, and what was not. */
export interface ManyResult {
  /** Their ids, in order. */
  readonly done: readonly string[]
  readonly failed: readonly { readonly id: string; readonly error: string }[]
}

/** Equal on two daemons exactly where they hold the same documents. */
export interface DigestView {
  readonly digest: string
  readonly documents: readonly {
    readonly owner: PeerId
    readonly generation: number
    readonly version: number
    readonly digest: string
  }[]
}

export interface Readiness {
  readonly ready: boolean
  /** One sentence each, where not ready; the same for programs, in the same order, is absent where ready. */
  readonly reasons: readonly string[]
  readonly causes?: readonly UnreadyCause[]
  /** It has lost sight of most of the cluster: lookups list what was last known. It serves all the same. */
  readonly degraded: boolean
  /** Ready all the same: nobody of whom it was told has answered (`alone`); not all that others hold has come, or has room (`behind`). */
  readonly alone?: true
  readonly behind?: true
}

/** How a daemon is inside, in figures: for whoever reads a bug report. Only gains fields. */
export interface StateView {
  /** See `core/phase.ts`. */
  readonly phase: string
  /** Where the other daemon with its key is, of one that is muted, if it is known. */
  readonly otherAt?: string
  readonly generation: number
  readonly incarnation: number
  /** What this start continues; absent where it knew of nothing. */
  readonly parent?: { readonly generation: number; readonly version: number }
  /** Of the newest head on disk; 0 before the first. */
  readonly version: number
  readonly epoch: number
  /** Whether a commit is on its way to the disk, and why the disk refused the last one. */
  readonly committing: boolean
  readonly refusal?: string
  /** Who waits for the disk: callers, and peers. */
  readonly waitingForDisk: number
  /** Of the own document, staged ones included. */
  readonly entries: number
  readonly entryBytes: number
  /** Commands that wait for the first head. */
  readonly queuedCommands: number
  /** Open, or lost for a moment. */
  readonly sessions: number
  /** Held of others. */
  readonly documents: number
  /** Of whom only the head is known: there is no room for their records. */
  readonly declined: number
  /** How much heap what is held of others takes, by estimate. */
  readonly copies_bytes: number
  readonly unsavedDocuments: number
  /** Others, by what is believed of them. */
  readonly members: Readonly<Record<MemberState, number>>
  readonly connections: number
  /** Questions to peers that are not closed yet. */
  readonly requests: Readonly<Record<'sync' | 'pull' | 'push' | 'remove' | 'act' | 'compare' | 'silences', number>>
  readonly gaps: number
  /** Answers to peers that are not on their way to the last byte. */
  readonly waitingAnswers: number
  readonly degraded: boolean
}

/** What sync and heartbeats with one peer have brought, for the debugging commands. */
export interface ExchangeView {
  /** Heartbeats heard directly. */
  readonly heartbeats: number
  readonly heartbeatAge_ms?: number
  /** Its registry digest is among this daemon's recent ones. Absent before its first heartbeat. */
  readonly inStep?: boolean
  /** For how long that has not been so. */
  readonly outOfStep_ms?: number
  readonly lastSyncAge_ms?: number
  /** Documents that the last sync brought here, and took there. */
  readonly lastSyncBrought?: number
  readonly lastSyncTook?: number
}

/** One connected or known peer, as the network and the registry see it. */
export interface PeerView extends ExchangeView, LineView {
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
  /** As in `MemberView`. */
  readonly dial?: DialOutcome
  /** As in `MemberView`. */
  readonly trouble?: string
  readonly troubleKind?: TroubleKind
  /** As in `MemberView`. */
  readonly software?: string
  readonly protocol?: number
}

/**
 * Why there is no connection, where that is known: nobody answers; somebody does, whose handshake fails, as it does with another cluster
 * key; who is of a cluster of another name; or who has this node's own key, or one that two have.
 */
export const linkFailures = ['no-answer', 'handshake', 'other-cluster', 'same-key'] as const
export type LinkFailureReason = (typeof linkFailures)[number]

/** A place where a peer should be, or from where one came, and why there is no connection. */
export interface LinkFailureView {
  /** A seed as it was given, a host, or host and port. */
  readonly where: string
  readonly direction: 'inbound' | 'outbound'
  /** For people. */
  readonly error: string
  /** The same for programs. */
  readonly reason?: LinkFailureReason
  /** Where two daemons with one key are. */
  readonly places?: readonly string[]
  /** How long ago that was seen last, of what was seen at single moments. */
  readonly seenAge_ms?: number
}

/** How one network interface does in multicast DNS. */
export interface MdnsView {
  readonly interface: string
  readonly family: 'IPv4' | 'IPv6'
  /** What cannot be done there, and why. */
  readonly trouble?: string
}

export interface PeersView {
  /**
   * This replica has the digest of every peer that sends it heartbeats, is connected with all that it means to be, and has not
   * lost sight of most of the cluster.
   */
  readonly inStep: boolean
  /** As in `Readiness`. */
  readonly degraded: boolean
  /** One line for people: `in step with 2 of 2 peers`. */
  readonly summary: string
  readonly peers: readonly PeerView[]
  /** Seeds that do not answer, those who reached this daemon and did not come in, and others with its key; absent where there are none. */
  readonly failures?: readonly LinkFailureView[]
  /** Each interface that peers are looked for on; absent where mDNS is off. */
  readonly mdns?: readonly MdnsView[]
}

/** What came of draining a node. */
export interface DrainView {
  /** How many are registered there. */
  readonly instances: number
  /** How many living nodes hold that they are not to be picked, itself included. */
  readonly acks: number
  /** How many living nodes there are. */
  readonly alive: number
}

/** How many instances there are, as one daemon sees them. */
export interface InstanceCounts {
  /** Those that lookups can see, by status; a status that none has is left out. */
  readonly visible: Partial<Readonly<Record<InstanceStatus, number>>>
  /** Known, and in no lookup. */
  readonly notVisible: number
}

export interface SelfView {
  readonly peer: PeerId
  readonly nodeId: string
  readonly url: string
  readonly cluster: string
  /** Of this program. */
  readonly version: string
  /** Of what is spoken between daemons: see `config/version.ts`. */
  readonly protocol: number
  readonly generation: number
  readonly http?: string
  /** `HOST:PORT`, where it answers DNS; absent where it does not. */
  readonly dns?: string
  readonly listen: readonly string[]
  readonly ready: Readiness
  /** Members believed alive, this one included. */
  readonly alive: number
  readonly uptime_ms: number
  /** What was dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>
  readonly state: StateView
}

export interface NewsItem {
  readonly id: string
  readonly at: string /* RFC 3339, own clock */
  readonly event: NewsEvent
}
export type NewsEvent =
  | {
      readonly type: 'member'
      readonly peer: PeerId
      readonly nodeId?: string
      readonly from: MemberState
      readonly to: MemberState
      readonly why: string
    }
  | {
      readonly type: 'instance'
      readonly id: string
      readonly slug?: string
      readonly change: 'shown' | 'changed' | 'hidden'
      readonly instance?: InstanceView
    }
  /** The first item of every feed: what happens after its id will be told. */
  | { readonly type: 'listening' }
  /** Of a feed that was resumed after more news than are kept, or from another run: what went between is lost; read everything anew. */
  | { readonly type: 'reset' }
export interface NewsFeed {
  /** The id of the newest item; before the first one, an id that all of them come after. What is read now includes all up to it. */
  readonly position: string
  /** Those after the one with this id, oldest first; undefined where some of them are kept no more or the id is not of this run. */
  since(id: string): readonly NewsItem[] | undefined
  /** Each from now on, in order; the listener must not throw. @returns ends it */
  subscribe(listener: (item: NewsItem) => void): () => void
}
