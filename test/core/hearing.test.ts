// What a membership believes, and what it does not: words of an earlier generation, replayed reports, hearsay, and what it slept through.
import { expect, test } from 'vitest'
import { deadAfter_ms, seconded_ms } from '../../src/core/membership/formulas.js'
import { Liveness } from '../../src/core/liveness.js'
import { LifeSigns } from '../../src/core/membership/life-signs.js'
import type { Member } from '../../src/core/membership/member.js'
import { Membership } from '../../src/core/membership/membership.js'
import { Heartbeats } from '../../src/core/peers/heartbeats.js'
import { encodeBeat } from '../../src/core/wire/beat.js'
import { type ReportMessage, decodeGossip } from '../../src/core/wire/gossip.js'
import { cheapCrypto, quickHash } from '../sim/crypto.js'
import { beat, headOf } from './beats.js'

/** A membership of `me` and these: heard at time 0, or known by their heads alone. */
function among(heard: string, unheard = ''): Membership {
  const membership = new Membership('me', (bytes) => quickHash(bytes))
  membership.setSelf(1, 0, 0)
  for (const id of heard + unheard) membership.follow(headOf(id), 0)
  for (const id of heard) membership.hear(id, beat(1), 0)
  membership.tick(0)
  return membership
}

function hearAll(membership: Membership, ids: string, sequence: number, now: number): void {
  for (const id of ids) membership.hear(id, beat(sequence), now)
}

function report(subject: string, sequence: number, generation = 1, incarnation = 0): ReportMessage {
  return { type: 'report', authorGeneration: 1, sequence, about: [{ subject, generation, incarnation }] }
}

test('enough reports hide a member, and the same reports about its former generation do not', () => {
  const hidden = among('abcdefg')
  for (const author of 'bcd') hidden.report(author, report('a', 1), 100)
  hidden.tick(100)
  expect(hidden.member('a')?.state).toBe('hidden')

  const restarted = among('abcdefg')
  restarted.follow(headOf('a', 2), 50)
  restarted.hear('a', beat(1, 2), 50)
  restarted.tick(50)
  for (const author of 'bcd') restarted.report(author, report('a', 1), 100)
  restarted.tick(100)
  expect(restarted.member('a')?.state).toBe('alive')
  expect(restarted.reporters('a', 100)).toEqual([])
})

test('what is passed on is of those of whom a word came, over whatever way; of whom none ever came there is nothing', () => {
  const { membership, tell } = hearsayOf('abc')
  for (const id of 'xyz') membership.follow(headOf(id), 0)
  const passedOn = (): string[] =>
    membership
      .relaysFor('b', 200)
      .flatMap(({ shortId }) => [...'axyz'].filter((id) => membership.member(id)?.shortId === shortId))
  tell('b', 2, 100)
  membership.tick(100)
  expect(passedOn()).toEqual(['a'])
  const { shortId = 0 } = membership.member('x') ?? {}
  const word = { shortId, generation: 1, sequence: 1, load: 0, age_ms: 0 }
  for (const from of 'bc') membership.hear(from, beat(3, 1, [word]), 150)
  expect(passedOn()).toEqual(['x'])
})

test('who starts again at other addresses is not silent since nobody listens at those of the start before', () => {
  const { membership, tell } = hearsayOf('abc')
  const refused = (now: number): string[] => {
    membership.refuse('a', true, now)
    return membership.tick(now).reports.map(({ subject }) => subject)
  }
  expect(refused(100)).toEqual(['a'])
  membership.follow(headOf('a', 2), 200)
  for (const from of 'bc') tell(from, 2, 300, 2)
  expect(membership.tick(300).transitions).toMatchObject([{ peer: 'a', to: 'alive' }])
  expect(refused(400)).toEqual([]) // we have not met this start: the book still has where the earlier one was
  membership.unserved('a') // what ends now was with that one
  expect(refused(500)).toEqual([])
  membership.connected('a')
  expect(membership.tick(600).reports).toEqual([])
  expect(refused(700)).toEqual(['a'])
})

test('a new start that says at once that it will be back is told of, and keeps its grace', () => {
  const membership = among('abc')
  const transition = membership.follow({ ...headOf('a', 2), left: { restartGrace_s: 30 } }, 50)
  expect(transition).toMatchObject({ peer: 'a', from: 'alive', to: 'left' })
  expect(membership.listing('a')).toBe('healthy')
  expect(membership.follow(headOf('b', 2), 50)).toMatchObject({ peer: 'b', from: 'alive', to: 'unknown' })
  expect(membership.listing('b')).toBe('none')
})

