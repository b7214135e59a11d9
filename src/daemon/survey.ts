/**
 * Asks every peer that is connected what it sees, all at once, for one picture of the cluster.
 */
import type { Steps } from '../core/basics/steps.js'
import type { Moment } from '../core/effects.js'
import type { NodeRecord, PeerId } from '../core/model/model.js'
import type { Reads } from '../core/reads.js'
import { readSight, sightOf, type Views } from '../core/survey/sight.js'
import { surveyOf, type Told } from '../core/survey/survey.js'
import type { Sight, Survey } from '../core/survey/views.js'
import { type AskedOne, type AskingParts, askEach } from './asking-all.js'
import type { Work } from './in-turns.js'
import type { Overview } from './overview.js'

/** So long a survey is told again: whoever asks for many must not make its peers, who answer so many alone, look as if they were silent. */
const kept_ms = 250
const kind = 'survey'

export interface SurveyParts extends AskingParts {
  readonly read: Pick<Reads, 'nodeRecord' | 'nodeRecords' | 'wants'>
  readonly now: () => Moment
  readonly overview: () => Promise<Overview>
  /** Does what is much, as other things leave time for it. */
  readonly work: Work
}

/** @returns asks; whoever asks while a survey is under way, or is just over, is given that one */
export function surveying(parts: SurveyParts): () => Promise<Survey> {
  // It is cut to what an answer holds once for all who ask within the life of one overview.
  const sights = new WeakMap<Overview, Promise<Sight>>()
  parts.questions.answer(kind, async () => {
    const seen = await parts.overview()
    const known = sights.get(seen)
    const sight = known ?? workOn(sightOf(seen), parts)
    if (known === undefined) sights.set(seen, sight)
    return { ...(await sight), clock: parts.now().wall }
  })
  let last: Promise<Survey> | undefined
  let isOver = false
  let overAt = 0
  return () => {
    if (last !== undefined && !(isOver && parts.now().now - overAt >= kept_ms)) return last
    isOver = false
    last = survey(parts).finally(() => {
      isOver = true
      overAt = parts.now().now
    })
    return last
  }
}

/** The picture without a word of others, of what is seen already. */
export function* ownSurvey(seen: Views, records: ReadonlyMap<PeerId, NodeRecord>): Steps<Survey> {
  const { members, wall } = seen
  const others = members.filter(({ self }) => !self)
  const own = yield* sightOf(seen)
  return yield* surveyOf({
    ...{ members, own, records },
    ...{ told: new Map(others.map(({ peer }) => [peer, { how: 'not-asked' }])), wall, took_ms: 0 },
  })
}

async function survey(parts: SurveyParts): Promise<Survey> {
  const begun = parts.now()
  const seen = await parts.overview()
  const told = await askEach(seen, { kind }, parts, (answer, way_ms) => {
    const sight = readSight(answer)
    return sight && { sight, askedAt: parts.now().wall - way_ms }
  })
  const own = await workOn(sightOf(await parts.overview()), parts)
  const survey = surveyOf({
    ...{ members: seen.members, own, records: parts.read.nodeRecords() },
    told: new Map(told.map(([{ peer }, said]): [string, Told] => [peer, toldOf(said)])),
    ...{ wall: begun.wall, took_ms: Math.round(parts.now().now - begun.now) },
  })
  return workOn(survey, parts)
}

async function workOn<T>(steps: Steps<T>, { work }: Pick<SurveyParts, 'work'>): Promise<T> {
  return (await work(steps)).value
}

function toldOf(said: AskedOne<{ readonly sight: Sight; readonly askedAt: number }>): Told {
  return said.how === 'answered' ? { how: said.how, ...said.answer, way_ms: said.way_ms } : said
}
