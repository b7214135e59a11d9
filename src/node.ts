/**
 * A node inside a program: the whole register in its memory, no HTTP, no signal handlers, no process of its own. It opens the same
 * parts as the daemon does, and closes them.
 */
import './polyfill.js'
import { callingOf, fetchingOf } from './client/fetching/calling.js'
import { untilAborted } from './client/pause.js'
import { drainedFor, readSelfOptions, selfRegistered } from './client/self-registration.js'
import {
  type CallOptions,
  type NewsQuery,
  type PickOptions,
  type Registry,
  type RegistrationRequest,
  type SelfOptions,
  type ServiceRegistration,
  type WriteOptions,
  withItsProgram,
} from './client/register.js'
import { checkNewsQuery } from './config/news-filters.js'
import { pickOfOptions } from './config/pick-query.js'
import { refuseUnknownFields } from './config/nearest.js'
import { RegistryError, messageOf } from './core/model/errors.js'
import type { RegistryEvent } from './core/effects.js'
import { parseMaxAge } from './core/lookup/freshness.js'
import type { InstanceStatus, Registration } from './core/model/model.js'
import { parseRegistration, registrationFields } from './core/model/model.js'
import type { DrainView, InstanceView, NewsEvent, NewsItem } from './core/views.js'
import { type End, endAll } from './daemon/life.js'
import { linesOfDisk, writeLine, type Line } from './daemon/log-lines.js'
import { createRuntime, type Runtime, type RuntimeOptions } from './daemon/runtime.js'
import { demandFreshPick } from './http/position.js'
import type { RegistryService } from './http/service.js'
import { openDataDir } from './io/storage/data-dir.js'
import { openMemoryDir } from './io/storage/memory.js'
import type { Log } from './log.js'
import { CallCounts } from './metrics/calls.js'
import { type MetricsRegister, showMetrics } from './metrics/register.js'
import { type Asked, askedOf } from './node/asked.js'
import { Listeners } from './node/listeners.js'
import { type NodeEvents, checkListener } from './node/events.js'
import type { RollcallNode } from './node/interface.js'
import { watchingOf } from './node/lists.js'
import { sourceOf } from './node/source.js'
import { readOptions } from './node/options.js'
import type { NodeOptions } from './node/settings.js'
import { drainedBy, endingOf, until, written } from './node/writing.js'

