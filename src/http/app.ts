/**
 * Fastify, set up so that nothing a caller sends is misread or answered in another form than ours. It has no routes of its own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Ajv, type DefinedError, type ValidateFunction } from 'ajv'
import {
  fastify,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchemaCompiler,
  type FastifyServerOptions,
} from 'fastify'
import type { Permission } from '../config/tokens.js'
import { quarterOfDescriptors } from '../config/descriptors.js'
import { noSuchCall } from '../config/statuses.js'
import { RegistryError } from '../core/model/errors.js'
import { sessionLimits } from '../core/own/sessions.js'
import type { Log } from '../log.js'
import type { Admission } from './admission.js'
import { bodyLimits, IncomingBodies, tooLarge } from './bodies.js'
import { jsonType, readJsonBody } from './body.js'
import { demand, demandAllSlugs, type Caller } from './caller.js'
import { makeRoom } from './crowd.js'
import { corsHeaders, corsMethods, preflightHeaders } from './cors.js'
import { answerBadBytes, answerFailure, endRaw, type Failure } from './failures.js'
import { createGuard, demandOneHost, type Served } from './guard.js'
import type { Schema } from './json-schema.js'
import { takesBody } from './operation.js'
import { lastOfEach } from './queries.js'
import { takeTurns, callTurnLimits } from './turns.js'

export const httpLimits = {
  /** Node's own bound for the request line and all headers; a path segment cannot be longer. */
  headerBytes: 16 * 1024,
  /** For a request to arrive whole. */
  request_ms: 20_000,
  /** For its headers; Node exchanges this one for that above where it is the larger. */
  headers_ms: 10_000,
  /** How often it is looked whether these are over. */
  check_ms: 2000,
  /** Without a byte either way, while a request is under way; above `writePatience_ms`. */
  silence_ms: 40_000,
  /**
   * Between two requests. Longer than proxies and clients usually keep theirs (nginx 60 s, Go 90 s, Caddy 120 s), so that they close first:
   * a request that meets our end on its way is lost, and of a write nobody dares to send it again.
   */
  keepAlive_ms: 130_000,
  /** Of callers, and of programs whose sessions stand: those must not keep anybody from asking. */
  connections: 4096 + sessionLimits.sessions,
} as const

/** How often it is said that there is no room. */
const droppedPause_ms = 60_000

interface AppOptions {
  /** At once, beyond which silent ones give way. Default: `httpLimits.connections`. */
  readonly connections?: number | undefined
  /** Where to find what there is, for whoever asks for what there is not. */
  readonly seeInstead: string
  /** Where people may look, who ask for `/`; absent: nowhere. */
  readonly page?: string
}

export function createApp(log: Log, served: Served, admission: Admission, options: AppOptions): FastifyInstance {
  const app = fastify({
    http: {
      headersTimeout: httpLimits.headers_ms,
      connectionsCheckingInterval: httpLimits.check_ms,
      // Node would answer without a word; the doorkeeper says what is missing.
      requireHostHeader: false,
    },
    bodyLimit: bodyLimits.bytes,
    connectionTimeout: httpLimits.silence_ms,
    requestTimeout: httpLimits.request_ms,
    keepAliveTimeout: httpLimits.keepAlive_ms,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerBadBytes,
    frameworkErrors: (error, request, reply) => answerFailure(log, asPathError(error), request, reply),
    routerOptions: { maxParamLength: httpLimits.headerBytes, querystringParser: lastOfEach },
    schemaController: { compilersFactory },
  })
  app.setErrorHandler((error, request, reply) => answerFailure(log, error, request, reply))
  takeTurns(app)
  acceptAnyContentType(app)
  addDoorkeeper(app, served, admission, options)
  boundServer(app, log, options.connections)
  return app
}

