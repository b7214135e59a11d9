/**
 * What a node can tell of the cluster beyond its own views, built at once: what each node sees, who did what.
 */
import { diagnosing, type Diagnosing, type DiagnosingParts } from './diagnosing.js'
import { remembering } from './history.js'
import { inNoTime, inTurns } from './in-turns.js'
import { type OverviewParts, overlooking } from './overview.js'
import { Recorder, type RecorderParts } from './recording.js'
import type { ServiceParts } from './service.js'
import { surveying, type SurveyParts } from './survey.js'

export interface TellingParts
  extends
    Omit<SurveyParts, 'overview' | 'work'>,
    Pick<RecorderParts, 'self' | 'write'>,
    Pick<DiagnosingParts, 'churn' | 'documents'> {
  readonly seen: OverviewParts
  /** Its time is not real. */
  readonly isPretended?: true
  readonly read: SurveyParts['read'] & RecorderParts['read'] & DiagnosingParts['read']
}

/** @param from RFC 3339: what is done before is not remembered */
export function telling(
  from: string,
  parts: TellingParts,
): { readonly recorder: Recorder } & Pick<ServiceParts, 'survey' | 'history' | 'doctor'> &
  Pick<Diagnosing, 'diagnosis' | 'clocks'> {
  const work = parts.isPretended === true ? inNoTime : inTurns
  const looking = { ...parts, work, overview: overlooking(parts.seen, work) }
  const recorder = new Recorder(from, { ...parts, wall: () => parts.now().wall, now: () => parts.now().now })
  const survey = surveying(looking)
  const told = { recorder, survey, ...diagnosing({ ...looking, survey }) }
  return { ...told, history: remembering({ ...looking, journal: recorder.journal }) }
}