test('who is forgotten is not judged any more, whatever was reported of it', () => {
  const membership = among('abcdefg')
  for (const author of 'bcd') membership.report(author, report('a', 1), 100)
  membership.forget('a')
  expect(membership.weigh(100).transitions).toEqual([])
})

test('a report counts for five seconds from its receipt, and its replay brings it back neither then nor later', () => {
  const membership = among('abcdefg')
  expect(membership.report('b', report('a', 5), 100)).toBe(true)
  expect(membership.report('b', report('a', 4), 200)).toBe(false)
  expect(membership.report('b', report('a', 5), 4000)).toBe(false)
  expect(membership.reporters('a', 5099)).toEqual(['b'])
  expect(membership.reporters('a', 5100)).toEqual([])
  expect(membership.report('b', report('a', 5), 6000)).toBe(false)
  expect(membership.reporters('a', 6000)).toEqual([])
})

test('reports of one that is hidden itself count no more, nor those of one not heard yet since it started again', () => {
  const hidden = among('abcdefg')
  hidden.report('b', report('a', 1), 100)
  expect(hidden.reporters('a', 100)).toEqual(['b'])
  for (const author of 'cde') hidden.report(author, report('b', 1), 200)
  hidden.tick(200)
  expect(hidden.member('b')?.state).toBe('hidden')
  expect(hidden.reporters('a', 200)).toEqual([])

  const unheard = among('abcdefg')
  unheard.follow(headOf('b', 2), 100)
  unheard.report('b', { ...report('a', 1), authorGeneration: 2 }, 200)
  expect(unheard.reporters('a', 200)).toEqual([])
  unheard.hear('b', beat(1, 2), 300)
  unheard.tick(300)
  expect(unheard.reporters('a', 300)).toEqual(['b'])
})

test('reports that ended a while ago are let go, and cannot be said again by somebody else', () => {
  const membership = among('abcdefg')
  for (const author of 'bcd') membership.report(author, report('a', 5), 100)
  membership.report('e', report('a', 1), 10_099)
  expect(membership.member('a')?.reports.size).toBe(4)
  membership.report('f', report('a', 1), 10_100)
  expect([...(membership.member('a')?.reports.keys() ?? [])]).toEqual(['e', 'f'])
  for (const subject of 'af') expect(membership.report('b', report(subject, 5), 10_200)).toBe(false)
  expect(membership.report('b', report('f', 4), 10_200)).toBe(false)
  expect(membership.report('b', report('f', 6), 10_200)).toBe(true)
})

test('the first word after long is a replay too, where it is the same', () => {
  const membership = among('abcdefg')
  for (const subject of ['a', 'me']) expect(membership.report('b', report(subject, 5), 100)).toBe(true)
  for (const subject of ['a', 'me']) expect(membership.report('b', report(subject, 5), 20_000)).toBe(false)
  for (const subject of ['a', 'me']) expect(membership.report('b', report(subject, 6), 20_000)).toBe(true)
})

test('a report that is repeated keeps none that ended before it', () => {
  const membership = among('abcdefg')
  membership.report('b', report('a', 1), 0)
  membership.report('c', report('a', 1), 1000)
  membership.report('b', report('a', 2), 4000)
  membership.report('d', report('a', 1), 11_000)
  expect([...(membership.member('a')?.reports.keys() ?? [])]).toEqual(['b', 'd'])
})

test('what this daemon itself reports for long keeps none that ended before it', () => {
  const membership = among('abcd')
  membership.answers('a', false) // else it would have to
  const { shortId = 0 } = membership.member('a') ?? {}
  for (let now = 100; now <= 15_000; now += 100) {
    const relayed = { shortId, generation: 1, sequence: 1 + Math.ceil(now / 1000), load: 0, age_ms: 0 }
    for (const id of 'bcd') membership.hear(id, beat(now, 1, [relayed]), now)
    membership.tick(now)
    if (now === 2800) membership.report('b', report('a', 1), now)
  }
  expect(membership.reporters('a', 15_000)).toEqual(['me'])
  membership.report('c', report('a', 1), 15_000)
  expect([...(membership.member('a')?.reports.keys() ?? [])].sort()).toEqual(['c', 'me'])
})

test('what was said against this daemon itself is let go too, and cannot be said again', () => {
  const membership = among('abcdefg')
  for (const author of 'bcd') expect(membership.report(author, report('me', 5), 0)).toBe(true)
  hearAll(membership, 'abcdefg', 2, 10_000)
  expect(membership.report('e', report('me', 1), 10_000)).toBe(true)
  for (const author of 'bcd') expect(membership.report(author, report('me', 5), 10_100)).toBe(false)
  expect(membership.tick(10_100).refute).toBe(false)
})

