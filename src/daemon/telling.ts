/**
 * What a node can tell of the cluster beyond its own views, built at once: what each node sees, who did what.
 */
import { remembering } from './history.js'
import { Recorder, type RecorderParts } from './recording.js'
import type { ServiceParts } from './service.js'
import { surveying, type SurveyParts } from './survey.js'

export interface TellingParts extends SurveyParts, Pick<RecorderParts, 'self' | 'write'> {
  readonly read: SurveyParts['read'] & RecorderParts['read']
}

/** @param from RFC 3339: what is done before is not remembered */
export function telling(
  from: string,
  parts: TellingParts,
): { readonly recorder: Recorder } & Pick<ServiceParts, 'survey' | 'history'> {
  const recorder = new Recorder(from, { ...parts, wall: () => parts.now().wall })
  return { recorder, survey: surveying(parts), history: remembering({ ...parts, journal: recorder.journal }) }
}
