/**
 * The commonest question, a lookup of a slug without another word, answered ahead of the framework: what that does for each request
 * costs more than such an answer. Whatever is not exactly that is left to the routes, which say why where something is refused.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { freshnessHeader } from '../config/freshness.js'
import { positionHeader } from '../config/position.js'
import type { DoorCounts } from '../metrics/doors.js'
import type { Admission } from './admission.js'
import { jsonType } from './body.js'
import { createGuard, demandOneHost, type Served } from './guard.js'
import { admitted, type LookupAnswers, type Pieces, writePieces } from './lookups.js'
import type { FreshnessTold } from './position.js'
import type { FindService } from './service.js'
import type { WaitingAnswers } from './waiting.js'

/** Neither a query nor anything that would have to be decoded. */
const plainLookup = /^\/v1\/lookup\/([\w.~-]+)$/

export interface PlainParts {
  readonly service: FindService
  readonly answers: LookupAnswers
  readonly freshness: FreshnessTold
  readonly waiting: WaitingAnswers
  readonly doors: DoorCounts
}

export function answerPlainLookups(
  app: FastifyInstance,
  served: Served,
  admission: Admission,
  parts: PlainParts,
): void {
  const guard = createGuard(served)
  const durations = parts.doors.requests('GET', '/v1/lookup/:slug', 200)
  let isClosing = false
  app.addHook('preClose', async () => void (isClosing = true))
  const isPlain = ({ method }: IncomingMessage): boolean =>
    method === 'GET' && !isClosing && !admission.asksForCredentials && served.origins.length === 0
  const { server } = app
  const [framework] = server.listeners('request') as [RequestListener]
  server.removeListener('request', framework)
  server.prependListener('request', (request, response) => {
    const slug = isPlain(request) ? plainLookup.exec(request.url ?? '')?.[1] : undefined
    if (slug === undefined || !answer(slug, request, response)) framework(request, response)
  })

  /** @returns whether it did */
  function answer(slug: string, request: IncomingMessage, response: ServerResponse): boolean {
    let headers: Readonly<Record<string, string | number>>
    let pieces: Pieces
    const begun = performance.now()
    try {
      demandOneHost(request)
      guard('GET', request.headers)
      const now = parts.service()
      if (now.version(slug, true) === undefined) return false
      const position = now.news.position
      pieces = parts.answers.lookup(slug)
      headers = {
        [positionHeader]: position,
        [freshnessHeader]: parts.freshness.text(now, slug),
        'content-type': jsonType,
        'content-length': admitted(response, pieces, parts.waiting),
      }
    } catch {
      return false
    }
    writePieces(response, pieces, headers)
    durations.note((performance.now() - begun) / 1000)
    return true
  }
}
