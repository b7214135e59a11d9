// What the silence of subjects means: a report for each, or a doubt about oneself.
import { expect, test } from 'vitest'
import { type Member, newMember } from '../../src/core/membership/member.js'
import { Watch } from '../../src/core/membership/watch.js'
import { headOf } from './beats.js'

const now = 1_000_000

function member(id: string, silentFor_ms: number): Member {
  const heard = now - silentFor_ms
  return {
    ...newMember(id, new Uint8Array(32), headOf(id), now - 60_000),
    state: 'alive',
    heardAt: now, // others hear it
    directAt: heard,
  }
}

/** Of a watch over so many members that were just heard and so many that are silent: those that it reports. */
function reported(heard: number, silent: number): number {
  const members = [
    ...Array.from({ length: heard }, (_, i) => member(`h${i}`, 500)),
    ...Array.from({ length: silent }, (_, i) => member(`s${i}`, 3400)),
  ]
  const watch = new Watch()
  watch.follow(new Set(members), now - 60_000)
  const found = watch.look('self', 1, { now, awakeSince: 0, members: members.length + 1 }).silent
  expect(found.every(({ id }) => id.startsWith('s'))).toBe(true)
  return found.length
}

test('whoever is silent is reported, while at most half of all are', () => {
  expect(reported(3, 1)).toBe(1)
  expect(reported(3, 3)).toBe(3)
  expect(reported(4, 4)).toBe(4)
})

test('when more than half fall silent at once and others hear them, it is rather us', () => {
  expect(reported(2, 3)).toBe(0)
  expect(reported(1, 7)).toBe(0)
})

test.each([
  ['was never heard', { directAt: undefined }],
  ['refused a dial', { refused: true, metIn: 1 }],
  ['has left', { left: true }],
  ['is dead', { state: 'dead' }],
] as const)('whoever %s says nothing of our own hearing, in whichever way it counts', (_, what) => {
  const others = ['x', 'y', 'z'].map((id): Member => ({ ...member(id, 500), ...what }))
  const silent = ['s1', 's2', 's3'].map((id) => member(id, 3400))
  const healthy = ['h1', 'h2', 'h3', 'h4'].map((id) => member(id, 500))
  expect(watching(...silent, ...healthy.slice(2), ...others)(now).silent).not.toContain('s1')
  const silentOthers = ['x', 'y', 'z'].map((id): Member => ({ ...member(id, 3400), ...what }))
  expect(watching(...silent, ...healthy, ...silentOthers)(now).silent).toContain('s1')
})

test('one or two silent members are no reason to doubt ourselves', () => {
  expect(reported(0, 1)).toBe(1)
  expect(reported(0, 2)).toBe(2)
})

/** A watch over these, none of them new to it. */
function watching(...members: Member[]): (at: number) => { silent: string[]; heardAgain: string[] } {
  const watch = new Watch()
  watch.follow(new Set(members), now - 60_000)
  return (at) => {
    const { silent, heardAgain } = watch.look('self', 1, { now: at, awakeSince: 0, members: 10 })
    return { silent: silent.map(({ id }) => id), heardAgain: heardAgain.map(({ id }) => id) }
  }
}

test('whom we do not listen to we report no sooner than we listen again, though a dial of before was refused', () => {
  const shunned: Member = { ...member('a', 3400), shunnedUntil: now + 1000, refused: true, metIn: 1 }
  const look = watching(shunned, ...[...'bcde'].map((id) => member(id, -60_000)))
  expect(look(now + 999).silent).toEqual([])
  expect(look(now + 1000).silent).toEqual(['a'])
})

test('our own report counts until its subject is heard again, and no longer', () => {
  const subject = member('a', 2400)
  const look = watching(subject, ...[...'bcde'].map((id) => member(id, -60_000)))
  look(now)
  expect([...subject.reports.keys()]).toEqual(['self'])
  subject.directAt = now + 100
  expect(look(now + 200).heardAgain).toEqual(['a'])
  expect(subject.reports.size).toBe(0)
})

test('a report is repeated every two seconds, together with those whose turn is within the next one', () => {
  const lively = [...'defgh'].map((id) => member(id, -60_000))
  const look = watching(member('a', 2400), member('b', 1500), member('c', 700), ...lively)
  expect(look(now).silent).toEqual(['a'])
  expect(look(now + 900).silent).toEqual(['b']) // a is due only in 1.1 s
  expect(look(now + 1700).silent).toEqual(['a', 'c']) // a would be due in 0.3 s, b in 1.2 s
  expect(look(now + 2800).silent).toEqual([])
  expect(look(now + 2900).silent).toEqual(['a', 'b', 'c'])
})

