/**
 * What other programs use to talk to a daemon over HTTP: one typed call for each endpoint. It also gives instances to call in
 * turn, news as they come, and errors that can be told apart. It needs nothing but `fetch`, so it runs in browsers too.
 */
import { Calls, type Method } from './client/call.js'
import { choicesOf } from './client/choice.js'
import { type EventsQuery, followEvents } from './client/events.js'
import type {
  CallOptions,
  InstanceQuery,
  Lookup,
  LookupOptions,
  NodePick,
  PickOptions,
  Positioned,
  Registry,
  RegistrationRequest,
  SelfOptions,
  ServiceRegistration,
  WriteOptions,
} from './client/register.js'
import { actOn, queryString, removalOf, segment } from './client/paths.js'
import { drainedFor, readSelfOptions, selfRegistered, statusAsked } from './client/self-registration.js'
import { Session } from './client/session.js'
import { acksOfOptions, queryOfAcks } from './config/ack-options.js'
import { callOptions } from './config/call-options.js'
import { areOwn, checkFilters, matches, queryOfFilters } from './config/filters.js'
import { refuseUnknown } from './config/nearest.js'
import { historyOfOptions } from './config/history-query.js'
import { placementOfOptions, queryOfPlacement } from './config/placement-query.js'
import { noSuchCall } from './config/statuses.js'
import { RegistryError } from './core/model/errors.js'
import { parseMaxAge } from './core/lookup/freshness.js'
import type { Definition, InstanceStatus } from './core/model/model.js'
import { viewOfRow } from './core/shown.js'
import type {
  DigestView,
  DrainView,
  Held,
  InstanceCounts,
  InstanceRow,
  InstanceView,
  MemberView,
  NewsItem,
  NodeView,
  PeersView,
  PickResult,
  PlacedNode,
  Readiness,
  SelfView,
  SessionView,
  SlugList,
  Suspicion,
} from './core/views.js'
import { CallCounts } from './metrics/calls.js'
import { type MetricsOptions, checkMetricsOptions, showMetrics } from './metrics/register.js'

export type { EventsQuery } from './client/events.js'
export type * from './client/register.js'
export { isUnreachable } from './client/failures.js'
export type { MetricsOptions, MetricsRegister } from './metrics/register.js'
export { defaultServer } from './client/servers.js'
export { RegistryError, type ErrorCode } from './core/model/errors.js'
export type { Definition, InstanceStatus, PeerId, Registration } from './core/model/model.js'
export type * from './core/views.js'

export interface ClientOptions {
  /** The daemon's url, or its HOST:PORT. Default: the one on this machine, `http://127.0.0.1:58231`. */
  readonly server?: string
  /** Several, instead of `server`: one is asked until it fails, then the next. */
  readonly servers?: readonly string[]
  /** What the daemon knows this program by, where it asks for credentials. */
  readonly token?: string
  /** By which the daemon is asked, and services are called. Default: the global one. */
  readonly fetch?: typeof fetch
  /**
   * Shows what becomes of calls by `fetch` and `call` in a `Registry` of prom-client: `rollcall_calls_total`,
   * `rollcall_call_attempts_total`, `rollcall_ejections_total`. Clients may share one. Default: shown nowhere.
   */
  readonly metrics?: MetricsOptions
  /** For a whole call, with all of its attempts and their answers. Default: 10 000. */
  readonly timeout_ms?: number
  /**
   * How often a call is made at most where nobody answers, or a daemon asks for patience (503, 429). All calls but `leave` may be
   * repeated: they come to the same. Default: 3, or the number of servers if that is greater; 1 never repeats.
   */
  readonly attempts?: number
  /**
   * Told why, when `pick` has to do with what it knew before because no daemon answers; and with nothing, when one answers again.
   * Default: nobody is told, until a pick rejects.
   */
  readonly onPickOutage?: (slug: string, why: Error | undefined) => void
  /** Told why, when what `registerSelf` registered may be taken off the lists; and with nothing, when it is listed again. */
  readonly onSessionTrouble?: (why: Error | undefined) => void
}

