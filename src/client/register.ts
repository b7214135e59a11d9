/**
 * What a program asks of the register, be it in its own memory or at a daemon: the same questions, with answers of the same shapes.
 */
import type { InstanceFilters as InstanceQuery, Which } from '../config/filters.js'
import type { Resource } from '../core/lookup/placement.js'
import type { Definition, InstanceStatus, Registration } from '../core/model/model.js'
import type { Diagnosis } from '../core/doctor/findings.js'
import type { History, HistoryQuery } from '../core/journal/views.js'
import type { Survey } from '../core/survey/views.js'
import type {
  DigestView,
  Freshness,
  Held,
  InstanceRow,
  InstanceView,
  LookupResult,
  ManyResult,
  MemberView,
  NewsItem,
  NodeView,
  PeersView,
  PlacedNode,
  Readiness,
  SelfView,
  SlugList,
  Suspicion,
} from '../core/views.js'
import type { Choosing } from './choosing.js'
import type { CallInit, FetchOptions } from './fetching/options.js'

export type * from '../core/journal/views.js'

export type { CallInit, FetchOptions, InstanceQuery, Which }

/** At once, out of this program's memory, or later, from a daemon. `await` takes both. */
export type Reply<T> = T | Promise<T>

export interface CallOptions {
  /** Ends the waiting, and the call rejects with its reason. What was asked for may have happened nevertheless. */
  readonly signal?: AbortSignal | undefined
}

export interface WriteOptions extends CallOptions {
  /**
   * Resolves once so many nodes hold it, the one that took it included; `'all'`: all living ones that it has connections with, which in
   * clusters of up to nine is everybody. The answer says how many do. Never an error: it is on the disk of one in any case.
   */
  readonly acks?: number | 'all' | undefined
  /** How long that is waited for at the most: `'2s'` (the default), or milliseconds; up to 5 s. */
  readonly ackTimeout?: string | number | undefined
}

export interface SelfOptions extends CallOptions {
  /**
   * How long `drain` goes on waiting once all nodes know: for callers that keep addresses, such as twice the time to live of DNS answers.
   * `'10s'`, or milliseconds. Default: 0.
   */
  readonly drainDelay?: string | number | undefined
}

/** A registration as it is taken: `url`, or the parts of one. */
export type RegistrationRequest = Partial<Registration>

/** What is changed of an instance. */
export interface Changes {
  /** Its share of the calls, from 0 to 65 535; `null`: 100. */
  readonly weight?: number | null
  readonly tags?: readonly string[] | null
  readonly metadata?: Readonly<Record<string, string>> | null
}

export interface StatusOptions extends CallOptions {
  /** For people. */
  readonly details?: string
  /** `'30s'`, or milliseconds. */
  readonly for?: string | number
}

/** Where there is room. */
export interface NodePick extends CallOptions {
  /** Of what: percent of the CPU, bytes of memory or disk, MiB on one GPU. */
  readonly by: Resource
  /** How many at the most. Default: 1. */
  readonly count?: number
  readonly region?: string
  readonly zone?: string
}

export interface WaitOptions extends CallOptions {
  /** So many can be picked. Default: 1. */
  readonly count?: number | undefined
}

export interface PickOptions extends CallOptions, Choosing {
  /** As of `lookup`. A client asks its daemon then, each time. */
  readonly maxAge?: LookupOptions['maxAge']
}

/** Which news. */
export interface NewsQuery {
  /** Only news of instances of that slug. */
  readonly slug?: string | undefined
  /** Only news of that type. */
  readonly type?: 'member' | 'instance' | undefined
  /**
   * Go on from there: the `position` of an answer, or the id of the item that was read last. Without, from now on. Where what
   * happened since is kept no more, or another start of that node told it, there is a `reset`.
   */
  readonly after?: string | undefined
  /** Ends the loop, quietly. */
  readonly signal?: AbortSignal | undefined
}

/**
 * An answer that says how far it goes. `events({ after: position })` tells all that happened after what is in it, and nothing that is
 * in it. Absent only where a daemon of an earlier version answered.
 */
export interface Positioned {
  readonly position?: string
}

/** What a program registers of itself lives with it, unless it says something else. */
export function withItsProgram(registration: RegistrationRequest): RegistrationRequest {
  const { lifetime, ttl } = registration
  return lifetime === undefined && ttl === undefined ? { ...registration, lifetime: 'session' } : registration
}

