/**
 * The composition root: opens the disk, the doors and the network, sets a registry between them, and ends all of it in order.
 */
import './polyfill.js'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Config, defaultNodeUrl } from './config.js'
import { RegistryError } from './core/errors.js'
import type { NodeRecord } from './core/model.js'
import { deriveNodeId } from './core/model.js'
import { Registry } from './core/registry/registry.js'
import { logEvent } from './daemon/chronicle.js'
import { Engine } from './daemon/engine.js'
import { type End, endAll, Life } from './daemon/life.js'
import { createService } from './daemon/service.js'
import { createHttpServer } from './http/server.js'
import type { RegistryService } from './http/service.js'
import { createChecker } from './io/checks.js'
import { createCrypto } from './io/crypto.js'
import { createMachine } from './io/machine.js'
import { createNetwork, type Network } from './io/network/network.js'
import { type DataDir, openDataDir } from './io/storage/data-dir.js'
import type { Holdings } from './io/storage/storage.js'
import type { Log } from './log.js'

/** How often the machine's figures are told, and the addresses looked at again. */
const vitalsInterval_ms = 10_000
const addressesInterval_ms = 5000
/** Nobody found for so long: say what may be wrong. */
const aloneAfter_ms = 10_000

export interface Daemon {
  readonly service: RegistryService
  readonly http: { readonly url: string }
  readonly peerId: string
  /** Multiaddrs that peers can dial. */
  readonly listen: readonly string[]
  /** Says goodbye and ends everything; any number of times. */
  stop(): Promise<void>
  /** Resolves once it has ended, whoever asked for it. */
  readonly stopped: Promise<void>
}

/**
 * Starts a daemon: when this resolves it serves reads; see `service.readiness` for writes.
 * @throws RegistryError naming the option that has to change, where it cannot start
 */
export async function startDaemon(config: Config, log: Log): Promise<Daemon> {
  const ends: End[] = []
  try {
    return await compose(config, log, ends)
  } catch (error) {
    await endAll(ends, log)
    throw error
  }
}

/** @param ends collects how to end what was begun, in the order of its beginning */
async function compose(config: Config, log: Log, ends: End[]): Promise<Daemon> {
  const startedAt = performance.now()
  const dataDir = await openDataDir(config.dataDir)
  ends.push(() => dataDir.close())
  const holdings = await dataDir.storage.load()
  logDisk(dataDir, holdings, log)

  const late: { service?: RegistryService } = {}
  const service = standIn(() => late.service)
  const doors = { allowedHosts: hostsOf(config.url), corsOrigins: config.corsOrigin }
  const http = createHttpServer({
    ...config.http,
    service,
    log,
    ...doors,
    ...(config.tokens !== undefined && { credentials: config.tokens }),
  })
  ends.push(() => http.stop())
  const bound = await http.start()

  const node = describeNode(config, dataDir, bound.port)
  const checker = createChecker()
  ends.push(() => checker.stop())
  const registry = createRegistry(dataDir, holdings, node)
  const engine = new Engine({
    registry,
    dataDir,
    checker,
    onEvent: (event) => logEvent(log, event),
    onBug: (error) =>
      queueMicrotask(() => {
        throw error
      }),
  })
  ends.push(() => engine.stop())
  const network = createNetworkFor(config, dataDir, engine, log)
  const life = new Life({ ends, engine, log })
  const self = (): ReturnType<Parameters<typeof createService>[0]['self']> => ({
    nodeId: node.id,
    url: node.url,
    cluster: config.cluster,
    version: packageVersion(),
    http: bound.url,
    listen: network.addresses(),
  })
  late.service = createService({ registry, engine, network, startedAt, self, leave: () => life.leave() })

  engine.attach(network)
  await engine.start()
  ends.push(() => network.stop())
  await network.start()
  ends.push(keepTelling(engine, network, createMachine({ nodeUrl: node.url, log: (message) => log.warn(message) })))
  ends.push(warnWhenAlone(config, network, log))
  await dataDir.describeHolder({ http: bound.url })
  logStart(config, log)
  const listen = network.addresses().map((address) => `${address}/p2p/${network.peerId}`)
  return { service, http: bound, peerId: network.peerId, listen, stop: () => life.stop(), stopped: life.stopped }
}