const optionNames = [
  ...(['server', 'servers', 'token', 'fetch', 'timeout_ms', 'attempts', 'onPickOutage', 'onSessionTrouble'] as const),
  'metrics',
] as const satisfies readonly (keyof ClientOptions)[]

/** Every call rejects with a RegistryError, by the daemon's answer, or one of which `isUnreachable` is true; or with a signal's reason. */
export interface Client extends Registry {
  /** The daemon that is asked at present. */
  readonly server: string
  lookup(slug: string, options?: LookupOptions): Promise<Lookup | undefined>
  /**
   * The instance to call now: in turn, of those with the best status; undefined where there is none. The first pick of a slug asks the
   * daemon; from then on it tells this client of each change, so that picks cost no question, until there was none for half a minute. A
   * program can end meanwhile. While the daemon is away the last list serves, for as long as it is used; see `onPickOutage`. Where it
   * cannot be told (in browsers, by a daemon of an earlier version, or one with no room for watchers) a list is used for a second,
   * then refreshed behind the scenes, and where no daemon answers for half a minute. It comes without `lastHeartbeat`.
   * @example
   * import { createClient } from 'rollcall/client'
   * import { createServer } from 'node:http'
   *
   * const service = createServer((_, response) => response.end('hello')).listen(8080)
   * const client = createClient({ server: 'http://127.0.0.1:58231' })
   * await client.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
   * const web = await client.pick('web')
   * if (web !== undefined) console.log(web.url, await (await fetch(web.url)).text())
   * service.close()
   */
  pick(slug: string, options?: PickOptions): Promise<InstanceView | undefined>
  /**
   * The whole list of a slug: at once, then after each change, the newest where several came meanwhile. A connection that breaks is made
   * anew, for as long as it takes; only the first one has to succeed. Until then the last list comes once more, as `stale`. A daemon of
   * an earlier version is asked each second. The program goes on while it watches; `break`, or the signal, ends it.
   * @example
   * import { createClient } from 'rollcall/client'
   *
   * const client = createClient({ server: 'http://127.0.0.1:58231' })
   * await client.register({ slug: 'web', url: 'http://127.0.0.1:8080', check: 'none' })
   * const { instances } = await client.waitFor('web', { signal: AbortSignal.timeout(10_000) }) // one can be picked
   * console.log(instances.length)
   * for await (const { instances, stale } of client.watch('web')) {
   *   console.log(instances.map(({ url }) => url), stale ?? false)
   *   break
   * }
   * @throws RegistryError `malformed`; from the loop whatever the daemon refuses with, or the signal's reason
   */
  watch(slug: string, options?: CallOptions): AsyncIterableIterator<SlugList>
  /**
   * Registers a service that is this program: listed for as long as it runs. All of one client share one session at their daemon, which
   * sees it end with the program, killed or not; a connection that breaks is made anew, and where the daemon has forgotten it, it is
   * registered again. See `onSessionTrouble`.
   * @example
   * import { createClient } from 'rollcall/client'
   * import { createServer } from 'node:http'
   *
   * const service = createServer((_, response) => response.end('hello')).listen(8080)
   * const client = createClient({ server: 'http://127.0.0.1:58231' })
   * const web = await client.registerSelf({ slug: 'web', url: 'http://127.0.0.1:8080' })
   * console.log(web.id)
   * await web.end() // when the program is about to stop; if it is killed, its daemon notices
   * service.close()
   */
  registerSelf(registration: RegistrationRequest, options?: SelfOptions): Promise<ServiceRegistration>
  /**
   * The instance whose turn it is at the daemon: for programs that call once, and end. Asks the daemon each time, unlike `pick`.
   * @throws RegistryError `not-found` where nothing has that slug
   */
  pickOnce(slug: string, options?: PickOptions): Promise<PickResult>
  instances(
    query?: InstanceQuery,
    options?: CallOptions,
  ): Promise<{ readonly instances: readonly InstanceView[] } & Positioned>
  instanceRows(
    query?: InstanceQuery,
    options?: CallOptions,
  ): Promise<{ readonly instances: readonly InstanceRow[] } & Positioned>
  definitions(options?: CallOptions): Promise<{ readonly definitions: readonly Definition[] }>
  nodes(ids?: readonly string[], options?: CallOptions): Promise<{ readonly nodes: readonly NodeView[] } & Positioned>
  pickNodes(asked: NodePick): Promise<{ readonly nodes: readonly PlacedNode[] }>
  selfNode(options?: CallOptions): Promise<{ readonly node: NodeView }>
  self(options?: CallOptions): Promise<SelfView>
  /** How many instances there are, as that daemon sees them: without telling which, of however many. */
  instanceCounts(options?: CallOptions): Promise<InstanceCounts>
  peers(options?: CallOptions): Promise<PeersView>
  members(options?: CallOptions): Promise<{ readonly members: readonly MemberView[] } & Positioned>
  digest(options?: CallOptions): Promise<DigestView>
  readiness(options?: CallOptions): Promise<Readiness>
  /**
   * News of members and instances. The first item, of type `listening`, says that the stream stands. A connection that breaks is
   * made anew, for as long as it takes, and goes on where it was; only the first one has to succeed. Where items may be missing
   * there is one of type `reset`: then read everything anew.
   * @example
   * import { createClient } from 'rollcall/client'
   *
   * const client = createClient({ server: 'http://127.0.0.1:58231' })
   * const { instances, position } = await client.instances({ slug: 'web' })
   * console.log(instances.length)
   * for await (const { event } of client.events({ slug: 'web', after: position })) {
   *   console.log(event.type) // nothing that happened between the two is missed
   *   break
   * }
   */
  events(query?: EventsQuery): AsyncIterableIterator<NewsItem>
  /**
   * Hides all that is registered at the daemon that is asked, everywhere, while it goes on: the first step of stopping it without a failed
   * call. Resolves when every living node holds that, or after 2 s, which beyond nine nodes it takes, and `delay` later (default: 0). It
   * lasts until `endDrain`, or until that node has said goodbye and starts again.
   */
  drain(options?: { readonly delay?: string | number } & CallOptions): Promise<DrainView>
  /** Shows it again, but for what is in maintenance, or is drained by its own program. */
  endDrain(options?: CallOptions): Promise<void>
  /** The programs that have opened a session at the daemon that is asked. */
  sessions(options?: CallOptions): Promise<{ readonly sessions: readonly SessionView[] }>
  /** The last lines of the log of the daemon that is asked, each a JSON object, without what may be a secret; needs a token that may `admin`. */
  log(options?: CallOptions): Promise<{ readonly lines: readonly string[] }>
  /** `restart`: it is back within half a minute, and its healthy instances stay listed meanwhile. */
  leave(options?: { readonly restart?: boolean } & CallOptions): Promise<void>
}

