/**
 * A daemon without a cluster: the service that HTTP asks for, in memory, with just the rules that a caller can see.
 */
import { createHash } from 'node:crypto'
import { type InstanceFilters, matches } from '../../src/config/filters.js'
import type { Act } from '../../src/core/model/act.js'
import type { Finding } from '../../src/core/doctor/findings.js'
import { messageOf, RegistryError } from '../../src/core/model/errors.js'
import type { Deed, Whom } from '../../src/core/journal/entry.js'
import type { JournalQuery } from '../../src/core/journal/journal.js'
import {
  deriveInstanceId,
  type Definition,
  type InstanceStatus,
  type Registration,
} from '../../src/core/model/model.js'
import { readingOf } from '../../src/client/reading.js'
import { Chooser, type PickQuery } from '../../src/core/lookup/chooser.js'
import { type PlacementQuery, placementOf } from '../../src/core/lookup/placement.js'
import { atPort } from '../../src/core/views.js'
import type {
  InstanceCounts,
  InstanceRow,
  InstanceView,
  LookupResult,
  NodeView,
  PickResult,
  PlacedNode,
  Readiness,
} from '../../src/core/views.js'
import type {
  DrainView,
  Freshness,
  PeersView,
  SelfView,
  SessionView,
  SlugList,
  Suspicion,
} from '../../src/core/views.js'
import type { RegistryService, SessionLine, SessionOpening } from '../../src/http/service.js'
import { MemoryNews } from './news.js'

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

export const ownPeer = '12D3KooWD1nSVtBVBjFr3JwSZ8MPGHYQCyX4Xs9AqUU9yBVaBr5A'
export const otherPeer = '12D3KooWAyFDZHLhVGdMNXVVDCyGvJ4BErZQNLPkx9qYDv8DXFrN'

const reading = readingOf(() => ({}))

