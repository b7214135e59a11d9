// What is remembered of instances that ask to be removed when their home node stays away.
import { expect, test } from 'vitest'
import type { InstanceRecord } from '../../src/core/model/model.js'
import { Abandoned } from '../../src/core/retention/abandoned.js'

const record = (id: string): InstanceRecord =>
  ({ id, url: `http://${id}.test`, status: 'Healthy', n: 1, deregisterAfter: '10s' }) as unknown as InstanceRecord

test('nothing is kept of records that went, however many come and go; nor of owners that are forgotten', () => {
  const abandoned = new Abandoned()
  for (let i = 0; i < 1000; i += 1) {
    abandoned.follow(`x${i}`, new Map([['b', record(`x${i}`)]]), 'a', 0)
    abandoned.follow(`x${i}`, new Map(), 'a', 1)
  }
  expect([abandoned.size, [...abandoned.owners()]]).toEqual([0, []])
  for (const owner of 'abc') abandoned.follow('y', new Map([[owner, record('y')]]), 'a', 2) // it moves
  expect([...abandoned.owners()]).toEqual(['c'])
  abandoned.forget('c')
  abandoned.follow('y', new Map([['b', record('y')]]), 'a', 3)
  expect([abandoned.size, [...abandoned.owners()]]).toEqual([1, ['b']])
})

test('a home node is away anew with each start of it: that the one before was away says nothing of the next', () => {
  const abandoned = new Abandoned()
  abandoned.follow('x', new Map([['b', record('x')]]), 'a', 0)
  const due = (generation: number, now: number): readonly string[] =>
    abandoned.due('b', { state: 'dead', generation }, 0, now)
  expect([due(1, 0), due(1, 9999), due(2, 10_000), due(2, 19_999), due(2, 20_000)]).toEqual([[], [], [], [], ['x']])
})