/**
 * @example
 * import { createClient } from 'rollcall/client'
 *
 * const client = createClient({ server: 'http://127.0.0.1:58231' })
 * const { id } = await client.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
 * const web = await client.lookup('web')
 * console.log(web?.instances.length, web?.degraded)
 * await client.deregister(id)
 * @throws RegistryError `malformed` where a server is no url, or `token` fits into no header
 */
export function createClient(options: ClientOptions = {}): Client {
  refuseUnknown(options, optionNames, 'option')
  const calls = new Calls(options)
  const counts = new CallCounts()
  if (options.metrics !== undefined) showMetrics(counts.metrics(), checkMetricsOptions(options.metrics).register, true)
  const { call, positioned } = calls
  const lookup: Client['lookup'] = (slug, asked = {}) =>
    unlessNotFound(async () => {
      refuseUnknown(asked, ['maxAge', 'signal'], 'option')
      const { maxAge: given, ...options } = asked
      const maxAge = parseMaxAge(given)
      return positioned('GET', `/v1/lookup/${segment(slug)}${queryString({ maxAge })}`, options)
    })
  const session = new Session(calls, options.onSessionTrouble)
  const { drainInstance, ...writes } = writesOf(calls)
  const statusOf = async (id: string): Promise<InstanceStatus | undefined> => {
    const { instances } = await positioned<Rows>('GET', `/v1/instances${queryString({ id })}`)
    return instances[0]?.status
  }
  const suspect = async (id: string, asked?: CallOptions): Promise<Suspicion> =>
    call('POST', actOn(id, 'suspect'), asked)
  const choices = choicesOf(calls, { lookup, onOutage: options.onPickOutage, suspect })
  return {
    ...choices.calling(calls, options.fetch, counts),
    get server() {
      return calls.servers.current
    },
    ...writes,
    async registerSelf(registration, options) {
      const { signal, delay_ms } = readSelfOptions(options)
      const registered = await session.registerSelf(registration, { signal })
      return selfRegistered(registered, delay_ms, {
        ...{ register: writes, statusNow: statusAsked(() => statusOf(registered.id)), drain: drainInstance },
        alive: async () => (await call<SelfView>('GET', '/v1/self')).alive,
      })
    },
    setMaintenanceOfAll: async (which, reason, options) =>
      call('PUT', `/v1/maintenance/many${queryString({ ...which })}`, { ...callOptions(options), body: { reason } }),
    endMaintenanceOfAll: async (which, options) =>
      call('DELETE', `/v1/maintenance/many${queryString({ ...which })}`, callOptions(options)),
    renew: async (id, options) => call('PUT', actOn(id, 'renew'), callOptions(options)),
    suspect: async (id, options) => {
      const asked = callOptions(options)
      choices.suspected(id)
      return suspect(id, asked)
    },
    async instances(query, given) {
      const options = callOptions(given)
      const filters = filterString(query)
      if (!areOwn(query ?? {})) return fitting(query, positioned('GET', `/registry-svc/instances${filters}`, options))
      const answer = positioned<Rows>('GET', `/v1/instances${filters}`, options)
      const { instances: rows, ...rest } = await fitting(query, answer)
      return { ...rest, instances: rows.filter(({ visible }) => visible).map(viewOfRow) }
    },
    instanceRows: async (query, options) =>
      fitting(query, positioned('GET', `/v1/instances${filterString(query)}`, callOptions(options))),
    lookup,
    pick: async (slug, options = {}) => choices.pick(slug, options),
    pickOnce: async (slug, options = {}) =>
      call('GET', `/v1/pick/${segment(slug)}${queryString(choices.queryOf(options))}`, {
        signal: options.signal,
      }),
    saveDefinition: async (definition, options) =>
      void (await call('PUT', '/registry-svc/definition', { ...callOptions(options), body: { definition } })),
    definitions: async (options) => call('GET', '/registry-svc/definitions', callOptions(options)),
    removeDefinition: async (id, options) => call('DELETE', removalOf('definition', id), callOptions(options)),
    nodes: async (ids, options) =>
      positioned('POST', '/registry-svc/nodes', { ...callOptions(options), body: ids === undefined ? {} : { ids } }),
    pickNodes: async (asked) =>
      call('GET', `/v1/nodes/pick${queryString(queryOfPlacement(placementOfOptions(asked)))}`, {
        signal: asked.signal,
      }),
    selfNode: async (options) => call('GET', '/registry-svc/node/self', callOptions(options)),
    removeNode: async (url, options) => call('DELETE', `/registry-svc/node/${segment(url)}`, callOptions(options)),
    self: async (options) => call('GET', '/v1/self', callOptions(options)),
    instanceCounts: async (options) => (await call<Counts>('GET', '/v1/counts', callOptions(options))).instances,
    peers: async (options) => call('GET', '/v1/peers', callOptions(options)),
    members: async (options) => positioned('GET', '/v1/members', callOptions(options)),
    digest: async (options) => call('GET', '/v1/digest', callOptions(options)),
    survey: async (options) => call('GET', '/v1/survey', callOptions(options)),
    history: async (asked) => {
      historyOfOptions(asked)
      const { signal, limit, ...texts } = asked ?? {}
      return call('GET', `/v1/history${queryString({ ...texts, limit: limit?.toString() })}`, callOptions({ signal }))
    },
    doctor: async (options) => call('GET', '/v1/doctor', callOptions(options)),
    readiness: async (options) => call('GET', '/readyz', { ...callOptions(options), accept: isReadiness }),
    events: (query) => followEvents(calls, query ?? {}),
    drain: async (given = {}) => drainedFor(given, (options) => call('PUT', '/v1/self/drain', options)),
    endDrain: async (options) => void (await call('DELETE', '/v1/self/drain', callOptions(options))),
    sessions: async (options) => call('GET', '/v1/sessions', callOptions(options)),
    log: async (options) => call('GET', '/v1/log', callOptions(options)),
    leave: async (given = {}) => {
      refuseUnknown(given, ['restart', 'signal'], 'option')
      const { restart = false, signal } = given
      return void (await call('POST', '/v1/leave', { once: true, signal, ...(restart && { body: { restart } }) }))
    },
  }
}

