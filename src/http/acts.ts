/**
 * Our own calls that do something to an instance which is registered already, taken at any node. What is done is decided elsewhere.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Which } from '../config/filters.js'
import { refuseUnknownFields } from '../config/nearest.js'
import { type Act, parsePatch, parseStatus, patchFields, statusFields } from '../core/act.js'
import { RegistryError } from '../core/errors.js'
import { parseId, parseMaintenance } from '../core/model.js'
import type { Suspicion } from '../core/views.js'
import { demandSlug } from './caller.js'
import * as calls from './calls/acts.js'
import { maintainAll } from './many.js'
import { writeTimeout_ms } from './registry-svc.js'
import type { FindService } from './service.js'

const write = { handlerTimeout: writeTimeout_ms }

export function addActs(app: FastifyInstance, service: FindService): void {
  const act = async (
    request: FastifyRequest,
    what: Exclude<Act, { type: 'suspect' }>,
    id = idOf(request),
  ): Promise<void> => {
    demandSlug(request.caller, service().slugOf(id))
    await service().act(id, what)
  }
  const path = '/v1/instances/:id'
  app.patch(path, { ...write, schema: calls.patchInstance }, async (request, reply) => {
    refuseUnknownFields(request.body, patchFields)
    await act(request, { type: 'patch', ...parsePatch(request.body) })
    return reply.code(204).send()
  })
  app.put(`${path}/maintenance`, { ...write, schema: calls.setMaintenance }, async (request, reply) => {
    await act(request, { type: 'maintenance', reason: reasonOf(request) })
    return reply.code(204).send()
  })
  app.delete(`${path}/maintenance`, { ...write, schema: calls.endMaintenance }, async (request, reply) => {
    await act(request, { type: 'maintenance' })
    return reply.code(204).send()
  })
  // An older record may have an id that no path can carry.
  app.put('/v1/maintenance', { ...write, schema: calls.setMaintenanceById }, async (request, reply) => {
    await act(request, { type: 'maintenance', reason: reasonOf(request) }, idInQuery(request))
    return reply.code(204).send()
  })
  app.delete('/v1/maintenance', { ...write, schema: calls.endMaintenanceById }, async (request, reply) => {
    await act(request, { type: 'maintenance' }, idInQuery(request))
    return reply.code(204).send()
  })
  app.put(`${path}/status`, { ...write, schema: calls.setStatus }, async (request, reply) => {
    refuseUnknownFields(request.body, statusFields)
    await act(request, { type: 'status', ...parseStatus(request.body) })
    return reply.code(204).send()
  })
  app.put(`${path}/renew`, { ...write, schema: calls.renew }, async (request, reply) => {
    refuseBody(request.body)
    await act(request, { type: 'renew' })
    return reply.code(204).send()
  })
  addSuspicion(app, service)
  addMany(app, service)
}

/** Whoever may read may say that he was refused: it costs a check, and decides nothing. */
function addSuspicion(app: FastifyInstance, service: FindService): void {
  const options = { ...write, config: { needs: 'read' as const }, schema: calls.suspect }
  app.post('/v1/instances/:id/suspect', options, async (request, reply) => {
    refuseBody(request.body)
    const caller = request.caller === undefined ? request.ip : `token ${request.caller.name}`
    const suspicion: Suspicion = await service().suspect(idOf(request), caller.slice(0, 256))
    return reply.code(suspicion.checked ? 200 : 202).send(suspicion)
  })
}

function addMany(app: FastifyInstance, service: FindService): void {
  const set = (request: FastifyRequest, reason: string | undefined): ReturnType<typeof maintainAll> =>
    maintainAll(service(), { ...(request.query as Which) }, reason, (slug) => demandSlug(request.caller, slug))
  app.put('/v1/maintenance/many', { ...write, schema: calls.setMaintenanceOfAll }, async (request, reply) =>
    reply.send(await set(request, reasonOf(request))),
  )
  app.delete('/v1/maintenance/many', { ...write, schema: calls.endMaintenanceOfAll }, async (request, reply) =>
    reply.send(await set(request, undefined)),
  )
}

function idOf(request: FastifyRequest): string {
  return parseId((request.params as { id: unknown }).id, 'id')
}

function idInQuery(request: FastifyRequest): string {
  return parseId((request.query as { id?: unknown }).id, 'id')
}

function reasonOf({ body }: FastifyRequest): string {
  refuseUnknownFields(body, ['reason'])
  return parseMaintenance(body)
}

/** Nothing, `null` and `{}` say nothing. */
function refuseBody(body: unknown): void {
  if (body === undefined || body === null) return
  if (typeof body !== 'object' || Array.isArray(body))
    throw new RegistryError('malformed', 'the request body: must be empty; this call takes no fields')
  const [unknown] = Object.keys(body)
  if (unknown !== undefined) throw new RegistryError('malformed', `${unknown.slice(0, 64)}: this call takes no fields`)
}
