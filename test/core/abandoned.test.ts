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
