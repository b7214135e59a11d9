/**
 * Asks every other node one question, all at once. What is asked is not known here.
 */
import type { NodeRecord, PeerId } from '../core/model/model.js'
import type { Reads } from '../core/reads.js'
import { isToBeSurveyed } from '../core/survey/survey.js'
import type { MemberView } from '../core/views.js'
import type { Answered, Question } from '../core/wire/questions.js'
import type { Overview } from './overview.js'
import type { Asked, Questions } from './questions.js'

/** So long a peer has for its answer. */
const answer_ms = 1000

export interface AskingParts {
  readonly read: Pick<Reads, 'nodeRecord' | 'wants'>
  readonly questions: Pick<Questions, 'ask' | 'answer'>
}

/** What came of asking one; an answer that makes no sense is none. */
export type AskedOne<T> =
  | { readonly how: 'answered'; readonly answer: T; readonly way_ms: number }
  | { readonly how: Exclude<Asked['how'], 'answered'> | 'not-asked' }

/** @param read undefined where an answer makes no sense; called as soon as it is there */
export function askEach<T>(
  { members, peers: { peers } }: Pick<Overview, 'members' | 'peers'>,
  question: Question,
  parts: AskingParts,
  read: (answer: Answered, way_ms: number) => T | undefined,
): Promise<readonly (readonly [MemberView, AskedOne<T>])[]> {
  const connected = new Set(peers.flatMap(({ peer, connected }) => (connected ? [peer] : [])))
  const others = members.filter((member) => !member.self && isToBeSurveyed(member))
  return Promise.all(
    others.map(async (member): Promise<readonly [MemberView, AskedOne<T>]> => {
      const unasked = whyNotAsked(member, connected, parts.read)
      if (unasked !== undefined) return [member, { how: unasked }]
      const asked = await parts.questions.ask(member.peer, question, answer_ms)
      if (asked.how !== 'answered') return [member, asked]
      const answer = read(asked.answer, asked.way_ms)
      return [member, answer === undefined ? { how: 'silent' } : { ...asked, answer }]
    }),
  )
}

/** What a node is called; its peer id while that is not known. */
export function labelOf(member: Pick<MemberView, 'peer' | 'nodeId'> | undefined): string {
  return member?.nodeId ?? member?.peer ?? ''
}

function whyNotAsked(
  { peer, state }: MemberView,
  connected: ReadonlySet<PeerId>,
  read: AskingParts['read'],
): 'not-asked' | 'unreachable' | 'old' | undefined {
  if (!connected.has(peer)) return state === 'alive' && !read.wants(peer) ? 'not-asked' : 'unreachable'
  return isOld(read.nodeRecord(peer)) ? 'old' : undefined
}

/** Whoever says in its record that it is of an earlier version is not bothered. */
function isOld(record: NodeRecord | undefined): boolean {
  return record !== undefined && record.protocol === undefined
}
