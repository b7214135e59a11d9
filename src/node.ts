/**
 * A node inside a program: the whole register in its memory, no HTTP, no signal handlers, no process of its own. It opens the same
 * parts as the daemon does, and closes them.
 */
import './polyfill.js'
import { callingOf } from './client/fetching/calling.js'
import { untilAborted } from './client/pause.js'
import type {
  CallOptions,
  Changes,
  InstanceQuery,
  Lookup,
  NewsQuery,
  PickOptions,
  Positioned,
  Register,
  RegistrationRequest,
  SelfRegistration,
  StatusOptions,
} from './client/register.js'
import { type Which, checkFilters, indexedSlug, matches } from './config/filters.js'
import { checkNewsQuery } from './config/news-filters.js'
import { pickOfOptions } from './config/pick-query.js'
import { refuseUnknown, refuseUnknownFields, unknownName } from './config/nearest.js'
import { parsePatch, parseStatus, patchFields } from './core/act.js'
import { RegistryError, messageOf } from './core/errors.js'
import type { RegistryEvent } from './core/effects.js'
import { frozen } from './core/frozen.js'
import { type Definition, type InstanceStatus, type Registration, parseDefinition } from './core/model.js'
import { parseMaintenance, parseRegistration, registrationFields } from './core/model.js'
import type {
  DigestView,
  InstanceRow,
  InstanceView,
  ManyResult,
  MemberView,
  NewsEvent,
  NewsItem,
  NodeView,
  PeersView,
  Readiness,
  SelfView,
  Suspicion,
} from './core/views.js'
import { type End, endAll } from './daemon/life.js'
import { linesOfDisk, writeLine, type Line } from './daemon/log-lines.js'
import { createRuntime, type Runtime, type RuntimeOptions } from './daemon/runtime.js'
import { maintainAll } from './http/many.js'
import type { RegistryService } from './http/service.js'
import { openDataDir } from './io/storage/data-dir.js'
import { openMemoryDir } from './io/storage/memory.js'
import type { Log } from './log.js'
import { Listeners } from './node/listeners.js'
import { type NodeEvents, eventNames } from './node/events.js'
import { sourceOf } from './node/source.js'
import { readOptions } from './node/options.js'
import type { NodeOptions } from './node/settings.js'

/**
 * A member of the cluster, in this program. Reads answer from memory, at once; what they give cannot be changed. Writes resolve once
 * they are on this node's disk, and reach the others by themselves. Whatever is wrong throws a `RegistryError`; after `stop` every
 * call does.
 */
export interface RollcallNode extends Register, AsyncDisposable {
  /** The name that the cluster knows this node by. */
  readonly peerId: string
  /** Multiaddrs at which other nodes can `join` this one. */
  readonly addresses: readonly string[]
  /**
   * Resolves once writes are accepted: this node has found its peers, or none, and its own record is on disk. Writes that come
   * earlier wait as well; this is for programs that want to know. Later troubles are in `readiness()`.
   * @throws RegistryError `unavailable` if the node stops before; the signal's reason if that aborts
   */
  ready(options?: CallOptions): Promise<void>

  /**
   * Says where a service is. Give a `url`, or its parts; all else is optional, the `id` is then made from slug and url. Registering
   * the same again changes nothing; what is not said again stays, and `null`, `''` or an empty list says that there is none. From now
   * on this node checks whether the service answers.
   * @example
   * import { createNode } from 'rollcall'
   *
   * const node = await createNode({ memory: true })
   * const { id } = await node.register({ slug: 'web', url: 'http://127.0.0.1:8080', tags: ['blue'] })
   * console.log(node.instances({ tag: 'blue' }).instances.map(({ url }) => url))
   * await node.deregister(id)
   * await node.stop()
   * @throws RegistryError `malformed`, naming the field
   */
  register(registration: RegistrationRequest, options?: CallOptions): Promise<{ readonly id: string }>
  /**
   * Hides an instance from every lookup while it goes on running, until `endMaintenance`, or until it is registered again. Callers go
   * to the others; `rollcall why`, and `instanceRows`, tell the reason. Wherever it is asked for, its home node does it.
   * @example
   * import { createNode } from 'rollcall'
   *
   * await using node = await createNode({ memory: true })
   * const { id } = await node.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
   * await node.setMaintenance(id, 'new disk')
   * console.log(node.instances({ slug: 'web' }).instances.length) // 0
   * @throws RegistryError `not-found`; `unavailable`, naming its home node, where that cannot be reached; `malformed`
   */
  setMaintenance(id: string, reason?: string, options?: CallOptions): Promise<void>

  // ---- reads, which this node answers at once, out of this program's memory

