/**
 * What the HTTP doors ask of a daemon; the daemon implements it, nothing here does anything.
 */
import type { InstanceFilters } from '../config/filters.js'
import type { Acks } from '../core/model/acks.js'
import type { Act } from '../core/model/act.js'
import type { PickQuery } from '../core/lookup/chooser.js'
import type { PlacementQuery } from '../core/lookup/placement.js'
import type { Definition, PeerId, Registration } from '../core/model/model.js'
import type { Deed, Whom } from '../core/journal/entry.js'
import type { JournalQuery } from '../core/journal/journal.js'
import type { History } from '../core/journal/views.js'
import type { Diagnosis } from '../core/doctor/findings.js'
import type { Survey } from '../core/survey/views.js'
import type {
  DigestView,
  DrainView,
  Freshness,
  InstanceCounts,
  InstanceRow,
  InstanceView,
  LookupResult,
  MemberView,
  NewsFeed,
  NodeView,
  PeersView,
  PickResult,
  PlacedNode,
  Readiness,
  SelfView,
  SessionView,
  SlugList,
  Suspicion,
} from '../core/views.js'

export interface RegisterOptions {
  readonly holder?: string
  readonly embedded?: true
  readonly whom?: Whom
}

export interface SessionOpening {
  /** Of one that is to be opened again. */
  readonly secret?: string
  readonly grace_ms?: number
  readonly holder?: string
  readonly whom?: Whom
  /** Told once when the session is lost, over, or stands on another line. */
  readonly onOver: () => void
}

/** A session that stands. */
export interface SessionLine {
  readonly id: string
  readonly secret: string
  /** To be called once the program is not connected any more. */
  lost(): void
}

/**
 * A running daemon. Every method may throw a RegistryError; writes resolve once the write is on this machine's disk
 * (and, for an instance that lives elsewhere, once its removal is certain). Each is told in the log, and remembered, with who asked
 * for it; without `whom` that is the program that the node is a part of.
 */
export interface RegistryService {
  /** @param options whose token it comes with; whether the program that this node is a part of says it */
  register(registration: Registration, options?: RegisterOptions): Promise<{ readonly id: string }>
  deregister(id: string, whom?: Whom): Promise<void>
  /** How many nodes hold what is written here by now: once so many do, or that time has passed. Never rejects. */
  holders(acks: Acks, home?: PeerId): Promise<number>
  /** The owner of an instance that is known. */
  homeOf(id: string): PeerId | undefined
  /** Does something to an instance, at its home node, wherever that is; `unavailable` where it cannot be reached. */
  act(id: string, act: Exclude<Act, { type: 'suspect' }>, whom?: Whom): Promise<void>
  /** Has an instance looked at now; what is known after that, or before where callers ask for more than they may. */
  suspect(id: string, caller?: string): Promise<Suspicion>
  openSession(opening: SessionOpening): Promise<SessionLine>
  hearSession(id: string, secret: string, holder: string | undefined): Promise<void>
  endSession(id: string, secret: string, holder: string | undefined, whom?: Whom): Promise<void>
  sessions(): readonly SessionView[]
  saveDefinition(definition: Definition, whom?: Whom): Promise<void>
  removeDefinition(id: string, whom?: Whom): Promise<void>
  /** Forgets the node with that url; `conflict` where several nodes share it. */
  removeNode(url: string, whom?: Whom): Promise<void>
  /** Hides all that is registered here while it goes on; resolves when every living node holds that, or after 2 s. */
  drain(whom?: Whom): Promise<DrainView>
  /** Shows it again. */
  endDrain(whom?: Whom): Promise<void>
  /**
   * Says goodbye, then shuts the daemon down; resolves once the goodbye is out. `restart`: it is back within half a minute,
   * and its healthy instances stay listed meanwhile.
   */
  leave(options?: { readonly restart?: boolean }, whom?: Whom): Promise<void>
  /** Tells of an act that a door has refused before it came here. */
  refused(deed: Deed, error: unknown, whom: Whom): void

  /** Another number as soon as a list of instances may say anything else, moments aside. */
  readonly revision: number
  /** The visible instances, whatever their status; where a slug is given, no more than needed to find that slug's. */
  instances(slug?: string): readonly InstanceView[]
  /** Every record that is known, visible or not; where filters are given, those that fit. */
  instanceRows(filters?: InstanceFilters): readonly InstanceRow[]
  /** @throws RegistryError `not-found` where no record has that slug */
  lookup(slug: string, query?: PickQuery): LookupResult
  /** How old a lookup of that slug may be. */
  freshness(slug: string): Freshness
  /**
   * Another object as soon as `lookup(slug)` (or `instances(slug)`, without the last-known ones) would say anything else,
   * moments of heartbeats aside; undefined where no record has that slug. As cheap as it gets.
   */
  version(slug: string, lastKnown: boolean): object | undefined
  /**
   * Tells the list of a slug at once, then each time it changes, one moment of many changes at a time. Watchers of one slug are told
   * the same object.
   * @returns ends it; any number of times
   */
  watch(slug: string, tell: (list: SlugList) => void): () => void
  /**
   * The instance to call; where a port is named, with the url of that.
   * @throws RegistryError `not-found` where no record has that slug
   */
  pick(slug: string, query?: PickQuery): PickResult
  /** The id of the instance that the next lookup names: lookups take turns of their own, and move nobody's pick. */
  suggest(slug: string, query?: PickQuery): string | undefined
  /** What an instance is registered for, visible or not; null where it is for nothing, undefined where it is unknown. */
  slugOf(id: string): string | null | undefined
  /** The same of the instance that this registration would change, whether it names its id or only its url. */
  slugMeant(registration: Registration): string | null | undefined
  definitions(): readonly Definition[]
  /** The living nodes. */
  nodes(): readonly NodeView[]
  /** The living nodes, those with the most room first. */
  pickNodes(query: PlacementQuery): readonly PlacedNode[]
  selfNode(): NodeView
  self(): SelfView
  /** How many of them there are, without a word of each. */
  instanceCounts(): InstanceCounts
  members(): readonly MemberView[]
  peers(): PeersView
  digest(): DigestView
  readiness(): Readiness
  /** What each node sees, as far as they are connected; within a second or so. Never rejects. */
  survey(): Promise<Survey>
  /** What is wrong, by a survey beside what this node knows itself. Never rejects. */
  doctor(): Promise<Diagnosis>
  /** What was done, by whom, as far as it is remembered here; of an id also elsewhere. Never rejects. */
  history(query: JournalQuery): Promise<History>
  /** All metrics as Prometheus reads them, with those of the process. */
  metrics(): Promise<string>

  /** What happens, as it happens; also how far what is read now goes. */
  readonly news: NewsFeed
}

/** Asked anew by each call, as HTTP answers before there is a service. @throws RegistryError `unavailable` until then */
export type FindService = () => RegistryService