/** The first thing that happens to a request, before its body is read. */
function addDoorkeeper(
  app: FastifyInstance,
  served: Served,
  admission: Admission,
  see: Pick<AppOptions, 'seeInstead' | 'page'>,
): void {
  const guard = createGuard(served)
  const letIn = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    if (request.is404 && !takenMethods.has(request.method)) return refuseMethod(request, reply)
    if (!request.is404 && !(request.routeOptions.config.refuses === true && namesNothing(request))) return done()
    const asked = `${request.method} ${request.url.slice(0, 200)}`
    const page = request.url === '/' && see.page !== undefined ? `, or the page at ${see.page}` : ''
    const slash = /^.+\/(\?|$)/.test(request.url) ? ' with a / at its end' : ''
    done(new RegistryError('not-found', `${asked}: ${noSuchCall}${slash}; see GET ${see.seeInstead}${page}`))
  }
  app.decorateRequest('caller')
  app.decorateRequest('mayStill')
  app.addHook('onRequest', (request, reply, done) => {
    if (served.origins.length > 0) reply.headers(corsHeaders(request.headers.origin, served.origins))
    if (request.method === 'OPTIONS') reply.headers(preflightHeaders)
    demandOneHost(request.raw)
    // Whoever watches over processes asks by whatever name or address it has.
    const { byAnyName, isQuestion } = request.routeOptions.config
    if (byAnyName !== true) guard(isQuestion === true ? 'GET' : request.method, request.headers)
    if (request.method === 'OPTIONS') {
      reply.code(200).send()
      return
    }
    // Fastify refuses content types that it cannot parse; ours is JSON whatever it is called.
    if (request.headers['content-type'] !== undefined) delete request.raw.headers['content-type']
    const { identify } = admission
    if (identify === undefined) return letIn(request, reply, done)
    const needed = neededFor(request)
    if (needed === 'nothing') return letIn(request, reply, done)
    const isOfAll = needed !== 'read' && request.routeOptions.config.asksForSlug !== true
    const permitted = (caller: Caller): Caller =>
      isOfAll ? demandAllSlugs(demand(caller, needed)) : demand(caller, needed)
    request.mayStill = async () => permitted(await identify(request.headers.authorization))
    const demanded = (caller: Caller): void => {
      request.caller = caller // who is refused by what follows is told by name
      permitted(caller)
    }
    const caller = identify(request.headers.authorization)
    if (caller instanceof Promise) return void caller.then(demanded).then(() => letIn(request, reply, done), done)
    demanded(caller)
    letIn(request, reply, done)
  })
}

type Done = (error?: Error) => void

const takenMethods: ReadonlySet<string> = new Set([...corsMethods, 'OPTIONS'])

/** Such as TRACE: no path takes it, whatever is there. */
function refuseMethod({ method }: FastifyRequest, reply: FastifyReply): void {
  const taken = [...takenMethods].join(', ')
  reply.code(405).header('allow', taken)
  reply.send({ error: `${method}: no path takes this; some take ${taken}` })
}

/** `/v1/instances/`: the router takes it for an instance without an id, whose path takes other methods than that of the list. */
function namesNothing(request: FastifyRequest): boolean {
  const { '*': _rest, ...named } = (request.params ?? {}) as Readonly<Record<string, unknown>>
  return Object.values(named).includes('')
}

/** What does not exist can be asked for by everybody who may read: they are told so. */
function neededFor(request: FastifyRequest): Permission | 'nothing' {
  if (request.is404) return 'read'
  const isReading = request.method === 'GET' || request.method === 'HEAD'
  return request.routeOptions.config.needs ?? (isReading ? 'read' : 'write')
}

/**
 * A DELETE names what it deletes in its path; some clients send a body along, or the announcement of one. It is read only where the
 * call takes one.
 */
function acceptAnyContentType(app: FastifyInstance): void {
  const bodies = new IncomingBodies()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async (request: FastifyRequest, stream: IncomingMessage) =>
    request.method === 'DELETE' && !takesBody(request.routeOptions.schema)
      ? undefined
      : readJsonBody(bodies, stream, (length, read) =>
          length > callTurnLimits.body_bytes ? app.turns.bodies.made(stream.socket, read, length) : read(),
        ),
  )
}

