/**
 * Asks the other nodes what they remember of something, beside what is remembered here. It remembers nothing itself.
 */
import { entriesOfOne, joined, readRemembered, type Teller } from '../core/journal/joined.js'
import type { Journal, JournalQuery } from '../core/journal/journal.js'
import { parseHistoryQuery } from '../core/journal/query.js'
import type { History } from '../core/journal/views.js'
import { isToBeSurveyed } from '../core/survey/survey.js'
import type { MemberView } from '../core/views.js'
import { wireLimits } from '../core/wire/limits.js'
import type { SurveyParts } from './survey.js'

/** So long a peer has for its answer. */
const answer_ms = 1000
const kind = 'history'

export interface HistoryParts extends SurveyParts {
  readonly journal: Journal
}

/** @returns answers a question of somebody here; never rejects */
export function remembering(parts: HistoryParts): (query: JournalQuery) => Promise<History> {
  parts.questions.answer(kind, (question) => answerOf(parts.journal, question))
  return async (query) => {
    const own = parts.journal.ask(query)
    const members = parts.views().members()
    const self = members.find((member) => member.self)
    const here = { peer: self?.peer ?? '', node: labelOf(self), how: 'self', remembered: own } as const
    const others = query.id === undefined ? [] : members.filter((member) => !member.self && isToBeSurveyed(member))
    const tellers = await Promise.all(others.map(async (member) => ask(member, query, parts)))
    const byLabel = tellers.sort((a, b) => (a.node === b.node ? 0 : a.node < b.node ? -1 : 1))
    return joined([here, ...byLabel], new Date(parts.now().wall).toISOString(), query.limit)
  }
}

/** What is asked by a peer is read as what is asked by anybody; an answer holds as many as fit. */
function answerOf(journal: Journal, { kind: _, ...asked }: Readonly<Record<string, unknown>>): object {
  try {
    const query = parseHistoryQuery(asked)
    const { from, entries } = journal.ask({ ...query, limit: Math.min(query.limit, entriesOfOne) })
    const encoder = new TextEncoder()
    let left = wireLimits.answerBytes - 1024
    const end = entries.findIndex((entry) => (left -= encoder.encode(JSON.stringify(entry)).length + 1) < 0)
    return { from, entries: end < 0 ? entries : entries.slice(0, end) }
  } catch {
    return { refused: 'unreadable question' }
  }
}

function labelOf(member: MemberView | undefined): string {
  return member?.nodeId ?? member?.peer ?? ''
}

/** Whoever says in its record that it is of an earlier version is not bothered. */
async function ask(member: MemberView, query: JournalQuery, parts: HistoryParts): Promise<Teller> {
  const { read, questions, views } = parts
  const { peer, state } = member
  const teller = { peer, node: labelOf(member) }
  const isConnected = views()
    .peers()
    .peers.some((one) => one.peer === peer && one.connected)
  if (!isConnected) return { ...teller, how: state === 'alive' && !read.wants(peer) ? 'not-asked' : 'unreachable' }
  const record = read.nodeRecord(peer)
  if (record !== undefined && record.protocol === undefined) return { ...teller, how: 'old' }
  const asked = await questions.ask(peer, { kind, ...query }, answer_ms)
  if (asked.how !== 'answered') return { ...teller, how: asked.how }
  const remembered = readRemembered(asked.answer)
  return remembered === undefined ? { ...teller, how: 'silent' } : { ...teller, how: 'answered', remembered }
}
