/**
 * Our own calls that do something to an instance which is registered already, taken at any node. What is done is decided elsewhere.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import type { Which } from '../config/filters.js'
import { refuseUnknownFields } from '../config/nearest.js'
import { type Act, drain, endDrain, parsePatch, parseStatus, patchFields, statusFields } from '../core/model/act.js'
import { RegistryError } from '../core/model/errors.js'
import { parseId, parseMaintenance } from '../core/model/model.js'
import type { Suspicion } from '../core/views.js'
import { acksOfQuery, withAcks } from './acks.js'
import { demandSlug } from './caller.js'
import * as calls from './calls/acts.js'
import { maintainAll } from './many.js'
import { whomOf } from './recorded.js'
import type { FindService } from './service.js'
import { asList } from './turns.js'

const write = { config: { asksForSlug: true } } as const

type Handler = (request: FastifyRequest, reply: FastifyReply, id: string) => Promise<unknown>

interface Ways {
  readonly method: 'PATCH' | 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  readonly query: string
  readonly schema: { readonly byPath: FastifySchema; readonly byQuery: FastifySchema }
  readonly needs?: 'read'
}

export function addActs(app: FastifyInstance, service: FindService): void {
  const path = '/v1/instances/:id'
  /** An older record may have an id that no path can carry. */
  const both = ({ method, path, query, schema, needs }: Ways, handler: Handler): void => {
    const options = { method, ...write, ...(needs !== undefined && { config: { needs } }) }
    const byPath = (request: FastifyRequest, reply: FastifyReply): Promise<unknown> =>
      handler(request, reply, idOf(request))
    const byQuery = (request: FastifyRequest, reply: FastifyReply): Promise<unknown> =>
      handler(request, reply, idInQuery(request))
    app.route({ ...options, url: path, schema: schema.byPath, handler: byPath })
    app.route({ ...options, url: query, schema: schema.byQuery, handler: byQuery })
  }
  const act = (ways: Ways, read: (request: FastifyRequest) => Exclude<Act, { type: 'suspect' }>): void =>
    both(ways, async (request, reply, id) => {
      const what = read(request)
      const acks = acksOfQuery(request.query as Record<string, unknown>)
      demandSlug(request.caller, service().slugOf(id))
      const { held } = await withAcks(service(), acks, service().homeOf(id), () =>
        service().act(id, what, whomOf(request)),
      )
      return held === undefined ? reply.code(204).send() : reply.send(held)
    })
  act({ method: 'PATCH', path, query: '/v1/instances', schema: calls.patchInstance }, ({ body }) => {
    refuseUnknownFields(body, patchFields)
    return { type: 'patch', ...parsePatch(body) }
  })
  const maintenance = { path: `${path}/maintenance`, query: '/v1/maintenance' }
  act({ method: 'PUT', ...maintenance, schema: calls.setMaintenance }, (request) => ({
    type: 'maintenance',
    reason: reasonOf(request),
  }))
  act({ method: 'DELETE', ...maintenance, schema: calls.endMaintenance }, () => ({ type: 'maintenance' }))
  const drained = { path: `${path}/drain`, query: '/v1/drain' }
  act({ method: 'PUT', ...drained, schema: calls.drainInstance }, ({ body }) => {
    refuseBody(body)
    return drain
  })
  act({ method: 'DELETE', ...drained, schema: calls.endInstanceDrain }, () => endDrain)
  act({ method: 'PUT', path: `${path}/status`, query: '/v1/status', schema: calls.setStatus }, ({ body }) => {
    refuseUnknownFields(body, statusFields)
    return { type: 'status', ...parseStatus(body) }
  })
  act({ method: 'PUT', path: `${path}/renew`, query: '/v1/renew', schema: calls.renew }, ({ body }) => {
    refuseBody(body)
    return { type: 'renew' }
  })
  // Whoever may read may say that he was refused: it costs a check, and decides nothing.
  const suspicion = { path: `${path}/suspect`, query: '/v1/suspect', schema: calls.suspect, needs: 'read' } as const
  both({ method: 'POST', ...suspicion }, async (request, reply, id) => {
    refuseBody(request.body)
    const caller = request.caller === undefined ? request.ip : `token ${request.caller.name}`
    const answer: Suspicion = await service().suspect(id, caller.slice(0, 256))
    return reply.code(answer.checked ? 200 : 202).send(answer)
  })
  addMany(app, service)
}

function addMany(app: FastifyInstance, service: FindService): void {
  const options = { ...write, config: { ...write.config, ...asList } }
  const set = (request: FastifyRequest, reason: string | undefined): ReturnType<typeof maintainAll> =>
    maintainAll(service(), { ...(request.query as Which) }, reason, {
      demand: (slug) => demandSlug(request.caller, slug ?? null),
      whom: () => whomOf(request),
    })
  app.put('/v1/maintenance/many', { ...options, schema: calls.setMaintenanceOfAll }, async (request, reply) =>
    reply.send(await set(request, reasonOf(request))),
  )
  app.delete('/v1/maintenance/many', { ...options, schema: calls.endMaintenanceOfAll }, async (request, reply) =>
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
export function refuseBody(body: unknown): void {
  if (body === undefined || body === null) return
  if (typeof body !== 'object' || Array.isArray(body))
    throw new RegistryError('malformed', 'the request body: must be empty; this call takes no fields')
  const [unknown] = Object.keys(body)
  if (unknown !== undefined) throw new RegistryError('malformed', `${unknown.slice(0, 64)}: this call takes no fields`)
}