/**
 * Starts a node in this program: a full member of the cluster. When this resolves, it answers reads; where it was told whom to `join`,
 * with what those hold, or after half a minute without (`readiness` says so), or once one of them keeps it out.
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
  const { dataDir: path, config, signal, register, metrics, ...read } = readOptions(options)
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
    if (metrics !== undefined) ends.push(node.showIn(metrics))
    const registered = node.registerFirst(register)
    await node.begin()
    await untilAborted(signal, () => registered)
    if (config.join.length > 0) await untilAborted(signal, () => node.begun())
    node.tellLater(linesOfDisk(dataDir, stored))
    signal?.throwIfAborted()
    if (signal !== undefined) node.stopOn(signal)
    return node
  } catch (error) {
    await endAll(ends, log)
    throw error
  }
}

class EmbeddedNode implements RollcallNode {
  readonly #runtime: Runtime
  readonly #log: Log
  readonly #listeners = new Listeners<NodeEvents>()
  #isReady = Promise.withResolvers<void>()
  readonly #lookups: ReturnType<Runtime['metering']['doors']['lookups']>
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
    this.#lookups = this.#runtime.metering.doors.lookups('library')
    this.#runtime.news.subscribe(({ event }) => this.#onNews(event))
    void this.#runtime.life.stopped.then(() => this.#ended())
  }

  // ---- beginning and end

  /** @returns takes its metrics out of there again */
  showIn(register: MetricsRegister): () => void {
    return showMetrics([...this.#runtime.metering.metrics, ...this.#counts.metrics()], register)
  }

  async begin(): Promise<void> {
    await this.#runtime.start()
    if (this.#bug !== undefined) throw this.#bug
  }

  /** Those who are to be joined were met, and have given what they hold; or it goes on without. */
  async begun(): Promise<void> {
    await Promise.race([this.#runtime.beginning.settled, this.#runtime.life.stopped])
    if (this.#bug !== undefined) throw this.#bug
  }

  /** In the first version that others see; settles once that is durable. What is refused is told as a warning. */
  async registerFirst(registrations: readonly Registration[]): Promise<void> {
    const registering = registrations.map((registration) => this.#service.register(registration, { embedded: true }))
    const outcomes = await Promise.allSettled(registering)
    const refusals = outcomes.flatMap((one) =>
      one.status === 'rejected' && !this.#isOver ? [one.reason as unknown] : [],
    )
    this.tellLater(refusals.map((why) => ({ level: 'warn', message: `not registered: ${messageOf(why)}` })))
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
    if (event.type === 'member') writeLine(this.#log, line) // listeners hear of members by events of their own
    else this.#say(line)
    if (event.type === 'muted') this.#isReady.reject(new RegistryError('unavailable', event.why))
    if (event.type === 'ready') void this.#runtime.beginning.settled.then(() => this.#begun())
  }

  #begun(): void {
    this.#isReady.resolve()
    this.#isReady = Promise.withResolvers<void>() // who went mute before it was ready has refused whoever waited
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
    checkListener(type, listener)
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

  readonly #counts = new CallCounts()
  readonly #calling = callingOf(
    fetchingOf(
      sourceOf(() => ({ read: this.#runtime.registry.read, service: this.#service })),
      { fetch: (input, init) => fetch(input, init) },
      this.#counts,
    ),
  )
  readonly fetch = this.#calling.fetch
  readonly createFetch = this.#calling.createFetch
  readonly call = this.#calling.call

  readonly #asked = askedOf({ service: () => this.#service, position: () => this.#runtime.news.position })
  readonly deregister = this.#asked.deregister
  readonly setMaintenance = this.#asked.setMaintenance
  readonly endMaintenance = this.#asked.endMaintenance
  readonly setMaintenanceOfAll = this.#asked.setMaintenanceOfAll
  readonly endMaintenanceOfAll = this.#asked.endMaintenanceOfAll
  readonly update = this.#asked.update
  readonly setStatus = this.#asked.setStatus
  readonly renew = this.#asked.renew
  readonly suspect = this.#asked.suspect
  readonly saveDefinition = this.#asked.saveDefinition
  readonly removeDefinition = this.#asked.removeDefinition
  readonly removeNode = this.#asked.removeNode
  readonly lookup: Asked['lookup'] = (slug, options) => {
    const answer = this.#asked.lookup(slug, options)
    this.#counted(slug, answer?.picked)
    return answer
  }
  readonly instances = this.#asked.instances
  readonly instanceRows = this.#asked.instanceRows
  readonly definitions = this.#asked.definitions
  readonly nodes = this.#asked.nodes
  readonly pickNodes = this.#asked.pickNodes
  readonly selfNode = this.#asked.selfNode
  readonly self = this.#asked.self
  readonly members = this.#asked.members
  readonly peers = this.#asked.peers
  readonly digest = this.#asked.digest
  readonly readiness = this.#asked.readiness
  readonly survey = this.#asked.survey
  readonly doctor = this.#asked.doctor
  readonly history = this.#asked.history

  readonly #watching = watchingOf(() => this.#service, this.#over.signal)
  readonly watch = this.#watching.watch
  readonly waitFor = this.#watching.waitFor

  get peerId(): string {
    return this.#runtime.network.peerId
  }

  get addresses(): readonly string[] {
    return this.#runtime.addresses()
  }

  async register(registration: RegistrationRequest, options?: WriteOptions): ReturnType<Registry['register']> {
    refuseUnknownFields(registration, registrationFields)
    const { said, held } = await this.#write({ options }, async (service) =>
      service.register(parseRegistration(registration, 'own'), { embedded: true }),
    )
    return { ...said, ...held }
  }

  async registerSelf(registration: RegistrationRequest, options?: SelfOptions): Promise<ServiceRegistration> {
    const { signal, delay_ms } = readSelfOptions(options)
    const { id } = await this.register(withItsProgram(registration), { signal })
    const statusNow = (): InstanceStatus | undefined => this.#runtime.registry.read.statusOf(id)?.status
    const registered = endingOf(id, (one, options) => this.deregister(one, options))
    return selfRegistered(registered, delay_ms, {
      ...{ register: this, statusNow },
      drain: (of, isOn, asked) => drainedBy(() => this.#service, of, isOn, asked),
      alive: () => this.#runtime.registry.read.alive,
    })
  }

  async drain(given: { readonly delay?: string | number } & CallOptions = {}): Promise<DrainView> {
    return drainedFor(given, (options) => until(options, async () => this.#service.drain()))
  }

  async endDrain(options: CallOptions = {}): Promise<void> {
    await until(options, async () => this.#service.endDrain())
  }

  #write<T>(asked: Parameters<typeof written>[1], write: (service: RegistryService) => Promise<T>) {
    return written(() => this.#service, asked, write)
  }

  pick(slug: string, options?: PickOptions): InstanceView | undefined {
    this.#refuseWhenOver()
    const query = options === undefined ? undefined : pickOfOptions(options)
    options?.signal?.throwIfAborted()
    if (options?.maxAge !== undefined) demandFreshPick(this.#service, slug, parseMaxAge(options.maxAge))
    return this.#counted(slug, this.#runtime.registry.read.picked(slug, query))
  }
  #counted(slug: string, picked: InstanceView | undefined): InstanceView | undefined {
    const { found, empty, unknown } = this.#lookups
    if (picked !== undefined) found.value += 1
    else if (this.#runtime.registry.read.version(slug, true) !== undefined) empty.value += 1
    else unknown.value += 1
    return picked
  }
}