/** A service that is listed for as long as this program runs; or for as long as it says itself, by `lifetime` or `ttl`. */
export interface SelfRegistration extends AsyncDisposable {
  readonly id: string
  /** The public id of the session that it lives with, while that stands; of a node, none. */
  readonly session?: string | undefined
  /** Takes it out of the register, at once; any number of times. */
  end(options?: CallOptions): Promise<void>
}

/**
 * The same, with what its program can do about it while it runs.
 *
 * | | still picked? | still checked? | survives a restart? | undone by |
 * |---|---|---|---|---|
 * | `drain()` | no, nowhere | yes | of the daemon; a program that starts anew is picked | `setStatus('Healthy')` |
 * | `drain()` of its node | no, nowhere | yes | a crash; not a goodbye: who starts after that is picked | `endDrain()` |
 * | `setMaintenance(id)` | no, nowhere | yes | of the daemon, and of its program | `endMaintenance(id)` |
 * | `leave` of its node | no; `{restart: true}`: while it was healthy, for 30 s | no | yes: listed again after a check | a start |
 * | `stop()` of an embedded node | no | no | what lived with the program is gone, the rest as with `leave` | a start |
 *
 * @example
 * await web.drain() // out of every pick; what is under way goes on
 * await new Promise((resolve) => server.close(resolve))
 * await web.end()
 */
export interface ServiceRegistration extends SelfRegistration {
  /** The last one that is known; undefined until one is. At a client it is asked for behind the scenes when it is read, once a second at most. */
  readonly status: InstanceStatus | undefined
  /** Says how it is, by itself: see `setStatus` of the register. `Healthy` also ends a `drain` that was before it. */
  setStatus(status: InstanceStatus, options?: StatusOptions): Promise<void>
  /**
   * Takes it out of every pick while it goes on running, also where it has to be registered anew meanwhile. Resolves when every living
   * node holds that, or after `ackTimeout` (default: 2 s), and `delay` later (default: `drainDelay`). Beyond nine nodes not all can be
   * asked, and it takes all of that time. `setStatus('Healthy')` takes it back, as does `endMaintenance(id)`; `end()` takes it out of the register.
   * @throws RegistryError like `setMaintenance`; it is meant nevertheless, and said where it is registered anew
   */
  drain(
    options?: { readonly delay?: string | number; readonly ackTimeout?: string | number } & CallOptions,
  ): Promise<void>
}

/** Calls of services by their slugs: `rollcall://SLUG/path`. */
export interface Calling {
  /**
   * The platform's `fetch`, for services: picks an instance of the slug, asks it, and asks another one where the first does not answer
   * and nothing can be done twice by that: what was not sent at all; of what was sent, or answered by 502, 503 or 504, or is not
   * answered in time, only idempotent methods, and calls that say `idempotent: true` or have an `Idempotency-Key`. Whoever fails three
   * times in a row is left out for some seconds, and looked at by its home node; not to answer before a signal of `AbortSignal.timeout`
   * aborts is a failure, too, where that was long enough. Give it to whatever takes a `fetch`; other urls are passed on as they are.
   * @throws RegistryError `not-found` where nothing has that slug, `unavailable` where none can be called, `malformed`; else as `fetch`
   */
  readonly fetch: typeof fetch
  /**
   * A `fetch` with its own ways: how an instance is chosen, how often and how long is tried.
   * @throws RegistryError `malformed`, naming the option
   */
  createFetch(options?: FetchOptions): typeof fetch
  /** The short form: `call('web', '/orders/1')` is `fetch('rollcall://web/orders/1')`. */
  call(slug: string, path?: string, init?: CallInit): Promise<Response>
}

/** Its freshness is absent only where a daemon of an earlier version answered. */
export interface Lookup extends LookupResult, Positioned, Freshness {}

export interface LookupOptions extends CallOptions {
  /**
   * Rather none than an answer whose truth may be older: `'2s'`, or milliseconds. Heartbeats come every second, so that less than that
   * is often refused. A client asks again, or its other servers, before it gives up.
   */
  readonly maxAge?: string | number | undefined
}

