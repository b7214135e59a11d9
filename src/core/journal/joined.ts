/**
 * Joins what several nodes remember of the same acts. What comes from a peer is read into values, or into nothing.
 */
import type { PeerId } from '../model/model.js'
import { acts, cutEntry, doors, type Entry, isWrite, outcomes, textLimits } from './entry.js'
import type { Remembered } from './journal.js'
import type { History, HistoryEntry, HistoryNode, HistoryOutcome } from './views.js'

/** Of one peer's answer. */
export const entriesOfOne = 100

/** What was done at one node is seen at another one within this time, and clocks of two may differ by as much. */
const seenWithin_ms = 30_000

export interface Teller {
  readonly peer: PeerId
  readonly node: string
  readonly how: HistoryOutcome
  readonly remembered?: Remembered
}

/** @param tellers the one that was asked first */
export function joined(tellers: readonly [Teller, ...Teller[]], at: string, limit: number): History {
  const [own] = tellers
  const known = new Map(tellers.map(({ peer, remembered }) => [peer, remembered]))
  const entries = tellers.flatMap(({ peer, node, remembered }) =>
    (remembered?.entries ?? [])
      .filter((entry) => !isToldThere(entry, known))
      .map(({ elsewhere: _, ...entry }): HistoryEntry => ({ node, ...entry, peer })),
  )
  return {
    at,
    by: own.node,
    from: own.remembered?.from ?? at,
    entries: entries.sort(laterFirst).slice(0, limit),
    nodes: tellers.map(nodeOf),
    notAsked: tellers.filter(({ remembered }) => remembered === undefined).map(({ node }) => node),
  }
}

/**
 * What was only seen is left out where the node at which it was done has answered, who knows better. That its instances were hidden
 * because it fell silent itself it does not know: then it remembers nothing that it did to them in that moment.
 */
function isToldThere({ elsewhere, at, act, id }: Entry, known: ReadonlyMap<PeerId, Remembered | undefined>): boolean {
  const told = elsewhere === undefined ? undefined : known.get(elsewhere)
  if (told === undefined || told.from > at) return false
  if (act !== 'hidden' && act !== 'shown') return true
  const isNear = (there: Entry): boolean => Math.abs(momentOf(there.at) - momentOf(at)) <= seenWithin_ms
  return told.entries.some((there) => there.id === id && there.elsewhere === undefined && isNear(there))
}

function momentOf(at: string): number {
  return new Date(at).getTime()
}

function nodeOf({ peer, node, how, remembered }: Teller): HistoryNode {
  return { node, peer, how, ...(remembered !== undefined && { from: remembered.from }) }
}

/** What somebody does stands before what a daemon finds of it in the same millisecond, which it notes before the answer is given. */
function laterFirst(a: HistoryEntry, b: HistoryEntry): number {
  if (a.at !== b.at) return a.at < b.at ? 1 : -1
  if (isWrite(a) !== isWrite(b)) return isWrite(a) ? 1 : -1
  if (a.peer === b.peer) return b.seq - a.seq
  return a.peer < b.peer ? -1 : 1
}

// ---- from a peer

type Fields = Readonly<Record<string, unknown>>

const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** Entries with words that only a later version knows are left out; an answer that is none is undefined. */
export function readRemembered({ from, entries }: Fields): Remembered | undefined {
  if (!isMoment(from) || !Array.isArray(entries) || entries.length > entriesOfOne) return undefined
  const read = entries.map((one) => readEntry(Object(one) as Fields))
  return { from, entries: read.filter((one) => one !== undefined) }
}

function readEntry(given: Fields): Entry | undefined {
  const { seq, at, times } = given
  const act = acts.find((one) => one === given['act'])
  const via = doors.find((one) => one === given['via'])
  const outcome = outcomes.find((one) => one === given['outcome'])
  if (act === undefined || via === undefined || outcome === undefined) return undefined
  if (!isCount(seq) || !isMoment(at) || !(times === undefined || isCount(times))) return undefined
  const texts = Object.keys(textLimits).flatMap((field) => {
    const text = given[field]
    return typeof text === 'string' ? [[field, text] as const] : []
  })
  const { elsewhere } = given
  return {
    ...cutEntry(Object.fromEntries(texts)),
    ...{ seq, at, act, via, outcome },
    ...(times !== undefined && { times }),
    ...(typeof elsewhere === 'string' && { elsewhere }),
  }
}

function isMoment(value: unknown): value is string {
  return typeof value === 'string' && moment.test(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
