/**
 * When reports about ourselves are answered: by a head of a later incarnation, which makes them void. Not each report is
 * answered, only as many as would hide us; else any sick member could make everybody write and publish.
 */
import { memory_ms } from '../basics/damping.js'
import type { PeerId } from '../model/model.js'
import type { About } from '../wire/gossip.js'
import { reportsNeeded } from './formulas.js'
import { type Report, type ReportIntake, type Saying, authorsOf } from './reports.js'

/**
 * Where a refutation raises no bar any more, it is seldom said: most observers do not reach us, whoever shows us for it hides
 * us again two seconds later, and holds that against us for minutes. Their reports end by themselves once they hear us.
 */
const refutePause_ms = 60_000

export class Refutation {
  readonly #intake: ReportIntake
  readonly #accusations = new Map<PeerId, Report>()
  /** When we lately refuted: each raises what others ask for, so it raises what we answer. */
  #refutations: number[] = []
  #incarnation = 0
  #generation = 0

  constructor(intake: ReportIntake) {
    this.#intake = intake
  }

  get generation(): number {
    return this.#generation
  }

  /** Our own head as it is now: what reports about us must name to count. */
  setSelf(generation: number, incarnation: number, now: number): void {
    if (generation !== this.#generation) this.#accusations.clear()
    else if (incarnation > this.#incarnation) this.#refutations.push(now)
    this.#generation = generation
    this.#incarnation = incarnation
  }

  /** @returns whether the report is new, and of an incarnation that its author can know */
  accuse(author: PeerId, saying: Saying, about: About, now: number): boolean {
    return about.incarnation <= this.#incarnation && this.#intake.take(this.#accusations, author, saying, about, now)
  }

  /**
   * Whether others may hide us for what is reported now. Whoever reports counts, also who is hidden to us: others may
   * see other rings, and others alive.
   * @param observers how many we have
   */
  mustRefute(observers: number, now: number): boolean {
    if (this.#accusations.size === 0) return false
    this.#refutations = this.#refutations.filter((at) => now - at < memory_ms)
    const self = { generation: this.#generation, incarnation: this.#incarnation }
    const count = this.#refutations.length
    const needed = reportsNeeded(observers, count)
    const standing = authorsOf(this.#accusations, self, now)
    if (standing.length < needed) return false
    const isOfUse = reportsNeeded(observers, count + 1) > needed
    return isOfUse || now - (this.#refutations.at(-1) ?? Number.NEGATIVE_INFINITY) >= refutePause_ms
  }
}
