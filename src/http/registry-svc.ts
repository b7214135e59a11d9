/**
 * The calls of the Registry Svc contract. Published clients rely on it: paths, statuses and bodies are not ours to choose.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RegistryError } from '../core/model/errors.js'
import { type Wording, parseDefinition, parseId, parseRegistration, publishedFields } from '../core/model/model.js'
import type { NodeView } from '../core/views.js'
import { demandSlug } from './caller.js'
import * as calls from './calls/contract.js'
import { addEcho } from './echo.js'
import { matches, type InstanceFilters } from '../config/filters.js'
import type { DnsNames } from './dns-names.js'
import type { ListAnswers } from './lists.js'
import { sendPieces, type LookupAnswers } from './lookups.js'
import { tellPosition } from './position.js'
import { whomOf } from './recorded.js'
import type { FindService } from './service.js'
import { showInstance, showNode } from './show.js'
import { withSlug } from './slug.js'
import { warningsOf } from './strict.js'
import { asList } from './turns.js'
import type { WaitingAnswers } from './waiting.js'

const slugWrite = { config: { asksForSlug: true } } as const

export interface AnswerParts {
  readonly answers: LookupAnswers
  readonly lists: ListAnswers
  readonly waiting: WaitingAnswers
  /** Where DNS is answered: what is to be said of names that have no place there. */
  readonly dnsNames?: DnsNames | undefined
}

export function addRegistrySvc(app: FastifyInstance, service: FindService, parts: AnswerParts): void {
  addInstances(app, service, parts)
  addDefinitions(app, service, parts)
  addNodes(app, service)
  addEcho(app)
}

/** @returns the id of what was registered */
export async function registerFrom(request: FastifyRequest, service: FindService, wording: Wording): Promise<string> {
  const { body, headers, caller } = request
  const registration = withSlug(parseRegistration(body, wording), headers, caller)
  const present = service().slugMeant(registration)
  demandSlug(caller, present) // it may be moved away from there
  demandSlug(caller, registration.slug === undefined ? (present ?? null) : registration.slug)
  return (await service().register(registration, { ...(caller && { holder: caller.name }), whom: whomOf(request) })).id
}

function addInstances(app: FastifyInstance, service: FindService, parts: AnswerParts): void {
  const { answers, lists, waiting, dnsNames } = parts
  app.put('/registry-svc/instance', { ...slugWrite, schema: calls.registerInstance }, async (request, reply) => {
    const id = await registerFrom(request, service, 'published')
    dnsNames?.tell(reply, service().slugOf(id))
    return reply.code(201).send({ id, ...warningsOf(request, publishedFields) })
  })

  app.get('/registry-svc/instances', { config: lookedUpOrListed, schema: calls.listInstances }, (request, reply) => {
    const filters = request.query as InstanceFilters
    tellPosition(reply, service())
    if (isSlugAlone(filters, request.url)) return sendPieces(reply, answers.list(filters.slug), waiting)
    waiting.demandRoom()
    const make = (): object => {
      const views = service().instances(filters.slug)
      const shown = views.filter((view) => matches(view, filters))
      return { instances: shown.map(showInstance), ...warningsOf(request) }
    }
    return sendPieces(reply, [lists.answer(request.url, make)], waiting)
  })

  app.delete<{ Params: { id: string } }>(
    '/registry-svc/instance/:id',
    { ...slugWrite, schema: calls.removeInstance },
    async (request, reply) => {
      const id = parseId(request.params.id, 'id')
      demandSlug(request.caller, service().slugOf(id))
      await service().deregister(id, whomOf(request))
      return reply.code(204).send()
    },
  )
}

function addDefinitions(app: FastifyInstance, service: FindService, { waiting }: AnswerParts): void {
  app.put('/registry-svc/definition', { schema: calls.saveDefinition }, async (request, reply) => {
    const definition = parseDefinition(request.body)
    await service().saveDefinition(definition, whomOf(request))
    return reply.code(201).send(warningsOf(request, ['definition']))
  })

  app.get('/registry-svc/definitions', { config: asList, schema: calls.listDefinitions }, (request, reply) => {
    waiting.demandRoom()
    return reply.send({ definitions: service().definitions(), ...warningsOf(request) })
  })

  app.delete<{ Params: { id: string } }>(
    '/registry-svc/definition/:id',
    { schema: calls.removeDefinition },
    async (request, reply) => {
      const id = parseId(request.params.id, 'id')
      await service().removeDefinition(id, whomOf(request))
      return reply.code(204).send()
    },
  )
}

function addNodes(app: FastifyInstance, service: FindService): void {
  app.post(
    '/registry-svc/nodes',
    { config: { needs: 'read', isQuestion: true, ...asList }, schema: calls.listNodes },
    (request, reply) => {
      const ids = parseNodeIds(request.body)
      const isAsked = (node: NodeView): boolean => ids === undefined || ids.has(node.id)
      tellPosition(reply, service())
      return reply.send({ nodes: service().nodes().filter(isAsked).map(showNode), ...warningsOf(request, ['ids']) })
    },
  )

  app.get('/registry-svc/node/self', { schema: calls.getSelfNode }, (request, reply) =>
    reply.send({ node: showNode(service().selfNode()), ...warningsOf(request) }),
  )

  app.delete<{ Params: { url: string } }>(
    '/registry-svc/node/:url',
    {
      config: { needs: 'admin' },
      schema: calls.removeNode,
    },
    async (request, reply) => {
      await service().removeNode(request.params.url, whomOf(request))
      return reply.code(204).send()
    },
  )
}

const lookedUpOrListed = {
  turn: ({ query, url }: FastifyRequest) => (isSlugAlone(query as InstanceFilters, url) ? undefined : 'lists'),
} as const

/** The common question, to which the answer is kept. */
function isSlugAlone(filters: InstanceFilters, url: string): filters is InstanceFilters & { readonly slug: string } {
  return filters.slug !== undefined && !url.includes('&')
}

/** Nothing, `null`, `{}` and an empty list all ask for every node. */
function parseNodeIds(body: unknown): ReadonlySet<string> | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new RegistryError('malformed', 'body: must be empty, or an object such as {"ids": ["…"]}')
  }
  const { ids } = body as { ids?: unknown }
  if (ids === undefined || ids === null) return undefined
  if (!Array.isArray(ids) || ids.some((id) => typeof id !== 'string')) {
    throw new RegistryError('malformed', 'ids: must be a list of strings')
  }
  return ids.length === 0 ? undefined : new Set(ids as readonly string[])
}
