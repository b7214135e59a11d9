/**
 * A running daemon as its doors see it: reads from the registry's memory, writes through the engine. It holds no state.
 */
import { type InstanceFilters, matches, ofRecords } from '../config/filters.js'
import type { Command, Moment } from '../core/effects.js'
import { atOnce } from '../core/basics/steps.js'
import { RegistryError } from '../core/model/errors.js'
import type { NodeRecord, PeerId, Registration } from '../core/model/model.js'
import type { Reads } from '../core/reads.js'
import type { Registry } from '../core/registry.js'
import type { InstanceRow, NewsFeed, Readiness, SelfView } from '../core/views.js'
import type { RegistryService } from '../http/service.js'
import type { Metric } from '../metrics/samples.js'
import type { Network } from '../io/network/network.js'
import { drainNode } from './draining.js'
import type { Standing } from './first-contact.js'
import type { Engine } from './engine.js'
import { deedsOf, wordsOf } from './deeds.js'
import type { Labels } from './labels.js'
import type { Recorder } from './recording.js'
import type { SessionLines } from './sessions.js'
import type { SlugWatches } from './slug-watches.js'
import { membersView, peersView } from './views.js'

export interface ServiceParts {
  readonly registry: Registry
  readonly engine: Pick<Engine, 'command' | 'now'>
  readonly network: Pick<Network, 'peerId' | 'peers' | 'failures' | 'mdns'>
  /** How far its search for the others has come, and what they hold. */
  readonly standing: () => Standing
  readonly news: NewsFeed
  readonly watches: Pick<SlugWatches, 'watch'>
  readonly sessions: Pick<SessionLines, 'open'>
  /** Changes in the life of a daemon: what it is called, where it listens. */
  readonly self: () => Pick<SelfView, 'nodeId' | 'url' | 'cluster' | 'version' | 'protocol' | 'http' | 'dns' | 'listen'>
  readonly recorder: Pick<Recorder, 'tell' | 'refused'>
  readonly history: RegistryService['history']
  /** Asks its peers what they see. */
  readonly survey: RegistryService['survey']
  /** What each has called itself. */
  readonly labels: Pick<Labels, 'look' | 'of'>
  readonly doctor: RegistryService['doctor']
  readonly startedAt: number
  /** What was dropped since the start, wherever it came in, by reason. */
  readonly dropped: () => Readonly<Record<string, number>>
  /** All of this node; absent: none. */
  readonly metrics?: readonly Metric[]
  /** Told of each registration that was taken. */
  readonly onRegistered?: (id: string, registration: Registration) => void
  /** Says goodbye; the daemon ends soon after. */
  readonly leave: (options?: { readonly restart?: boolean }) => Promise<void>
}

export function createService(parts: ServiceParts): RegistryService {
  const { registry, engine, network, news, recorder } = parts
  const now = (): ReturnType<Engine['now']> => engine.now()
  const write = async (command: Command): Promise<string | undefined> => {
    const result = await engine.command(command)
    if (!result.ok) throw result.error
    return result.value
  }
  const holders: RegistryService['holders'] = async (acks, home) => {
    const counted = await engine.command({ type: 'acknowledge', ...acks, ...(home !== undefined && { home }) })
    return counted.ok ? Number(counted.value) : 1
  }
  const { deedOf, described } = deedsOf(registry.read)
  const here = (): { readonly node: string } => ({ node: parts.self().nodeId })
  const isDraining = (): boolean => registry.read.nodeRecord(network.peerId)?.draining === true
  return {
    async register(registration, { whom, ...options } = {}) {
      const meant = registry.read.idMeant(registration)
      const id = await recorder.tell(
        deedOf(meant, 'register', registration),
        whom,
        async () => (await write({ type: 'register', registration, ...options })) as string,
        { fact: () => registry.read.record(meant), done: (id) => ({ id }), isSign: true },
      )
      parts.onRegistered?.(id, registration)
      return { id }
    },
    deregister: async (id, whom) =>
      recorder.tell(deedOf(id, 'deregister'), whom, async () => void (await write({ type: 'deregister', id }))),
    holders,
    homeOf: (id) => registry.read.homeOf(id),
    async act(id, act, whom) {
      const run = async (): Promise<void> => void (await write({ type: 'act', id, act }))
      const { name, ...told } = wordsOf(act)
      if (name === 'renew') return run()
      const fact = (): unknown => registry.read.record(id)
      await recorder.tell({ ...deedOf(id, name), ...told }, whom, run, {
        fact,
        ...(name === 'status' && { isSign: true }),
      })
    },
    async suspect(id, caller) {
      const act = { type: 'suspect', ...(caller !== undefined && { caller }) } as const
      const checked = (await write({ type: 'act', id, act })) === 'checked'
      return { ...(registry.read.statusOf(id) ?? { status: 'Unknown' }), checked }
    },
    openSession: ({ whom, ...opening }) =>
      recorder.tell({ act: 'open session' }, whom, () => parts.sessions.open(opening), { done: ({ id }) => ({ id }) }),
    hearSession: async (id, secret, holder) =>
      void (await write({ type: 'hear-session', id, secret, ...(holder !== undefined && { holder }) })),
    endSession: (id, secret, holder, whom) =>
      recorder.tell(
        { act: 'end session', id },
        whom,
        async () => void (await write({ type: 'end-session', id, secret, ...(holder !== undefined && { holder }) })),
      ),
    sessions: () => registry.read.sessions(now()),
    saveDefinition: (definition, whom) =>
      recorder.tell(
        { act: 'save definition', id: definition.id },
        whom,
        async () => void (await write({ type: 'save-definition', definition })),
        { fact: () => registry.read.definition(definition.id) },
      ),
    removeDefinition: (id, whom) =>
      recorder.tell({ act: 'remove definition', id }, whom, async () => {
        await write({ type: 'remove-definition', id })
      }),
    removeNode(url, whom) {
      const nodes = registry.read.nodeRecords()
      const [owner, ...more] = ownersNamed(url, nodes)
      const node = owner !== undefined && more.length === 0 ? nodes.get(owner)?.id : undefined
      return recorder.tell({ act: 'remove node', node: node ?? url }, whom, async () => {
        await write({ type: 'remove-node', owner: ownerNamed(url, registry.read.nodeRecords()) })
      })
    },
    drain: (whom) =>
      recorder.tell(
        { act: 'drain node', ...here() },
        whom,
        () =>
          drainNode({
            hide: async () => Number(await write({ type: 'drain', isDraining: true })),
            holders,
            alive: () => registry.read.alive,
          }),
        { fact: isDraining },
      ),
    endDrain: (whom) =>
      recorder.tell(
        { act: 'end node drain', ...here() },
        whom,
        async () => void (await write({ type: 'drain', isDraining: false })),
        { fact: isDraining },
      ),
    leave: (options, whom) =>
      recorder.tell(
        { act: 'leave', ...here(), ...(options?.restart === true && { details: 'for a restart' }) },
        whom,
        () => parts.leave(options),
      ),
    refused: (deed, error, whom) => recorder.refused(described(deed), error, whom),
    history: (query) => parts.history(query),
    get revision() {
      return registry.read.revision
    },
    instances: (slug) => registry.read.instances(now(), slug),
    instanceRows: (filters) => rowsOf(registry.read, now(), filters),
    lookup: (slug, query) => registry.read.lookup(slug, now(), query),
    freshness: (slug) => registry.read.freshness(slug, now()),
    watch: (slug, tell) => parts.watches.watch(slug, tell),
    version: (slug, lastKnown) => registry.read.version(slug, lastKnown),
    pick: (slug, query) => registry.read.pickOnce(slug, now(), query),
    suggest: (slug, query) => registry.read.suggest(slug, query)?.record.id,
    slugOf: (id) => registry.read.slugOf(id),
    slugMeant: (registration) => registry.read.slugMeant(registration),
    definitions: () => registry.read.definitions(),
    nodes: () => registry.read.nodes(now()),
    pickNodes: (query) => registry.read.pickNodes(query, now()),
    selfNode: () => registry.read.node(network.peerId, now()),
    self: () => selfView(parts),
    instanceCounts: () => registry.figures.instances(),
    members: () => atOnce(membersView(parts)),
    peers: () => atOnce(peersView(parts)),
    digest: () => registry.read.digest(),
    readiness: () => readinessOf(parts),
    survey: () => parts.survey(),
    doctor: () => parts.doctor(),
    metrics: exposing(parts.metrics ?? []),
    news,
  }
}

