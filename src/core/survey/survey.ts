/**
 * Puts together what the nodes of a cluster say that they see. It asks nobody.
 */
import { type Steps, ofEach } from '../basics/steps.js'
import type { NodeRecord, PeerId } from '../model/model.js'
import type { MemberView } from '../views.js'
import type { Sight, Survey, SurveyedNode, SurveyOutcome } from './views.js'

/** What came of asking one peer; `way_ms`: there and back; `askedAt`: unix milliseconds of the asker. */
export type Told =
  | { readonly how: Exclude<SurveyOutcome, 'self' | 'answered'> }
  | { readonly how: 'answered'; readonly sight: Sight; readonly askedAt: number; readonly way_ms: number }

export interface Surveyed {
  /** Its own among them. */
  readonly members: readonly MemberView[]
  /** What this node says itself. */
  readonly own: Sight
  readonly told: ReadonlyMap<PeerId, Told>
  readonly records: ReadonlyMap<PeerId, NodeRecord>
  /** Unix milliseconds at the beginning. */
  readonly wall: number
  readonly took_ms: number
}

/** Whoever has said goodbye is in what others see, and not asked. */
export function isToBeSurveyed({ state, self }: MemberView): boolean {
  return self || state !== 'left'
}

export function* surveyOf({ members, own, told, records, wall, took_ms }: Surveyed): Steps<Survey> {
  const nodes = yield* ofEach(members, (member): SurveyedNode | undefined => {
    if (!isToBeSurveyed(member)) return undefined
    const record = records.get(member.peer)
    const { url, availabilityZone: zone, region, software, protocol } = record ?? {}
    return {
      id: record?.id ?? member.peer,
      peer: member.peer,
      ...(url !== undefined && { url }),
      ...(zone !== undefined && { zone }),
      ...(region !== undefined && { region }),
      ...(software !== undefined && { software }),
      ...(protocol !== undefined && { protocol }),
      ...(member.self ? { how: 'self', ...said(own) } : heard(told.get(member.peer) ?? { how: 'unreachable' })),
    }
  })
  const isSelf = ({ how }: SurveyedNode): number => Number(how === 'self')
  nodes.sort((a, b) => isSelf(b) - isSelf(a) || compare(a.id, b.id) || compare(a.peer, b.peer))
  return { at: new Date(wall).toISOString(), by: nodes[0]?.id ?? '', took_ms, nodes }
}

function heard(told: Told): Pick<SurveyedNode, 'how'> & Partial<SurveyedNode> {
  if (told.how !== 'answered') return told
  const { how, sight, askedAt, way_ms } = told
  const clockOffset_ms = Math.round(sight.clock - (askedAt + way_ms / 2))
  return { how, took_ms: Math.round(way_ms), clockOffset_ms, ...said(sight) }
}

function said({ clock: _, ...sight }: Sight): Omit<Sight, 'clock'> {
  return sight
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
