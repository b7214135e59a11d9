/**
 * How long whoever changes something is kept waiting: then it is told to come again. What comes of it by then is told in the log.
 */
import type { FastifyInstance } from 'fastify'
import { RegistryError } from '../core/model/errors.js'

/** A write waits for the disk and, while the daemon starts, for its identity. */
export const writePatience_ms = 30_000

/** Not by `handlerTimeout` of fastify, which lets go of its limit, and aborts a signal that nobody listens to, once the body is read. */
export function limitPatience(app: FastifyInstance, patience_ms: number = writePatience_ms): void {
  app.addHook('preHandler', (request, reply, done) => {
    if (request.method === 'GET' || request.method === 'HEAD') return done()
    const timer = setTimeout(() => {
      if (reply.sent) return // all of it, or the beginning of an answer without end
      reply.send(new RegistryError('unavailable', 'this took too long, and may still happen; look, or try again'))
    }, patience_ms)
    reply.raw.once('close', () => clearTimeout(timer))
    done()
  })
}