type Writes = Pick<
  Registry,
  'register' | 'deregister' | 'setMaintenance' | 'endMaintenance' | 'update' | 'setStatus'
> & { drainInstance(id: string, isOn: boolean, options?: WriteOptions): Promise<Held | undefined> }

function writesOf({ call }: Calls): Writes {
  /** Where it is written, with how many nodes are to hold it. */
  const held = <T>(method: Method, path: string, options: WriteOptions | undefined, body?: object): Promise<T> => {
    const query = queryString(queryOfAcks(acksOfOptions(options)))
    const url = query === '' ? path : `${path}${path.includes('?') ? `&${query.slice(1)}` : query}`
    return call(method, url, { signal: options?.signal, body })
  }
  return {
    register: async (registration, options) => held('PUT', '/v1/instances', options, registration),
    deregister: async (id, options) => {
      const asks = acksOfOptions(options) !== undefined
      return held('DELETE', asks ? `/v1/instances${queryString({ id })}` : removalOf('instance', id), options)
    },
    setMaintenance: async (id, reason, options) => held('PUT', actOn(id, 'maintenance'), options, { reason }),
    endMaintenance: async (id, options) => held('DELETE', actOn(id, 'maintenance'), options),
    drainInstance: async (id, isOn, options) => held(isOn ? 'PUT' : 'DELETE', actOn(id, 'drain'), options),
    update: async (id, changes, options) => held('PATCH', actOn(id), options, changes),
    async setStatus(id, status, given = {}) {
      refuseUnknown(given, ['details', 'for', 'signal'], 'option')
      const { signal, ...said } = given
      return call('PUT', actOn(id, 'status'), { body: { status, ...said }, signal })
    },
  }
}

