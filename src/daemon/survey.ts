/**
 * Asks every peer that is connected what it sees, all at once, for one picture of the cluster.
 */
import type { Moment } from '../core/effects.js'
import type { PeerId } from '../core/model.js'
import type { Reads } from '../core/reads.js'
import { readSight, sightOf } from '../core/survey/sight.js'
import { isToBeSurveyed, surveyOf, type Told } from '../core/survey/survey.js'
import type { Sight, Survey } from '../core/survey/views.js'
import type { MemberView } from '../core/views.js'
import type { RegistryService } from '../http/service.js'
import type { Questions } from './questions.js'

/** So long a peer has for its answer. */
const answer_ms = 1000
/** So long others are told the same: of a large cluster it is work to look, and all may ask at once. */
const retold_ms = 100
/** So long a survey is told again: whoever asks for many must not make its peers, who answer so many alone, look as if they were silent. */
const kept_ms = 250
const kind = 'survey'

export interface SurveyParts {
  readonly read: Pick<Reads, 'nodeRecord' | 'nodeRecords' | 'wants'>
  readonly now: () => Moment
  readonly views: () => Pick<RegistryService, 'self' | 'members' | 'peers' | 'digest'>
  readonly questions: Pick<Questions, 'ask' | 'answer'>
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

export function ownSight({ views, now }: Pick<SurveyParts, 'views' | 'now'>): Sight {
  const service = views()
  return sightOf({
    ...{ self: service.self(), members: service.members(), peers: service.peers(), digest: service.digest() },
    wall: now().wall,
  })
}

/** The picture without a word of others. */
export function ownSurvey(parts: Pick<SurveyParts, 'read' | 'views' | 'now'>): Survey {
  const members = parts.views().members()
  const others = members.filter(({ self }) => !self)
  return surveyOf({
    ...{ members, own: ownSight(parts), records: parts.read.nodeRecords() },
    ...{ told: new Map(others.map(({ peer }) => [peer, { how: 'not-asked' }])), wall: parts.now().wall, took_ms: 0 },
  })
}

async function survey(parts: SurveyParts): Promise<Survey> {
  const begun = parts.now()
  const members = parts.views().members()
  const connected = new Set(
    parts
      .views()
      .peers()
      .peers.flatMap(({ peer, connected }) => (connected ? [peer] : [])),
  )
  const others = members.filter((member) => !member.self && isToBeSurveyed(member))
  const told = await Promise.all(
    others.map(async (member) => [member.peer, await ask(member, connected, parts)] as const),
  )
  return surveyOf({
    ...{ members, own: ownSight(parts), told: new Map(told), records: parts.read.nodeRecords() },
    ...{ wall: begun.wall, took_ms: Math.round(parts.now().now - begun.now) },
  })
}

/** Whoever says in its record that it is of an earlier version is not bothered. */
async function ask({ peer, state }: MemberView, connected: ReadonlySet<PeerId>, parts: SurveyParts): Promise<Told> {
  const { read, questions } = parts
  if (!connected.has(peer)) return { how: state === 'alive' && !read.wants(peer) ? 'not-asked' : 'unreachable' }
  const record = read.nodeRecord(peer)
  if (record !== undefined && record.protocol === undefined) return { how: 'old' }
  const askedAt = parts.now().wall
  const asked = await questions.ask(peer, { kind }, answer_ms)
  if (asked.how !== 'answered') return asked
  const sight = readSight(asked.answer)
  return sight === undefined ? { how: 'silent' } : { how: 'answered', sight, askedAt, way_ms: asked.way_ms }
}