test('of an author the newest word that was let go counts, in whatever order; after its restart it begins anew', () => {
  const membership = among('abcdefg')
  membership.report('b', report('a', 9), 0)
  membership.report('b', report('c', 4), 0)
  for (const subject of 'ac') membership.report('d', report(subject, subject === 'a' ? 1 : 2), 20_000)
  expect(membership.report('b', report('e', 9), 20_000)).toBe(false)
  expect(membership.report('b', { ...report('e', 1), authorGeneration: 2 }, 20_000)).toBe(true)
  membership.forget('b')
  membership.follow(headOf('b'), 20_000)
  expect(membership.report('b', report('f', 1), 20_000)).toBe(true)
})

test('reports by members that were never heard do not count', () => {
  const membership = among('aefg', 'bcd')
  for (const author of 'bcd') membership.report(author, report('a', 1), 100)
  membership.tick(100)
  expect(membership.member('a')?.state).toBe('alive')
})

test('hearsay of a later generation changes nothing: only its owner may say that it has begun', () => {
  const membership = among('ab')
  const { shortId = 0 } = membership.member('a') ?? {}
  const relayed = { shortId, generation: 2, sequence: 9, load: 50, age_ms: 0 }
  membership.hear('b', beat(2, 1, [relayed]), 1000)
  expect(membership.member('a')).toMatchObject({ heardGeneration: 1, sequence: 1, heardAt: 0 })
  expect(membership.listing('a')).toBe('all')
  membership.hear('b', beat(3, 1, [{ ...relayed, generation: 1, age_ms: 300 }]), 1000)
  expect(membership.member('a')).toMatchObject({ heardGeneration: 1, sequence: 9, heardAt: 700 })
})

test('a word out of turn repeats the number of a round, whose time counts here and wherever that is passed on', () => {
  const liveness = new Liveness('me', cheapCrypto('me'))
  const { membership, peers } = liveness
  membership.follow(headOf('a'), 0)
  const peer = peers.connect('a', 0)
  const saidAfter = (sequence: number, now: number): number | undefined => {
    liveness.hear('a', encodeBeat(beat(sequence)), now)
    return membership.member('a')?.saidAt
  }
  expect(saidAfter(7, 900)).toBe(-300) // the first one of a connection
  expect(saidAfter(8, 1000)).toBe(1000)
  expect(saidAfter(8, 1900)).toBe(1000)
  expect(membership.member('a')?.heardAt).toBe(1900)
  peer.isAsked = true
  expect(saidAfter(9, 2900)).toBe(1700)
  expect(saidAfter(10, 3000)).toBe(3000)
  expect(saidAfter(10, 3900)).toBe(3000)
  expect(membership.relaysFor('b', 3950)).toMatchObject([{ sequence: 10, age_ms: 950 }])
})

test('whether somebody answers questions is known by its own word in this generation, or by a while without one', () => {
  const liveness = new Liveness('me', cheapCrypto('me'))
  const { membership, peers } = liveness
  membership.follow(headOf('a'), 0)
  const isAble = (): boolean | undefined => membership.member('a')?.proof.isAble
  peers.connect('a', 0)
  liveness.hear('a', encodeBeat(beat(1)), 10) // earlier versions, and some later ones, say nothing else at first
  expect(isAble()).toBe(undefined)
  liveness.hear('a', encodeBeat(beat(4)), 3000)
  expect(isAble()).toBe(false)
  liveness.hear('a', encodeBeat({ type: 'able' }), 3100)
  liveness.hear('a', encodeBeat(beat(5)), 4000)
  expect(isAble()).toBe(true)
  peers.connect('a', 5000)
  liveness.hear('a', encodeBeat(beat(6)), 5010)
  expect(isAble()).toBe(true)
  membership.follow(headOf('a', 2), 6000)
  expect(isAble()).toBe(undefined)
})

test('what we find in our buffers on waking may have been sent as soon as we fell asleep', () => {
  const membership = among('ab')
  membership.tick(100)
  membership.awoke(5000)
  membership.hear('a', beat(3), 5000)
  expect(membership.member('a')).toMatchObject({ sequence: 3, saidAt: 100, heardAt: 5000 })
  membership.hear('a', beat(7), 5300)
  expect(membership.member('a')).toMatchObject({ sequence: 7, saidAt: 5300 })
})

test('a heartbeat whose number is out of all proportion is no word of anybody, and the true ones go on', () => {
  const membership = among('ab')
  const { shortId = 0 } = membership.member('a') ?? {}
  const tell = (sequence: number, now: number): void =>
    void membership.hear('b', beat(now, 1, [{ shortId, generation: 1, sequence, load: 0, age_ms: 0 }]), now)
  tell(Number.MAX_SAFE_INTEGER, 1000)
  expect(membership.member('a')).toMatchObject({ sequence: 1, heardAt: 0 })
  tell(2, 1000)
  tell(15, 2000)
  expect(membership.member('a')).toMatchObject({ sequence: 2, heardAt: 1000 })
  tell(14, 2000)
  expect(membership.member('a')).toMatchObject({ sequence: 14, heardAt: 2000 })
  tell(14 + 7200, 3_600_000) // after a long silence
  expect(membership.member('a')).toMatchObject({ sequence: 7214, heardAt: 3_600_000 })
})

