// What peers have brought waits in order, in bounded space.
import { expect, test } from 'vitest'
import { type Arrival, Arrivals, arrivalLimits } from '../../src/core/sync/arrivals.js'
import { waitingLimits } from '../../src/core/sync/waiting-bytes.js'
import { signHead } from '../../src/core/wire/head.js'
import { wireLimits } from '../../src/core/wire/limits.js'
import type { Parcel } from '../../src/core/wire/sync.js'
import { cheapCrypto } from '../sim/crypto.js'
import { headOf } from './beats.js'

function parcel(owner: string): Parcel {
  const signed = signHead(headOf(owner), cheapCrypto(owner))
  return { signed, content: { type: 'full', bytes: new Uint8Array() } }
}

function sayingOf(arrival: Arrival | undefined): string {
  return arrival?.type === 'parcel' ? arrival.parcel.signed.head.owner : (arrival?.type ?? 'nothing')
}

test('what the end of a message means comes after all that it brought', () => {
  const arrivals = new Arrivals()
  arrivals.bring('p', [parcel('a'), parcel('b')], 10)
  arrivals.then('p', { type: 'pushed', from: 'p', request: 1, documents: 2 })
  arrivals.bring('q', [parcel('c')], 10)
  expect(Array.from({ length: 5 }, () => sayingOf(arrivals.take()))).toEqual(['a', 'b', 'pushed', 'c', 'nothing'])
  expect(arrivals).toMatchObject({ isEmpty: true, bytes: 0 })
})

test('whoever brings more than is read is refused, others are not; a message waits as a whole until its last document is read', () => {
  const arrivals = new Arrivals()
  const most = waitingLimits.peerBytes
  expect(arrivals.bring('p', [parcel('a'), parcel('b')], most)).toBe(true)
  expect(arrivals.bring('p', [parcel('c')], 1)).toBe(false)
  expect(arrivals.bring('q', [parcel('d')], 1)).toBe(true)
  arrivals.take()
  expect(arrivals.bytes).toBe(most + 1 + 3 * wireLimits.headBytes)
  arrivals.take()
  expect(arrivals.bytes).toBe(1 + wireLimits.headBytes)
  expect(arrivals.bring('p', [parcel('c')], 1)).toBe(true)
})

test('all peers together have a bound as well', () => {
  const arrivals = new Arrivals()
  let peers = 0
  const most = waitingLimits.peerBytes - wireLimits.headBytes
  while (arrivals.bring(`p${peers}`, [parcel('a')], most)) peers += 1
  expect(arrivals.bytes).toBe(waitingLimits.firstBytes)
})

test('where all together bring much, whoever has brought something waits sooner than whoever has brought nothing', () => {
  const arrivals = new Arrivals()
  expect(arrivals.bring('p', [parcel('a')], 1)).toBe(true)
  for (let bytes = 0; bytes < waitingLimits.bytes; bytes += waitingLimits.peerBytes)
    arrivals.bring(`q${bytes}`, [parcel('b')], waitingLimits.peerBytes)
  expect(arrivals.bring('p', [parcel('c')], 1)).toBe(false)
  expect(arrivals.bring('r', [parcel('d')], 1)).toBe(true)
})

test('what has next to no bytes is not brought without end: a message for each head, and only so many', () => {
  const arrivals = new Arrivals()
  let messages = 0
  while (arrivals.bring('p', [parcel('a')], 0)) messages += 1
  expect(messages).toBe(arrivalLimits.messages)
  expect(arrivals.bytes).toBe(messages * wireLimits.headBytes)
  expect(arrivals.bring('q', [parcel('b')], 0)).toBe(true)
  while (arrivals.take() !== undefined);
  expect(arrivals).toMatchObject({ isEmpty: true, bytes: 0 })
  expect(arrivals.bring('p', [parcel('a')], 0)).toBe(true)
})
