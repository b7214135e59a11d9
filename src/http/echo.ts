/**
 * Gives back what came, for clients that want to see whether their requests arrive whole. It keeps nothing.
 */
import type { FastifyInstance } from 'fastify'
import { RegistryError } from '../core/model/errors.js'
import { jsonType } from './body.js'
import * as calls from './calls/contract.js'

const path = '/registry-svc/echo'

export function addEcho(app: FastifyInstance): void {
  app.get(path, { schema: calls.echoQuery }, (request, reply) => reply.send(queryOf(request.url)))
  for (const method of ['POST', 'PUT'] as const) {
    app.route({
      method,
      url: path,
      config: { needs: 'read', isQuestion: true },
      schema: calls.echoBody(method),
      handler: (request, reply) => {
        if (request.body === undefined)
          throw new RegistryError('malformed', 'body: empty; send any JSON to have it back')
        // A plain text would be sent as it is, without its quotes.
        return reply.type(jsonType).send(JSON.stringify(request.body))
      },
    })
  }
}

/** Every parameter, also the empty ones; what comes several times as a list. */
function queryOf(url: string): Record<string, string | string[]> {
  const query = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')
  const given = Object.create(null) as Record<string, string | string[]>
  for (const name of query.keys()) {
    const values = query.getAll(name)
    given[name] = values.length === 1 ? (values[0] as string) : values
  }
  return given
}
