// The table of member states, row by row, and what "well" means.
import { expect, test } from 'vitest'
import {
  type Circumstances,
  type Member,
  beginGeneration,
  forgetOldMarks,
  isVacated,
  judge,
  newMember,
  noteDirectWord,
  noteHearsay,
  noteIncarnation,
  noteRefusal,
  noteSight,
  noteWellness,
  returnsIn_ms,
} from '../../src/core/membership/member.js'
import { headOf } from './beats.js'

const now = 1_000_000
const head = headOf('a', 5)

function member(more: Partial<Member>): Member {
  return { ...newMember('a', new Uint8Array(32), head, now - 60_000), heardGeneration: 5, heardAt: now, ...more }
}

const calm: Circumstances = {
  now,
  awakeSince: 0,
  members: 5,
  hardOfHearing: false,
  hearsGossip: true,
  reports: 0,
  needed: 2,
}

const rows: { what: string; member: Partial<Member>; at?: Partial<Circumstances>; becomes: string | undefined }[] = [
  { what: 'any → left: its head says so', member: { state: 'alive', left: true }, becomes: 'left' },
  { what: 'hidden → left', member: { state: 'hidden', left: true }, becomes: 'left' },
  { what: 'dead → left', member: { state: 'dead', left: true }, becomes: 'left' },
  { what: 'left stays left', member: { state: 'left', left: true }, becomes: undefined },
  { what: 'left → unknown: a later head', member: { state: 'left' }, becomes: 'unknown' },
  { what: 'unknown → alive: heard', member: { state: 'unknown', wellSince: now }, becomes: 'alive' },
  {
    what: 'unknown stays while not heard',
    member: { state: 'unknown', heardAt: undefined, since: now - 7900 },
    becomes: undefined,
  },
  {
    what: 'unknown → dead: unheard for the slow path',
    member: { state: 'unknown', heardAt: undefined, since: now - 8001 },
    becomes: 'dead',
  },
  {
    what: 'alive → unknown: a later generation has begun, of which nothing was heard',
    member: { state: 'alive', heardGeneration: 4 },
    becomes: 'unknown',
  },
  { what: 'alive stays', member: { state: 'alive', wellSince: now - 9000 }, becomes: undefined },
  { what: 'alive stays with one report too few', member: { state: 'alive' }, at: { reports: 1 }, becomes: undefined },
  { what: 'alive → hidden: enough reports', member: { state: 'alive' }, at: { reports: 2 }, becomes: 'hidden' },
  {
    what: 'alive → hidden: unheard for the slow path',
    member: { state: 'alive', heardAt: now - 8001 },
    becomes: 'hidden',
  },
  {
    what: 'alive stays while we hear badly ourselves, though unheard for the slow path',
    member: { state: 'alive', heardAt: now - 16_000 },
    at: { hardOfHearing: true, hearsGossip: true },
    becomes: undefined,
  },
  {
    what: 'alive → hidden: unheard for twice the slow path, however badly we hear',
    member: { state: 'alive', heardAt: now - 16_001 },
    at: { hardOfHearing: true, hearsGossip: true },
    becomes: 'hidden',
  },
  {
    what: 'hidden stays while it has not been hidden for long, however long it was silent before',
    member: { state: 'hidden', since: now - 2999, heardAt: now - 60_000, unwellSince: now - 60_000 },
    at: { reports: 2 },
    becomes: undefined,
  },
  {
    what: 'alive stays: silence counts only since we woke',
    member: { state: 'alive', heardAt: now - 60_000 },
    at: { awakeSince: now - 100 },
    becomes: undefined,
  },
  {
    what: 'hidden → alive: well for half a second',
    member: { state: 'hidden', hidings: [now], wellSince: now - 500 },
    becomes: 'alive',
  },
  {
    what: 'hidden stays: well for less',
    member: { state: 'hidden', hidings: [now], wellSince: now - 499 },
    becomes: undefined,
  },
  {
    what: 'hidden stays: the third time takes two seconds',
    member: { state: 'hidden', hidings: [1, 2, 3], wellSince: now - 1999 },
    becomes: undefined,
  },
  {
    what: 'hidden → alive: the third time',
    member: { state: 'hidden', hidings: [1, 2, 3], wellSince: now - 2000 },
    becomes: 'alive',
  },
  {
    what: 'hidden stays: unwell, not for long',
    member: { state: 'hidden', unwellSince: now - 2999, heardAt: now - 2999 },
    at: { reports: 2 },
    becomes: undefined,
  },
  {
    what: 'hidden → dead: unwell and unheard of for three seconds, and reported still',
    member: { state: 'hidden', unwellSince: now - 3000, heardAt: now - 3000 },
    at: { reports: 2 },
    becomes: 'dead',
  },
  {
    what: 'hidden stays: nobody says any more that it is silent, and the word that it lives is on its way',
    member: { state: 'hidden', unwellSince: now - 8000, heardAt: now - 8000 },
    at: { reports: 1 },
    becomes: undefined,
  },
  {
    what: 'hidden → dead: nobody reports it any more, but nobody has heard of it for the slow path',
    member: { state: 'hidden', unwellSince: now - 3000, heardAt: now - 8001 },
    becomes: 'dead',
  },
  {
    what: 'hidden stays while it is heard of: reported for long, but not silent',
    member: { state: 'hidden', unwellSince: now - 60_000, heardAt: now - 2900 },
    at: { reports: 5 },
    becomes: undefined,
  },
  {
    what: 'hidden stays where it was we who slept',
    member: { state: 'hidden', unwellSince: now - 60_000, heardAt: now - 60_000 },
    at: { awakeSince: now - 2900, reports: 2 },
    becomes: undefined,
  },
  { what: 'dead stays while unwell', member: { state: 'dead', unwellSince: now - 900_000 }, becomes: undefined },
  {
    what: 'dead → alive: well for as long as its hidings ask',
    member: { state: 'dead', hidings: [now], wellSince: now - 500 },
    becomes: 'alive',
  },
]

