/**
 * Reports of silence: what is kept of them, and which of them stand. It keeps none itself.
 *
 * Of those that stand, only those of a subject's observers are counted, as the rings show them here. Heartbeats go to
 * nobody else, so nobody else can know; and a sick or hostile member then speaks of its few subjects at most, never of
 * the whole cluster. What others say is kept all the same: its author may become an observer in our view a moment later.
 */
import type { PeerId } from '../model.js'
import type { About, ReportMessage } from '../wire/gossip.js'
import { reportStanding_ms } from './formulas.js'
import type { Report } from './member.js'

/** Whom a report is about, and since which word of it reports count. */
export interface Accused {
  readonly generation: number
  readonly incarnation: number
}

/** When its author said it. */
export type Saying = Pick<ReportMessage, 'authorGeneration' | 'sequence'>

/**
 * Takes a report in.
 * @param reports those about the same subject
 * @returns false for one that is no newer than what its author said before
 */
export function noteReport(
  reports: Map<PeerId, Report>,
  author: PeerId,
  { authorGeneration, sequence }: Saying,
  { generation, incarnation, withdrawn }: About,
  now: number,
): boolean {
  const known = reports.get(author)
  if (known !== undefined && !isLater({ authorGeneration, sequence }, known)) return false
  const until = withdrawn === true ? now : now + reportStanding_ms
  reports.delete(author) // the longest ago first
  reports.set(author, { authorGeneration, sequence, generation, incarnation, until })
  return true
}

/** What is left of reports that ended a while ago: of each author the newest word among them. Who says no newer one repeats it. */
export class PastReports {
  readonly #newest = new Map<PeerId, Saying>()

  /** Lets go of those that ended so long ago that nothing of before is on its way any more. */
  letGo(reports: Map<PeerId, Report>, now: number): void {
    for (const [author, report] of reports) {
      if (now - report.until < reportStanding_ms) return
      reports.delete(author)
      if (this.has(author, report)) continue
      const { authorGeneration, sequence } = report
      this.#newest.set(author, { authorGeneration, sequence })
    }
  }

  /** Whether an author has said that, or something later, among what was let go. */
  has(author: PeerId, saying: Saying): boolean {
    const newest = this.#newest.get(author)
    return newest !== undefined && !isLater(saying, newest)
  }

  forget(author: PeerId): void {
    this.#newest.delete(author)
  }
}

function isLater(saying: Saying, known: Saying): boolean {
  if (saying.authorGeneration !== known.authorGeneration) return saying.authorGeneration > known.authorGeneration
  return saying.sequence > known.sequence
}

/** Whether a report counts: not expired, and not answered by a later word of the accused. */
export function stands(report: Report, accused: Accused, now: number): boolean {
  if (now >= report.until) return false
  return report.generation === accused.generation && report.incarnation >= accused.incarnation
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