/**
 * What a program is written against, whoever gives it the registry: `createNode`, whose node is a part of the program; `createClient`,
 * which asks a daemon over HTTP; `createTestRegistry` of `rollcall/testing`, for its tests. The same names, options, answers and errors.
 *
 * Reads are a `Reply`: a node answers at once, out of the program's own memory, in a fraction of a microsecond, a client with a promise.
 * A program that says `await registry.pick('web')` runs with all; `await` takes both, so that nobody pays for a promise who needs none.
 * What throws at once at a node, rejects at a client: under `await` that is one, too. A program that holds a node, and wants its answers
 * without `await`, is written against `RegistryAtOnce`.
 *
 * What is not there is `undefined`; what cannot be done is a `RegistryError`, whose `code` says why and whose message names the field and
 * the way out. Lengths of time are milliseconds as numbers, or `'500ms' | '5s' | '1m'`. Every call takes a `signal`, and rejects with its
 * reason; what was asked for may have happened nevertheless. Answers are not to be changed.
 */
export interface Registry extends Calling {
  /**
   * Says where a service is. Give a `url`, or its parts; all else is optional, the `id` is then made from slug and url. Registering
   * the same again changes nothing. From now on the node that took it checks whether the service answers. It lives until it is removed;
   * at a node in this program, with the program; unless it says `lifetime`, or a `ttl`.
   * @throws RegistryError `malformed`, naming the field
   */
  register(registration: RegistrationRequest, options?: WriteOptions): Promise<{ readonly id: string } & Partial<Held>>
  /**
   * Registers a service that is this program, or goes with it: listed for as long as the program runs, gone within moments of its
   * end, however it ends. A program that started anew registers anew.
   * @throws RegistryError `malformed`, naming the field
   */
  registerSelf(registration: RegistrationRequest, options?: SelfOptions): Promise<ServiceRegistration>
  /**
   * Removes an instance for good, wherever it was registered. Gives something only where `acks` are asked for.
   * @throws RegistryError `not-found`
   */
  deregister(id: string, options?: WriteOptions): Promise<Held | undefined>
  /**
   * Hides an instance from every lookup while it goes on running, until `endMaintenance`. What lives by a session or a ttl, which its
   * program registers at each start, stays hidden through these, for a day after it was seen last; what is `persistent` until
   * somebody registers it again. A program that is about to stop drains instead. Callers go to the others; `rollcall why`, and `instanceRows`, tell the reason. Wherever it is asked for, its home node does it.
   * @throws RegistryError `not-found`; `unavailable`, naming its home node, where that cannot be reached; `malformed`
   */
  setMaintenance(id: string, reason?: string, options?: WriteOptions): Promise<Held | undefined>
  /** Shows an instance again. @throws RegistryError like `setMaintenance` */
  endMaintenance(id: string, options?: WriteOptions): Promise<Held | undefined>
  /**
   * The same of all instances of a service, a node or a zone. Each is done by itself, or not.
   * @throws RegistryError `not-found` where nothing fits; `malformed`
   */
  setMaintenanceOfAll(which: Which, reason?: string, options?: CallOptions): Promise<ManyResult>
  /** Shows them again. @throws RegistryError like `setMaintenanceOfAll` */
  endMaintenanceOfAll(which: Which, options?: CallOptions): Promise<ManyResult>
  /**
   * Changes what an instance says of itself without registering it: no new check, no new number. What is not said stays; `null`, or
   * what is empty, says that there is none. What a later registration names is as that says.
   * @throws RegistryError like `setMaintenance`
   */
  update(id: string, changes: Changes, options?: WriteOptions): Promise<Held | undefined>
  /**
   * Says how a service is, by itself: callers see the worse of that and of what its checks find, until it is told anew, for as long as
   * `for` says, or until its session ends.
   * @throws RegistryError like `setMaintenance`
   */
  setStatus(id: string, status: InstanceStatus, options?: StatusOptions): Promise<void>
  /** Lets an instance that has a `ttl` live for one more. @throws RegistryError like `setMaintenance`; `conflict` where it has none */
  renew(id: string, options?: CallOptions): Promise<void>
  /**
   * Says that an instance did not answer: its home node looks at once. What is known then comes back within a second or so; `checked`
   * is false where it was looked at a moment ago, or callers ask for more checks than they may. Whatever it finds, `pick` and `fetch`
   * leave the instance out for 5 s, longer each time, as they do by themselves after three calls by `fetch` that failed: so say it
   * where you call by other means. Never more than half of a service is left out.
   * @throws RegistryError like `setMaintenance`
   */
  suspect(id: string, options?: CallOptions): Promise<Suspicion>

