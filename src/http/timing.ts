/**
 * How long calls take, told apart by their route. What callers choose, such as the path of an unknown call, never becomes a label.
 */
import type { FastifyInstance } from 'fastify'
import type { DoorCounts } from '../metrics/doors.js'

/** Of what is no call of ours. */
const noRoute = 'none'

/** Answers without end say nothing of how long an answer takes. */
const isEndless = /^\/v1\/(events|watch|sessions)\b/

export function timeCalls(app: FastifyInstance, doors: DoorCounts): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? noRoute : (request.routeOptions.url ?? noRoute)
    const isStream = isEndless.test(route) && (request.method === 'GET' || request.method === 'POST')
    const method = request.is404 ? 'any' : request.method
    if (!isStream) doors.requests(method, route, reply.raw.statusCode).note(reply.elapsedTime / 1000)
    done()
  })
}