/** HTTP answers from the first moment, the registry a few milliseconds later. */
function standIn(service: () => RegistryService | undefined): RegistryService {
  return new Proxy({} as RegistryService, {
    get: (_, name: keyof RegistryService) => {
      const present = service()
      if (present === undefined) throw new RegistryError('unavailable', 'the daemon is starting; try again in a moment')
      return present[name]
    },
  })
}

function describeNode(config: Config, dataDir: DataDir, httpPort: number): Omit<NodeRecord, 'addresses'> {
  return {
    id: config.nodeId ?? deriveNodeId(dataDir.key.publicKey.toString()),
    url: config.url ?? defaultNodeUrl(httpPort),
    ...(config.region !== undefined && { region: config.region }),
    ...(config.zone !== undefined && { availabilityZone: config.zone }),
  }
}

function createRegistry(dataDir: DataDir, holdings: Holdings, node: Omit<NodeRecord, 'addresses'>): Registry {
  const { documents, notes } = holdings
  return new Registry(
    {
      self: dataDir.key.publicKey.toString(),
      boot: randomBytes(8).toString('hex'),
      crypto: createCrypto(dataDir.key),
      node,
      freshKey: dataDir.freshKey,
      generation: dataDir.generation,
      documents,
      notes: Object.fromEntries(notes),
      ...(dataDir.lastUp !== undefined && { lastUp: dataDir.lastUp }),
    },
    { now: performance.now(), wall: Date.now() },
  )
}

function createNetworkFor(config: Config, dataDir: DataDir, engine: Engine, log: Log): Network {
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
    ...(config.testDropGossip > 0 && { faults: { dropGossip: config.testDropGossip } }),
  }
  return createNetwork(options, {
    connected: (peer) => engine.feed({ type: 'connected', peer }),
    disconnected: (peer) => engine.feed({ type: 'disconnected', peer }),
    refused: (peer) => engine.feed({ type: 'refused', peer }),
    gossip: (author, bytes) => engine.feed({ type: 'gossip', author, bytes }),
    beat: (from, bytes) => engine.feed({ type: 'beat', from, bytes }),
    request: (from, bytes, reply) => engine.request(from, bytes, reply),
  })
}

/** Tells the registry where it can be dialled, and how busy the machine is, again and again. */
function keepTelling(engine: Engine, network: Network, machine: ReturnType<typeof createMachine>): End {
  const tellAddresses = (): void => engine.feed({ type: 'listening', addresses: network.addresses() })
  const tellVitals = (): void => void machine.read().then((figures) => engine.feed({ type: 'vitals', ...figures }))
  tellAddresses()
  tellVitals()
  const timers = [setInterval(tellAddresses, addressesInterval_ms), setInterval(tellVitals, vitalsInterval_ms)]
  return () => timers.forEach((timer) => clearInterval(timer))
}

function warnWhenAlone(config: Config, network: Network, log: Log): End {
  const timer = setTimeout(() => {
    if (network.peers().some(({ connected }) => connected)) return
    const how = config.mdns
      ? 'no other node has been found. If there are any, multicast may be blocked here: name one of them with --join HOST'
      : 'no other node has been found, and mDNS is off: name one with --join HOST'
    log.info({ cluster: config.cluster }, `alone for ${aloneAfter_ms / 1000} s: ${how}`)
  }, aloneAfter_ms)
  return () => clearTimeout(timer)
}

function logDisk(dataDir: DataDir, { damaged }: Holdings, log: Log): void {
  for (const warning of dataDir.warnings) log.warn(warning)
  if (dataDir.lostStore !== undefined) log.error(`${dataDir.lostStore} What it held is fetched from the other nodes.`)
  for (const owner of damaged)
    log.error({ owner }, 'a damaged document was dropped from disk; it is fetched from the other nodes')
}

function logStart(config: Config, log: Log): void {
  log.info({ cluster: config.cluster, dataDir: config.dataDir }, 'serving')
  if (config.corsOrigin.includes('*')) {
    log.warn('--cors-origin *: every web page that a browser here has open can read and change this register')
  }
  if (config.clusterKey !== undefined) return
  const message =
    'open cluster: anyone on this network can join and change it; make a key with `rollcall keygen` and give it to every node with --cluster-key'
  log.warn({ cluster: config.cluster }, message)
}

/** The host of the url that this node is known by, which requests may carry. */
function hostsOf(url: string | undefined): readonly string[] {
  return url === undefined ? [] : [new URL(url).hostname]
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