test('who reported wrongly waits longer the next time, and forgets it after a minute', () => {
  const a = member('a', 2400)
  const look = watching(a, member('b', -120_000), member('c', -120_000))
  let at = now
  for (const patience_ms of [3300, 4300, 5300, 5300]) {
    expect(look(at).silent).toEqual(['a'])
    a.directAt = at + 100
    expect(look(at + 100).heardAgain).toEqual(['a'])
    expect(look(at + 100 + patience_ms).silent).toEqual([])
    at += 100 + patience_ms + 1
  }
  a.directAt = now + 80_000
  expect(look(now + 80_000).silent).toEqual([])
  expect(look(now + 80_000 + 2301).silent).toEqual(['a'])
})

test('who reported several wrongly waits longer with those of whom it never spoke', () => {
  const mistaken = [...'abcd'].map((id): Member => ({ ...member(id, 500), mistakes: [now - 59_000] }))
  const silences = (bad: Member[], when: number): string[] =>
    watching(member('x', 2301), ...bad, ...[...'hijk'].map((id) => member(id, -60_000)))(when).silent
  expect(silences(mistaken.slice(0, 1), now)).toEqual(['x'])
  expect(silences(mistaken.slice(0, 2), now)).toEqual([])
  expect(silences(mistaken.slice(0, 2), now + 1000)).toEqual(['x']) // those mistakes are a minute old
  expect(silences(mistaken, now + 999)).toEqual([])
})

test.each([
  ['died', 'dead', 4900, ['a']],
  ['died', 'dead', 5000, []],
  ['was observed by others', 'alive', 1000, []],
] as const)(
  'what we said of one that meanwhile %s is taken back while it may still stand (%s, %i ms)',
  (_, state, at, told) => {
    const subject = member('a', 2400)
    const others = [...'bcde'].map((id) => member(id, -60_000))
    const watch = new Watch()
    const heardAgain = (when: number): string[] =>
      watch.look('self', 1, { now: when, awakeSince: 0, members: 10 }).heardAgain.map(({ id }) => id)
    watch.follow(new Set([subject, ...others]), now - 60_000)
    expect(heardAgain(now)).toEqual([])
    subject.state = state
    watch.follow(new Set(others), now + 500)
    Object.assign(subject, { state: 'alive', since: now + at, directAt: now + at })
    watch.follow(new Set([subject, ...others]), now + at)
    expect(heardAgain(now + at)).toEqual(told)
    expect(subject.mistakes).toEqual([]) // others found it dead as well
  },
)

test('to have reported one that was hidden for it is no mistake', () => {
  const a = member('a', 2400)
  const look = watching(a, member('b', -60_000), member('c', -60_000))
  expect(look(now).silent).toEqual(['a'])
  a.state = 'hidden'
  a.directAt = now + 100
  expect(look(now + 100).heardAgain).toEqual(['a'])
  a.state = 'alive'
  expect(look(now + 100 + 2301).silent).toEqual(['a'])
})

test('who doubted itself knows for ten seconds that it hears badly', () => {
  const few = [member('a', -500), ...[...'bcde'].map((id) => member(id, 3400))]
  const watch = new Watch()
  watch.follow(new Set(few), now - 60_000)
  expect(watch.isHardOfHearing(now)).toBe(false)
  watch.look('self', 1, { now, awakeSince: 0, members: 6 })
  for (const one of few) one.directAt = now + 60_000
  watch.look('self', 1, { now: now + 100, awakeSince: 0, members: 6 })
  expect([now, now + 9999, now + 10_000].map((at) => watch.isHardOfHearing(at))).toEqual([true, true, false])
  for (const one of few) one.directAt = now + 80_000
  watch.look('self', 1, { now: now + 90_000, awakeSince: 0, members: 6 })
  expect(watch.isHardOfHearing(now + 90_000)).toBe(false) // who hears nobody is cut off
})

test('what we said of one that died says nothing of its next start, which nobody has heard yet', () => {
  const subject: Member = { ...member('a', 3400), refused: true, metIn: 1 }
  const watch = new Watch()
  watch.follow(new Set([subject]), now - 60_000)
  watch.look('self', 1, { now, awakeSince: 0, members: 10 })
  subject.state = 'dead'
  watch.follow(new Set(), now + 3000)
  expect(watch.buried(now + 4000)).toEqual([subject])
  subject.generation += 1
  expect(watch.buried(now + 4000)).toEqual([])
})

test('who has no core to work on reports later, whether it heard them itself or took over, and knows that it hears badly', () => {
  const watch = new Watch()
  const taken = { ...member('t', 0), directAt: undefined, heardAt: now - 8000 }
  watch.follow(new Set([member('h', 0), member('s', 3400), taken]), now - 60_000)
  const silent = (waited: number, at = now): string[] => {
    watch.waited = waited
    return watch.look('self', 1, { now: at, awakeSince: 0, members: 4 }).silent.map(({ id }) => id)
  }
  expect([watch.isHardOfHearing(now), silent(0.99)]).toEqual([false, []])
  expect(watch.isHardOfHearing(now)).toBe(true)
  expect(silent(0.5)).toEqual(['s', 't'])
  watch.waited = 0.1
  expect(watch.isHardOfHearing(now)).toBe(false)
})
