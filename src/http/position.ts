/**
 * Says how far an answer goes, or how old its truth may be, beside it, so that the bytes of the answer itself can be shared.
 */
import type { FastifyReply } from 'fastify'
import { formatFreshness, freshnessHeader } from '../config/freshness.js'
import { positionHeader } from '../config/position.js'
import type { Duration } from '../core/duration.js'
import { demandFresh } from '../core/lookup/freshness.js'
import type { RegistryService } from './service.js'

/** To be called in the turn in which the answer is made, so that nothing comes between the two. */
export function tellPosition(reply: FastifyReply, { news }: RegistryService): void {
  reply.header(positionHeader, news.position)
}

/**
 * The same of how old a lookup may be.
 * @throws RegistryError `unavailable` where that is older than it may be
 */
export function tellFreshness(
  reply: FastifyReply,
  service: RegistryService,
  slug: string,
  maxAge: Duration | undefined,
): void {
  const freshness = service.freshness(slug)
  reply.header(freshnessHeader, formatFreshness(freshness))
  demandFresh(slug, freshness, maxAge)
}