interface Counts {
  readonly instances: InstanceCounts
}

interface Rows {
  readonly instances: readonly InstanceRow[]
}

/** Where the call itself is not found, as below a path that is none of the daemon, nothing is known of what was asked for. */
async function unlessNotFound<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    const isNotFound = error instanceof RegistryError && error.code === 'not-found'
    if (isNotFound && !error.message.includes(noSuchCall)) return undefined
    throw error
  }
}

function isReadiness(answer: unknown): boolean {
  return typeof (answer as { ready?: unknown } | null)?.ready === 'boolean'
}

/** Published clients say nothing by an empty filter, and a daemon takes it so in their calls: what it says in ours is done here. */
async function fitting<T extends { readonly instances: readonly InstanceView[] }>(
  query: InstanceQuery | undefined,
  answer: Promise<T>,
): Promise<T> {
  const answered = await answer
  const hasEmpty = Object.values(query ?? {})
    .flat()
    .includes('')
  if (!hasEmpty || !Array.isArray(answered.instances)) return answered
  return { ...answered, instances: answered.instances.filter((view) => matches(view, query ?? {})) }
}

/** @throws RegistryError `malformed`, naming a filter that there is not */
function filterString(query: InstanceQuery = {}): string {
  checkFilters(query)
  return queryString(queryOfFilters(query))
}
