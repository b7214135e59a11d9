/**
 * What other programs use to talk to a daemon over HTTP: one typed call for each endpoint. It also gives instances to call in
 * turn, news as they come, and errors that can be told apart. It needs nothing but `fetch`, so it runs in browsers too.
 */
import { Calls } from './client/call.js'
import { Choices } from './client/choice.js'
import { type EventsQuery, followEvents } from './client/events.js'
import { checkFilters } from './config/filters.js'
import { refuseUnknown } from './config/nearest.js'
import { RegistryError } from './core/errors.js'
import { type Definition, type Registration, isNameable } from './core/model.js'
import type {
  DigestView,
  InstanceRow,
  InstanceView,
  LookupResult,
  MemberView,
  NewsItem,
  NodeView,
  PickResult,
  Readiness,
} from './core/views.js'
import type { PeersView, SelfView } from './core/views.js'

export type { EventsQuery } from './client/events.js'
export { isUnreachable } from './client/failures.js'
export { defaultServer } from './client/servers.js'
export { RegistryError, type ErrorCode } from './core/errors.js'

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
}

const optionNames = [
  ...(['server', 'servers', 'token', 'fetch', 'timeout_ms', 'attempts'] as const),
] as const satisfies readonly (keyof ClientOptions)[]

/** A registration as the daemon takes it: `url`, or the parts of one. */
export type RegistrationRequest = Partial<Registration>

/** AND-ed, exact. */
export interface InstanceQuery {
  readonly slug?: string
  readonly deploymentId?: string
  readonly host?: string
  readonly ip?: string
  readonly scheme?: string
  readonly id?: string
  readonly nodeUrl?: string
  /** One tag, or several that an instance has to have all. */
  readonly tag?: string | readonly string[]
  readonly status?: string
}

/** Every call rejects with a RegistryError: by the daemon's answer, or one of which `isUnreachable` is true. */
export interface Client {
  /** The daemon that is asked at present. */
  readonly server: string
  register(registration: RegistrationRequest): Promise<{ readonly id: string }>
  /** @throws RegistryError `not-found` */
  deregister(id: string): Promise<void>
  /** Hides an instance from every lookup until `endMaintenance`, or until it is registered again. Ask its home node. */
  setMaintenance(id: string, reason?: string): Promise<void>
  endMaintenance(id: string): Promise<void>
  instances(query?: InstanceQuery): Promise<{ readonly instances: readonly InstanceView[] }>
  /** Every record that the daemon knows, visible or not. */
  instanceRows(query?: InstanceQuery): Promise<{ readonly instances: readonly InstanceRow[] }>
  /** @throws RegistryError `not-found` where nothing has that slug */
  lookup(slug: string): Promise<LookupResult>
  /**
   * The instance to call now: in turn, of those with the best status; undefined where there is none. What the daemon said is used
   * for a second, and refreshed behind the scenes, so a pick seldom waits; where no daemon answers, for half a minute.
   * @example
   * import { createClient } from 'rollcall/client'
   *
   * const client = createClient({ server: 'http://127.0.0.1:58231' })
   * await client.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
   * const web = await client.pick('web')
   * console.log(web?.url ?? 'nothing to call')
   */
  pick(slug: string): Promise<InstanceView | undefined>
  /**
   * The instance whose turn it is at the daemon: for programs that call once, and end. Asks the daemon each time, unlike `pick`.
   * @throws RegistryError `not-found` where nothing has that slug
   */
  pickOnce(slug: string): Promise<PickResult>
  saveDefinition(definition: Definition): Promise<void>
  definitions(): Promise<{ readonly definitions: readonly Definition[] }>
  removeDefinition(id: string): Promise<void>
  nodes(ids?: readonly string[]): Promise<{ readonly nodes: readonly NodeView[] }>
  selfNode(): Promise<{ readonly node: NodeView }>
  removeNode(url: string): Promise<void>
  self(): Promise<SelfView>
  peers(): Promise<PeersView>
  members(): Promise<{ readonly members: readonly MemberView[] }>
  digest(): Promise<DigestView>
  readiness(): Promise<Readiness>
  /**
   * News of members and instances, from the beginning of the loop or after the item with the id `after`. A connection that breaks
   * is made anew, for as long as it takes, and goes on where it was; only the first one has to succeed. Where items may be
   * missing there is one of type `reset`: then read everything anew.
   */
  events(query?: EventsQuery): AsyncIterableIterator<NewsItem>
  /** `restart`: it is back within half a minute, and its healthy instances stay listed meanwhile. */
  leave(options?: { readonly restart?: boolean }): Promise<void>
}

