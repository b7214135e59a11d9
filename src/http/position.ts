/**
 * Says how far an answer goes, beside it, so that the bytes of the answer itself can be shared.
 */
import type { FastifyReply } from 'fastify'
import { positionHeader } from '../config/position.js'
import type { RegistryService } from './service.js'

/** To be called in the turn in which the answer is made, so that nothing comes between the two. */
export function tellPosition(reply: FastifyReply, { news }: RegistryService): void {
  reply.header(positionHeader, news.position)
}
