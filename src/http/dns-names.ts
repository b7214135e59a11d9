/**
 * Which slug cannot be found in the DNS that this daemon answers: said to whoever registers it, once in the log too.
 */
import type { FastifyReply } from 'fastify'
import { warningHeader } from '../config/warning.js'
import { warningOfDnsName } from '../core/model/dns-name.js'
import type { Log } from '../log.js'

/** So many slugs are remembered of which the log tells: programs register themselves again and again. */
const toldAtMost = 1024

export class DnsNames {
  readonly #log: Log
  readonly #told = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * In a header of the answer, which published clients do not mind.
   * @param slug null or undefined where it is registered for none
   * @returns what belongs into an answer of our own, beside the header
   */
  tell(reply: FastifyReply, slug: string | null | undefined): { readonly warnings?: readonly string[] } {
    const warning = typeof slug === 'string' ? warningOfDnsName(slug) : undefined
    if (typeof slug !== 'string' || warning === undefined) return {}
    reply.header(warningHeader, escaped(warning))
    if (!this.#told.has(slug)) {
      if (this.#told.size >= toldAtMost) this.#told.clear()
      this.#told.add(slug)
      this.#log.warn(warning)
    }
    return { warnings: [warning] }
  }
}

/** A header holds no other letters. */
function escaped(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