  /**
   * Where a service is: every visible instance, whatever its status. Undefined where nothing has that slug.
   * @throws RegistryError `unavailable` where what is known is older than `maxAge`
   */
  lookup(slug: string, options?: LookupOptions): Reply<Lookup | undefined>
  /**
   * The instance to call now: in turn, of those with the best status; those last that this node does not reach itself, and those that
   * `fetch` has left out for their failures, or `suspect` has named. Undefined where there is none.
   * @throws RegistryError `unavailable` where what is known is older than `maxAge`
   */
  pick(slug: string, options?: PickOptions): Reply<InstanceView | undefined>
  /**
   * The whole list of a slug: at once, also where nothing is registered by that name yet (`unknown`), then after each change, within a
   * fraction of a second. Whoever is slow gets the newest one, and never a backlog. `break` ends it, quietly; where the signal aborts
   * it throws its reason.
   * @throws RegistryError `malformed`
   */
  watch(slug: string, options?: CallOptions): AsyncIterableIterator<SlugList>
  /**
   * Resolves with the list of a slug as soon as at least `count` of it can be picked: are of the best status there is, which is
   * `Healthy`, and `Unknown` or `Degraded` only where nothing is; of weight 0 only where nothing else is. At a daemon in doubt what was
   * last known counts.
   * @throws RegistryError `malformed`; the signal's reason where that aborts first, such as `AbortSignal.timeout(30_000)`
   */
  waitFor(slug: string, options?: WaitOptions): Promise<SlugList>
  /** The visible instances that fit all of the given fields, exactly. */
  instances(
    query?: InstanceQuery,
    options?: CallOptions,
  ): Reply<{ readonly instances: readonly InstanceView[] } & Positioned>
  /** Every record that is known, visible or not, and why not. */
  instanceRows(
    query?: InstanceQuery,
    options?: CallOptions,
  ): Reply<{ readonly instances: readonly InstanceRow[] } & Positioned>

  /** Says what a service is: any JSON with an `id`. The last one that was saved counts, everywhere. */
  saveDefinition(definition: Definition, options?: CallOptions): Promise<void>
  /** @throws RegistryError `not-found` */
  removeDefinition(id: string, options?: CallOptions): Promise<void>
  definitions(options?: CallOptions): Reply<{ readonly definitions: readonly Definition[] }>

  /** The records of the living nodes; `ids`: of those alone, unless it is empty. */
  nodes(ids?: readonly string[], options?: CallOptions): Reply<{ readonly nodes: readonly NodeView[] } & Positioned>
  /**
   * The living nodes with the most room, by their own latest figures, each with its age; those without a figure come last. Nothing is
   * reserved by it, and nothing put anywhere.
   * @throws RegistryError `malformed`, naming the option
   */
  pickNodes(asked: NodePick): Reply<{ readonly nodes: readonly PlacedNode[] }>
  /** The record of the node that is asked. */
  selfNode(options?: CallOptions): Reply<{ readonly node: NodeView }>
  /**
   * Forgets the node with that url, or peer id, and all that is registered at it; one that lives registers itself again.
   * @throws RegistryError `not-found`; `conflict` where several nodes share the url
   */
  removeNode(url: string, options?: CallOptions): Promise<void>

  self(options?: CallOptions): Reply<SelfView>
  /** The connections of the node that is asked, and how far each peer's register agrees with its own. */
  peers(options?: CallOptions): Reply<PeersView>
  /** What it believes of each node that it knows, dead ones too. */
  members(options?: CallOptions): Reply<{ readonly members: readonly MemberView[] } & Positioned>
  /** Equal on two nodes exactly where they hold the same. */
  digest(options?: CallOptions): Reply<DigestView>
  /** Whether it accepts writes now, and if not, why. */
  readiness(options?: CallOptions): Reply<Readiness>
  /**
   * What each node sees, asked by the one that is asked here of all that it is connected with: within a second or so. A node that did not
   * answer says so in `how`.
   */
  survey(options?: CallOptions): Promise<Survey>
  /** What is wrong with the cluster, as far as the node that is asked, and those that it is connected with, can tell. */
  doctor(options?: CallOptions): Promise<Diagnosis>
  /**
   * Who did what, as far as it is remembered: what was asked for at the node that is asked here, with what it found itself; of an `id`
   * also what the other nodes remember. Each knows since its start, and the last twenty of each id.
   * @throws RegistryError `malformed`, naming the option
   */
  history(query?: HistoryQuery & CallOptions): Promise<History>
  /**
   * News of members and instances, in order. The first item, of type `listening`, says that the stream stands. Where items may be
   * missing there is one of type `reset`: then read everything anew.
   */
  events(query?: NewsQuery): AsyncIterableIterator<NewsItem>
}
