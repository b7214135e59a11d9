/**
 * What other programs use to talk to a daemon over HTTP: one typed call for each endpoint. It also gives instances to call in
 * turn, news as they come, and errors that can be told apart. It needs nothing but `fetch`, so it runs in browsers too.
 */
import { Calls } from './client/call.js'
import { Choices } from './client/choice.js'
import { type EventsQuery, followEvents } from './client/events.js'
import { untilAborted } from './client/pause.js'
import type { CallOptions, InstanceQuery, Lookup, PickOptions, Positioned, Register } from './client/register.js'
import { areOwn, checkFilters, queryOfFilters } from './config/filters.js'
import { refuseUnknown } from './config/nearest.js'
import { RegistryError } from './core/errors.js'
import { type Definition, isNameable } from './core/model.js'
import type {
  DigestView,
  InstanceRow,
  InstanceView,
  MemberView,
  NewsItem,
  NodeView,
  PeersView,
  PickResult,
  Readiness,
  SelfView,
} from './core/views.js'

export type { EventsQuery } from './client/events.js'
export type * from './client/register.js'
export { isUnreachable } from './client/failures.js'
export { defaultServer } from './client/servers.js'
export { RegistryError, type ErrorCode } from './core/errors.js'
export type { Definition, InstanceStatus, PeerId, Registration } from './core/model.js'
export type * from './core/views.js'

export interface ClientOptions {
  /** The daemon's url, or its HOST:PORT. Default: the one on this machine, `http://127.0.0.1:58231`. */
  readonly server?: string
  /** Several, instead of `server`: one is asked until it fails, then the next. */
  readonly servers?: readonly string[]
  /** What the daemon knows this program by, where it asks for credentials. */
  readonly token?: string
  /** Default: the global one. */
  readonly fetch?: typeof fetch
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
}

const optionNames = [
  ...(['server', 'servers', 'token', 'fetch', 'timeout_ms', 'attempts', 'onPickOutage'] as const),
] as const satisfies readonly (keyof ClientOptions)[]

