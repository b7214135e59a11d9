/**
 * Every option of a daemon in one table: what it is, its default, its reason, what it depends on. Starts and opens nothing.
 * Reading them touches the config file and those that hold secrets: the cluster key and the tokens.
 */
import { randomUUID } from 'node:crypto'
import { homedir, tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { warningsOfEnvironment } from './config/environment.js'
import { readLayers, warningsOfLayers, type ConfigSources, type Environment, type Layers } from './config/layers.js'
import { logLevels, type LogLevel } from './config/logger.js'
import { isPath, optionNames, placeOf, type Option, type OptionTable } from './config/option.js'
import { defaultDnsDomain, defaultDnsTtl_s, parseDns, parseDnsDomain, parseDnsTtl } from './config/dns.js'
import { readTokens, type Credentials } from './config/tokens.js'
import * as values from './config/values.js'
import { defaultPeerPort, isLoopback, type HostPort } from './config/values.js'
import { RegistryError } from './core/model/errors.js'

export { logLevels, type LogLevel } from './config/logger.js'
export { formatHostPort, isLoopback, type HostPort } from './config/values.js'
export type { ConfigSources, Environment } from './config/layers.js'

export const defaultHttp = { host: '127.0.0.1', port: 58_231 } as const

const defaultMaxWatchers = 1024

/** What a daemon is started with: validated, complete, independent of where it came from. */
export interface Config {
  readonly cluster: string
  /** Absolute. It need not exist yet; with `temp` nobody else uses it. */
  readonly dataDir: string
  /** The data dir is this run's alone and goes with it. */
  readonly temp: boolean
  readonly http: HostPort
  readonly insecureHttp: boolean
  /** The content of the file, with hashes in place of the tokens. Absent: HTTP asks for no credentials. */
  readonly tokens?: Credentials
  /** Absent: no DNS is answered. */
  readonly dns?: HostPort
  /** Whose names are answered, in small letters. */
  readonly dnsDomain: string
  readonly dnsTtl: number
  readonly insecureDns: boolean
  /** As they stand in `Origin` headers; `*` is any. */
  readonly corsOrigin: readonly string[]
  /** Names and addresses, in lower case. */
  readonly allowHost: readonly string[]
  /** Multiaddrs. */
  readonly listen: readonly string[]
  /** Nobody asked for these listen ports: where one is busy, any other will do. */
  readonly listenElsewhere: boolean
  /** Multiaddrs, with or without the peer id. */
  readonly join: readonly string[]
  /** Multiaddrs; empty: the network announces what it finds. */
  readonly announce: readonly string[]
  readonly mdns: boolean
  /** Absent: derived from the peer id. */
  readonly nodeId?: string
  /** Absent: see `NodeUrl`. */
  readonly url?: string
  readonly region?: string
  readonly zone?: string
  /** The content of the key file. Absent: an open cluster. */
  readonly clusterKey?: Uint8Array
  /** A listener with nothing but the metrics; absent: there is none. */
  readonly metrics?: HostPort
  readonly metricsSlugs: boolean
  readonly maxWatchers: number
  /** Absent: a third of the heap that Node has. */
  readonly copiesMib?: number
  readonly logLevel: LogLevel
  /** The share of gossip that this daemon ignores, 0 to 1. For tests. */
  readonly testDropGossip: number
}

/**
 * The table. The keys are the names that flags have in code; in a config file they are spelled as the flags are. A flag wins
 * over the environment, that over the config file, that over the default.
 */
export const options = {
  /** For what a machine is always started with. There is no file that is read unasked: what counts is always in sight. */
  config: {
    flag: '--config <file>',
    env: 'ROLLCALL_CONFIG',
    takes: 'one',
    what: 'a YAML or JSON file of options, named as the flags are',
    parse: (text) => resolve(text),
  },
  /**
   * Daemons of other clusters are neither heard nor answered, even on one network and one key. Part of the mDNS service
   * tag and of the default data dir, hence the narrow alphabet. Changing it later makes a new, empty cluster.
   */
  cluster: {
    flag: '--cluster <name>',
    env: 'ROLLCALL_CLUSTER',
    takes: 'one',
    fallback: 'default',
    what: 'the cluster to be a member of; other names never mix',
    parse: values.parseCluster,
  },
  /**
   * Holds this node's key, its generation and its copy of the register: two daemons never share one, and a copy of it on
   * another machine is a clone. systemd hands one over as $STATE_DIRECTORY.
   */
  dataDir: {
    flag: '--data-dir <dir>',
    env: 'ROLLCALL_DATA_DIR',
    takes: 'one',
    fallback: '$STATE_DIRECTORY, else ~/.local/state/rollcall/<cluster>',
    what: 'where identity and register are kept',
    parse: (text) => resolve(text),
  },
  /** For callers, not for peers. Loopback by default, since whoever reaches it may change the register. */
  http: {
    flag: '--http <host:port>',
    env: 'ROLLCALL_HTTP',
    takes: 'one',
    fallback: `${defaultHttp.host}:${defaultHttp.port}`,
    what: 'where the HTTP API answers; port 0 takes any free port',
    parse: values.parseHttp,
  },
  /** Read once, at the start. With it, every call but the health checks needs a token, and `--http` may leave loopback. */
  tokens: {
    flag: '--tokens <file>',
    protects: true,
    env: 'ROLLCALL_TOKENS',
    takes: 'one',
    fallback: 'none: HTTP asks for no credentials',
    what: 'who may use the HTTP API: a YAML or JSON file of tokens and JWT keys',
    parse: readTokens,
  },
  /** Without tokens HTTP asks for no credentials, so binding it beyond this machine has to be said in so many words. */
  insecureHttp: {
    flag: '--insecure-http',
    env: 'ROLLCALL_INSECURE_HTTP',
    takes: 'switch',
    what: 'allow --http on other than loopback addresses, open to all who can reach it',
    needs: 'http',
    parse: values.parseSwitch,
  },
  /**
   * What can only ask the DNS finds services by it. By UDP and TCP; off by default. A port such as 8653 is none of those that Linux gives
   * away itself (32768 to 60999).
   */
  dns: {
    flag: '--dns <host:port>',
    env: 'ROLLCALL_DNS',
    takes: 'one',
    fallback: 'none: DNS is not answered',
    what: 'where DNS is answered, by UDP and TCP, such as 127.0.0.1:8653',
    parse: parseDns,
  },
  /** Names of others are refused, so resolvers are to ask here for this domain alone. `.internal` is nobody's (ICANN, 2024). */
  dnsDomain: {
    flag: '--dns-domain <domain>',
    env: 'ROLLCALL_DNS_DOMAIN',
    takes: 'one',
    fallback: defaultDnsDomain,
    what: 'the domain of the names that DNS is answered for',
    needs: 'dns',
    parse: parseDnsDomain,
  },
  /** What resolvers keep is not looked at again meanwhile: a longer time spares questions, and callers go longer to who is gone. */
  dnsTtl: {
    flag: '--dns-ttl <seconds>',
    env: 'ROLLCALL_DNS_TTL',
    takes: 'one',
    fallback: String(defaultDnsTtl_s),
    what: 'how long DNS answers may be kept; 0 where this node is in doubt',
    needs: 'dns',
    parse: parseDnsTtl,
  },
  /** The DNS knows no credentials, with or without `--tokens`: whoever reaches it reads where everything is. */
  insecureDns: {
    flag: '--insecure-dns',
    env: 'ROLLCALL_INSECURE_DNS',
    takes: 'switch',
    what: 'allow --dns on other than loopback addresses, readable by all who can reach it',
    needs: 'dns',
    parse: values.parseSwitch,
  },
  /**
   * Each stream of `/v1/events` and `/v1/watch` is a connection that stays, of news also a queue of up to 1 MiB where its reader is
   * slow. Beyond it whoever comes is told so, and nobody who listens is cut off.
   */
  maxWatchers: {
    flag: '--max-watchers <count>',
    env: 'ROLLCALL_MAX_WATCHERS',
    takes: 'one',
    fallback: String(defaultMaxWatchers),
    what: 'how many may watch at once (GET /v1/events, /v1/watch)',
    parse: values.parseMaxWatchers,
  },
  /**
   * The metrics for whoever can reach it, without the API beside them: scrapers then need no token, and whoever scrapes can change
   * nothing. `GET /metrics` at `--http` has the same.
   */
  metrics: {
    flag: '--metrics <host:port>',
    env: 'ROLLCALL_METRICS',
    takes: 'one',
    fallback: 'none: metrics at --http alone',
    what: 'where Prometheus finds the metrics and nothing else, without a token',
    parse: values.parseHttp,
  },
  /** Each slug is three series at each node: worth it where there are few, and alerts are to name them. */
  metricsSlugs: {
    flag: '--metrics-slugs',
    env: 'ROLLCALL_METRICS_SLUGS',
    takes: 'switch',
    what: 'name services in the metrics: the first 200 by slug, the rest as "other"',
    parse: values.parseSwitch,
  },
  /** Browsers let pages of other origins neither read nor change what is here, unless these headers say they may. */
  corsOrigin: {
    flag: '--cors-origin <origin...>',
    env: 'ROLLCALL_CORS_ORIGIN',
    takes: 'many',
    fallback: 'none',
    what: 'web pages that may use the HTTP API, such as https://ops.example.com; * lets in every page',
    parse: values.parseOrigin,
  },
  /** Each request says what it called us. Behind a proxy that passes this on it is the proxy's name, which several nodes may share. */
  allowHost: {
    flag: '--allow-host <name...>',
    env: 'ROLLCALL_ALLOW_HOST',
    takes: 'many',
    fallback: 'none',
    what: 'host names of a proxy in front of the HTTP API, such as registry.example.com',
    parse: values.parseHostName,
  },
  /**
   * For peers. The default port gives way to any other where it is busy (mDNS tells the peers); a port that was asked
   * for does not, since somebody's `--join` counts on it.
   */
  listen: {
    flag: '--listen <multiaddr...>',
    env: 'ROLLCALL_LISTEN',
    takes: 'many',
    fallback: `/ip4/0.0.0.0/tcp/${defaultPeerPort} and /ip6/::/tcp/${defaultPeerPort}, any port if that is busy`,
    what: 'where peers connect',
    parse: values.parseListen,
  },
  /** Seeds: one that answers is enough, the rest of the cluster is learned from it. Needed wherever mDNS does not reach. */
  join: {
    flag: '--join <addr...>',
    env: 'ROLLCALL_JOIN',
    takes: 'many',
    what: `members to connect to: HOST[:PORT] (default port ${defaultPeerPort}) or multiaddrs`,
    parse: values.parseJoin,
  },
  /** Behind NAT or a port mapping a daemon cannot see the address at which others reach it. Replaces what it would find. */
  announce: {
    flag: '--announce <multiaddr...>',
    env: 'ROLLCALL_ANNOUNCE',
    takes: 'many',
    fallback: 'the addresses of this machine',
    what: 'addresses to tell peers',
    parse: values.parseAnnounce,
  },
  /** Off: this daemon neither asks nor answers by multicast, and finds the others by `--join` and its address book alone. */
  mdns: {
    flag: '--no-mdns',
    env: 'ROLLCALL_MDNS',
    takes: 'switch',
    fallback: 'on',
    what: 'neither ask nor answer by multicast DNS',
    parse: values.parseSwitch,
  },
  /** A label for people and clients. Identity is the peer id: two nodes of one label are both listed, and flagged. */
  nodeId: {
    flag: '--node-id <id>',
    env: 'ROLLCALL_NODE_ID',
    takes: 'one',
    fallback: 'derived from the peer id',
    what: 'the id of this node in listings',
    parse: values.parseLabel,
  },
  /** How callers name this node, and delete its record. Its host is also accepted in the `Host` header of requests. */
  url: {
    flag: '--url <url>',
    env: 'ROLLCALL_URL',
    takes: 'one',
    fallback: 'http://<LAN address>:<http port>, followed as it changes',
    what: 'the url of this node in listings',
    parse: values.parseNodeUrl,
  },
  /** Published with the node: what `prefer` and `pickNodes` go by. */
  region: {
    flag: '--region <name>',
    env: 'ROLLCALL_REGION',
    takes: 'one',
    what: 'the region of this node',
    parse: values.parseLabel,
  },
  /** Published with the node (as `availabilityZone`): what `prefer` and `pickNodes` go by, and of instances that name none. */
  zone: {
    flag: '--zone <name>',
    env: 'ROLLCALL_ZONE',
    takes: 'one',
    what: 'the availability zone of this node',
    parse: values.parseLabel,
  },
  /** Who has the key is a member; without one, everybody on the network can be. All members have the same. */
  clusterKey: {
    flag: '--cluster-key <file>',
    protects: true,
    env: 'ROLLCALL_CLUSTER_KEY',
    takes: 'one',
    fallback: 'none: an open cluster',
    what: 'the key that members share (rollcall keygen makes one)',
    parse: values.readClusterKey,
  },
  /**
   * The records of all other nodes are held in memory; what is beyond this stays with them, as a member that makes up records must not end
   * this daemon. A third of the heap leaves room for its own, and for reading the largest document. Estimated: 1.5 KB for an instance.
   */
  copiesMib: {
    flag: '--copies-mib <mib>',
    env: 'ROLLCALL_COPIES_MIB',
    takes: 'one',
    fallback: "a third of Node's heap (node --max-old-space-size)",
    what: 'memory for the records of other nodes',
    parse: values.parseCopiesMib,
  },
  logLevel: {
    flag: '--log-level <level>',
    env: 'ROLLCALL_LOG_LEVEL',
    takes: 'one',
    fallback: 'info',
    what: 'how much is logged, on stderr',
    choices: logLevels,
    parse: values.parseLogLevel,
  },
  /** A second node on one machine in one word. Excludes `--data-dir`; `--http` and `--listen` still count where given. */
  temp: {
    flag: '--temp',
    env: 'ROLLCALL_TEMP',
    takes: 'switch',
    what: 'a temporary data dir, removed at exit, and free ports',
    parse: values.parseSwitch,
  },
  /** Shows that the cluster converges by sync alone. */
  testDropGossip: {
    flag: '--test-drop-gossip <share>',
    env: 'ROLLCALL_TEST_DROP_GOSSIP',
    takes: 'one',
    fallback: '0',
    what: 'the share of gossip to ignore, for tests',
    hidden: true,
    parse: values.parseShare,
  },
} as const satisfies OptionTable

type Options = typeof options
export type OptionName = keyof Options

/** What was given, parsed; a name is absent where nobody gave it. */
type Given = {
  readonly [Name in OptionName]?: Options[Name]['takes'] extends 'many'
    ? readonly ReturnType<Options[Name]['parse']>[]
    : ReturnType<Options[Name]['parse']>
}

/** Environment variables of ours that are no option of a daemon: callers read them. */
const otherEnvironment = ['ROLLCALL_SERVER', 'ROLLCALL_TOKEN']

/**
 * @throws RegistryError `malformed`, naming the flag, the environment variable or the place in the file, and the way out
 */
export function parseConfig(sources: ConfigSources): Config {
  return parseLayers(readLayers(options, sources), sources.env)
}

/** The second half of `parseConfig`, for those who also want to know who wrote what. */
export function parseLayers(layers: Layers, env: Environment): Config {
  const given = readGiven(layers)
  refuseContradictions(given, layers)
  const cluster = given.cluster ?? 'default'
  const temp = given.temp ?? false
  return {
    cluster,
    temp,
    dataDir: given.dataDir ?? (temp ? temporaryDir() : defaultDataDir(cluster, env)),
    http: given.http ?? (temp ? { ...defaultHttp, port: 0 } : defaultHttp),
    insecureHttp: given.insecureHttp ?? false,
    dnsDomain: given.dnsDomain ?? defaultDnsDomain,
    dnsTtl: given.dnsTtl ?? defaultDnsTtl_s,
    insecureDns: given.insecureDns ?? false,
    corsOrigin: given.corsOrigin ?? [],
    allowHost: given.allowHost ?? [],
    maxWatchers: given.maxWatchers ?? defaultMaxWatchers,
    metricsSlugs: given.metricsSlugs ?? false,
    listen: given.listen ?? everywhere(temp ? 0 : defaultPeerPort),
    listenElsewhere: given.listen === undefined,
    join: given.join ?? [],
    announce: given.announce ?? [],
    mdns: given.mdns ?? true,
    ...pick(given, 'dns', 'nodeId', 'url', 'region', 'zone', 'clusterKey', 'tokens', 'copiesMib', 'metrics'),
    logLevel: given.logLevel ?? 'info',
    testDropGossip: given.testDropGossip ?? 0,
  }
}

/** Sentences about what somebody wrote for nothing: unknown variables named like ours, options that do nothing without another one. */
export function warningsOf(sources: ConfigSources): readonly string[] {
  const known = [...Object.values(options).map(({ env }) => env), ...otherEnvironment]
  return [...warningsOfEnvironment(sources.env, known), ...warningsOfLayers(options, sources)]
}

// ---- from the sources to parsed values

function readGiven({ written }: Layers): Given {
  const given: Record<string, unknown> = {}
  for (const [name, { texts }] of written) {
    const option: Option = options[name as OptionName]
    const values = texts.map((text) => parseNamed(option, text, placeOf(option, name, written.get(name))))
    given[name] = option.takes === 'many' ? values : values.at(-1)
  }
  return given
}

/** A shell reads `~` in flags; in files and variables it would become a directory of that name, wherever the daemon is started. */
function pathOf(text: string): string {
  if (!text.startsWith('~')) return resolve(text)
  throw malformed(
    `${JSON.stringify(text)}: only a shell reads ~ as a home; write the whole path, or ./~ for a file called so`,
  )
}

/** Parsers say what is wrong; who is meant, by all of its names, is said here. */
function parseNamed(option: Option, text: string, place: string): unknown {
  try {
    return option.parse(isPath(option) ? pathOf(text) : text)
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    throw new RegistryError('malformed', `${place}: ${error.message}`, { cause: error })
  }
}

function refuseContradictions(given: Given, { written }: Layers): void {
  const place = (name: OptionName): string => placeOf(options[name], name, written.get(name))
  if (given.temp === true && given.dataDir !== undefined) {
    throw malformed(
      `${place('temp')} and ${place('dataDir')}: a temporary data dir is removed at exit; give one of the two`,
    )
  }
  const isOpen = given.tokens === undefined && given.insecureHttp !== true
  if (given.http !== undefined && !isLoopback(given.http.host) && isOpen) {
    throw malformed(
      `${place('http')}: ${given.http.host} is not a loopback address, and the HTTP API asks for no credentials; ` +
        `bind it to 127.0.0.1, give ${optionNames(options.tokens)} to ask for some, ` +
        `or add ${optionNames(options.insecureHttp)} if all who can reach it may change the register`,
    )
  }
  if (given.dns !== undefined && !isLoopback(given.dns.host) && given.insecureDns !== true) {
    throw malformed(
      `${place('dns')}: ${given.dns.host} is not a loopback address, and the DNS knows no credentials; ` +
        `bind it to 127.0.0.1, or add ${optionNames(options.insecureDns)} if all who can reach it may read where everything is`,
    )
  }
}

/** Where a daemon of that cluster keeps what it keeps, unless told otherwise. */
export function defaultDataDir(cluster: string, env: Environment): string {
  const [stateDirectory = ''] = (env['STATE_DIRECTORY'] ?? '').split(':')
  return resolve(
    stateDirectory.trim() === '' ? join(home(), '.local', 'state', 'rollcall', cluster) : stateDirectory.trim(),
  )
}

/** A user without a home, such as one whose number a container was given, has no place of its own to keep anything. */
function home(): string {
  const wayOut = `${optionNames(options.dataDir)}: missing, and there is no home directory (HOME) for it; name a directory that this user may write to`
  try {
    const directory = homedir() || userInfo().homedir // Node gives an empty HOME as it stands
    if (directory !== '') return directory
  } catch (cause) {
    throw new RegistryError('malformed', wayOut, { cause })
  }
  throw malformed(wayOut)
}

function temporaryDir(): string {
  return join(tmpdir(), `rollcall-${randomUUID()}`)
}

/** Both families: a machine may have either alone, and a peer know only that. */
function everywhere(port: number): string[] {
  return [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`]
}

// ---- small tools

function malformed(message: string): RegistryError {
  return new RegistryError('malformed', message)
}

function pick<T extends object, K extends keyof T>(fields: T, ...names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.filter((name) => name in fields).map((name) => [name, fields[name]])) as Pick<T, K>
}
