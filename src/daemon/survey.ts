/**
 * Asks every peer that is connected what it sees, all at once, for one picture of the cluster.
 */
import type { Moment } from '../core/effects.js'
import type { Reads } from '../core/reads.js'
import { readSight, sightOf, type Views } from '../core/survey/sight.js'
import { surveyOf, type Told } from '../core/survey/survey.js'
import type { Sight, Survey } from '../core/survey/views.js'
import type { RegistryService } from '../http/service.js'
import { type AskedOne, type AskingParts, askEach } from './asking-all.js'

/** So long others are told the same: of a large cluster it is work to look, and all may ask at once. */
const retold_ms = 100
/** So long a survey is told again: whoever asks for many must not make its peers, who answer so many alone, look as if they were silent. */
const kept_ms = 250
const kind = 'survey'

export interface SurveyParts extends AskingParts {
  readonly read: Pick<Reads, 'nodeRecord' | 'nodeRecords' | 'wants'>
  readonly now: () => Moment
  readonly views: () => Pick<RegistryService, 'self' | 'members' | 'peers' | 'digest'>
}

/** @returns asks; whoever asks while a survey is under way, or is just over, is given that one */
export function surveying(parts: SurveyParts): () => Promise<Survey> {
  let told: { readonly at: number; readonly sight: Sight } | undefined
  parts.questions.answer(kind, () => {
    const { now, wall } = parts.now()
    if (told === undefined || now - told.at >= retold_ms) told = { at: now, sight: ownSight(parts) }
    return { ...told.sight, clock: wall }
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

function ownSight({ views, now }: Pick<SurveyParts, 'views' | 'now'>): Sight {
  const service = views()
  return sightOf({
    ...{ self: service.self(), members: service.members(), peers: service.peers(), digest: service.digest() },
    wall: now().wall,
  })
}

/** The picture without a word of others, of what is seen already. */
export function ownSurvey(seen: Views, { read }: Pick<SurveyParts, 'read'>): Survey {
  const { members, wall } = seen
  const others = members.filter(({ self }) => !self)
  return surveyOf({
    ...{ members, own: sightOf(seen), records: read.nodeRecords() },
    ...{ told: new Map(others.map(({ peer }) => [peer, { how: 'not-asked' }])), wall, took_ms: 0 },
  })
}

async function survey(parts: SurveyParts): Promise<Survey> {
  const begun = parts.now()
  const members = parts.views().members()
  const told = await askEach(members, { kind }, parts, (answer, way_ms) => {
    const sight = readSight(answer)
    return sight && { sight, askedAt: parts.now().wall - way_ms }
  })
  return surveyOf({
    ...{ members, own: ownSight(parts), records: parts.read.nodeRecords() },
    told: new Map(told.map(([{ peer }, said]): [string, Told] => [peer, toldOf(said)])),
    ...{ wall: begun.wall, took_ms: Math.round(parts.now().now - begun.now) },
  })
}

function toldOf(said: AskedOne<{ readonly sight: Sight; readonly askedAt: number }>): Told {
  return said.how === 'answered' ? { how: said.how, ...said.answer, way_ms: said.way_ms } : said
}
