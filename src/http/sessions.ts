/**
 * Sessions over HTTP: a program holds one open by the answer to the call that opened it, which ends no sooner than the session. The
 * kernel closes that line when the program dies.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { refuseUnknown } from '../config/nearest.js'
import { durationOf, formatDuration, parseDuration } from '../core/model/duration.js'
import { RegistryError } from '../core/model/errors.js'
import { defaultGrace_ms, lifetimeLimits, sessionPace } from '../core/model/lifetime.js'
import * as calls from './calls/sessions.js'
import { beginEventStream } from './event-stream.js'
import { whomOf } from './recorded.js'
import type { FindService, SessionOpening } from './service.js'
import { asList } from './turns.js'

/** A session is its holder's, whatever slugs that may register; each registration in it is asked for its own. */
const own = { asksForSlug: true } as const

export function addSessions(app: FastifyInstance, service: FindService): void {
  const open = new Set<ServerResponse>()
  // A comment shows the program that its daemon is there; it speaks as often, by a call.
  const timer = setInterval(() => open.forEach((response) => response.write(': \n\n')), sessionPace.word_ms)
  timer.unref()
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
    clearInterval(timer)
    open.forEach((response) => response.end())
  })

  app.post('/v1/sessions', { config: own, schema: calls.openSession }, async (request, reply) => {
    const { raw } = reply
    if (isClosing) throw new RegistryError('unavailable', 'the daemon is stopping; open the session again in a moment')
    const { grace_ms, ...opening } = parseOpening(request)
    const line = await service().openSession({
      ...opening,
      ...(grace_ms !== undefined && { grace_ms }),
      whom: whomOf(request),
      onOver: () => raw.end(),
    })
    const lost = (): void => {
      open.delete(raw)
      if (!isClosing) line.lost()
    }
    if (raw.destroyed || raw.closed) return lost() // meanwhile
    raw.on('close', lost)
    reply.hijack()
    beginEventStream(raw, reply.getHeaders() as Record<string, string>)
    const { id, secret } = line
    const isNew = opening.secret === undefined // one that is opened again has the grace that it had
    const said = { id, secret, ...(isNew && { grace: formatDuration(grace_ms ?? defaultGrace_ms) }) }
    raw.write(`event: opened\ndata: ${JSON.stringify(said)}\n\n`)
    open.add(raw)
  })

  app.get('/v1/sessions', { config: asList, schema: calls.listSessions }, (_request, reply) =>
    reply.send({ sessions: service().sessions() }),
  )

  app.put<{ Params: { id: string } }>(
    '/v1/sessions/:id',
    { config: own, schema: calls.hearSession },
    async (request, reply) => {
      await service().hearSession(request.params.id, secretOf(request), request.caller?.name)
      return reply.code(204).send()
    },
  )

  app.delete<{ Params: { id: string } }>(
    '/v1/sessions/:id',
    { config: own, schema: calls.endSession },
    async (request, reply) => {
      const secret = secretOf(request)
      await service().endSession(request.params.id, secret, request.caller?.name, whomOf(request))
      return reply.code(204).send()
    },
  )
}

function parseOpening({ body, caller }: FastifyRequest): Omit<SessionOpening, 'onOver' | 'whom'> {
  const fields = objectOf(body)
  refuseUnknown(fields, ['secret', 'grace'], 'field')
  const { secret, grace } = fields
  const isSaid = grace !== undefined && grace !== null && grace !== ''
  const grace_ms = isSaid ? durationOf(parseDuration(grace, 'grace', lifetimeLimits.grace)) : undefined
  return {
    ...(secret !== undefined && secret !== null && { secret: textOf(secret) }),
    ...(grace_ms !== undefined && { grace_ms }),
    ...(caller !== undefined && { holder: caller.name }),
  }
}

/** In the body; a call that ends a session may carry it in a header, since some clients send no body with it. */
function secretOf({ body, headers }: FastifyRequest): string {
  const fields = objectOf(body)
  refuseUnknown(fields, ['secret'], 'field')
  const header = headers['x-rollcall-session']
  return textOf(fields['secret'] ?? (Array.isArray(header) ? header[0] : header))
}

function textOf(secret: unknown): string {
  if (typeof secret === 'string' && secret !== '' && secret.length <= lifetimeLimits.sessionLength) return secret
  throw new RegistryError('malformed', 'secret: must be the one that opening the session has answered')
}

function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (body === undefined || body === null) return {}
  if (typeof body === 'object' && !Array.isArray(body)) return body as Record<string, unknown>
  throw new RegistryError('malformed', 'the request body: must be empty, or an object such as {"secret": "…"}')
}
