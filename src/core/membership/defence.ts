/**
 * Reports about ourselves, and when to answer them: by a head of a later incarnation, which makes them void.
 * Not each report is answered, only as many as would hide us; else any sick member could make everybody write and publish.
 */
import type { PeerId } from '../model.js'
import type { ReportMessage } from '../wire/gossip.js'
import { memory_ms, reportsNeeded } from './formulas.js'
import type { Report } from './member.js'
import { noteReport, standing } from './reports.js'

export class Defence {
  readonly #accusations = new Map<PeerId, Report>()
  /** When we lately refuted: each raises what others ask for, so it raises what we answer. */
  #refutations: number[] = []
  #incarnation = 0
  #generation = 0

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
  accuse(author: PeerId, report: ReportMessage, now: number): boolean {
    return report.incarnation <= this.#incarnation && noteReport(this.#accusations, author, report, now)
  }

  /** Whether others hide us for what is reported now. */
  mustRefute(observers: readonly PeerId[], isAlive: (peer: PeerId) => boolean, now: number): boolean {
    if (this.#accusations.size === 0) return false
    this.#refutations = this.#refutations.filter((at) => now - at < memory_ms)
    const self = { generation: this.#generation, incarnation: this.#incarnation }
    const reports = standing(this.#accusations, self, observers, now).filter(isAlive)
    return reports.length >= reportsNeeded(observers.length, this.#refutations.length)
  }
}