  /** Looking moves nobody's pick. */
  lookup(slug: string): Lookup | undefined
  /**
   * The instance to call now: in turn, of those with the best status. Undefined where there is none. Costs a fraction of a
   * microsecond, so call it for each request. It comes without `lastHeartbeat`.
   */
  pick(slug: string, options?: PickOptions): InstanceView | undefined
  instances(query?: InstanceQuery): { readonly instances: readonly InstanceView[] } & Positioned
  instanceRows(query?: InstanceQuery): { readonly instances: readonly InstanceRow[] } & Positioned
  definitions(): { readonly definitions: readonly Definition[] }
  nodes(ids?: readonly string[]): { readonly nodes: readonly NodeView[] } & Positioned
  selfNode(): { readonly node: NodeView }
  self(): SelfView
  peers(): PeersView
  members(): { readonly members: readonly MemberView[] } & Positioned
  digest(): DigestView
  readiness(): Readiness

  /**
   * Tells a listener of each event from now on. One that throws, or rejects, is shown as a warning of the process and does the
   * node no harm.
   * @returns ends it
   * @example
   * import { createNode } from 'rollcall'
   *
   * const node = await createNode({ memory: true })
   * const end = node.on('instance', ({ change, id, instance }) => console.log(change, id, instance?.status))
   * await node.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
   * end()
   * await node.stop()
   */
  on<Type extends keyof NodeEvents>(type: Type, listener: (event: NodeEvents[Type]) => unknown): () => void
  /**
   * News of members and instances, in order, from now on or `after` an earlier answer, until the signal aborts or the node stops; both
   * end the loop quietly. The first item, of type `listening`, says that the stream stands. A loop that falls thousands of items
   * behind gets a `reset` in place of what it missed: then read everything anew.
   * @example
   * import { createNode } from 'rollcall'
   *
   * await using node = await createNode({ memory: true })
   * const { instances, position } = node.instances({ slug: 'web' })
   * console.log(instances.length) // 0
   * await node.register({ slug: 'web', url: 'http://127.0.0.1:8080' })
   * for await (const { event } of node.events({ slug: 'web', after: position })) {
   *   if (event.type === 'listening') continue
   *   console.log(event.type) // nothing that happened since is missed
   *   break
   * }
   */
  events(query?: NewsQuery): AsyncIterableIterator<NewsItem>

  /** Says goodbye, so that the others need not find out, and lets go of everything. Any number of times. */
  stop(): Promise<void>
}

/**
 * Starts a node in this program: a full member of the cluster. When this resolves, it answers reads.
 * @example
 * import { createNode } from 'rollcall'
 *
 * const node = await createNode({ dataDir: './rollcall' }) // joins the others on this network
 * await node.register({ slug: 'web', url: 'http://127.0.0.1:8080' }) // known to all of them, and checked from now on
 * const web = node.pick('web') // whom to call: healthy ones, in turn, out of this program's memory
 * console.log(web?.url)
 * await node.stop() // says goodbye
 * @throws RegistryError naming the option that has to change: `malformed`, `conflict` where another node holds the data dir or the
 *   port, `unavailable` where the disk or the network refuses
 */
export async function createNode(options: NodeOptions): Promise<RollcallNode> {
  const { dataDir: path, config, signal, register, ...read } = readOptions(options)
  const log = await read.log
  signal?.throwIfAborted()
  const ends: End[] = []
  try {
    const dataDir = path === undefined ? await openMemoryDir() : await openDataDir(path, { cluster: config.cluster })
    ends.push(() => dataDir.close())
    const stored = await dataDir.storage.load()
    const url = config.url ?? `rollcall://${dataDir.key.publicKey.toString()}`
    const node = new EmbeddedNode({
      config,
      url: () => url,
      dataDir,
      transient: path === undefined,
      stored,
      log,
      ends,
    })
    node.registerFirst(register)
    await node.begin()
    node.tellLater(linesOfDisk(dataDir, stored))
    signal?.throwIfAborted()
    if (signal !== undefined) node.stopOn(signal)
    return node
  } catch (error) {
    await endAll(ends, log)
    throw error
  }
}

/** @throws RegistryError `malformed` for an option that there is not */
function until<T>({ ...options }: CallOptions, begin: () => Promise<T>): Promise<T> {
  refuseUnknown(options, ['signal'], 'option')
  return untilAborted(options.signal, begin)
}

class EmbeddedNode implements RollcallNode {
  readonly #runtime: Runtime
  readonly #log: Log
  readonly #listeners = new Listeners<NodeEvents>()
  readonly #isReady = Promise.withResolvers<void>()
  #isOver = false
  /** Aborts when the node stops. */
  readonly #over = new AbortController()
  #bug: Error | undefined