test.each(rows)('$what', ({ member: given, at, becomes }) => {
  const judgement = judge(member(given), { ...calm, ...at })
  expect(judgement?.state).toBe(becomes)
  if (judgement !== undefined) expect(judgement.why).not.toBe('')
})

test('well is freshly heard with too few reports; both begin to count when they begin', () => {
  const one = member({ heardAt: now - 5000 })
  noteWellness(one, calm)
  expect([one.wellSince, one.unwellSince]).toEqual([now, undefined])
  noteWellness(one, { ...calm, now: now + 1 })
  expect([one.wellSince, one.unwellSince]).toEqual([undefined, now + 1])
  one.heardAt = now + 100
  noteWellness(one, { ...calm, now: now + 200, reports: 2 })
  expect([one.wellSince, one.unwellSince]).toEqual([undefined, now + 1])
  noteWellness(one, { ...calm, now: now + 300, reports: 1 })
  expect([one.wellSince, one.unwellSince]).toEqual([now + 300, undefined])
})

test('the dead look well only by a word from well after their hiding', () => {
  const one = member({ state: 'dead', since: now - 1000, heardAt: now - 2000, unwellSince: now - 9000 })
  noteWellness(one, calm) // of five members it was hidden for three seconds before it was dead
  expect([one.wellSince, one.unwellSince]).toEqual([undefined, now - 9000])
  one.heardAt = now - 1999
  noteWellness(one, calm)
  expect([one.wellSince, one.unwellSince]).toEqual([now, undefined])
})

