/**
 * A node without doors: a registry on a disk, in a network. It is begun and ended in order. The daemon opens HTTP on it, a
 * program that embeds it calls it; nothing in here writes a line to a log by itself, answers a signal, or ends the process.
 */
import { randomBytes } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import type { Config } from '../config.js'
import { packageVersion, protocolVersion } from '../config/version.js'
import type { RegistryEvent } from '../core/effects.js'
import { deriveNodeId, type NodeRecord } from '../core/model/model.js'
import { Registry } from '../core/registry.js'
import type { RegistryService } from '../http/service.js'
import { createChecker } from '../io/checks.js'
import { createCrypto } from '../io/crypto.js'
import { createNetwork, type Network } from '../io/network/network.js'
import type { DataDir } from '../io/storage/data-dir.js'
import type { StoredState } from '../io/storage/storage.js'
import type { Log } from '../log.js'
import { Churning } from './churning.js'
import type { Diagnosing } from './diagnosing.js'
import { Engine } from './engine.js'
import { Beginning } from './first-contact.js'
import { Labels } from './labels.js'
import { type End, Life } from './life.js'
import { lineOf, memberName, type Line, type Register, writeLine } from './log-lines.js'
import { type Metering, meteringOf } from './metering.js'
import { News } from './news.js'
import { Questions } from './questions.js'
import { ReachWarnings } from './reach-warnings.js'
import { createService } from './service.js'
import { SessionLines } from './sessions.js'
import { Silences } from './silences.js'
import { SlugWatches } from './slug-watches.js'
import { telling } from './telling.js'
import { UnheardLines } from './unheard-lines.js'
import { keepTellingWhereabouts } from './whereabouts.js'

/** What of the configuration concerns a node, whoever runs it. */
export type NodeConfig = Pick<
  Config,
  | 'cluster'
  | 'listen'
  | 'listenElsewhere'
  | 'join'
  | 'announce'
  | 'mdns'
  | 'nodeId'
  | 'region'
  | 'zone'
  | 'clusterKey'
  | 'copiesMib'
  | 'metricsSlugs'
  | 'testDropGossip'
>

export interface RuntimeOptions {
  readonly config: NodeConfig
  /** By which callers know this node, asked every few seconds: it may change with the addresses of the machine. */
  readonly url: () => string
  readonly dataDir: DataDir
  /** The key goes with this run: nobody who knows this node has to keep anything of it once it has said goodbye. */
  readonly transient: boolean
  readonly stored: StoredState
  /** Where this node answers HTTP, if it does. */
  readonly http?: string
  /** Where it answers DNS, if it does, and what it did not answer there. */
  readonly dns?: { readonly address: string; dropped(): Readonly<Record<string, number>> }
  readonly log: Log
  /** What is counted at its doors; absent: it has none. */
  readonly doors?: Metering['doors']
  /** @param line the event as a log tells it */
  readonly onEvent: (event: RegistryEvent, line: Line) => void
  /** A rule of ours did not hold: nothing that follows can be trusted. */
  readonly onBug: (error: unknown) => void
  /** How to end what was begun, in the order of its beginning; this node adds to it. */
  readonly ends: End[]
}

export interface Runtime {
  readonly engine: Engine
  readonly network: Network
  readonly registry: Registry
  readonly beginning: Beginning
  readonly news: News
  readonly service: RegistryService
  readonly life: Life
  readonly metering: Metering
  /** What is wrong as far as this node knows it without asking anybody. */
  readonly diagnosis: Diagnosing['diagnosis']
  readonly clocks: Diagnosing['clocks']
  /** Multiaddrs that peers can dial, with our peer id; empty before the start. */
  addresses(): readonly string[]
  /**
   * Resolves once the network listens; reads are served from the first moment on.
   * @throws RegistryError naming the option that has to change
   */
  start(): Promise<void>
}

