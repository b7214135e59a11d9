/**
 * Hears of each change of an instance, whoever made it, to say which services do not come to rest. It warns once of each.
 */
import { ChurnCounts, type Churn } from '../core/doctor/churn.js'
import type { Moment, RegistryEvent } from '../core/effects.js'
import type { Registry } from '../core/registry.js'
import { churnInWords, type Register } from './log-lines.js'

export interface ChurningParts {
  readonly registry: Pick<Registry, 'read'>
  readonly register: Register
  readonly now: () => Moment
  readonly warn: (message: string) => void
}

export class Churning {
  readonly #parts: ChurningParts
  readonly #counts = new ChurnCounts()

  constructor(parts: ChurningParts) {
    this.#parts = parts
  }

  heard(event: RegistryEvent): void {
    if (event.type !== 'instance') return
    const { registry, register, now, warn } = this.#parts
    const home = registry.read.homeOf(event.id)
    const begun = home === undefined ? undefined : this.#counts.note(home, event.slug, now().now)
    if (begun !== undefined) warn(churnInWords(begun, register))
  }

  /** Most first. */
  lasting(): readonly Churn[] {
    return this.#counts.lasting(this.#parts.now().now)
  }
}
