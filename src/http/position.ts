/**
 * Says how far an answer goes, or how old its truth may be, beside it, so that the bytes of the answer itself can be shared.
 */
import type { FastifyReply } from 'fastify'
import { formatFreshness, freshnessHeader } from '../config/freshness.js'
import { positionHeader } from '../config/position.js'
import type { Duration } from '../core/model/duration.js'
import { demandFresh } from '../core/lookup/freshness.js'
import type { RegistryService } from './service.js'

/** To be called in the turn in which the answer is made, so that nothing comes between the two. */
export function tellPosition(reply: FastifyReply, { news }: RegistryService): void {
  reply.header(positionHeader, news.position)
}

/** Ages are told to a tenth of a second, so that what is said need not be made anew for each of thousands of answers. */
const told_ms = 100

interface Told {
  readonly until: number
  readonly text: string
}

/**
 * A pick that is not fresh enough is refused before it takes its turn; of what nobody has registered there is none.
 * @throws RegistryError `unavailable` where what is known is older than that
 */
export function demandFreshPick(
  service: Pick<RegistryService, 'version' | 'freshness'>,
  slug: string,
  maxAge: Duration | undefined,
): void {
  if (maxAge !== undefined && service.version(slug, true) !== undefined)
    demandFresh(slug, service.freshness(slug), maxAge)
}

/** The same of how old a lookup may be. */
export class FreshnessTold {
  /** By the version of a slug, which is another one as soon as its list changes. */
  readonly #told = new WeakMap<object, Told>()

  /** @throws RegistryError `unavailable` where that is older than it may be */
  tell(reply: FastifyReply, service: RegistryService, slug: string, maxAge: Duration | undefined): void {
    if (maxAge === undefined) return void reply.header(freshnessHeader, this.text(service, slug))
    const freshness = service.freshness(slug)
    reply.header(freshnessHeader, formatFreshness(freshness))
    demandFresh(slug, freshness, maxAge)
  }

  /** As it stands in the header. */
  text(service: RegistryService, slug: string): string {
    const version = service.version(slug, true)
    const known = version && this.#told.get(version)
    const now = performance.now()
    if (known !== undefined && now < known.until) return known.text
    const text = formatFreshness(service.freshness(slug))
    if (version !== undefined) this.#told.set(version, { until: now + told_ms, text })
    return text
  }
}