/** Builds a node and joins its parts; nothing happens yet, and what was added to `ends` is safe to end. */
export function createRuntime(options: RuntimeOptions): Runtime {
  const { dataDir, log, ends, onEvent, onBug } = options
  const startedAt = performance.now()
  const boot = randomBytes(8).toString('hex')
  const node = describeNode(options)
  const registry = createRegistry(options, node, boot)
  const now = (): ReturnType<Engine['now']> => engine.now()
  const dialOf: Register['dial'] = (peer) => network.dialOf(peer)
  const registered: Register = {
    dial: dialOf,
    nodeRecord: (peer) => registry.read.nodeRecord(peer),
    record: (id) => registry.read.record(id),
  }
  const news = new News({
    run: boot.slice(0, 8),
    instance: (id) => registry.read.visible(id, now()),
    nodeId: (peer) => registry.read.nodeId(peer),
    wall: () => now().wall,
  })
  const checker = createChecker()
  const sessions = new SessionLines((command) => engine.command(command))
  const warn = (message: string): void => tell({ type: 'warning', message })
  const silences = new Silences({ alive: () => registry.read.alive, dial: dialOf, now: () => now().now })
  const unheard = new UnheardLines(() => now().now)
  const churning = new Churning({ registry, register: registered, now, warn })
  const labels = new Labels((peer) => registry.read.nodeRecord(peer))
  const tell = (event: RegistryEvent): void => {
    churning.heard(event)
    labels.heard(event)
    sessions.heard(event)
    news.tell(event)
    const weighed = silences.weigh(event, lineOf(event, registered))
    const { before } = weighed
    const line = unheard.weigh(event, weighed.line)
    if (before !== undefined) tell({ type: 'warning', message: before })
    const said = told.recorder.heard(event)
    onEvent(event, said === undefined ? line : { ...line, fields: { ...line.fields, ...said } })
  }
  const watches = new SlugWatches({ read: registry.read, position: () => news.position })
  const onHandled = (): void => {
    told.recorder.handled()
    watches.look()
    beginning.look()
  }
  const dropped = (): Record<string, number> => ({
    ...{ ...network.dropped(), ...registry.dropped(), ...questions.dropped(), ...options.dns?.dropped() },
  })
  const metering = meteringOf({
    ...{ registry, stored: options.stored, doors: options.doors, now, readiness: () => service.readiness() },
    dropped,
    bySlug: options.config.metricsSlugs,
  })
  const { meter, metrics } = metering
  const engine = new Engine({ registry, dataDir, checker, meter, onEvent: tell, onHandled, onBug })
  const nameOf = (peer: string): string => memberName(peer, registered)
  const network = createNetworkFor(options, { nameOf, engine, questions: () => questions })
  const questions = new Questions({ network, now: () => now().now })
  engine.attach(network)
  const beginning = new Beginning({
    contact: () => network.firstContact(),
    isReady: () => registry.readiness().ready,
    behind: () => registry.behind,
    now: () => now().now,
    tell: (stage) => engine.feed({ type: 'beginning', stage }),
  })
  ends.push(
    () => checker.stop(),
    () => engine.stop(),
    () => watches.stop(),
  )
  const life = new Life({ ends, engine, log })
  const reach = new ReachWarnings({ registry, now, warn })
  const self = (): ReturnType<Parameters<typeof createService>[0]['self']> => ({
    nodeId: node.id,
    url: options.url(),
    cluster: options.config.cluster,
    version: packageVersion,
    protocol: protocolVersion,
    ...(options.http !== undefined && { http: options.http }),
    ...(options.dns !== undefined && { dns: options.dns.address }),
    listen: network.addresses(),
  })
  const told = telling(new Date().toISOString(), {
    ...{ self: dataDir.key.publicKey.toString(), write: (line: Line) => writeLine(log, line) },
    ...{ read: registry.read, now, questions },
    seen: { registry, network, engine, labels, self: () => service.self() },
    ...{ churn: () => churning.lasting(), documents: () => metering.documents() },
  })
  const service = createService({
    registry,
    engine,
    network,
    news,
    watches,
    sessions,
    startedAt,
    standing: () => beginning.standing(),
    self,
    metrics,
    onRegistered: (id, registration) => reach.registered(id, registration),
    leave: (options) => life.leave(options),
    ...told,
    labels,
    dropped,
  })
  return {
    ...{ engine, network, registry, beginning, news, life, service, metering },
    diagnosis: () => told.diagnosis(),
    clocks: () => told.clocks(),
    addresses: () => network.addresses().map((address) => `${address}/p2p/${network.peerId}`),
    async start() {
      await engine.start()
      ends.push(() => network.stop())
      await network.start()
      ends.push(keepTellingWhereabouts({ engine, network, url: options.url, log, onEvent: tell }))
    },
  }
}

