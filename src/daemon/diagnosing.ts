/**
 * Lays before the doctor what a running node knows: with a survey of its peers for whoever asks, or its own alone, which asks nobody.
 */
import { diagnosed } from '../core/doctor/doctor.js'
import type { Examined } from '../core/doctor/examined.js'
import type { Diagnosis, Finding } from '../core/doctor/findings.js'
import type { Moment } from '../core/effects.js'
import type { Reads } from '../core/reads.js'
import type { Survey } from '../core/survey/views.js'
import { isUnresolved } from '../core/words/unresolved.js'
import type { Work } from './in-turns.js'
import type { Overview } from './overview.js'
import { ownSurvey } from './survey.js'

export interface DiagnosingParts {
  readonly read: Pick<Reads, 'rows' | 'nodeRecords'>
  readonly now: () => Moment
  readonly overview: () => Promise<Overview>
  readonly survey: () => Promise<Survey>
  readonly work: Work
  /** Services that do not come to rest. */
  readonly churn: () => Required<Examined>['churn']
  /** What each document held takes on disk. */
  readonly documents: () => Required<Examined>['documents']
}

export interface Diagnosing {
  doctor(): Promise<Diagnosis>
  /** What this node knows alone. Of what is registered only that counts of which a machine could not resolve the name. */
  diagnosis(): Promise<Diagnosis>
  /** Whose clocks are apart, as the peers say who are asked for it: no message of theirs tells the time. */
  clocks(): Promise<readonly Finding[]>
}

export function diagnosing({ read, now, overview, survey, work, churn, documents }: DiagnosingParts): Diagnosing {
  const found = async (
    { self, members, peers }: Overview,
    examined: Omit<Examined, 'self' | 'members' | 'peers' | 'records' | 'answersDns'>,
  ): Promise<Diagnosis> => {
    const records = read.nodeRecords()
    const own = { self, members, peers, records, answersDns: self.dns !== undefined }
    return (await work(diagnosed({ ...own, ...examined }))).value
  }
  return {
    async doctor() {
      const asked = await survey()
      const examined = { survey: asked, rows: read.rows(now()), churn: churn(), documents: documents() }
      return found(await overview(), examined)
    },
    async diagnosis() {
      const seen = await overview()
      const { value: survey } = await work(ownSurvey(seen, read.nodeRecords()))
      return found(seen, { survey, rows: read.rows(now(), ({ details }) => isUnresolved(details)) })
    },
    async clocks() {
      const asked = await survey()
      const { findings } = await found(await overview(), { survey: asked, rows: [] })
      return findings.filter(({ id }) => id === 'clock-skew')
    },
  }
}
