/**
 * The calls by which this node is hidden before it stops, or shown again. What that means is decided elsewhere.
 */
import type { FastifyInstance } from 'fastify'
import { refuseBody } from './acts.js'
import * as calls from './calls/drain.js'
import { whomOf } from './recorded.js'
import type { FindService } from './service.js'

export function addDrain(app: FastifyInstance, service: FindService): void {
  const options = { config: { needs: 'admin' } } as const
  app.put('/v1/self/drain', { ...options, schema: calls.drainNode }, async (request, reply) => {
    refuseBody(request.body)
    return reply.send(await service().drain(whomOf(request)))
  })
  app.delete('/v1/self/drain', { ...options, schema: calls.endNodeDrain }, async (request, reply) => {
    await service().endDrain(whomOf(request))
    return reply.send({})
  })
}