/** A membership that has heard of a, and what the others pass on of it. */
function hearsayOf(ids: string) {
  const membership = among(ids)
  const { shortId = 0 } = membership.member('a') ?? {}
  const tell = (from: string, sequence: number, now: number, generation = 1): void =>
    void membership.hear(from, beat(now, 1, [{ shortId, generation, sequence, load: 0, age_ms: 0 }]), now)
  return { membership, tell }
}

test.each([
  ['who sends us heartbeats', false, ['a']],
  ['who has said that it sends us none any more', true, []],
])('%s is reported for its silence or not, while others hear it', (_, isFarewell, expected) => {
  const { membership, tell } = hearsayOf('abcd')
  if (isFarewell) membership.farewell('a')
  const reported = new Set<string>()
  for (let now = 1000; now <= 6000; now += 1000) {
    for (const from of 'bcd') tell(from, 1 + now / 1000, now)
    for (const { subject } of membership.tick(now).reports) reported.add(subject)
  }
  expect([...reported]).toEqual(expected)
})

/** A membership that was refused at a's, asks it with these, and hears of it through c. */
function askedBy(nonces: string[]) {
  const { membership, tell } = hearsayOf('abc')
  membership.answers('a', true)
  membership.refuse('a', true, 500)
  tell('c', 4, 1500)
  expect(membership.toAsk(1600).map(({ id }) => id)).toEqual(['a'])
  for (const nonce of nonces) membership.asking('a', nonce, 1600)
  return { membership, tell }
}

function answer(nonce: string, sequence = 9) {
  return { type: 'answer', generation: 1, sequence, nonces: [nonce] } as const
}

test('an answer counts that its subject signed, to a question of ours, soon', () => {
  const { membership } = askedBy(['n1', 'n2'])
  expect(membership.prove('b', answer('n1'), 1700)).toBe(false)
  expect(membership.prove('a', answer('n0'), 1700)).toBe(false)
  expect(membership.prove('a', { ...answer('n1'), generation: 2 }, 1700)).toBe(false)
  expect(membership.prove('a', answer('n1'), 1700)).toBe(true)
  expect(membership.member('a')).toMatchObject({ sequence: 9, heardAt: 1600, saidAt: 400 }) // of its last round
  expect(membership.prove('a', answer('n1'), 1800)).toBe(false) // a replay
  expect(membership.prove('a', answer('n2'), 6600)).toBe(false) // kept back
})

test('of whoever has proved that it lives a word is passed on, though nobody else was heard of it', () => {
  const membership = among('abc', 'x')
  membership.answers('x', true)
  const { shortId = 0 } = membership.member('x') ?? {}
  const word = { shortId, generation: 1, sequence: 1, load: 0, age_ms: 0 }
  for (const now of [100, 1200]) membership.hear('b', beat(now, 1, [word]), now)
  expect(membership.toAsk(1300).map(({ id }) => id)).toEqual(['x'])
  membership.asking('x', 'n', 1300)
  expect(membership.prove('x', answer('n'), 1400)).toBe(true)
  expect(membership.relaysFor('c', 1500).map((told) => told.shortId)).toContain(shortId)
})

test('a question that gossip brings no answer to goes over connections as well, a moment later and once', () => {
  const { membership } = askedBy(['n1', 'n2'])
  const unanswered = (now: number): string[] =>
    membership.takeUnanswered(now).map(({ question, via }) => `${question.nonce} by ${via.join()}`)
  expect(unanswered(1800)).toEqual([])
  membership.prove('a', answer('n1'), 1850)
  expect(unanswered(1900)).toEqual(['n2 by c'])
  expect(unanswered(2000)).toEqual([])
})

test('what was said of one that does not answer is taken back, and counts no more until it does', () => {
  const { membership, tell } = askedBy([])
  for (let now = 2500; now <= 4500; now += 1000) tell('c', 3 + now / 1000, now)
  expect(membership.member('a')).toMatchObject({ isVouchedFor: true, heardAt: 4500 })
  tell('c', 9, 5500)
  expect(membership.member('a')).toMatchObject({ isVouchedFor: false, heardAt: 0, sequence: 1 })
  tell('c', 10, 6500)
  expect(membership.member('a')).toMatchObject({ isVouchedFor: false, heardAt: 0 })
  expect(membership.toAsk(6500)).toHaveLength(1)
  membership.asking('a', 'n', 6500)
  expect(membership.prove('a', answer('n', 11), 6600)).toBe(true)
  tell('c', 13, 7500)
  expect(membership.member('a')).toMatchObject({ isVouchedFor: true, heardAt: 7500 })
  expect(membership.toAsk(7500)).toEqual([])
})

