/**
 * The endpoints that find out what is wrong with a cluster. They change nothing.
 */
import type { FastifyInstance } from 'fastify'
import { parseHistoryQuery } from '../core/journal/query.js'
import { jsonType } from './body.js'
import * as calls from './calls/diagnosis.js'
import type { FindService } from './service.js'
import { SharedAnswers } from './shared-answers.js'
import { asList } from './turns.js'

export interface DiagnosisParts {
  readonly service: FindService
  /** Of the log of this daemon, oldest first, without secrets. */
  readonly lastLines: () => readonly string[]
}

export function addDiagnosis(app: FastifyInstance, { service, lastLines }: DiagnosisParts): void {
  const [surveys, doctors] = [new SharedAnswers(), new SharedAnswers()]
  app.get('/v1/survey', { schema: calls.getSurvey }, async (_request, reply) => {
    const text = await surveys.answer('', async () => JSON.stringify(await service().survey()))
    return reply.type(jsonType).send(text)
  })
  app.get('/v1/history', { config: asList, schema: calls.getHistory }, async (request, reply) => {
    const { limit, ...others } = request.query as Readonly<Record<string, unknown>>
    const isNumber = typeof limit === 'string' && /^\d{1,9}$/.test(limit)
    const query = parseHistoryQuery({ ...others, limit: isNumber ? Number(limit) : limit })
    const history = await service().history(query)
    const text = await app.turns.lists.made(request.socket, () => JSON.stringify(history), 0)
    return reply.type(jsonType).send(text)
  })
  app.get('/v1/doctor', { schema: calls.getDoctor }, async (_request, reply) => {
    const text = await doctors.answer('', async () => JSON.stringify(await service().doctor()))
    return reply.type(jsonType).send(text)
  })
  app.get('/v1/log', { config: { needs: 'admin' }, schema: calls.getLog }, (_request, reply) =>
    reply.send({ lines: lastLines() }),
  )
}
