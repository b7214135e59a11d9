/**
 * The daemon: a node with HTTP in front of it. It begins the parts in order, ends them, and adds a log and the figures of its
 * machine.
 */
import './polyfill.js'
import { type Config, isLoopback } from './config.js'
import { NodeUrl } from './config/node-url.js'
import { RegistryError } from './core/model/errors.js'
import { warnWhenAlone } from './daemon/alone.js'
import { openDns } from './daemon/dns-door.js'
import type { Engine } from './daemon/engine.js'
import { type End, endAll } from './daemon/life.js'
import { linesOfDisk, writeLine } from './daemon/log-lines.js'
import { tellOwnFindings } from './daemon/own-findings.js'
import { createRuntime } from './daemon/runtime.js'
import { toldLines } from './daemon/told-lines.js'
import type { Access } from './http/admission.js'
import { createMetricsDoor } from './http/metrics-door.js'
import { createHttpServer } from './http/server.js'
import type { RegistryService } from './http/service.js'
import { createMachine } from './io/machine.js'
import { openDataDir } from './io/storage/data-dir.js'
import type { Log } from './log.js'
import type { LastLines } from './log/last-lines.js'
import { DoorCounts } from './metrics/doors.js'

/** How often the machine's figures are told. */
const vitalsInterval_ms = 10_000

export interface Daemon {
  readonly service: RegistryService
  readonly http: { readonly url: string }
  /** `HOST:PORT`, where DNS is answered. */
  readonly dns?: string
  readonly peerId: string
  /** Multiaddrs that peers can dial. */
  readonly listen: readonly string[]
  /** Resolves once nothing is waited for any more: it is ready, or somebody keeps it out, or half a minute was not enough. */
  readonly begun: Promise<void>
  /** Who may use the HTTP API from now on. */
  admit(access: Pick<Config, 'tokens' | 'corsOrigin' | 'allowHost'>): void
  /** Says goodbye and ends everything; any number of times. */
  stop(): Promise<void>
  /** Resolves once it has ended, whoever asked for it. */
  readonly stopped: Promise<void>
}

/**
 * Starts a daemon: when this resolves it serves reads; see `service.readiness` for writes.
 * @param last lines of that log, for whoever may ask for them
 * @throws RegistryError naming the option that has to change, where it cannot start
 */
export async function startDaemon(config: Config, log: Log, last?: LastLines): Promise<Daemon> {
  const ends: End[] = []
  try {
    return await compose(config, { log, last, ends })
  } catch (error) {
    await endAll(ends, log)
    throw error
  }
}

/** A caller that is busy asks again at once. */
const farewell_ms = 200

interface ComposeParts {
  readonly log: Log
  readonly last: LastLines | undefined
  /** Collects how to end what was begun, in the order of its beginning. */
  readonly ends: End[]
}