/**
 * @example
 * import { createClient } from 'rollcall/client'
 *
 * const client = createClient({ server: 'http://127.0.0.1:58231' })
 * const { id } = await client.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
 * const { instances, degraded } = await client.lookup('web')
 * console.log(instances.length, degraded)
 * await client.deregister(id)
 * @throws RegistryError `malformed` where a server is no url, or `token` fits into no header
 */
export function createClient(options: ClientOptions = {}): Client {
  refuseUnknown(options, optionNames, 'option')
  const calls = new Calls(options)
  const { call } = calls
  const lookup = async (slug: string): Promise<LookupResult> => call('GET', `/v1/lookup/${segment(slug)}`)
  const choices = new Choices(lookup)
  return {
    get server() {
      return calls.servers.current
    },
    register: (registration) => call('PUT', '/v1/instances', { body: registration }),
    deregister: (id) =>
      call('DELETE', isNameable(id) ? `/registry-svc/instance/${segment(id)}` : `/v1/instances${queryString({ id })}`),
    setMaintenance: async (id, reason) => call('PUT', `/v1/instances/${segment(id)}/maintenance`, { body: { reason } }),
    endMaintenance: async (id) => call('DELETE', `/v1/instances/${segment(id)}/maintenance`),
    instances: async (query) => call('GET', `/registry-svc/instances${filterString(query)}`),
    instanceRows: async (query) => call('GET', `/v1/instances${filterString(query)}`),
    lookup,
    pick: (slug) => choices.pick(slug),
    pickOnce: async (slug) => call('GET', `/v1/pick/${segment(slug)}`),
    saveDefinition: (definition) => call('PUT', '/registry-svc/definition', { body: { definition } }),
    definitions: () => call('GET', '/registry-svc/definitions'),
    removeDefinition: (id) =>
      call(
        'DELETE',
        isNameable(id) ? `/registry-svc/definition/${segment(id)}` : `/v1/definitions${queryString({ id })}`,
      ),
    nodes: (ids) => call('POST', '/registry-svc/nodes', { body: ids === undefined ? {} : { ids } }),
    selfNode: () => call('GET', '/registry-svc/node/self'),
    removeNode: async (url) => call('DELETE', `/registry-svc/node/${segment(url)}`),
    self: () => call('GET', '/v1/self'),
    peers: () => call('GET', '/v1/peers'),
    members: () => call('GET', '/v1/members'),
    digest: () => call('GET', '/v1/digest'),
    readiness: () => call('GET', '/readyz', { accept: isReadiness }),
    events: (query) => followEvents(calls, query ?? {}),
    leave: async (given = {}) => {
      refuseUnknown(given, ['restart'], 'option')
      return call('POST', '/v1/leave', { once: true, ...(given.restart === true && { body: { restart: true } }) })
    },
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

function isReadiness(answer: unknown): boolean {
  return typeof (answer as { ready?: unknown } | null)?.ready === 'boolean'
}

/** @throws RegistryError `malformed`, naming a filter that there is not */
function filterString(query: InstanceQuery = {}): string {
  checkFilters(query)
  return queryString(query)
}

function queryString(query: InstanceQuery): string {
  const given = Object.entries(query).flatMap(([name, value]: [string, string | readonly string[] | undefined]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, one]),
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
