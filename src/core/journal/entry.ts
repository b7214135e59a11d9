/**
 * One act on the register as it is remembered: what was done to whom, by whom, with what outcome. Tokens go by their names; metadata,
 * secrets, headers never come here.
 */
import type { ErrorCode } from '../model/errors.js'
import { modelLimits, type PeerId } from '../model/model.js'

/**
 * What changes something, in the words in which it is told. Renewals, and a registration or a status said again, are signs of life:
 * programs give them every few seconds, and they are not told.
 */
export const acts = [
  'register',
  'deregister',
  'update',
  'maintenance',
  'end maintenance',
  'drain',
  'end drain',
  'status',
  'save definition',
  'remove definition',
  'remove node',
  'drain node',
  'end node drain',
  'open session',
  'end session',
  'leave',
  // What a daemon does, or finds, by itself.
  'found',
  'removed',
  'moved away',
  'session lost',
  'session over',
  'member unknown',
  'member alive',
  'member hidden',
  'member dead',
  'member left',
  // What was done at another node, as it came to be seen here.
  'shown',
  'hidden',
] as const
export type ActName = (typeof acts)[number]

/** `failed`: it could not be done, or it is not known whether it was; `unchanged`: it was so before. */
export const outcomes = ['done', 'unchanged', 'refused', 'failed'] as const
export type ActOutcome = (typeof outcomes)[number]

/** Through which door: `daemon` did it by itself; `seen`, it was done at another node. */
export const doors = ['http', 'library', 'daemon', 'seen'] as const
export type Door = (typeof doors)[number]

/** Who does something. */
export interface Whom {
  readonly via: Door
  /** The name of a token; `library`: the program that the node is a part of. Absent: nobody was asked who he is. */
  readonly by?: string
  /** Of the caller, as its connection tells it: behind a proxy, that of the proxy. */
  readonly address?: string
}

/** What is to be done. */
export interface Deed {
  readonly act: ActName
  /** Of the instance, definition or session. */
  readonly id?: string
  readonly slug?: string
  /** The label of the node that it is about, where that is not the one that remembers it. */
  readonly node?: string
  readonly details?: string
}

export interface Entry extends Deed, Whom {
  /** Counts the entries of one run of one node. */
  readonly seq: number
  /** RFC 3339, by the clock of the node that remembers it: when it was begun. */
  readonly at: string
  readonly outcome: ActOutcome
  /** So often in a row, the last one at `at`; absent: once. */
  readonly times?: number
  /** Where it was done, where that is another node: what that one remembers itself says more. */
  readonly elsewhere?: PeerId
}

/** Somebody did it, rather than a daemon by itself. */
export function isWrite({ via }: Pick<Entry, 'via'>): boolean {
  return via === 'http' || via === 'library'
}

/** Of what is registered as long as it may be: whoever is asked for it is asked for all of it. */
export const textLimits = {
  id: modelLimits.idLength,
  slug: modelLimits.labelLength,
  by: 256,
  address: 64,
  node: 256,
  details: 300,
} as const

const limitsByField = Object.entries(textLimits)

/** As it is remembered: no text without end, no control characters but as spaces. */
export function cutEntry<T extends Partial<Entry>>(entry: T): T {
  const cut: Record<string, unknown> = { ...entry }
  for (const [field, most] of limitsByField) {
    const text = cut[field]
    if (typeof text === 'string') cut[field] = cutText(text, most)
  }
  return cut as T
}

function cutText(text: string, most: number): string {
  const line = text.replace(/[\u0000-\u001f\u007f]+/g, ' ')
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`
}

/** What became of an act that was answered by an error. */
export function outcomeOf(code: ErrorCode | undefined): ActOutcome {
  return code === undefined || code === 'internal' || code === 'unavailable' ? 'failed' : 'refused'
}

/** As a line of a log tells it: `register web (web-1): done, by token ci from 10.0.0.7`. */
export function sentenceOf({ act, id, slug, node, by, address, via, outcome, details }: Omit<Entry, 'seq'>): string {
  const name = id === undefined ? (slug ?? node) : slug === undefined ? id : `${slug} (${id})`
  const who = via === 'library' ? ['by the program of this node'] : by === undefined ? [] : [`by token ${by}`]
  const from = address === undefined ? who : [...who, `from ${address}`]
  const what = [act, ...(name === undefined ? [] : [name])].join(' ')
  const came = from.length === 0 ? outcome : `${outcome}, ${from.join(' ')}`
  return details === undefined || outcome === 'done' || outcome === 'unchanged'
    ? `${what}: ${came}`
    : `${what}: ${came}: ${details}`
}