test('who is hidden stays so, whatever others say, until it has answered', () => {
  const { membership, tell } = hearsayOf('abc')
  membership.answers('a', true)
  membership.refuse('a', true, 500)
  for (const author of 'bc') membership.report(author, report('a', 1), 500)
  membership.tick(500)
  tell('c', 4, 1500)
  expect(membership.member('a')).toMatchObject({ state: 'hidden', heardAt: 0, isVouchedFor: false })
  membership.asking('a', 'n', 1600)
  membership.prove('a', answer('n'), 1700)
  expect(membership.member('a')).toMatchObject({ heardAt: 1600, isVouchedFor: true, lostSight: undefined })
})

test('a daemon answers once for all who asked it, in this generation, and nobody else', () => {
  const signs = new LifeSigns('me', cheapCrypto('me'))
  const nonces = ['0'.repeat(32), '1'.repeat(32), '2'.repeat(32), '3'.repeat(32)]
  const question = (subject: string, generation: number, i: number) => ({ subject, generation, nonce: nonces[i] ?? '' })
  signs.asked([question('me', 5, 0), question('other', 5, 1), question('me', 4, 2)], 5)
  signs.asked([question('me', 5, 3), question('me', 5, 0)], 5)
  const answers = signs.answer(5, 70).map((effect) => effect.type === 'broadcast' && decodeGossip(effect.bytes))
  expect(answers).toEqual([{ type: 'answer', generation: 5, sequence: 70, nonces: [nonces[0], nonces[3]] }])
  expect(signs.answer(5, 71)).toEqual([])
  const subjects = [{ id: 'a', generation: 1 }]
  expect(signs.ask(subjects, 5).questions).not.toEqual(signs.ask(subjects, 5).questions)
})

test('the time for an answer begins with a word after the question, and again when we wake up', () => {
  const { membership, tell } = askedBy([])
  tell('b', 5, 1500) // at the same moment
  tell('c', 10, 10_000) // who passes it on stood still until now
  expect(membership.member('a')).toMatchObject({ isVouchedFor: true })
  membership.awoke(20_000)
  tell('c', 11, 20_000)
  tell('c', 12, 22_000)
  expect(membership.member('a')).toMatchObject({ isVouchedFor: true })
})

test('where time stood still here, a word of a member is news again as soon as a second one passes it on', () => {
  const { membership, tell } = hearsayOf('abc')
  tell('b', 30_000, 1000)
  tell('b', 30_001, 2000)
  tell('c', 60_000, 2000) // of a liar
  expect(membership.member('a')).toMatchObject({ sequence: 1, heardAt: 0 })
  tell('c', 30_001, 3000)
  expect(membership.member('a')).toMatchObject({ sequence: 30_001, heardAt: 3000 })
})

test('the first number of all is what two have reached, in whatever order they say it', () => {
  const membership = among('bcd', 'a')
  const late = among('bcd', 'a')
  const wordOf = (sequence: number) => ({
    shortId: late.member('a')?.shortId ?? 0,
    generation: 1,
    sequence,
    load: 0,
    age_ms: 0,
  })
  late.hear('c', beat(2, 1, [wordOf(7)]), 100)
  late.hear('b', beat(2, 1, [wordOf(1_000_000_000)]), 200)
  expect(late.member('a')).toMatchObject({ sequence: 7, heardAt: 200 })
  const { shortId = 0 } = membership.member('a') ?? {}
  const tell = (from: string, sequence: number, now: number, generation = 1): void =>
    void membership.hear(from, beat(now, 1, [{ shortId, generation, sequence, load: 0, age_ms: 0 }]), now)
  tell('b', 1_000_000_000, 100)
  membership.tick(100)
  expect(membership.member('a')).toMatchObject({ state: 'unknown', sequence: 0, heardAt: undefined })
  tell('c', 7, 200)
  membership.tick(200)
  expect(membership.member('a')).toMatchObject({ state: 'alive', sequence: 7, heardAt: 200 })
  tell('b', 1_000_000_001, 1100)
  tell('c', 8, 1200)
  expect(membership.member('a')).toMatchObject({ sequence: 8, heardAt: 1200 })
})