export class MemoryService implements RegistryService {
  session: { readonly id: string; readonly secret: string; readonly onOver: () => void } | undefined
  readonly #instances = new Map<string, InstanceView>()
  readonly #maintenance = new Map<string, string>()
  readonly #definitions = new Map<string, Definition>()
  #nodes: NodeView[] = [
    {
      id: 'abc',
      url: 'http://10.0.0.5:58231',
      region: 'eu',
      lastHeartbeat: '2026-11-23T12:00:00.000Z',
      usage: { cpu: { percent: 12.5 }, memory: { used: 1024, total: 4096, percent: 25 } },
    },
    {
      id: 'def',
      url: 'http://10.0.0.6:58231/x',
      gpus: [{ id: 'http://10.0.0.6:58231/x:0', name: 'RTX 3090', extra: 1 }],
    },
  ]
  readonly news = new MemoryNews()
  ready: Readiness = { ready: true, reasons: [], degraded: false }
  /** Places that a peer was expected at, or came from. */
  failures: NonNullable<PeersView['failures']> = []
  left = false
  restarts = false
  /** What every write fails with, while set. */
  failure: Error | undefined

  register(registration: Registration): Promise<{ id: string }> {
    return this.#write(() => {
      const equal = [...this.#instances.values()].find(
        ({ url, slug }) => url === registration.url && (slug ?? registration.slug) === (registration.slug ?? slug),
      )
      const id =
        registration.id ?? equal?.id ?? deriveInstanceId(registration.slug ?? undefined, registration.url, sha256)
      const held = this.#instances.get(id)
      const status = held?.url === registration.url ? held.status : 'Unknown'
      this.#maintenance.delete(id)
      const said = Object.entries({ ...held, ...registration }).filter(
        ([, value]) => value !== null && !isEmptyList(value),
      )
      const facts = Object.fromEntries(said) as Omit<InstanceView, 'status'>
      this.#instances.set(id, { ...facts, id, status, nodeUrl: 'http://10.0.0.5:58231' })
      return { id }
    })
  }

  deregister(id: string): Promise<void> {
    return this.#write(() => {
      if (!this.#instances.delete(id)) throw new RegistryError('not-found', `id: there is no instance ${id}`)
    })
  }

  act(id: string, act: Exclude<Act, { type: 'suspect' }>): Promise<void> {
    return this.#write(() => {
      if (id === 'ghost')
        throw new RegistryError('unavailable', 'id: the home node of "ghost" is not heard; ask node def')
      const view = this.#instances.get(id)
      if (view === undefined) throw new RegistryError('not-found', `id: there is no instance ${id}`)
      if (act.type === 'maintenance' && act.reason === undefined) this.#maintenance.delete(id)
      if (act.type === 'maintenance' && act.reason !== undefined) this.#maintenance.set(id, act.reason)
      if (act.type === 'renew') throw new RegistryError('conflict', `id: ${id} has no ttl, and needs no renewal`)
      if (act.type === 'patch') {
        const { type: _, ...patch } = act
        const said = Object.entries({ ...view, ...patch }).filter(([, value]) => value !== null && !isEmptyList(value))
        this.#instances.set(id, Object.fromEntries(said) as unknown as InstanceView)
      }
      if (act.type === 'status') {
        const { status, details } = act
        this.#instances.set(id, { ...view, status, ...(details !== undefined && { details }) })
      }
      this.#version = {}
    })
  }

  /** Who was suspicious of what. */
  readonly suspicions: string[] = []

  suspect(id: string, caller?: string): Promise<Suspicion> {
    return this.#write(() => {
      const view = this.#instances.get(id)
      if (view === undefined) throw new RegistryError('not-found', `id: there is no instance ${id}`)
      this.suspicions.push(`${caller ?? ''} ${id}`)
      return { status: view.status, checked: this.suspicions.length === 1 }
    })
  }

  openSession({ secret = 'secret', onOver }: SessionOpening): Promise<SessionLine> {
    this.session = { id: 'ses_1', secret, onOver }
    return Promise.resolve({ id: 'ses_1', secret, lost: () => (this.session = undefined) })
  }

  hearSession(): Promise<void> {
    return this.#write(() => undefined)
  }

  endSession(): Promise<void> {
    return this.#write(() => this.session?.onOver())
  }

  sessions(): readonly SessionView[] {
    return this.session === undefined ? [] : [{ id: this.session.id, state: 'open', grace: '5s', instances: 0 }]
  }

  saveDefinition(definition: Definition): Promise<void> {
    return this.#write(() => void this.#definitions.set(definition.id, definition))
  }

  removeDefinition(id: string): Promise<void> {
    return this.#write(() => {
      if (!this.#definitions.delete(id)) throw new RegistryError('not-found', `id: there is no definition ${id}`)
    })
  }

  removeNode(url: string): Promise<void> {
    return this.#write(() => {
      const kept = this.#nodes.filter((node) => node.url !== url)
      if (kept.length === this.#nodes.length) throw new RegistryError('not-found', `url: there is no node at ${url}`)
      this.#nodes = kept
    })
  }

  isDraining = false

  async drain(): Promise<DrainView> {
    await this.#write(() => (this.isDraining = true))
    return { instances: this.#instances.size, acks: 2, alive: 2 }
  }

  async endDrain(): Promise<void> {
    await this.#write(() => (this.isDraining = false))
  }

  async leave({ restart = false }: { restart?: boolean } = {}): Promise<void> {
    await this.#write(() => undefined)
    this.left = true
    this.restarts = restart
  }

  instances(slug?: string): readonly InstanceView[] {
    return [...this.#instances.values()].filter(
      (view) => (slug === undefined || view.slug === slug) && !this.#maintenance.has(view.id),
    )
  }

  /** Nothing is taken from before. */
  #asked = 0
  get revision(): number {
    return (this.#asked += 1)
  }

  instanceRows(filters: InstanceFilters = {}): readonly InstanceRow[] {
    const rows = [...this.#instances.values()].map((view): InstanceRow => {
      const maintenance = this.#maintenance.get(view.id)
      const words = { why: `in maintenance: ${maintenance}`, reason: 'maintenance' } as const
      const why = maintenance === undefined ? {} : { maintenance, ...words }
      const { check = 'tcp' } = view as Partial<InstanceRow>
      return {
        ...view,
        ...why,
        check,
        lifetime: 'persistent',
        owner: ownPeer,
        nodeId: 'abc',
        n: 1,
        visible: maintenance === undefined,
      }
    })
    const dead: InstanceRow = {
      ...{ id: 'ghost', url: 'http://10.0.0.9:80', slug: 'gone', status: 'Healthy', owner: otherPeer, n: 3 },
      check: 'tcp',
      lifetime: 'persistent',
      visible: false,
      why: 'node hidden',
      reason: 'node-hidden',
    }
    return [...rows, dead].filter((row) => matches(row, filters))
  }

  lookup(slug: string, query?: PickQuery): LookupResult {
    const instances = this.instances(slug)
    const found = this.#next(slug, this.#suggestions, query)
    const picked = found === undefined || query?.port === undefined ? found : atPort(found, query.port)
    if (picked === undefined) throw new RegistryError('not-found', `slug: nothing is registered as ${slug}`)
    return { slug, instances, picked, degraded: this.degraded }
  }

  readonly #watches = new Set<{ readonly slug: string; readonly tell: (list: SlugList) => void }>()

  /** How many watch. */
  get watchers(): number {
    return this.#watches.size
  }

  watch(slug: string, tell: (list: SlugList) => void): () => void {
    const watch = { slug, tell }
    this.#watches.add(watch)
    tell(this.#list(slug))
    return () => void this.#watches.delete(watch)
  }

  /** Tells all who watch a slug one list. */
  tellList(slug: string, list: SlugList = this.#list(slug)): void {
    for (const watch of this.#watches) if (watch.slug === slug) watch.tell(list)
  }

  #list(slug: string): SlugList {
    const instances = this.instances(slug)
    const known = instances.length === 0 ? { unknown: true as const } : {}
    return { slug, instances, degraded: this.degraded, ...known, position: this.news.position }
  }

  /** Each change of anything makes a new one. */
  #version = {}
  #degraded = false

  get degraded(): boolean {
    return this.#degraded
  }

  set degraded(degraded: boolean) {
    this.#degraded = degraded
    this.#version = {}
  }

  readonly #picks = new Chooser(reading, 0)
  readonly #suggestions = new Chooser(reading, 0)

  version(slug: string): object | undefined {
    return this.instances(slug).length === 0 ? undefined : this.#version
  }

  suggest(slug: string, query?: PickQuery): string | undefined {
    return this.#next(slug, this.#suggestions, query)?.id
  }

  pick(slug: string, query?: PickQuery): PickResult {
    const instances = this.instances(slug)
    if (instances.length === 0) throw new RegistryError('not-found', `slug: nothing is registered as ${slug}`)
    const next = this.#next(slug, this.#picks, query)
    const picked = next === undefined || query?.port === undefined ? next : atPort(next, query.port)
    return { slug, ...(picked !== undefined && { picked }), degraded: this.degraded }
  }

  #next(slug: string, chooser: Chooser<InstanceView>, query?: PickQuery): InstanceView | undefined {
    const listed = [...this.instances(slug)].sort((a, b) => (a.id < b.id ? -1 : 1))
    return chooser.choose(slug, { pools: [{ listed, inDoubt: false }] }, query)
  }

  slugOf(id: string): string | null | undefined {
    const view = this.#instances.get(id)
    return view && (view.slug ?? null)
  }

  slugMeant({ id, url, slug: said }: Registration): string | null | undefined {
    const slug = said ?? undefined
    if (id !== undefined) return this.slugOf(id)
    const meant = [...this.#instances.values()].find((one) => one.url === url && [undefined, one.slug].includes(slug))
    return meant && (meant.slug ?? null)
  }

  definitions(): readonly Definition[] {
    return [...this.#definitions.values()]
  }

  nodes(): readonly NodeView[] {
    return this.#nodes
  }

  held = 2
  holders(): Promise<number> {
    return Promise.resolve(this.held)
  }

  homeOf(): string {
    return ownPeer
  }

  fresh: Freshness = { heardAge_ms: 340, inStep: 2, members: 2 }
  freshness(): Freshness {
    return this.fresh
  }

  pickNodes(query: PlacementQuery): readonly PlacedNode[] {
    return placementOf(
      this.#nodes.map((node) => ({ node, age_ms: 1000 })),
      query,
    )
  }

  selfNode(): NodeView {
    return { id: 'abc', url: 'http://10.0.0.5:58231' }
  }

  instanceCounts(): InstanceCounts {
    const rows = this.instanceRows()
    const visible: Partial<Record<InstanceStatus, number>> = {}
    for (const { status } of rows.filter((row) => row.visible)) visible[status] = (visible[status] ?? 0) + 1
    return { visible, notVisible: rows.filter((row) => !row.visible).length }
  }

  self(): SelfView {
    return {
      ...{ peer: ownPeer, nodeId: 'abc', url: 'http://10.0.0.5:58231', cluster: 'default', version: '0.1.0' },
      ...{
        protocol: 2,
        generation: 7,
        listen: ['/ip4/10.0.0.5/tcp/58232'],
        ready: this.ready,
        alive: 2,
        uptime_ms: 1234,
      },
      dropped: { 'bad signature': 2 },
      state: {
        ...{
          sessions: 0,
          phase: 'ready' as const,
          generation: 1_795_521_600,
          incarnation: 0,
          version: 12,
          epoch: 3,
          committing: false,
        },
        ...{ waitingForDisk: 0, entries: 4, entryBytes: 812, queuedCommands: 0 },
        ...{ documents: 1, declined: 0, copies_bytes: 17_942, unsavedDocuments: 0 },
        members: { unknown: 0, alive: 1, hidden: 0, dead: 0, left: 0 },
        ...{
          connections: 1,
          requests: { sync: 0, pull: 0, push: 0, remove: 0, act: 0, compare: 0, silences: 0 },
          gaps: 0,
          waitingAnswers: 0,
        },
        degraded: false,
      },
    }
  }

  members(): ReturnType<RegistryService['members']> {
    const common = { incarnation: 0, version: 12, reportedBy: [], sameLabel: false }
    return [
      { ...common, peer: ownPeer, nodeId: 'abc', self: true, state: 'alive', stateAge_ms: 90_000, generation: 7 },
      {
        ...{ ...common, peer: otherPeer, nodeId: 'def', url: 'http://10.0.0.6:58231/x', self: false, generation: 9 },
        ...{
          state: 'hidden',
          stateAge_ms: 1500,
          why: 'reported silent by 1',
          trouble: 'a clone',
          heardAge_ms: 4000,
          load: 12.5,
          reportedBy: [ownPeer],
        },
      },
    ]
  }

  peers(): PeersView {
    return {
      inStep: false,
      degraded: false,
      summary: 'not in step with 1 of 1 peers',
      peers: [
        {
          ...{
            peer: otherPeer,
            nodeId: 'def',
            connected: true,
            address: '/ip4/10.0.0.6/tcp/58232',
            direction: 'outbound',
          },
          ...{ connectedSince: new Date(Date.now() - 65_000).toISOString(), roundTrip_ms: 1.234, streamsHealthy: true },
          ...{ heartbeats: 65, heartbeatAge_ms: 400, inStep: false, lastSyncAge_ms: 12_000, lastSyncBrought: 3 },
        },
      ],
      ...(this.failures.length > 0 && { failures: this.failures }),
      mdns: [
        { interface: 'eth0', family: 'IPv4' },
        { interface: 'eth0', family: 'IPv6', trouble: 'cannot send: send EPERM ff02::fb%eth0:5353' },
      ],
    }
  }

  digest(): ReturnType<RegistryService['digest']> {
    return { digest: 'ab12', documents: [{ owner: ownPeer, generation: 7, version: 12, digest: 'cd34' }] }
  }

  async metrics(): Promise<string> {
    return '# TYPE rollcall_ready gauge\nrollcall_ready 1\n'
  }

  readiness(): Readiness {
    return this.ready
  }

  doctor(): ReturnType<RegistryService['doctor']> {
    const { at, by } = { at: '2026-11-24T12:00:00.000Z', by: 'abc' }
    const { notAsked } = this
    return Promise.resolve({
      at,
      by,
      answered: 1,
      nodes: 2,
      ...(notAsked && { notAsked }),
      findings: [...this.findings],
    })
  }

  notAsked = 0

  findings: Finding[] = []

  /** What the doors refused by themselves. */
  readonly refusals: (Deed & Whom & { readonly error: string })[] = []

  refused(deed: Deed, error: unknown, whom: Whom): void {
    this.refusals.push({ ...deed, ...whom, error: messageOf(error) })
  }

  history({ id, slug, limit }: JournalQuery): ReturnType<RegistryService['history']> {
    const [at, from] = ['2026-11-24T12:00:00.000Z', '2026-11-24T08:00:00.000Z']
    const whom = { via: 'http', by: 'ci', address: '10.0.0.7', outcome: 'done' } as const
    const entry = { seq: 1, at, act: 'maintenance', id: 'web-1', slug: 'web', node: 'abc', peer: ownPeer } as const
    const other = { node: 'def', peer: otherPeer, how: 'unreachable' } as const
    const isMeant = [undefined, 'web-1'].includes(id) && [undefined, 'web'].includes(slug)
    const entries = isMeant ? [{ ...entry, ...whom, details: 'new disk' }].slice(0, limit) : []
    return Promise.resolve({
      ...{ at, by: 'abc', from, entries },
      nodes: [{ node: 'abc', peer: ownPeer, how: 'self', from }, ...(id === undefined ? [] : [other])],
      notAsked: id === undefined ? [] : ['def'],
    })
  }

  survey(): ReturnType<RegistryService['survey']> {
    const own = { id: 'abc', peer: ownPeer, how: 'self', phase: 'ready', ready: true, inDoubt: false } as const
    return Promise.resolve({
      ...{ at: '2026-11-24T12:00:00.000Z', by: 'abc', took_ms: 3 },
      nodes: [
        { ...own, software: '0.1.0', protocol: 2, digest: 'ab12', sees: [] },
        { id: 'def', peer: otherPeer, url: 'http://10.0.0.6:58231/x', how: 'old' },
      ],
    })
  }

  async #write<T>(change: () => T): Promise<T> {
    await Promise.resolve()
    if (this.failure !== undefined) throw this.failure
    this.#version = {}
    return change()
  }
}