function describeNode({ config, dataDir, url, transient }: RuntimeOptions): Omit<NodeRecord, 'addresses'> {
  return {
    id: config.nodeId ?? deriveNodeId(dataDir.key.publicKey.toString()),
    url: url(),
    ...(config.region !== undefined && { region: config.region }),
    ...(config.zone !== undefined && { availabilityZone: config.zone }),
    ...(transient && { transient }),
    ...{ software: packageVersion, protocol: protocolVersion },
  }
}

/** Copies of the records of others may take this share of the heap: own records, and reading a large document, need the rest. */
const copiesShare = 1 / 3

function createRegistry(
  { config, dataDir, stored }: RuntimeOptions,
  node: Omit<NodeRecord, 'addresses'>,
  boot: string,
): Registry {
  const { documents, notes } = stored
  const { copiesMib } = config
  const copies_bytes =
    copiesMib === undefined ? getHeapStatistics().heap_size_limit * copiesShare : copiesMib * 1024 * 1024
  return new Registry(
    {
      self: dataDir.key.publicKey.toString(),
      boot,
      crypto: createCrypto(dataDir.key),
      node,
      freshKey: dataDir.freshKey,
      generation: dataDir.generation,
      documents,
      copies_bytes,
      notes: Object.fromEntries(notes),
      ...(dataDir.secrets !== undefined && { secrets: dataDir.secrets }),
      ...(dataDir.lastUp !== undefined && { lastUp: dataDir.lastUp }),
    },
    { now: performance.now(), wall: Date.now() },
  )
}

/** Who is told what comes in. */
interface Listening {
  readonly engine: Engine
  readonly questions: () => Questions
  readonly nameOf: (peer: string) => string
}

function createNetworkFor({ config, dataDir, log }: RuntimeOptions, { nameOf, engine, questions }: Listening): Network {
  const options = {
    key: dataDir.key,
    cluster: config.cluster,
    listen: config.listen,
    listenFallback: config.listenElsewhere,
    announce: config.announce,
    join: config.join,
    mdns: config.mdns,
    ...(config.clusterKey !== undefined && { clusterKey: config.clusterKey }),
    addressBook: { load: () => dataDir.readAddressBook(), save: (json: string) => dataDir.writeAddressBook(json) },
    log,
    nameOf,
    ...(config.testDropGossip > 0 && { faults: { dropGossip: config.testDropGossip } }),
  }
  return createNetwork(options, {
    connected: (peer) => engine.feed({ type: 'connected', peer }),
    disconnected: (peer) => engine.feed({ type: 'disconnected', peer }),
    refused: (peer, isVacant) => engine.feed({ type: 'refused', peer, isVacant }),
    shunned: (peer, for_ms) => engine.feed({ type: 'shunned', peer, for_ms }),
    gossip: (author, bytes) => engine.feed({ type: 'gossip', author, bytes }),
    beat: (from, bytes) => engine.feed({ type: 'beat', from, bytes }),
    request(from, bytes, reply) {
      if (!questions().hear(from, bytes, reply)) engine.request(from, bytes, reply)
    },
  })
}