test('of one that was never met, that one alone says lives, nothing counts before it has signed', () => {
  const membership = among('bcd', 'a')
  const { shortId = 0 } = membership.member('a') ?? {}
  const tell = (sequence: number, now: number): void =>
    void membership.hear('b', beat(now, 1, [{ shortId, generation: 1, sequence, load: 0, age_ms: 0 }]), now)
  for (let now = 100; now < 5000; now += 1000) tell(7 + now / 1000, now)
  expect(membership.member('a')).toMatchObject({ state: 'unknown', heardAt: undefined })
  expect(membership.toAsk(5000).map(({ id }) => id)).toEqual(['a'])
  membership.asking('a', 'n', 5000)
  expect(membership.prove('a', answer('n', 12), 5100)).toBe(true)
  membership.tick(5100)
  expect(membership.member('a')).toMatchObject({ state: 'alive', sequence: 12, heardAt: 5000 })
})

test('who was hidden by reports is shown by a signed word that was spoken after that, whoever asked for it, and by no others', () => {
  const { membership, tell } = hearsayOf('abcdefg')
  membership.farewell('a')
  for (const author of 'bcd') membership.report(author, report('a', 1), 500)
  membership.tick(500)
  for (const from of 'bcdefg') tell(from, 4, 1500) // they have it from each other
  expect(membership.member('a')).toMatchObject({ state: 'hidden', sequence: 1, heardAt: 0, isCondemned: true })
  expect(membership.toAsk(1600).map(({ id }) => id)).toEqual(['a'])
  membership.asked('a', 1600)
  tell('b', 5, 2500) // it was asked a moment ago, by others
  expect(membership.toAsk(2500)).toEqual([])
  expect(membership.prove('a', answer('of others', 1), 2600)).toBe(false) // kept back since before
  expect(membership.toAsk(2600).map(({ id }) => id)).toEqual(['a']) // or else its numbers are wrong here
  expect(membership.prove('a', answer('of others', 5), 2700)).toBe(true)
  expect(membership.member('a')).toMatchObject({ sequence: 5, heardAt: 2700, lostSight: undefined, isCondemned: false })
})

test('what was proven before the hiding proves nothing after it', () => {
  const { membership, tell } = askedBy(['n'])
  membership.prove('a', answer('n'), 1700)
  membership.refuse('a', true, 2000)
  for (const author of 'bc') membership.report(author, report('a', 1), 2000)
  membership.tick(2000)
  tell('c', 20, 3000)
  expect(membership.member('a')).toMatchObject({ state: 'hidden', sequence: 9 })
  expect(membership.member('a')?.lostSight).toBeDefined()
})

test('or where two pass them on for longer than anybody can have missed the verdict', () => {
  const { membership, tell } = hearsayOf('abcdefg')
  membership.farewell('a')
  for (const author of 'bcd') membership.report(author, report('a', 1), 500)
  membership.tick(500)
  let shownAt = 0
  for (let now = 4000; now <= 24_000 && shownAt === 0; now += 1000) {
    for (const from of 'bc') tell(from, 1 + now / 1000, now)
    membership.tick(now)
    if (membership.member('a')?.lostSight === undefined) shownAt = now
  }
  expect(shownAt).toBe(21_000) // more than twice the slow path's time
})

test('and where no gossip came with the reports, two who pass on its words are enough', () => {
  const { membership, tell } = hearsayOf('abcdefg')
  membership.farewell('a')
  for (const author of 'bcd') membership.report(author, report('a', 1), 500, false)
  membership.tick(500)
  tell('b', 4, 1500)
  expect(membership.member('a')).toMatchObject({ state: 'hidden', heardAt: 0 })
  tell('c', 4, 1600)
  expect(membership.member('a')).toMatchObject({ heardAt: 1600, lostSight: undefined })
})

test('one that is shown is asked to sign once one alone passes on its words, and counts no more where it does not answer', () => {
  const { membership, tell } = hearsayOf('abcdefg')
  const asked: number[] = []
  for (let now = 1000; now <= 30_000; now += 1000) {
    tell('c', 1 + now / 1000, now)
    if (now <= 10_000) tell('b', 1 + now / 1000, now)
    if (membership.toAsk(now).length > 0) asked.push(now)
  }
  const unbacked_ms = 10_000 + seconded_ms(8)
  expect(asked.every((now) => now > unbacked_ms)).toBe(true)
  expect(asked[0]).toBeLessThanOrEqual(unbacked_ms + 1000)
  expect(membership.member('a')).toMatchObject({ isVouchedFor: false, proof: { isDoubted: true } })
  expect(membership.member('a')?.heardAt).toBeLessThanOrEqual(unbacked_ms)
})

