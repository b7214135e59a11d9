/**
 * Asks the other nodes what they remember of something, beside what is remembered here. It remembers nothing itself.
 */
import type { Moment } from '../core/effects.js'
import { entriesOfOne, joined, readRemembered, type Teller } from '../core/journal/joined.js'
import type { Journal, JournalQuery, Remembered } from '../core/journal/journal.js'
import { parseHistoryQuery } from '../core/journal/query.js'
import type { History } from '../core/journal/views.js'
import type { Answered, Question } from '../core/wire/questions.js'
import { wireLimits } from '../core/wire/limits.js'
import { type AskingParts, askEach, labelOf } from './asking-all.js'
import type { Overview } from './overview.js'

const kind = 'history'

export interface HistoryParts extends AskingParts {
  readonly now: () => Moment
  readonly journal: Journal
  readonly overview: () => Promise<Pick<Overview, 'members' | 'peers'>>
}

/** @returns answers a question of somebody here; never rejects */
export function remembering(parts: HistoryParts): (query: JournalQuery) => Promise<History> {
  parts.questions.answer(kind, (question) => answerOf(parts, question))
  return async (query) => {
    const own = parts.journal.ask(query)
    const seen = await parts.overview()
    const self = seen.members.find((member) => member.self)
    const here = { peer: self?.peer ?? '', node: labelOf(self), how: 'self', remembered: own } as const
    const { since } = query
    // Their clocks may be others: how long ago that is holds for all. Those of an earlier version take the moment itself.
    const age_ms = since === undefined ? {} : { since_ms: parts.now().wall - new Date(since).getTime() }
    const read = (answer: Answered, way_ms: number): Remembered | undefined =>
      readRemembered(answer, { wall: parts.now().wall, way_ms })
    const told = query.id === undefined ? [] : await askEach(seen, { kind, ...query, ...age_ms }, parts, read)
    const tellers = told.map(([member, said]): Teller => {
      const teller = { peer: member.peer, node: labelOf(member), how: said.how }
      return said.how === 'answered' ? { ...teller, remembered: said.answer } : teller
    })
    const byLabel = tellers.sort((a, b) => (a.node === b.node ? 0 : a.node < b.node ? -1 : 1))
    return joined([here, ...byLabel], new Date(parts.now().wall).toISOString(), query.limit)
  }
}

/** What is asked by a peer is read as what is asked by anybody; an answer holds as many as fit. */
function answerOf({ journal, now }: HistoryParts, { kind: _, since_ms, ...asked }: Question): object {
  try {
    const { wall } = now()
    const since = typeof since_ms === 'number' ? { since: new Date(wall - since_ms).toISOString() } : {}
    const query = parseHistoryQuery({ ...asked, ...since })
    const { from, entries } = journal.ask({ ...query, limit: Math.min(query.limit, entriesOfOne) })
    const encoder = new TextEncoder()
    let left = wireLimits.answerBytes - 1024
    const end = entries.findIndex((entry) => (left -= encoder.encode(JSON.stringify(entry)).length + 1) < 0)
    return { now: new Date(wall).toISOString(), from, entries: end < 0 ? entries : entries.slice(0, end) }
  } catch {
    return { refused: 'unreadable question' }
  }
}