async function compose(config: Config, { log, last, ends }: ComposeParts): Promise<Daemon> {
  const dataDir = await openDataDir(config.dataDir, { cluster: config.cluster })
  ends.push(() => dataDir.close())
  const stored = await dataDir.storage.load()
  for (const line of linesOfDisk(dataDir, stored)) writeLine(log, line)

  const begun: { service?: RegistryService } = {}
  const service = (): RegistryService => begun.service ?? refuseToServe()
  const doors = new DoorCounts()
  const http = createHttpServer({
    ...config.http,
    ...{ service, log, doors },
    allowedHosts: hostsOf(config.url),
    maxWatchers: config.maxWatchers,
    farewell_ms,
    answersDns: config.dns !== undefined,
    ...(last !== undefined && { lastLines: toldLines(last, config) }),
    ...accessOf(config),
  })
  ends.push(() => http.stop())
  const bound = await http.start()
  const metrics = await openMetrics(config, { service, log, ends })
  const dns = await openDns(config, { log, doors, ends })

  const url = urlOf(config, bound)
  const { life, engine, network, registry, beginning, diagnosis, clocks, ...node } = createRuntime({
    ...{ config, url, dataDir, transient: config.temp, stored, http: bound.url, log, ends, doors },
    ...(dns !== undefined && { dns }),
    onEvent: (_, line) => writeLine(log, line),
    onBug: (error) =>
      queueMicrotask(() => {
        throw error
      }),
  })
  begun.service = node.service
  dns?.serve(registry, () => node.service.readiness())
  await node.start()
  const machine = createMachine({
    get nodeUrl() {
      return url()
    },
    log: (message) => log.warn(message),
  })
  ends.push(keepTellingVitals(engine, machine))
  ends.push(warnWhenAlone(config, { network, beginning }, log))
  ends.push(tellOwnFindings({ diagnosis, clocks }, (line) => writeLine(log, line)))
  await dataDir.describeHolder({ http: bound.url })
  logStart(
    config,
    {
      http: bound.url,
      ...(metrics !== undefined && { metrics }),
      ...(dns && { dns: dns.address }),
      peer: network.peerId,
    },
    log,
  )
  const { stopped } = life
  return {
    ...(dns && { dns: dns.address }),
    ...{
      service: node.service,
      http: bound,
      peerId: network.peerId,
      listen: node.addresses(),
      begun: beginning.settled,
      stop: () => life.stop(),
      stopped,
    },
    admit: (access) => http.admit(accessOf(access)),
  }
}

/** @returns where, if they are to have a listener of their own */
async function openMetrics(
  { metrics, url, allowHost }: Config,
  { ends, ...parts }: { readonly service: () => RegistryService; readonly log: Log; readonly ends: End[] },
): Promise<string | undefined> {
  if (metrics === undefined) return undefined
  const door = createMetricsDoor({ ...metrics, ...parts, allowedHosts: [...hostsOf(url), ...allowHost] })
  ends.push(() => door.stop())
  return (await door.start()).url
}

function accessOf({ tokens, corsOrigin, allowHost }: Pick<Config, 'tokens' | 'corsOrigin' | 'allowHost'>): Access {
  return { corsOrigins: corsOrigin, proxyHosts: allowHost, ...(tokens !== undefined && { credentials: tokens }) }
}

/** HTTP answers from the first moment, the registry a few milliseconds later: the port that HTTP has is part of the node's url. */
function refuseToServe(): never {
  throw new RegistryError('unavailable', 'the daemon is starting; try again in a moment')
}

/** How busy the machine is, again and again. */
function keepTellingVitals(engine: Engine, machine: ReturnType<typeof createMachine>): End {
  const tell = (): void => void machine.read().then((figures) => engine.feed({ type: 'vitals', ...figures }))
  tell()
  const timer = setInterval(tell, vitalsInterval_ms)
  return () => clearInterval(timer)
}

function logStart(config: Config, self: Readonly<Record<string, string>>, log: Log): void {
  log.info({ cluster: config.cluster, dataDir: config.dataDir, ...self }, 'serving')
  if (config.corsOrigin.includes('*')) {
    log.warn('--cors-origin *: every web page that a browser here has open can read and change this register')
  }
  if (config.clusterKey !== undefined) return
  const message =
    'open cluster: anyone on this network can join and change it; make a key with `rollcall keygen` and give it to every node with --cluster-key'
  log.warn({ cluster: config.cluster }, message)
}

/** By which callers know this node: as it was told, else where HTTP is bound, else by an address that leads to this machine. */
function urlOf({ url, http }: Config, bound: { readonly url: string; readonly port: number }): () => string {
  if (url !== undefined) return () => url
  const isOneAddress = !isLoopback(http.host) && http.host !== '0.0.0.0' && http.host !== '::'
  if (isOneAddress) return () => bound.url
  const followed = new NodeUrl(bound.port)
  return () => followed.look(performance.now())
}

/** The host of the url that this node is known by, which requests may carry. */
function hostsOf(url: string | undefined): readonly string[] {
  return url === undefined ? [] : [new URL(url).hostname]
}