/** Every call rejects with a RegistryError, by the daemon's answer, or one of which `isUnreachable` is true; or with a signal's reason. */
export interface Client extends Register {
  /** The daemon that is asked at present. */
  readonly server: string
  lookup(slug: string, options?: CallOptions): Promise<Lookup | undefined>
  /**
   * The instance to call now: in turn, of those with the best status; undefined where there is none. What the daemon said is used
   * for a second, then refreshed behind the scenes, so a pick seldom waits: the first one does, and one after a pause of over 5 s.
   * Where no daemon answers it is used for half a minute; see `onPickOutage`. It comes without `lastHeartbeat`.
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
  selfNode(options?: CallOptions): Promise<{ readonly node: NodeView }>
  self(options?: CallOptions): Promise<SelfView>
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
  const { call, positioned } = calls
  const lookup: Client['lookup'] = (slug, options) =>
    unlessNotFound(async () => positioned('GET', `/v1/lookup/${segment(slug)}`, options))
  const choices = new Choices({ lookup, onOutage: options.onPickOutage })
  return {
    get server() {
      return calls.servers.current
    },
    register: (registration, options) => call('PUT', '/v1/instances', { body: registration, ...options }),
    deregister: (id, options) => call('DELETE', removalOf('instance', id), options),
    setMaintenance: async (id, reason, options) =>
      call('PUT', `/v1/instances/${segment(id)}/maintenance`, { body: { reason }, ...options }),
    endMaintenance: async (id, options) => call('DELETE', `/v1/instances/${segment(id)}/maintenance`, options),
    setMaintenanceOfAll: async (which, reason, options) =>
      call('PUT', `/v1/maintenance/many${queryString({ ...which })}`, { body: { reason }, ...options }),
    endMaintenanceOfAll: async (which, options) =>
      call('DELETE', `/v1/maintenance/many${queryString({ ...which })}`, options),
    update: async (id, changes, options) =>
      call('PATCH', `/v1/instances/${segment(id)}`, { body: changes, ...options }),
    async setStatus(id, status, given = {}) {
      refuseUnknown(given, ['details', 'for', 'signal'], 'option')
      const { signal, ...said } = given
      return call('PUT', `/v1/instances/${segment(id)}/status`, { body: { status, ...said }, signal })
    },
    renew: async (id, options) => call('PUT', `/v1/instances/${segment(id)}/renew`, options),
    suspect: async (id, options) => call('POST', `/v1/instances/${segment(id)}/suspect`, options),
    async instances(query = {}, options) {
      const filters = filterString(query)
      if (!areOwn(query)) return positioned('GET', `/registry-svc/instances${filters}`, options)
      const { instances: rows, ...rest } = await positioned<Rows>('GET', `/v1/instances${filters}`, options)
      return { ...rest, instances: rows.filter(({ visible }) => visible).map(publishedOf) }
    },
    instanceRows: async (query, options) => positioned('GET', `/v1/instances${filterString(query)}`, options),
    lookup,
    pick: (slug, options) => untilAborted(options?.signal, () => choices.pick(slug, options?.port)),
    pickOnce: async (slug, { port, signal } = {}) =>
      call('GET', `/v1/pick/${segment(slug)}${queryString({ port })}`, { signal }),
    saveDefinition: async (definition, options) =>
      void (await call('PUT', '/registry-svc/definition', { body: { definition }, ...options })),
    definitions: (options) => call('GET', '/registry-svc/definitions', options),
    removeDefinition: (id, options) => call('DELETE', removalOf('definition', id), options),
    nodes: (ids, options) =>
      positioned('POST', '/registry-svc/nodes', { body: ids === undefined ? {} : { ids }, ...options }),
    selfNode: (options) => call('GET', '/registry-svc/node/self', options),
    removeNode: async (url, options) => call('DELETE', `/registry-svc/node/${segment(url)}`, options),
    self: (options) => call('GET', '/v1/self', options),
    peers: (options) => call('GET', '/v1/peers', options),
    members: (options) => positioned('GET', '/v1/members', options),
    digest: (options) => call('GET', '/v1/digest', options),
    readiness: (options) => call('GET', '/readyz', { accept: isReadiness, ...options }),
    events: (query) => followEvents(calls, query ?? {}),
    leave: async (given = {}) => {
      refuseUnknown(given, ['restart', 'signal'], 'option')
      const { restart = false, signal } = given
      return void (await call('POST', '/v1/leave', { once: true, signal, ...(restart && { body: { restart } }) }))
    },
  }
}

interface Rows {
  readonly instances: readonly InstanceRow[]
}

/** Of a row what a list of visible instances says. */
function publishedOf(row: InstanceRow): InstanceView {
  const { owner: _1, nodeId: _2, n: _3, check: _4, lifetime: _5, ttl: _6, grace: _7, ...rest } = row
  const { deregisterAfter: _8, session: _9, maintenance: _10, visible: _11, why: _12, reason: _13, ...view } = rest
  return view
}

async function unlessNotFound<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'not-found') return undefined
    throw error
  }
}

/**
 * A part of a path. `fetch` would take some for steps through the path, and ask for something else.
 * @throws RegistryError `not-found`
 */
function segment(name: string): string {
  if (isNameable(name) || name === '') return encodeURIComponent(name)
  throw new RegistryError('not-found', `${JSON.stringify(name)} cannot be named in the path of a url`)
}

/** Where something is removed by its id; no path can carry some that older records have. */
function removalOf(what: 'instance' | 'definition', id: string): string {
  return isNameable(id) ? `/registry-svc/${what}/${segment(id)}` : `/v1/${what}s${queryString({ id })}`
}

function isReadiness(answer: unknown): boolean {
  return typeof (answer as { ready?: unknown } | null)?.ready === 'boolean'
}

/** @throws RegistryError `malformed`, naming a filter that there is not */
function filterString(query: InstanceQuery = {}): string {
  checkFilters(query)
  return queryString(queryOfFilters(query))
}

function queryString(query: Readonly<Record<string, string | readonly string[] | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, one]),
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
