/**
 * What changed lately: what its nodes remember of writes, with the news that this page was told. Pure.
 */
import type { Entry, News } from './answers.js'
import { wordsOf } from './services.js'

export interface Change {
  readonly key: string
  readonly at_ms: number
  readonly kind: 'write' | 'instance' | 'member'
  readonly what: string
  readonly tone: 'bad' | 'warn' | 'good' | 'plain'
  readonly id?: string
  readonly slug?: string
  readonly node?: string
  /** Who did it: a token's name, an address; absent where nobody did, as a state was found. */
  readonly by?: string
}

/**
 * Newest first.
 * @param ahead_ms by so much the clock that they tell is ahead of the one that they are shown by
 */
export function changesOf(entries: readonly Entry[], news: readonly News[], ahead_ms = 0): readonly Change[] {
  const seen = new Map<string, number>()
  const numbered = (change: Omit<Change, 'key'>): Change => {
    const name = `${change.kind} ${change.at_ms} ${change.id ?? ''} ${change.node ?? ''} ${change.what}`
    const times = (seen.get(name) ?? 0) + 1
    seen.set(name, times)
    return { key: times === 1 ? name : `${name} ${times}`, ...change, at_ms: change.at_ms - ahead_ms }
  }
  const written = entries.map(ofEntry)
  const all = [...written, ...news.flatMap(ofNews).filter(notIn(written))].map(numbered)
  return all.sort((a, b) => b.at_ms - a.at_ms)
}

/** Of one thing the news and the memory of a node tell within a moment of each other. */
const sameMoment_ms = 2000

function notIn(written: readonly Omit<Change, 'key'>[]): (news: Omit<Change, 'key'>) => boolean {
  const moments = new Map<string, number[]>()
  for (const { id, node, at_ms } of written) {
    const about = id ?? node ?? ''
    moments.set(about, [...(moments.get(about) ?? []), at_ms])
  }
  return ({ id, node, at_ms }) =>
    moments.get(id ?? node ?? '')?.some((at) => Math.abs(at - at_ms) < sameMoment_ms) !== true
}

function ofEntry({ at, act, id, slug, node, by, address, via, outcome, details }: Entry): Omit<Change, 'key'> {
  const door = via === undefined || via === 'daemon' || via === 'seen' ? '' : `via ${via}`
  const whom = [by ?? '', address ?? '', door].filter((part) => part !== '').join(', ')
  return {
    at_ms: Date.parse(at),
    kind: 'write',
    what: `${act}${outcome === undefined || outcome === 'done' ? '' : `, ${outcome}`}${details === undefined ? '' : `: ${details}`}`,
    tone: toneOfEntry(act, outcome, details),
    ...(id !== undefined && { id }),
    ...(slug !== undefined && { slug }),
    ...(node !== undefined && { node }),
    ...(whom !== '' && { by: whom }),
  }
}

function toneOfEntry(act: string, outcome = '', details = ''): Change['tone'] {
  if (/refused|failed|conflict/.test(outcome)) return 'warn'
  const said = `${act} ${details}`
  if (/\b(dead|lost|Unreachable|Error)\b/.test(said)) return 'bad'
  return /\b(hidden|Degraded|passed)\b/.test(said) ? 'warn' : 'plain'
}

const changed = { shown: 'is visible', hidden: 'is not visible any more', changed: 'changed' } as const
const toneOfState = { alive: 'good', hidden: 'warn', dead: 'bad', left: 'plain', unknown: 'plain' } as const

function ofNews(news: News): readonly Omit<Change, 'key'>[] {
  const at_ms = Date.parse(news.at)
  if (news.type === 'member') {
    const { nodeId, peer, from, to, why } = news
    return [{ at_ms, kind: 'member', what: `${from} → ${to}: ${why}`, tone: toneOfState[to], node: nodeId ?? peer }]
  }
  if (news.type !== 'instance') return []
  const { id, slug, change, instance } = news
  const status =
    instance === undefined ? '' : `: ${instance.status}${instance.details === undefined ? '' : `, ${instance.details}`}`
  const bad = change === 'hidden' || instance?.status === 'Unreachable' || instance?.status === 'Error'
  const tone = bad ? 'bad' : instance?.status === 'Healthy' ? 'good' : 'warn'
  const at = instance?.nodeUrl
  return [
    {
      at_ms,
      kind: 'instance',
      what: `${changed[change]}${status}`,
      tone,
      id,
      ...(slug !== undefined && { slug }),
      ...(at !== undefined && { node: at }),
    },
  ]
}

export function foundChanges(changes: readonly Change[], filter: string, from_ms: number): readonly Change[] {
  const words = wordsOf(filter)
  return changes.filter(({ at_ms, what, id = '', slug = '', node = '', by = '', kind }) => {
    if (at_ms < from_ms) return false
    const text = `${kind}\n${what}\n${id}\n${slug}\n${node}\n${by}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
}
