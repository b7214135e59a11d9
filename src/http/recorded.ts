/**
 * Who asks for a change, as it is told in the log; what is refused at this door, before the daemon hears of it, is told from here.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type ActName, type Deed, type Whom, cutEntry, outcomeOf } from '../core/journal/entry.js'
import { messageOf } from '../core/model/errors.js'
import { RefusalLines } from '../core/journal/refusal-lines.js'
import type { Log } from '../log.js'
import type { FindService } from './service.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The daemon was told who asks: whatever comes of it is told there. */
    isHandedOn: boolean
  }
}

/** What each call does, by the name that it has in the OpenAPI document; `…ById` is another way to the same. */
export const actsByCall: Readonly<Record<string, ActName>> = {
  registerInstance: 'register',
  putInstance: 'register',
  removeInstance: 'deregister',
  patchInstance: 'update',
  setMaintenance: 'maintenance',
  endMaintenance: 'end maintenance',
  setMaintenanceOfAll: 'maintenance',
  endMaintenanceOfAll: 'end maintenance',
  drainInstance: 'drain',
  endInstanceDrain: 'end drain',
  setStatus: 'status',
  saveDefinition: 'save definition',
  removeDefinition: 'remove definition',
  removeNode: 'remove node',
  drainNode: 'drain node',
  endNodeDrain: 'end node drain',
  openSession: 'open session',
  endSession: 'end session',
  leave: 'leave',
}

/** Those that change nothing: questions, signs of life, suspicions, which decide nothing. */
export const callsThatChangeNothing: readonly string[] = [
  'listNodes',
  'echoPost',
  'echoPut',
  'hearSession',
  'renewInstance',
  'suspectInstance',
]

/** Who asks; from now on the daemon tells what comes of it. */
export function whomOf(request: FastifyRequest): Whom {
  request.isHandedOn = true
  return seenAs(request)
}

/** By the connection: what a header says of where a request comes from, anybody can write. */
function seenAs({ caller, ip }: FastifyRequest): Whom {
  return { via: 'http', ...(caller !== undefined && { by: caller.name }), address: ip.replace(/^::ffff:/, '') }
}

export function recordRefusals(app: FastifyInstance, service: FindService, log: Log): void {
  app.decorateRequest('isHandedOn', false)
  const lines = new RefusalLines()
  app.addHook('onError', (request, _reply, error, done) => {
    const deed = request.isHandedOn || request.is404 ? undefined : deedOf(request)
    if (deed !== undefined) tellRefused(deed, error, { request, service, log, lines })
    done()
  })
}

interface Refusing {
  readonly request: FastifyRequest
  readonly service: FindService
  readonly log: Log
  readonly lines: RefusalLines
}

/** Where there is no daemon yet only the log is told. */
function tellRefused(deed: Deed, error: unknown, { request, service, log, lines }: Refusing): void {
  const whom = seenAs(request)
  try {
    service().refused(deed, error, whom)
  } catch {
    const entry = cutEntry({ ...deed, ...whom, details: messageOf(error), at: '', outcome: outcomeOf('unavailable') })
    const line = lines.lineOf(entry, performance.now())
    if (line !== undefined) log.info(line.fields, line.message)
  }
}

function deedOf({ routeOptions, params, query, body }: FastifyRequest): Deed | undefined {
  const act = actsByCall[(routeOptions.schema?.operationId ?? '').replace(/ById$/, '')]
  if (act === undefined) return undefined
  const said = Object(body) as { readonly definition?: unknown }
  const places = [params, query, said, said.definition]
  const [id, slug, url] = ['id', 'slug', 'url'].map((name) => textAt(places, name))
  const isOfNode = act === 'remove node'
  return {
    act,
    ...(id !== undefined && { id }),
    ...(slug !== undefined && { slug }),
    ...(isOfNode && url !== undefined && { node: url }),
  }
}

function textAt(places: readonly unknown[], name: string): string | undefined {
  const found = places.map((place) => (Object(place) as Readonly<Record<string, unknown>>)[name])
  return found.find((one): one is string => typeof one === 'string' && one !== '')
}
