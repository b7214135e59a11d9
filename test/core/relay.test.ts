// Which heartbeats are passed on: those with news, the longest unsent first, sixty-four at most.
import { expect, test } from 'vitest'
import { type Member, newMember } from '../../src/core/membership/member.js'
import { RelayPlan } from '../../src/core/membership/relay.js'

function heard(id: string, sequence = 1, more: Partial<Member> = {}): Member {
  const shortId = Buffer.from(id.padEnd(8).slice(0, 8))
  const head = { owner: id, generation: 1, version: 1, boot: '0', epoch: 1, incarnation: 0, client: 1, digest: shortId }
  return { ...newMember(id, shortId, head, 0), heardGeneration: 1, heardAt: 900, sequence, load: 7, ...more }
}

function names(relayed: readonly { shortId: Uint8Array }[]): string[] {
  return relayed.map(({ shortId }) => Buffer.from(shortId).toString().trim())
}

test('an observer is not told of itself, of who left, of who was not heard, or the same twice', () => {
  const plan = new RelayPlan()
  const members = [
    heard('a'),
    heard('b'),
    heard('left', 1, { left: true }),
    heard('mute', 0, { heardAt: undefined }),
    heard('newer', 1, { heardGeneration: 2 }),
  ]
  expect(names(plan.take('a', members, 1000))).toEqual(['b'])
  expect(plan.take('a', members, 2000)).toEqual([])
  expect(names(plan.take('b', members, 2000))).toEqual(['a'])
  const next = [heard('b', 2)]
  expect(plan.take('a', next, 1250)[0]).toMatchObject({ generation: 1, sequence: 2, load: 7, age_ms: 350 })
})

test('a new generation is news, though its sequence begins again', () => {
  const plan = new RelayPlan()
  plan.take('o', [heard('a', 50)], 1000)
  expect(names(plan.take('o', [heard('a', 1, { generation: 2, heardGeneration: 2 })], 2000))).toEqual(['a'])
})

test('where there are more than fit, those longest unsent go first, so all come round', () => {
  const plan = new RelayPlan()
  const at = (sequence: number): Member[] => Array.from({ length: 150 }, (_, i) => heard(`m${i}`, sequence))
  const rounds = [1, 2, 3].map((sequence) => names(plan.take('o', at(sequence), sequence * 1000)))
  expect(rounds.map((round) => round.length)).toEqual([64, 64, 64])
  expect(new Set(rounds.flat()).size).toBe(150)
  expect(rounds[2]?.slice(0, 22)).toEqual(Array.from({ length: 22 }, (_, i) => `m${128 + i}`))
})

test('who is forgotten is news again', () => {
  const plan = new RelayPlan()
  plan.take('o', [heard('a')], 1000)
  plan.forget('a')
  expect(names(plan.take('o', [heard('a')], 2000))).toEqual(['a'])
})
