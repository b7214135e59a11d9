/**
 * What a Prometheus asks of a daemon: its metrics, whom else to scrape.
 */
import type { FastifyInstance } from 'fastify'
import { filtersOfQuery } from '../config/filters.js'
import { canBeRead } from '../core/words/causes.js'
import { RegistryError } from '../core/model/errors.js'
import { jsonType } from './body.js'
import * as calls from './calls/monitoring.js'
import type { FindService } from './service.js'
import { SharedAnswers } from './shared-answers.js'
import { targetOf } from './targets.js'
import type { WaitingAnswers } from './waiting.js'

/** As Prometheus reads it. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

export function addMetrics(app: FastifyInstance, service: FindService): void {
  const shared = new SharedAnswers()
  app.get('/metrics', { schema: calls.getMetrics }, async (_request, reply) => {
    return reply.type(metricsType).send(await shared.answer('', () => service().metrics()))
  })
}

export function addTargets(app: FastifyInstance, service: FindService, waiting: WaitingAnswers): void {
  const shared = new SharedAnswers()
  app.get('/v1/prometheus/targets', { schema: calls.listTargets }, async (request, reply) => {
    const { port, ...query } = request.query as Readonly<Record<string, unknown>>
    // Nothing has a port of that name, and Prometheus would drop all that it had.
    if (port === '') throw new RegistryError('malformed', 'port: is empty; give the name of a port, or leave it out')
    const filters = filtersOfQuery(query)
    demandCertainty(service)
    waiting.demandRoom()
    const text = await shared.answer(request.url, () => {
      const rows = service()
        .instanceRows(filters)
        .filter((row) => row.visible)
      return JSON.stringify(rows.flatMap((row) => targetOf(row, port as string | undefined) ?? []))
    })
    return reply.type(jsonType).send(text)
  })
}

/**
 * Prometheus keeps what it had where it is refused, and drops what an answer lacks.
 * @throws RegistryError `unavailable`
 */
function demandCertainty(service: FindService): void {
  const { reasons, degraded, ...readiness } = service().readiness()
  if (!canBeRead(readiness)) throw new RegistryError('unavailable', `not ready: ${reasons.join('; ')}`)
  if (degraded)
    throw new RegistryError('unavailable', 'in doubt: this node has lost sight of most of the cluster; ask another one')
}
