/**
 * Our own endpoints, beside the contract: is the daemon well, what does it believe, how far do replicas agree. Mostly for reading.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { refuseUnknownFields } from '../config/nearest.js'
import { RegistryError } from '../core/model/errors.js'
import { parseMaxAge } from '../core/lookup/freshness.js'
import { parseId, registrationFields } from '../core/model/model.js'
import { acksOfQuery, withAcks } from './acks.js'
import { addActs } from './acts.js'
import { demandSlug } from './caller.js'
import * as calls from './calls/own.js'
import { addDiagnosis, type DiagnosisParts } from './diagnosis.js'
import { addDrain } from './drain.js'
import { addEvents, type StreamsParts } from './events.js'
import { filtersOfQuery } from '../config/filters.js'
import { pickOfQuery } from '../config/pick-query.js'
import { placementOfQuery } from '../config/placement-query.js'
import { sendPieces } from './lookups.js'
import { addMetrics, addTargets } from './monitoring.js'
import type { PlainParts } from './plain.js'
import { demandFreshPick, tellPosition } from './position.js'
import { whomOf } from './recorded.js'
import type { FindService } from './service.js'
import { registerFrom, type AnswerParts } from './registry-svc.js'
import { addSessions } from './sessions.js'
import { showNode, showOwnInstance } from './show.js'
import { readParametersAsTheyAreMeant } from './strict.js'
import { asList, asPick } from './turns.js'
import { addWatch } from './watch.js'

export type OwnParts = StreamsParts & AnswerParts & PlainParts & DiagnosisParts

export function addOwn(app: FastifyInstance, parts: OwnParts): void {
  const { service } = parts
  readParametersAsTheyAreMeant(app)
  addHealth(app, service)
  addBeliefs(app, parts)
  addDiagnosis(app, parts)
  addActs(app, service)
  addRegistering(app, parts)
  addSessions(app, service)
  addDrain(app, service)
  addLookup(app, parts)
  addPlacement(app, service)
  addEvents(app, parts)
  addWatch(app, parts)
  addMetrics(app, service)
  addTargets(app, service, parts.waiting)
  app.post('/v1/leave', { config: { needs: 'admin' }, schema: calls.leave }, async (request, reply) => {
    const leaving = parseLeaving(request.body)
    await service().leave(leaving, whomOf(request))
    return reply.send({})
  })
}

/** `/healthz`: the process answers. `/readyz`: what it answers is the register of the cluster, and it takes writes. */
function addHealth(app: FastifyInstance, service: FindService): void {
  app.get('/healthz', { config: { needs: 'nothing', byAnyName: true }, schema: calls.isWell }, (_request, reply) =>
    reply.send({}),
  )

  app.get(
    '/readyz',
    {
      config: { needs: 'nothing', byAnyName: true },
      schema: calls.isReady,
    },
    (_request, reply) => {
      const readiness = service().readiness()
      if (readiness.ready) return reply.send(readiness)
      const error = `not ready: ${readiness.reasons.join('; ')}`
      return reply
        .code(503)
        .header('retry-after', '1')
        .send({ error, ...readiness })
    },
  )
}

function addBeliefs(app: FastifyInstance, { service, lists, waiting }: OwnParts): void {
  app.get('/v1/self', { schema: calls.getSelf }, (_request, reply) => reply.send(service().self()))
  app.get('/v1/peers', { config: asList, schema: calls.listPeers }, (_request, reply) => reply.send(service().peers()))
  app.get('/v1/members', { config: asList, schema: calls.listMembers }, (_request, reply) => {
    waiting.demandRoom()
    tellPosition(reply, service())
    return reply.send({ members: service().members() })
  })
  app.get('/v1/digest', { config: asList, schema: calls.getDigest }, (_request, reply) =>
    reply.send(service().digest()),
  )
  app.get('/v1/counts', { config: asList, schema: calls.getCounts }, (_request, reply) =>
    reply.send({ instances: service().instanceCounts() }),
  )
  app.get('/v1/instances', { config: asList, schema: calls.listRows }, (request, reply) => {
    const filters = filtersOfQuery(request.query as Record<string, unknown>)
    tellPosition(reply, service())
    waiting.demandRoom()
    const make = (): object => ({ instances: service().instanceRows(filters) })
    return sendPieces(reply, [lists.answer(request.url, make)], waiting)
  })
}