test('who was hidden looks well only by a word from after that, however few reports stand or are asked for', () => {
  const lostSight = { at: now - 1000, generation: 5, incarnation: 0, sequence: 43 }
  for (const state of ['hidden', 'dead'] as const) {
    const one = member({ state, since: now - 1000, sequence: 42, lostSight })
    noteHearsay(one, { generation: 5, sequence: 42 })
    noteWellness(one, { ...calm, needed: 8 })
    expect([one.wellSince, one.lostSight]).toEqual([undefined, lostSight])
    noteHearsay(one, { generation: 5, sequence: 43 })
    noteWellness(one, calm)
    expect([one.wellSince, one.lostSight]).toEqual([now, undefined])
  }
})

test.each<[string, (one: Member) => void]>([
  ['it says something to us', (one) => noteDirectWord(one, { generation: 5, sequence: 1 }, now, 0)],
  ['it answers the reports', (one) => noteIncarnation(one, 3, now)],
  ['it starts again', (one) => beginGeneration(one, headOf('a', 6))],
])('who was hidden has spoken since where %s', (_, speak) => {
  const one = member({
    state: 'hidden',
    lostSight: { at: now - 1000, generation: 5, incarnation: 2, sequence: 43 },
  })
  noteIncarnation(one, 2, now) // the one that was reported
  expect(one.lostSight).toBeDefined()
  speak(one)
  expect(one.lostSight).toBeUndefined()
})

test('who speaks between hiding and death is not raised by that, but by what it says later', () => {
  const one = member({ state: 'hidden', sequence: 40, saidAt: now - 3000, lostSight: undefined })
  noteSight(one, 'dead', 5, now)
  expect(one.lostSight).toMatchObject({ sequence: 43 }) // 2 s later at the earliest
  const unanswered = { at: now - 4000, generation: 5, incarnation: 0, sequence: 42 }
  const other = member({ state: 'hidden', sequence: 40, saidAt: now - 5000, lostSight: unanswered })
  noteSight(other, 'dead', 5, now)
  expect(other.lostSight).toBe(unanswered)
  noteSight(other, 'alive', 5, now)
  expect(other.lostSight).toBeUndefined()
})

test('nobody is thought to be gone from where it was never heard, nor who is heard through others', () => {
  const unmet = member({ state: 'alive', metIn: 4 })
  noteRefusal(unmet, true, now)
  expect([unmet.refused, isVacated(unmet)]).toEqual([true, false])
  const met = member({ state: 'alive', metIn: 5, sequence: 40, saidAt: now - 100 })
  noteRefusal(met, false, now)
  expect(isVacated(met)).toBe(false)
  noteRefusal(met, true, now)
  expect(isVacated(met)).toBe(true)
  noteHearsay(met, { generation: 5, sequence: 40 })
  expect(isVacated(met)).toBe(true)
  noteHearsay(met, { generation: 5, sequence: 42 })
  expect(isVacated(met)).toBe(false)
  noteRefusal(met, true, now + 5000)
  expect(isVacated(met)).toBe(false)
  noteDirectWord(met, { generation: 5, sequence: 44 }, now + 6000, 0)
  expect([met.refused, met.vacated]).toEqual([false, undefined])
})

test('hidings and refutations are held against a member, or for it, for ten minutes', () => {
  const one = member({ hidings: [0, 1000], refutations: [0, 2000] })
  forgetOldMarks(one, 599_999)
  expect([one.hidings, one.refutations]).toEqual([
    [0, 1000],
    [0, 2000],
  ])
  forgetOldMarks(one, 600_000)
  expect([one.hidings, one.refutations]).toEqual([[1000], [2000]])
})

test('who is heard again is told to be back when the table says so', () => {
  for (const state of ['hidden', 'dead'] as const) {
    expect(returnsIn_ms(member({ state, hidings: [1, 2, 3], wellSince: now - 500 }), now)).toBe(1500)
    expect(returnsIn_ms(member({ state, hidings: [1], wellSince: now - 900 }), now)).toBe(0)
    expect(returnsIn_ms(member({ state, hidings: [1, 2, 3] }), now)).toBeUndefined()
  }
  expect(returnsIn_ms(member({ state: 'alive', hidings: [1], wellSince: now }), now)).toBeUndefined()
})
