/**
 * The HTTP server of a daemon: all calls on one port, from the first byte to a prompt end. It knows the daemon only by its service.
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, createServer, Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { formatHostPort, type HostPort } from '../config.js'
import { addressesOf, bindingFailure, isMissingAddress } from '../config/binding.js'
import type { Log } from '../log.js'
import { DoorCounts } from '../metrics/doors.js'
import { Admission, type Access } from './admission.js'
import { createApp, refuseOtherMethods } from './app.js'
import { discardUnread } from './bodies.js'
import { DnsNames } from './dns-names.js'
import { ListAnswers } from './lists.js'
import { LookupAnswers } from './lookups.js'
import { addOpenApi, collectCalls, type Calls } from './openapi.js'
import { addOwn, type OwnParts } from './own.js'
import { addPage } from './page.js'
import { answerPlainLookups } from './plain.js'
import { limitPatience } from './patience.js'
import { FreshnessTold } from './position.js'
import { recordRefusals } from './recorded.js'
import { addRegistrySvc } from './registry-svc.js'
import type { FindService } from './service.js'
import { Streams, streamLimits } from './streams.js'
import { timeCalls } from './timing.js'
import { WaitingAnswers, type WaitingLimits } from './waiting.js'

/** How long `stop` lets requests that are under way finish. */
const stopGrace_ms = 1000
/** How often it is looked whether connections are left. */
const look_ms = 10

export interface HttpServerOptions extends Access {
  readonly service: FindService
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly log: Log
  /** Names and addresses, besides loopback and the bound one, that requests may carry in `Host`. */
  readonly allowedHosts?: readonly string[]
  /** Streams of news, or of lists, at once. Default: `streamLimits.watchers`. */
  readonly maxWatchers?: number
  /** Connections at once, beyond which silent ones give way. Default: `httpLimits.connections`. */
  readonly maxConnections?: number
  /** Callers are told of slugs that have no name in the DNS. */
  readonly answersDns?: boolean
  /** The last lines of the log, oldest first, without secrets; absent: none are kept. */
  readonly lastLines?: () => readonly string[]
  /** Default: `waitingLimits`. */
  readonly waiting?: WaitingLimits
  /** How long a change may take. Default: `writePatience_ms`. */
  readonly patience_ms?: number
  /** How long, at an end, those who keep connections may take to ask once more, and learn that they end. Default: no time. */
  readonly farewell_ms?: number
  /** What is counted of its calls; absent: nobody wants to know. */
  readonly doors?: DoorCounts
}

export interface HttpServer {
  /** @throws RegistryError `unavailable` or `malformed` where the address cannot be had */
  start(): Promise<{ readonly url: string; readonly port: number }>
  /** Who is let in from now on. Streams of news end, and their readers come again. */
  admit(access: Access): void
  /** Lets requests finish for a moment, then cuts them off. Safe at any time, any number of times. */
  stop(): Promise<void>
}

/**
 * @example
 * const http = createHttpServer({ service: () => service, host: '127.0.0.1', port: 0, log })
 * const { url } = await http.start()
 * await http.stop()
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { host, port, farewell_ms } = options
  const admission = new Admission(options)
  const app = createRoutedApp(options, admission)
  let stopping: Promise<void> | undefined
  return {
    start: () => listen(app, { host, port }, { what: 'http', option: '--http HOST:PORT (ROLLCALL_HTTP)' }),
    admit: (access) => admission.change(access),
    stop: () => (stopping ??= close(app, farewell_ms)),
  }
}

/** All calls, before any address is bound. */
export function createRoutedApp(
  options: Omit<HttpServerOptions, 'port'>,
  admission = new Admission(options),
): FastifyInstance {
  const { service, host, log, allowedHosts = [], maxWatchers = streamLimits.watchers } = options
  const { doors = new DoorCounts() } = options
  const served = {
    bound: host,
    names: allowedHosts,
    get proxies() {
      return admission.proxyHosts
    },
    get origins() {
      return admission.origins
    },
  }
  const app = createApp(log, served, admission, {
    connections: options.maxConnections,
    seeInstead: '/openapi.json',
    page: '/ui',
  })
  timeCalls(app, doors)
  limitPatience(app, options.patience_ms)
  recordRefusals(app, service, log)
  const calls = collectCalls(app, () => admission.asksForCredentials)
  void app.register(async (routed) => {
    const parts = {
      service,
      streams: new Streams(routed, admission, maxWatchers),
      waiting: new WaitingAnswers(routed, options.waiting),
      answers: new LookupAnswers(service, undefined, doors.lookups('http')),
      doors,
      lists: new ListAnswers(service),
      freshness: new FreshnessTold(),
      lastLines: options.lastLines ?? (() => []),
      dnsNames: options.answersDns === true ? new DnsNames(log) : undefined,
    }
    addRoutes(routed, calls, parts)
    answerPlainLookups(routed, served, admission, parts)
    discardUnread(routed.server)
  })
  return app
}

