/**
 * Says, once of each, what was registered here that is of no use to others.
 */
import { hostForOthers, otherMembers, warningOfReach } from '../config/reach.js'
import type { Moment } from '../core/effects.js'
import type { Registration } from '../core/model/model.js'
import type { Registry } from '../core/registry.js'
import { isOfItsNode } from '../core/model/url.js'

export interface ReachParts {
  readonly registry: Registry
  readonly now: () => Moment
  readonly warn: (message: string) => void
}

/** So many instances are remembered, of which it was said that others cannot call them: programs register themselves again and again. */
const warnedAtMost = 1024

/** How things are with this machine and its members is looked at once for all that is registered within so long. */
const lookedAt_ms = 1000

export class ReachWarnings {
  readonly #parts: ReachParts
  readonly #warned = new Set<string>()
  #looked: { readonly at: number; readonly others: number; readonly host: string } | undefined

  constructor(parts: ReachParts) {
    this.#parts = parts
  }

  registered(id: string, { url, slug }: Registration): void {
    const { warn } = this.#parts
    if (!isOfItsNode(url) || this.#warned.has(`${id} ${url}`)) return
    const looked = this.#look()
    const warning = looked && warningOfReach(url, looked.others, looked.host)
    if (warning === undefined) return
    if (this.#warned.size >= warnedAtMost) this.#warned.clear()
    this.#warned.add(`${id} ${url}`)
    warn(`instance ${slug ?? id} was registered here, but ${warning}`)
  }

  /**
   * Anew each time while there are no others: the first one who comes is somebody to be warned of at once.
   * @returns undefined without others
   */
  #look(): { readonly others: number; readonly host: string } | undefined {
    const { registry, now } = this.#parts
    const at = now()
    if (this.#looked !== undefined && at.now - this.#looked.at < lookedAt_ms) return this.#looked
    const others = otherMembers(registry.read.members(at))
    // The operating system is not asked where it is for a warning that nobody gets.
    this.#looked = others === 0 ? undefined : { at: at.now, others, host: hostForOthers() }
    return this.#looked
  }
}