test('one alone is believed a jump only where nobody says anything else for a while', () => {
  const { membership, tell } = hearsayOf('abc')
  for (let now = 1000; now <= 30_000; now += 1000) {
    tell('b', 1_000_000 + now / 1000, now) // each a second after the last
    tell('c', 1 + now / 1000, now)
  }
  expect(membership.member('a')).toMatchObject({ sequence: 31, heardAt: 30_000 })
  tell('b', 1_000_034, 34_000)
  expect(membership.member('a')).toMatchObject({ sequence: 31 })
  tell('b', 1_000_036, 36_000)
  expect(membership.member('a')).toMatchObject({ sequence: 1_000_036, heardAt: 36_000 })
})

test('whoever stood still skips the numbers that it missed: its next one is not taken for one of before', () => {
  const heartbeats = new Heartbeats('me')
  const numberAt = (now: number): number => {
    heartbeats.beginRound(now)
    return heartbeats.sequence
  }
  expect([0, 1000, 2000, 2900].map(numberAt)).toEqual([1, 2, 3, 4])
  expect(numberAt(22_950)).toBe(24)
  heartbeats.hasten()
  expect(numberAt(22_960)).toBe(25)
})

test.each(['hidden', 'dead'])('the first word of one that was %s is passed on before all others', (state) => {
  const membership = among('abcdefg')
  membership.relaysFor('b', 0)
  for (const author of 'bcd') membership.report(author, report('a', 1), 100)
  membership.tick(100)
  if (state === 'dead') {
    hearAll(membership, 'bcdefg', 2, 3500)
    membership.tick(3500)
  }
  expect(membership.member('a')?.state).toBe(state)
  hearAll(membership, 'cdefg', 40, 4000)
  membership.hear('a', beat(2), 4000)
  const [first] = membership.relaysFor('b', 4000)
  expect(first?.shortId).toBe(membership.member('a')?.shortId)
})

test.each(['before', 'after'])(
  'who starts again and is heard %s its head is held is told of as anybody else',
  (order) => {
    const membership = among('abcdefg')
    membership.hear('a', beat(50), 50)
    for (const author of 'bcd') membership.report(author, report('a', 1), 100)
    membership.tick(100)
    if (order === 'before') membership.hear('a', beat(1, 2), 200)
    membership.follow(headOf('a', 2), 210)
    membership.hear('a', beat(45, 2), 220)
    membership.relaysFor('b', 220)
    hearAll(membership, 'cdefg', 40, 4000)
    membership.hear('a', beat(52, 2), 4000)
    expect(membership.relaysFor('b', 4000).at(-1)?.shortId).toBe(membership.member('a')?.shortId)
  },
)

test('a heartbeat of an earlier generation is old, and refreshes nothing', () => {
  const membership = among('ab')
  membership.follow(headOf('a', 2), 50)
  expect(membership.hear('a', beat(1, 2), 100)).toBe('heard')
  expect(membership.hear('a', beat(900), 5000)).toBe('old')
  expect(membership.member('a')).toMatchObject({ heardGeneration: 2, sequence: 1, heardAt: 100, directAt: 100 })
})

test('a heartbeat of a later generation than the head that is held is a reason to fetch that', () => {
  const membership = among('ab')
  expect(membership.hear('a', beat(1, 2), 100)).toBe('news')
  expect(membership.listing('a')).toBe('none')
})

test('who slept reports nobody for the silence that it slept through', () => {
  const awake = among('ab')
  hearAll(awake, 'b', 2, 9_000)
  expect(awake.tick(10_000).reports.map(({ subject }) => subject)).toEqual(['a'])

  const slept = among('ab')
  slept.awoke(10_000)
  expect(slept.tick(10_000).reports).toEqual([])
  expect(slept.tick(12_300).reports).toEqual([])
  expect(slept.tick(12_400).reports.map(({ subject }) => subject)).toEqual(['a', 'b'])
})

test('and it calls nobody dead, or hidden, for it', () => {
  const slept = among('ab')
  slept.awoke(60_000)
  slept.tick(60_000)
  slept.tick(68_000)
  expect([...slept.members()].map(({ state }) => state)).toEqual(['alive', 'alive'])
})

test('a refutation is counted once, however many heartbeats carry it', () => {
  const membership = among('ab')
  for (let sequence = 2; sequence < 6; sequence++) {
    membership.hear('a', { ...beat(sequence), incarnation: 1 }, sequence * 1000)
    membership.follow(headOf('a', 1, 1), sequence * 1000)
  }
  expect(membership.member('a')?.refutations).toEqual([2000])
})