/** Registering in words of our own; removing by an id in the query, as an older record may have one that no path can carry. */
function addRegistering(app: FastifyInstance, { service, dnsNames }: OwnParts): void {
  const slugWrite = { config: { asksForSlug: true } } as const
  const idOf = (request: FastifyRequest): string => parseId((request.query as { id?: unknown }).id, 'id')
  app.put('/v1/instances', { ...slugWrite, schema: calls.putInstance }, async (request, reply) => {
    refuseUnknownFields(request.body, registrationFields)
    const acks = acksOfQuery(request.query as Record<string, unknown>)
    const write = async (): Promise<string> => registerFrom(request, service, 'own')
    const { said: id, held } = await withAcks(service(), acks, undefined, write)
    return reply.code(201).send({ id, ...held, ...dnsNames?.tell(reply, service().slugOf(id)) })
  })
  app.delete('/v1/instances', { ...slugWrite, schema: calls.removeInstanceById }, async (request, reply) => {
    const id = idOf(request)
    const acks = acksOfQuery(request.query as Record<string, unknown>)
    demandSlug(request.caller, service().slugOf(id))
    const { held } = await withAcks(service(), acks, service().homeOf(id), () =>
      service().deregister(id, whomOf(request)),
    )
    return held === undefined ? reply.code(204).send() : reply.send(held)
  })
  app.delete('/v1/definitions', { schema: calls.removeDefinitionById }, async (request, reply) => {
    const id = idOf(request)
    await service().removeDefinition(id, whomOf(request))
    return reply.code(204).send()
  })
}

/** Nothing, `null` and `{}` leave for good. Nobody does that by a word that was misspelt. */
function parseLeaving(body: unknown): { readonly restart: boolean } {
  if (body === undefined || body === null) return { restart: false }
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new RegistryError('malformed', 'the request body: must be empty, or an object such as {"restart": true}')
  }
  refuseUnknownFields(body, ['restart'])
  const { restart = false } = body as { restart?: unknown }
  if (typeof restart !== 'boolean') throw new RegistryError('malformed', 'restart: must be true or false')
  return { restart }
}

function addPlacement(app: FastifyInstance, service: FindService): void {
  app.get('/v1/nodes/pick', { config: asList, schema: calls.pickNodes }, (request, reply) => {
    const nodes = service().pickNodes(placementOfQuery(request.query as Record<string, unknown>))
    return reply.send({
      nodes: nodes.map(({ room, roomAge_ms, ...node }) => ({
        ...showNode(node),
        ...(room !== undefined && { room, roomAge_ms }),
      })),
    })
  })
}

function addLookup(app: FastifyInstance, parts: OwnParts): void {
  const { service, answers, waiting, freshness } = parts
  app.get<{ Params: { slug: string } }>(
    '/v1/lookup/:slug',
    { config: asPick, schema: calls.lookup },
    (request, reply) => {
      tellPosition(reply, service()) // of a failure, too: who waits for the first instance of a slug goes on from there
      const { slug } = request.params
      const query = request.query as Record<string, unknown>
      const [asked, maxAge] = [pickOfQuery(query), parseMaxAge(query['maxAge'])]
      const pieces = answers.lookup(slug, asked)
      freshness.tell(reply, service(), slug, maxAge)
      return sendPieces(reply, pieces, waiting)
    },
  )
  app.get<{ Params: { slug: string } }>('/v1/pick/:slug', { config: asPick, schema: calls.pick }, (request, reply) => {
    const { slug } = request.params
    const query = request.query as Record<string, unknown>
    const [asked, maxAge] = [pickOfQuery(query), parseMaxAge(query['maxAge'])]
    demandFreshPick(service(), slug, maxAge)
    const { picked, ...rest } = answers.pick(slug, asked)
    return reply.send({ ...rest, ...(picked !== undefined && { picked: showOwnInstance(picked) }) })
  })
}
