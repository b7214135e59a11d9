/**
 * What other programs use to talk to a daemon over HTTP: one typed call for each endpoint, and errors that can be told apart.
 * It remembers nothing between calls and never retries.
 */
import { RegistryError, type ErrorCode } from './core/errors.js'
import type { Definition, Registration } from './core/model.js'
import type {
  DigestView,
  InstanceRow,
  InstanceView,
  LookupResult,
  MemberView,
  NodeView,
  Readiness,
} from './core/views.js'
import type { PeersView, SelfView } from './core/views.js'

export const defaultServer = 'http://127.0.0.1:58231'
const defaultTimeout_ms = 10_000

export interface ClientOptions {
  /** The daemon's url, or its HOST:PORT. */
  readonly server?: string
  /** What the daemon knows this program by, where it asks for credentials. */
  readonly token?: string
  readonly fetch?: typeof fetch
  /** For a whole call, answer included. */
  readonly timeout_ms?: number
}

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
  readonly tag?: string
  readonly status?: string
}

/** Every call rejects with a RegistryError: by the daemon's answer, or one of which `isUnreachable` is true. */
export interface Client {
  readonly server: string
  register(registration: RegistrationRequest): Promise<{ readonly id: string }>
  deregister(id: string): Promise<void>
  instances(query?: InstanceQuery): Promise<{ readonly instances: readonly InstanceView[] }>
  /** Every record that the daemon knows, visible or not. */
  instanceRows(query?: InstanceQuery): Promise<{ readonly instances: readonly InstanceRow[] }>
  lookup(slug: string): Promise<LookupResult>
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
  leave(): Promise<void>
}

/** Nobody answered: wrong address, no daemon, or none that answers in time. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof RegistryError && error.cause instanceof Unreachable
}

class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/**
 * @example
 * const client = createClient({ server: 'http://127.0.0.1:58231' })
 * const { picked } = await client.lookup('web')
 * @throws RegistryError `malformed` where `server` is no url, or `token` fits into no header
 */
export function createClient(options: ClientOptions = {}): Client {
  const call = createCall(options)
  const segment = encodeURIComponent
  return {
    server: parseServer(options.server ?? defaultServer),
    register: (registration) => call('PUT', '/registry-svc/instance', registration),
    deregister: (id) => call('DELETE', `/registry-svc/instance/${segment(id)}`),
    instances: (query) => call('GET', `/registry-svc/instances${queryString(query)}`),
    instanceRows: (query) => call('GET', `/v1/instances${queryString(query)}`),
    lookup: (slug) => call('GET', `/v1/lookup/${segment(slug)}`),
    saveDefinition: (definition) => call('PUT', '/registry-svc/definition', { definition }),
    definitions: () => call('GET', '/registry-svc/definitions'),
    removeDefinition: (id) => call('DELETE', `/registry-svc/definition/${segment(id)}`),
    nodes: (ids) => call('POST', '/registry-svc/nodes', ids === undefined ? {} : { ids }),
    selfNode: () => call('GET', '/registry-svc/node/self'),
    removeNode: (url) => call('DELETE', `/registry-svc/node/${segment(url)}`),
    self: () => call('GET', '/v1/self'),
    peers: () => call('GET', '/v1/peers'),
    members: () => call('GET', '/v1/members'),
    digest: () => call('GET', '/v1/digest'),
    readiness: () => call('GET', '/readyz', undefined, isReadiness),
    leave: () => call('POST', '/v1/leave'),
  }
}

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

/** Accepts an answer of status 503 that is no failure of the call. */
type Accept = (answer: unknown) => boolean

type Call = <T>(method: Method, path: string, body?: unknown, accept?: Accept) => Promise<T>

function createCall(options: ClientOptions): Call {
  const server = parseServer(options.server ?? defaultServer)
  const timeout_ms = options.timeout_ms ?? defaultTimeout_ms
  const send = options.fetch ?? fetch
  const credentials = credentialsOf(options.token)
  return async function call<T>(method: Method, path: string, body?: unknown, accept?: Accept): Promise<T> {
    const { status, text } = await exchange(server, timeout_ms, async (signal) => {
      const headers = body === undefined ? credentials : { ...credentials, 'content-type': 'application/json' }
      const content = body === undefined ? {} : { body: JSON.stringify(body) }
      const response = await send(`${server}${path}`, { method, signal, redirect: 'error', headers, ...content })
      return { status: response.status, text: await response.text() }
    })
    if (status === 204) return undefined as T
    const answer = parseAnswer(text, server, status)
    if (status < 300 || (status === 503 && accept?.(answer) === true)) return answer as T
    throw new RegistryError(
      codeOfStatus(status),
      errorOf(answer) ?? `${server} answered ${status} to ${method} ${path}`,
    )
  }
}

/**
 * The timer holds the process, unlike that of `AbortSignal.timeout`: Node 20's fetch overlooks a connection that is closed
 * before the first byte, waits on with nothing left to wait for, and a program that awaits it would just end.
 */
async function exchange<T>(
  server: string,
  timeout_ms: number,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(new Error(`no answer in ${timeout_ms / 1000} s`)), timeout_ms)
  try {
    return await attempt(abort.signal)
  } catch (error) {
    const cause = new Unreachable('nobody answered', { cause: error })
    throw new RegistryError('unavailable', `no daemon answers at ${server} (${reasonOf(error)})`, { cause })
  } finally {
    clearTimeout(timer)
  }
}

/** Fetch says `fetch failed` of everything; the reason is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, message } = (error.cause ?? error) as { code?: unknown; message?: string }
  if (code === 'ECONNREFUSED') return 'connection refused'
  return typeof code === 'string' ? code : (message ?? error.message)
}

function parseAnswer(text: string, server: string, status: number): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RegistryError('unavailable', `${server} is no Rollcall daemon: it answered ${status} without JSON`, {
      cause,
    })
  }
}

function errorOf(answer: unknown): string | undefined {
  const error = (answer as { error?: unknown } | null)?.error
  return typeof error === 'string' ? error : undefined
}

function isReadiness(answer: unknown): boolean {
  return typeof (answer as { ready?: unknown } | null)?.ready === 'boolean'
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return 'unauthorized'
  if (status === 403) return 'forbidden'
  if (status === 404) return 'not-found'
  if (status === 409) return 'conflict'
  if (status === 413) return 'too-large'
  if (status === 429 || status === 503) return 'unavailable'
  return status < 500 ? 'malformed' : 'internal'
}

function queryString(query: InstanceQuery = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined) as [string, string][]
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}

/** @throws RegistryError `malformed`, which does not repeat the token */
function credentialsOf(token: string | undefined): Readonly<Record<string, string>> {
  if (token === undefined) return {}
  if (/^[\x21-\x7e]+$/.test(token)) return { authorization: `Bearer ${token}` }
  throw new RegistryError('malformed', 'token: must be printable ASCII without spaces, as it has to fit into a header')
}

/** Without a final slash, so that paths can follow. */
function parseServer(server: string): string {
  const url = server.includes('://') ? server : `http://${server}`
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, '')
  throw new RegistryError('malformed', `server: ${JSON.stringify(server)} is not a url such as ${defaultServer}`)
}
