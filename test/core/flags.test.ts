// A yes or no on the wire is a nought or a one; anything else is not that message.
import { expect, test } from 'vitest'
import { decodeBeat, encodeBeat } from '../../src/core/wire/beat.js'
import {
  decodeSyncRequest,
  decodeSyncResponse,
  encodeSyncRequest,
  encodeSyncResponse,
} from '../../src/core/wire/sync.js'

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice()
  changed[at] = value
  return changed
}

test('of a question: its scope, and whether the asker is stale', () => {
  const bytes = encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: [] })
  expect([...bytes]).toEqual([1, 1, 0, 0])
  expect(decodeSyncRequest(withByte(bytes, 2, 1))).toMatchObject({ scope: 'all', stale: true })
  expect(decodeSyncRequest(withByte(bytes, 1, 0))).toMatchObject({ scope: 'listed', stale: false })
  for (const at of [1, 2]) expect(decodeSyncRequest(withByte(bytes, at, 2))).toBeUndefined()
})

test('of an answer: whether its sender is stale, and whether it ever heard of the asker', () => {
  const witness = { stale: false, heardOfAsker: false, silence_s: 7 }
  const bytes = encodeSyncResponse({ type: 'end', wanted: [], witness })
  expect([...bytes]).toEqual([2, 0, 0, 0, 7, 0])
  expect(decodeSyncResponse(withByte(bytes, 2, 1))).toMatchObject({ witness: { ...witness, stale: true } })
  expect(decodeSyncResponse(withByte(bytes, 3, 1))).toMatchObject({ witness: { ...witness, heardOfAsker: true } })
  for (const at of [2, 3]) expect(decodeSyncResponse(withByte(bytes, at, 2))).toBeUndefined()
})

test('a load is a share of a hundred', () => {
  const heartbeat = {
    type: 'heartbeat',
    generation: 1,
    incarnation: 0,
    sequence: 1,
    digest: new Uint8Array(8),
  } as const
  const relayed = { shortId: 1, generation: 1, sequence: 1, age_ms: 0 }
  const sent = (load: number, loadOfOther: number): unknown =>
    decodeBeat(encodeBeat({ ...heartbeat, load, relayed: [{ ...relayed, load: loadOfOther }] }))
  expect(sent(100, 100)).toMatchObject({ load: 100, relayed: [{ load: 100 }] })
  expect(sent(101, 0)).toBeUndefined()
  expect(sent(0, 101)).toBeUndefined()
})

test('of a farewell: whether the connection is needed', () => {
  const bytes = encodeBeat({ type: 'farewell', needed: true })
  expect(decodeBeat(bytes)).toEqual({ type: 'farewell', needed: true })
  expect(decodeBeat(withByte(bytes, bytes.length - 1, 0))).toEqual({ type: 'farewell', needed: false })
  expect(decodeBeat(withByte(bytes, bytes.length - 1, 2))).toBeUndefined()
})