function addRoutes(app: FastifyInstance, calls: Calls, parts: OwnParts): void {
  const routes = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = routes.get(url) ?? new Set()
    for (const one of Array.isArray(method) ? method : [method]) known.add(one)
    routes.set(url, known)
  })
  addRegistrySvc(app, parts.service, parts)
  addOwn(app, parts)
  addPage(app)
  addOpenApi(app, calls, parts.service)
  refuseOtherMethods(app, new Map([...routes].map(([url, known]) => [url, new Set(known)])))
}

/**
 * @param by the option that says where
 * @throws RegistryError `unavailable`, naming that option
 */
export async function listen(
  app: FastifyInstance,
  { host, port }: HostPort,
  by: { readonly what: string; readonly option: string },
): Promise<{ readonly url: string; readonly port: number }> {
  try {
    const bound = await listenAtAll(app, addressesOf(host), port)
    return { url: `http://${formatHostPort({ host, port: bound })}`, port: bound }
  } catch (cause) {
    await close(app)
    throw bindingFailure(cause, by.what, formatHostPort({ host, port }), by.option)
  }
}

/** At addresses besides that of the server. */
const others = new WeakMap<FastifyInstance, Set<Server>>()

/** On one port. The framework would make a server for each, of which the first one alone knew bounds and words of ours. */
async function listenAtAll(app: FastifyInstance, addresses: readonly string[], port: number): Promise<number> {
  const missing: unknown[] = []
  let bound: number | undefined
  for (const address of addresses) {
    try {
      if (bound === undefined) bound = await listenAt(app, address, port)
      else await listenToo(app, address, bound)
    } catch (error) {
      if (!isMissingAddress(error)) throw error
      missing.push(error)
    }
  }
  if (bound === undefined) throw missing[0]
  return bound
}

async function listenAt(app: FastifyInstance, host: string, port: number): Promise<number> {
  await app.listen({ host, port })
  return (app.server.address() as AddressInfo).port
}

/** What connects there is the server's as if it had come to itself. */
async function listenToo(app: FastifyInstance, host: string, port: number): Promise<void> {
  const asTheServer = { allowHalfOpen: true, noDelay: true }
  const other = createServer(asTheServer, (socket) => app.server.emit('connection', socket))
  other.listen({ host, port })
  await once(other, 'listening')
  others.set(app, (others.get(app) ?? new Set()).add(other))
}

/** Lets requests finish for a moment, then cuts them off. */
export async function close(app: FastifyInstance, farewell_ms = 0): Promise<void> {
  if (farewell_ms > 0) await sayFarewell(app, farewell_ms)
  const timer = setTimeout(() => app.server.closeAllConnections(), stopGrace_ms)
  try {
    const closing = [...(others.get(app) ?? [])].map((other) => new Promise((resolve) => other.close(resolve)))
    await Promise.all([app.close(), ...closing])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * An idle connection is closed at an end, and a question that meets that on its way is lost: of callers that are busy nearly each has one.
 * So each is told with its next answer. Nobody new is let in meanwhile: whoever is told comes again at once, and would be met so after all.
 */
async function sayFarewell(app: FastifyInstance, most_ms: number): Promise<void> {
  app.server.prependListener('request', (_request, response: ServerResponse) => (response.shouldKeepAlive = false))
  const end = performance.now() + most_ms
  const servers = [app.server, ...(others.get(app) ?? [])]
  for (const server of servers) Server.prototype.close.call(server) // that of HTTP would end idle connections, too
  const isKept = async (): Promise<boolean> => (await Promise.all(servers.map(connectionsOf))).some((open) => open > 0)
  while (performance.now() < end && (await isKept())) await pause(look_ms)
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, open) => resolve(open ?? 0)))
}
