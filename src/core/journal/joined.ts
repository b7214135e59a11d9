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

/** When an answer came, unix milliseconds by our own clock, and how long it may have been on its way. */
export interface Arrival {
  readonly wall: number
  readonly way_ms: number
}

/** @param tellers the one that was asked first */
export function joined(tellers: readonly [Teller, ...Teller[]], at: string, limit: number): History {
  const [own] = tellers
  const known = new Map(tellers.map(({ peer, remembered }) => [peer, remembered]))
  const othersThan = (self: PeerId): readonly Teller[] => tellers.filter(({ peer }) => peer !== self)
  const entries = tellers.flatMap(({ peer, node, remembered }) =>
    (remembered?.entries ?? [])
      .filter((entry) => !isToldThere(entry, known) && !isToldByAsked(entry, othersThan(peer)))
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

/** That an own instance was hidden, or shown, for a caller of another node: left out where that one tells of the act. */
function isToldByAsked({ via, elsewhere, id, at }: Entry, others: readonly Teller[]): boolean {
  if (via !== 'seen' || elsewhere !== undefined) return false
  const isAct = (there: Entry): boolean =>
    isWrite(there) && there.id === id && Math.abs(momentOf(there.at) - momentOf(at)) <= seenWithin_ms
  return others.some(({ remembered }) => remembered?.entries.some(isAct))
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

/** Moments are compared as text. */
const lastMoment_ms = new Date('9999-12-31T00:00:00.000Z').getTime()

const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/**
 * Entries with words that only a later version knows are left out; an answer that is none is undefined. Its moments are told by our own
 * clock: each as long ago as it is by theirs, where that is certain to be another one.
 */
export function readRemembered({ now, from, entries }: Fields, arrival: Arrival): Remembered | undefined {
  if (!isMoment(from) || !Array.isArray(entries) || entries.length > entriesOfOne) return undefined
  const ours = byOurClock(isMoment(now) ? momentOf(now) : NaN, arrival)
  const read = entries.map((one) => readEntry(Object(one) as Fields))
  return {
    from: ours(from),
    entries: read.flatMap((one) => (one === undefined ? [] : [{ ...one, at: ours(one.at) }])),
  }
}

/** @param now theirs when they answered; none of an earlier version, whose moments stay as they are */
function byOurClock(now: number, { wall, way_ms }: Arrival): (at: string) => string {
  // Somewhere on the way of the answer it was that late here: between the two it cannot be told from ours.
  const ahead_ms = now > wall ? now - wall : Math.min(0, now - (wall - way_ms))
  if (!(Math.abs(ahead_ms) > 0)) return (at) => at
  return (at) => {
    const ours = momentOf(at) - ahead_ms
    return ours >= 0 && ours < lastMoment_ms ? new Date(ours).toISOString() : at
  }
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
