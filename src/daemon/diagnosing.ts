/**
 * Lays before the doctor what a running node knows: with a survey of its peers for whoever asks, or its own alone, which asks nobody.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { diagnose } from '../core/doctor/doctor.js'
import type { Examined } from '../core/doctor/examined.js'
import type { Diagnosis, Finding } from '../core/doctor/findings.js'
import type { Moment } from '../core/effects.js'
import type { Reads } from '../core/reads.js'
import type { Survey } from '../core/survey/views.js'
import { isUnresolved } from '../core/words/unresolved.js'
import type { RegistryService } from '../http/service.js'
import { ownSurvey } from './survey.js'

export interface DiagnosingParts {
  readonly read: Pick<Reads, 'rows' | 'nodeRecords' | 'nodeRecord' | 'wants'>
  readonly now: () => Moment
  readonly views: () => Pick<RegistryService, 'self' | 'members' | 'peers' | 'digest'>
  readonly survey: () => Promise<Survey>
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

export function diagnosing({ read, now, views, survey, churn, documents }: DiagnosingParts): Diagnosing {
  /** Over several turns of the event loop: to go through thousands of members takes milliseconds each time. */
  const seen = async () => {
    const service = views()
    const self = service.self()
    const members = service.members()
    await nextTurn()
    const peers = service.peers()
    await nextTurn()
    return { self, members, peers, records: read.nodeRecords(), answersDns: self.dns !== undefined }
  }
  return {
    async doctor() {
      const asked = await survey()
      const own = await seen()
      return diagnose({ ...own, survey: asked, rows: read.rows(now()), churn: churn(), documents: documents() })
    },
    async diagnosis() {
      const own = await seen()
      const survey = ownSurvey({ ...own, digest: views().digest(), wall: now().wall }, { read })
      await nextTurn()
      return diagnose({ ...own, survey, rows: read.rows(now(), ({ details }) => isUnresolved(details)) })
    },
    async clocks() {
      const asked = await survey()
      return diagnose({ ...(await seen()), survey: asked, rows: [] }).findings.filter(({ id }) => id === 'clock-skew')
    },
  }
}