  constructor(parts: Omit<RuntimeOptions, 'onEvent' | 'onBug'>) {
    this.#log = parts.log
    this.#isReady.promise.catch(() => undefined) // whoever waits is told; nobody has to
    this.#runtime = createRuntime({
      ...parts,
      onEvent: (event, line) => this.#onEvent(event, line),
      onBug: (error) => this.#onBug(error),
    })
    this.#runtime.news.subscribe(({ event }) => this.#onNews(event))
    void this.#runtime.life.stopped.then(() => this.#ended())
  }

  // ---- beginning and end

  async begin(): Promise<void> {
    await this.#runtime.start()
    if (this.#bug !== undefined) throw this.#bug
  }

  /** In the first version that others see. What is refused is told as a warning: nobody waits for it. */
  registerFirst(registrations: readonly Registration[]): void {
    for (const registration of registrations) {
      this.#service.register(registration, { embedded: true }).catch((error: unknown) => {
        if (!this.#isOver) this.#say({ level: 'warn', message: `not registered: ${messageOf(error)}` })
      })
    }
  }

  /** What was found before anybody could listen is told once somebody can. */
  tellLater(lines: readonly Line[]): void {
    setImmediate(() => lines.forEach((line) => this.#say(line)))
  }

  stopOn(signal: AbortSignal): void {
    const onAbort = (): void => void this.stop()
    signal.addEventListener('abort', onAbort, { once: true })
    this.#over.signal.addEventListener('abort', () => signal.removeEventListener('abort', onAbort), { once: true })
  }

  stop(): Promise<void> {
    this.#isOver = true
    this.#over.abort()
    return this.#runtime.life.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #ended(): void {
    this.#isReady.reject(new RegistryError('unavailable', 'the node has stopped'))
    const error = this.#bug
    const told = this.#listeners.tell('stopped', { type: 'stopped', ...(error !== undefined && { error }) })
    if (error !== undefined && told === 0) process.emitWarning(error)
  }

  /** From a state that no rule foresaw nothing more is served. */
  #onBug(cause: unknown): void {
    const reason = messageOf(cause)
    this.#bug = new RegistryError('internal', `this is a bug in rollcall; the node ends: ${reason}`, { cause })
    this.#log.error({ err: cause }, this.#bug.message)
    void this.stop()
  }

  // ---- what happens

  #onEvent(event: RegistryEvent, line: Line): void {
    if (event.type === 'member')
      writeLine(this.#log, line) // listeners hear of members by events of their own
    else this.#say(line)
    if (event.type !== 'ready') return
    this.#isReady.resolve()
    this.#listeners.tell('ready', { type: 'ready' })
  }

  #say(line: Line): void {
    writeLine(this.#log, line)
    const { level, message } = line
    if (level === 'warn' || level === 'error') this.#listeners.tell('warning', { type: 'warning', message })
  }

  #onNews(event: NewsEvent): void {
    if (event.type === 'member') this.#listeners.tell('member', event)
    if (event.type === 'instance') this.#listeners.tell('instance', event)
  }

  on<Type extends keyof NodeEvents>(type: Type, listener: (event: NodeEvents[Type]) => unknown): () => void {
    if (!Object.hasOwn(eventNames, type)) {
      throw new RegistryError('malformed', unknownName(String(type), Object.keys(eventNames), 'event'))
    }
    if (typeof listener !== 'function') throw new RegistryError('malformed', `${type}: the listener must be a function`)
    return this.#listeners.on(type, listener)
  }

  events(query: NewsQuery = {}): AsyncIterableIterator<NewsItem> {
    checkNewsQuery(query, ['slug', 'type', 'after', 'signal'])
    const { signal, ...asked } = query
    const over = this.#over.signal
    return this.#runtime.news.follow(signal === undefined ? [over] : [over, signal], asked)
  }

  async ready(options: CallOptions = {}): Promise<void> {
    await until(options, () => this.#isReady.promise)
  }

  // ---- reads and writes

  get #service(): RegistryService {
    this.#refuseWhenOver()
    return this.#runtime.service
  }

  #refuseWhenOver(): void {
    if (!this.#isOver) return
    throw this.#bug ?? new RegistryError('unavailable', 'the node has stopped; createNode starts another one')
  }

  readonly #calling = callingOf(
    sourceOf(() => ({ read: this.#runtime.registry.read, service: this.#service })),
    { fetch: (input, init) => fetch(input, init) },
  )
  readonly fetch = this.#calling.fetch
  readonly createFetch = this.#calling.createFetch
  readonly call = this.#calling.call

  get peerId(): string {
    return this.#runtime.network.peerId
  }

  get addresses(): readonly string[] {
    return this.#runtime.addresses()
  }

  async register(registration: RegistrationRequest, options: CallOptions = {}): Promise<{ readonly id: string }> {
    refuseUnknownFields(registration, registrationFields)
    return until(options, async () =>
      this.#service.register(parseRegistration(registration, 'own'), { embedded: true }),
    )
  }

  async registerSelf(registration: RegistrationRequest, options?: CallOptions): Promise<SelfRegistration> {
    const { id } = await this.register({ lifetime: 'session', ...registration }, options)
    const end: SelfRegistration['end'] = async (options) => {
      await this.deregister(id, options).catch((error: unknown) => {
        if (!(error instanceof RegistryError && error.code === 'not-found')) throw error
      })
    }
    return { id, end, [Symbol.asyncDispose]: () => end() }
  }

  async deregister(id: string, options: CallOptions = {}): Promise<void> {
    await until(options, async () => this.#service.deregister(id))
  }

  async setMaintenance(id: string, reason?: string, options: CallOptions = {}): Promise<void> {
    await this.#act(id, options, () => ({ type: 'maintenance', reason: parseMaintenance({ reason }) }))
  }

  async endMaintenance(id: string, options: CallOptions = {}): Promise<void> {
    await this.#act(id, options, () => ({ type: 'maintenance' }))
  }

  async setMaintenanceOfAll(which: Which, reason?: string, options: CallOptions = {}): Promise<ManyResult> {
    return until(options, async () => maintainAll(this.#service, which, parseMaintenance({ reason })))
  }

  async endMaintenanceOfAll(which: Which, options: CallOptions = {}): Promise<ManyResult> {
    return until(options, async () => maintainAll(this.#service, which, undefined))
  }

  async update(id: string, changes: Changes, options: CallOptions = {}): Promise<void> {
    refuseUnknownFields(changes, patchFields)
    await this.#act(id, options, () => ({ type: 'patch', ...parsePatch(changes) }))
  }

  async setStatus(id: string, status: InstanceStatus, options: StatusOptions = {}): Promise<void> {
    refuseUnknown(options, ['details', 'for', 'signal'], 'option')
    const { signal, ...said } = options
    await this.#act(id, { signal }, () => ({ type: 'status', ...parseStatus({ status, ...said }) }))
  }

  async renew(id: string, options: CallOptions = {}): Promise<void> {
    await this.#act(id, options, () => ({ type: 'renew' }))
  }

  async suspect(id: string, options: CallOptions = {}): Promise<Suspicion> {
    return until(options, async () => this.#service.suspect(id))
  }

  async #act(id: string, options: CallOptions, read: () => Parameters<RegistryService['act']>[1]): Promise<void> {
    await until(options, async () => this.#service.act(id, read()))
  }

  async saveDefinition(definition: Definition, options: CallOptions = {}): Promise<void> {
    await until(options, async () => this.#service.saveDefinition(parseDefinition({ definition })))
  }

  async removeDefinition(id: string, options: CallOptions = {}): Promise<void> {
    await until(options, async () => this.#service.removeDefinition(id))
  }

  async removeNode(url: string, options: CallOptions = {}): Promise<void> {
    await until(options, async () => this.#service.removeNode(url))
  }

  lookup(slug: string): Lookup | undefined {
    try {
      return this.#positioned(this.#service.lookup(slug))
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'not-found') return undefined
      throw error
    }
  }

  pick(slug: string, options?: PickOptions): InstanceView | undefined {
    this.#refuseWhenOver()
    return this.#runtime.registry.read.picked(slug, options && pickOfOptions(options))
  }

  instances(query: InstanceQuery = {}): ReturnType<RollcallNode['instances']> {
    checkFilters(query)
    return this.#positioned({
      instances: this.#service.instances(indexedSlug(query)).filter((view) => matches(view, query)),
    })
  }

  instanceRows(query: InstanceQuery = {}): ReturnType<RollcallNode['instanceRows']> {
    checkFilters(query)
    return this.#positioned({ instances: this.#service.instanceRows().filter((view) => matches(view, query)) })
  }

  definitions(): ReturnType<RollcallNode['definitions']> {
    return frozen({ definitions: this.#service.definitions() })
  }

  nodes(ids: readonly string[] = []): ReturnType<RollcallNode['nodes']> {
    if (!Array.isArray(ids)) throw new RegistryError('malformed', 'ids: must be a list of strings')
    const isAsked = ({ id }: NodeView): boolean => ids.length === 0 || ids.includes(id)
    return this.#positioned({ nodes: this.#service.nodes().filter(isAsked) })
  }

  selfNode(): ReturnType<RollcallNode['selfNode']> {
    return frozen({ node: this.#service.selfNode() })
  }

  self(): SelfView {
    return frozen(this.#service.self())
  }

  members(): ReturnType<RollcallNode['members']> {
    return this.#positioned({ members: this.#service.members() })
  }

  peers(): PeersView {
    return frozen(this.#service.peers())
  }

  digest(): DigestView {
    return frozen(this.#service.digest())
  }

  readiness(): Readiness {
    return frozen(this.#service.readiness())
  }

  #positioned<T extends object>(answer: T): T & Positioned {
    return frozen({ ...answer, position: this.#runtime.news.position })
  }
}
