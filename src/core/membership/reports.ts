/**
 * Reports of silence: which of those that were taken stand. It keeps none itself.
 *
 * Of those that stand, only those of a subject's observers are counted, as the rings show them here. Heartbeats go to nobody
 * else, so nobody else can know; and a sick or hostile member then speaks of its few subjects at most, never of the whole
 * cluster. What others say is kept all the same: its author may become an observer in our view a moment later.
 */
import type { PeerId } from '../model/model.js'
import type { About, ReportMessage } from '../wire/gossip.js'
import { reportStanding_ms } from './formulas.js'

/** A report against a member, kept a while after it expired so that a replay is recognised. */
export interface Report {
  readonly authorGeneration: number
  readonly sequence: number
  readonly generation: number
  readonly incarnation: number
  readonly until: number
}

/** Whom a report is about, and since which word of it reports count. */
export interface Accused {
  readonly generation: number
  readonly incarnation: number
}

/** When its author said it. */
export type Saying = Pick<ReportMessage, 'authorGeneration' | 'sequence'>

/** Takes reports in. Those that ended a while ago it lets go; of each author it remembers the newest word among them. */
export class ReportIntake {
  readonly #letGo = new Map<PeerId, Saying>()

  /**
   * @param reports those about the same subject
   * @returns false for one that is no newer than what its author said before, or than what was let go of its words
   */
  take(
    reports: Map<PeerId, Report>,
    author: PeerId,
    { authorGeneration, sequence }: Saying,
    { generation, incarnation, withdrawn }: About,
    now: number,
  ): boolean {
    const saying = { authorGeneration, sequence }
    const known = reports.get(author)
    if (!isLater(saying, known) || !isLater(saying, this.#letGo.get(author))) return false
    if (known === undefined) this.#letGoOld(reports, now) // whoever repeats a report takes no more room
    const until = withdrawn === true ? now : now + reportStanding_ms
    reports.set(author, { authorGeneration, sequence, generation, incarnation, until })
    return true
  }

  /** Those that ended so long ago that nothing from before their end is on its way any more. */
  #letGoOld(reports: Map<PeerId, Report>, now: number): void {
    for (const [author, report] of reports) {
      if (now - report.until < reportStanding_ms) continue
      reports.delete(author)
      const { authorGeneration, sequence } = report
      if (isLater(report, this.#letGo.get(author))) this.#letGo.set(author, { authorGeneration, sequence })
    }
  }

  forget(author: PeerId): void {
    this.#letGo.delete(author)
  }
}

function isLater(saying: Saying, known: Saying | undefined): boolean {
  if (known === undefined) return true
  if (saying.authorGeneration !== known.authorGeneration) return saying.authorGeneration > known.authorGeneration
  return saying.sequence > known.sequence
}

/** Whether a report counts: not expired, and not answered by a later word of the accused. */
export function stands(report: Report, accused: Accused, now: number): boolean {
  if (now >= report.until) return false
  return report.generation === accused.generation && report.incarnation >= accused.incarnation
}

/** They have had their effect: none of them stands any more, and each is still known again. */
export function expire(reports: Map<PeerId, Report>, now: number): void {
  for (const [author, report] of reports) if (now < report.until) reports.set(author, { ...report, until: now })
}

/** Whose reports stand. */
export function authorsOf(reports: ReadonlyMap<PeerId, Report>, accused: Accused, now: number): PeerId[] {
  const authors: PeerId[] = []
  for (const [author, report] of reports) if (stands(report, accused, now)) authors.push(author)
  return authors
}

/** Whether any of them may still count. */
export function anyStands(reports: ReadonlyMap<PeerId, Report>, now: number): boolean {
  for (const { until } of reports.values()) if (now < until) return true
  return false
}