function rowsOf(read: Reads, at: Moment, filters?: InstanceFilters): readonly InstanceRow[] {
  if (filters === undefined) return read.rows(at)
  const ofRecord = ofRecords(filters)
  return read.rows(at, (record) => matches(record, ofRecord)).filter((row) => matches(row, filters))
}

/**
 * The owner of the node record with that url. A peer id names one as well: the way out where several share a url and some
 * of them are dead, so that nobody can start them with another.
 * @throws RegistryError where no node has the url, or several have
 */
export function ownerNamed(name: string, nodes: ReadonlyMap<PeerId, NodeRecord>): PeerId {
  const named = ownersNamed(name, nodes)
  if (named.length > 1) {
    const list = named.map((owner) => `${nodes.get(owner)?.id ?? ''} (peer ${owner})`).join(', ')
    throw new RegistryError(
      'conflict',
      `url: ${named.length} nodes have ${JSON.stringify(name)}: ${list}; delete one by its peer id (DELETE /registry-svc/node/PEER), and start each living one with a --url of its own`,
    )
  }
  const [owner] = named
  if (owner !== undefined) return owner
  throw new RegistryError('not-found', `url: no node has ${JSON.stringify(name)}; see POST /registry-svc/nodes`)
}

function ownersNamed(name: string, nodes: ReadonlyMap<PeerId, NodeRecord>): readonly PeerId[] {
  const owners = [...nodes].flatMap(([owner, { url }]) => (url === name ? [owner] : []))
  return owners.length === 0 && nodes.has(name) ? [name] : owners
}

/** The library that writes metrics is loaded when somebody asks for them first. */
function exposing(metrics: readonly Metric[]): () => Promise<string> {
  let expose: Promise<() => Promise<string>> | undefined
  const load = async (): Promise<() => Promise<string>> =>
    (await import('../metrics/exposition.js')).expositionOf(metrics)
  return async () => (await (expose ??= load()))()
}

function selfView(parts: ServiceParts): SelfView {
  const { registry, network, engine, startedAt, self } = parts
  return {
    peer: network.peerId,
    ...self(),
    generation: registry.generation,
    ready: readinessOf(parts),
    alive: registry.read.alive,
    uptime_ms: Math.round(engine.now().now - startedAt),
    dropped: parts.dropped(),
    state: registry.toJSON(),
  }
}

/** What the register says of itself, with what came of looking for the cluster. */
export function readinessOf({ registry, standing }: Pick<ServiceParts, 'registry' | 'standing'>): Readiness {
  const own = registry.readiness()
  const { unready, alone, behind } = standing()
  if (unready === undefined) {
    const isBehind = behind || registry.read.ownersDeclined > 0
    return { ...own, ...(own.ready && alone && { alone }), ...(own.ready && isBehind && { behind: true }) }
  }
  const { reasons, causes = [], degraded } = own
  return { ready: false, reasons: [...reasons, unready.why], causes: [...causes, unready.cause], degraded }
}