test('a refutation makes void what was reported before it, and what is reported of the incarnation before it', () => {
  const membership = among('abcdefg')
  for (const author of 'bcd') membership.report(author, report('a', 1), 100)
  membership.follow(headOf('a', 1, 1), 110)
  expect(membership.reporters('a', 110)).toEqual([])
  for (const author of 'efg') membership.report(author, report('a', 1), 120)
  membership.tick(120)
  expect(membership.member('a')?.state).toBe('alive')
  for (const author of 'bcd') membership.report(author, report('a', 2, 1, 1), 130)
  expect(membership.reporters('a', 130).sort()).toEqual(['b', 'c', 'd'])
})

test('one message reports several members, and counts where any part of it is news', () => {
  const membership = among('abcdefg')
  const about = (...subjects: string[]) => subjects.map((subject) => ({ subject, generation: 1, incarnation: 0 }))
  const said = { type: 'report', authorGeneration: 1 } as const
  expect(membership.report('b', { ...said, sequence: 1, about: about('a', 'c') }, 100)).toBe(true)
  expect([membership.reporters('a', 200), membership.reporters('c', 200)]).toEqual([['b'], ['b']])
  expect(membership.report('b', { ...said, sequence: 1, about: about('a', 'd') }, 200)).toBe(true) // of d it is the first
  expect(membership.report('b', { ...said, sequence: 1, about: about('a', 'd') }, 300)).toBe(false)
  expect(membership.report('b', { ...said, sequence: 2, about: [] }, 300)).toBe(false)
})

test('what reports change is seen as soon as they are weighed; silence and time wait for the next look at the clock', () => {
  const membership = among('abcdefg')
  for (const author of 'bcd') membership.report(author, report('a', 1), 9000)
  const { transitions, reports } = membership.weigh(9000)
  expect(transitions.map(({ peer, to }) => `${peer}:${to}`)).toEqual(['a:hidden'])
  expect(reports).toEqual([])
  expect(membership.weigh(9000).transitions).toEqual([])
  const { transitions: later } = membership.tick(9000)
  expect(later.map(({ peer, to }) => `${peer}:${to}`).sort()).toEqual([...'bcdefg'].map((id) => `${id}:hidden`))
})

test('what was reported before a death holds nobody down that is heard after it, and is known when it comes again', () => {
  const membership = among('abcdefg')
  const accuse = (sequence: number, now: number): boolean[] =>
    [...'bcd'].map((author) => membership.report(author, report('a', sequence), now))
  accuse(1, 100)
  membership.tick(100)
  hearAll(membership, 'bcdefg', 2, 3000)
  accuse(2, 3000)
  for (const now of [3000, 3500]) membership.tick(now)
  expect(membership.member('a')?.state).toBe('dead')
  membership.hear('a', beat(2), 3600)
  expect(accuse(2, 3600)).toEqual([false, false, false])
  membership.tick(3600)
  membership.tick(4100)
  expect(membership.member('a')?.state).toBe('alive')
})

test('the hidden are waited for by the number of all who are present, be they heard in this run or not, and of nobody else', () => {
  const ids = Array.from({ length: 199 }, (_, i) => `member ${i}`)
  const membership = new Membership('me', (bytes) => quickHash(bytes))
  membership.setSelf(1, 0, 0)
  for (const id of ids) membership.follow(headOf(id), 0)
  for (const id of ids) membership.follow(headOf(`made-up ${id}`), 0)
  for (const id of ids.slice(0, 50)) membership.meet(id)
  for (const id of ids.slice(50)) membership.hear(id, beat(1), 0)
  membership.tick(0)
  for (const id of ids.slice(0, 20)) membership.forget(id)
  for (const id of ids.slice(100, 180)) membership.forget(id)
  const subject = ids[199 - 1] as string
  const observers = membership.observersOf(membership.member(subject) as Readonly<Member>).filter((id) => id !== 'me')
  const accuse = (sequence: number, now: number): void => {
    for (const author of observers.slice(0, 3)) membership.report(author, report(subject, sequence), now)
    membership.tick(now)
  }
  accuse(1, 100)
  expect(membership.member(subject)?.state).toBe('hidden')
  accuse(2, 4000)
  const dies = 100 + deadAfter_ms(100)
  membership.tick(dies - 1)
  expect(membership.member(subject)?.state).toBe('hidden')
  membership.tick(dies + 499)
  expect(membership.member(subject)?.state).toBe('dead')
})

test('who is reported by most of its observers refutes while that raises the bar, and then once a minute', () => {
  const others = 'abcdefgh'
  const membership = among(others)
  const refutedAt: number[] = []
  for (let now = 2000; now <= 130_000; now += 2000) {
    hearAll(membership, others, now, now)
    for (const author of others) membership.report(author, report('me', now, 1, refutedAt.length), now)
    if (!membership.weigh(now).refute) continue
    refutedAt.push(now)
    membership.setSelf(1, refutedAt.length, now)
  }
  expect(refutedAt).toEqual([2000, 4000, 64_000, 124_000])
})