/**
 * Answers 405 for the other methods of each path that has routes by now.
 */
export function refuseOtherMethods(app: FastifyInstance, routes: ReadonlyMap<string, ReadonlySet<string>>): void {
  for (const [url, known] of routes) {
    const allowed = [...known].join(', ')
    app.route({
      url,
      method: corsMethods.filter((method) => !known.has(method)),
      config: { needs: 'read', refuses: true },
      schema: { hide: true },
      onRequest: (request, reply, _done) => {
        reply.code(405).header('allow', `${allowed}, OPTIONS`)
        reply.send({ error: `${request.method}: this path takes ${allowed}` })
      },
      handler: () => undefined,
    })
  }
}

function boundServer(app: FastifyInstance, log: Log, connections: number | undefined): void {
  const { server } = app
  const room = connections ?? Math.min(httpLimits.connections, quarterOfDescriptors())
  let toldAt = Number.NEGATIVE_INFINITY
  const tellFull = (): void => {
    if (performance.now() - toldAt < droppedPause_ms) return
    toldAt = performance.now()
    const wayOut = 'callers that keep fewer open, or a higher limit of open files (ulimit -n), make room'
    log.warn(`HTTP: ${room} connections are open, and those that say nothing give way to new ones; ${wayOut}`)
  }
  makeRoom(server, room, tellFull)
  server.on('drop', tellFull)
  app.server.on('connect', (_request, socket) => endRaw(socket, 405, 'CONNECT: this is no proxy'))
  app.server.on('checkContinue', (request, response) => {
    // Whoever asks first whether to send it is told before it is sent.
    if (Number(request.headers['content-length'] ?? 0) > bodyLimits.bytes) return refuseUnread(response, tooLarge)
    response.writeContinue()
    server.emit('request', request, response)
  })
  app.server.on('checkExpectation', (_request, response) => {
    refuseUnread(response, { status: 417, message: 'Expect: only 100-continue is understood' })
  })
}

/** The connection ends with it: whether the body comes after all, nobody can tell. */
function refuseUnread(response: ServerResponse, { status, message }: Failure): void {
  const body = JSON.stringify({ error: message })
  const length = Buffer.byteLength(body)
  response.writeHead(status, { 'content-type': jsonType, 'content-length': length, connection: 'close' })
  response.end(body)
}

/** That schemas are schemas is for a test to find; at each start it would cost more than to read all of ours. */
const ajv = new Ajv({ validateSchema: false })

/** Checks parameters by their schema, which is compiled for the first call. Bodies are read by the parsers of the model. */
const checkQuery: FastifySchemaCompiler<Schema> = ({ schema, httpPart }) => {
  if (httpPart === 'body') return () => true
  let compiled: ValidateFunction | undefined
  return (value: unknown) => {
    const fits = (compiled ??= ajv.compile(schema))
    if (fits(value)) return { value }
    const [first] = fits.errors as [DefinedError]
    if (first.keyword === 'required') {
      return { error: new RegistryError('malformed', `${first.params.missingProperty}: missing; give it in the query`) }
    }
    const field = first.instancePath.slice(1).replaceAll('/', '.') || (httpPart ?? 'request')
    const why = first.keyword === 'enum' ? `must be one of ${first.params.allowedValues.join(', ')}` : first.message
    return { error: new RegistryError('malformed', `${field}: ${why}`) }
  }
}

type SchemaCompilers = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>

/** Instead of Fastify's own, which it would load with all that they need. */
export const compilersFactory: SchemaCompilers = {
  buildValidator: (() => checkQuery) as unknown as NonNullable<SchemaCompilers['buildValidator']>,
  buildSerializer: () => () => (value) => JSON.stringify(value),
}

function asPathError(error: Error & { code?: string }): Error {
  if (error.code !== 'FST_ERR_BAD_URL') return error
  return new RegistryError('malformed', 'path: holds a % that is not the percent-encoding of UTF-8')
}
