// The bytes under every message: numbers, texts and lists, and where they end.
import { expect, test } from 'vitest'
import { Writer, decode, equalBytes } from '../../src/core/wire/codec.js'
import { decodeBeat, encodeBeat } from '../../src/core/wire/beat.js'
import { decodeGossip, encodeGossip } from '../../src/core/wire/gossip.js'
import { decodeHead, signHead, verifyHead } from '../../src/core/wire/head.js'
import { wireLimits } from '../../src/core/wire/limits.js'
import { decodeSyncRequest, encodeSyncRequest } from '../../src/core/wire/sync.js'
import { cheapCrypto } from '../sim/crypto.js'

test.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32, 2 ** 49 + 1, Number.MAX_SAFE_INTEGER])(
  '%d is read as written',
  (value) => {
    const bytes = new Writer().uint(value).done()
    expect(decode(bytes, (reader) => reader.uint())).toBe(value)
    expect(decode(bytes.subarray(0, bytes.length - 1), (reader) => reader.uint())).toBeUndefined()
  },
)

test.each([0, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 40 - 1, 2 ** 40, 0x0102_0304_0506, 2 ** 48 - 1])(
  '%d is read as written in six bytes, and what follows it too',
  (value) => {
    const bytes = new Writer().uint48(value).uint(1).done()
    expect(bytes).toHaveLength(7)
    expect(decode(bytes, (reader) => [reader.uint48(), reader.uint()])).toEqual([value, 1])
    expect(decode(bytes.subarray(0, 5), (reader) => reader.uint48())).toBeUndefined()
  },
)

test('what was written stays, whatever is written after it or meanwhile, and holds no more memory than it needs', () => {
  const first = new Writer().uint(1).done()
  const outer = new Writer().text('outer')
  const inner = new Writer().text('inner').done()
  const long = new Writer().raw(new Uint8Array(10_000).fill(7)).done()
  const whole = outer.bytes(inner).bytes(long).done()
  new Writer().raw(new Uint8Array(4000).fill(9)).done()
  expect([...first]).toEqual([1])
  expect(first.buffer.byteLength).toBe(1)
  expect(decode(inner, (reader) => reader.text(10))).toBe('inner')
  expect(decode(whole, (reader) => [reader.text(10), reader.bytes(10), reader.bytes(10_000)])).toEqual([
    'outer',
    inner,
    long,
  ])
  expect(new Set(long)).toEqual(new Set([7]))
})

test('bytes are the same where each of them is', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  expect(equalBytes(bytes, Uint8Array.of(1, 2, 3))).toBe(true)
  for (const other of [[9, 2, 3], [1, 2, 9], [1, 2], []]) expect(equalBytes(bytes, Uint8Array.from(other))).toBe(false)
})

test('numbers beyond the safe ones, and numbers over their limit, are not read', () => {
  expect(decode(Uint8Array.from(Array(8).fill(0xff)), (reader) => reader.uint())).toBeUndefined()
  expect(decode(Uint8Array.from([...Array(7).fill(0xff), 0x7f]), (reader) => reader.uint())).toBeUndefined()
  expect(decode(Uint8Array.from([101]), (reader) => reader.uint(100))).toBeUndefined()
  expect(decode(Uint8Array.from([...Array<number>(7).fill(0x80), 0]), (reader) => reader.uint())).toBe(0)
  expect(decode(Uint8Array.from([...Array<number>(8).fill(0x80), 0]), (reader) => reader.uint())).toBeUndefined()
})

test('texts must be UTF-8, within their limit, and everything must be used', () => {
  const text = (bytes: Uint8Array, limit = 10): string | undefined => decode(bytes, (reader) => reader.text(limit))
  for (const any of ['grüß', 'über', 'ß', '日本', '']) expect(text(new Writer().text(any).done())).toBe(any)
  expect(text(new Writer().text('grüß').done(), 5)).toBeUndefined()
  expect(text(Uint8Array.from([2, 0xc3, 0x28]))).toBeUndefined()
  expect(text(Uint8Array.from([1, 97, 0]))).toBeUndefined()
})

test('a list that claims more than there is allocates nothing and is not read', () => {
  const bytes = new Writer().uint(1_000_000).done()
  expect(decode(bytes, (reader) => reader.list(1_000_000, () => reader.uint()))).toBeUndefined()
  expect(decode(bytes, (reader) => reader.list(10, () => reader.uint()))).toBeUndefined()
})

const head = {
  owner: 'a',
  generation: 1,
  version: 2,
  boot: '00ff00ff00ff00ff',
  parent: { generation: 0, version: 1 },
  epoch: 3,
  incarnation: 4,
  left: { restartGrace_s: 30 },
  client: 0xffff_ffff,
  digest: new Uint8Array(32).fill(9),
}

test('a head comes back as it was signed, and only its owner’s signature holds', () => {
  const signed = signHead(head, cheapCrypto('a'))
  const read = decodeHead(signed.bytes)
  expect(read?.head).toEqual(head)
  expect(read && verifyHead(read, cheapCrypto('b'))).toBe(true)
  const forged = decodeHead(signHead(head, cheapCrypto('b')).bytes)
  expect(forged && verifyHead(forged, cheapCrypto('b'))).toBe(false)
})

test('what is over its limit is not that message', () => {
  const signed = signHead(head, cheapCrypto('a'))
  const step = (size: number): Uint8Array =>
    encodeGossip({ type: 'update', signed, step: { fromEpoch: 1, fromVersion: 1, bytes: new Uint8Array(size) } })
  expect(decodeGossip(step(1000))).toBeDefined()
  expect(decodeGossip(step(wireLimits.gossipBytes))).toBeUndefined()
  const largest = Number.MAX_SAFE_INTEGER
  const relayed = { shortId: 2 ** 48 - 1, generation: largest, sequence: largest, load: 100, age_ms: largest }
  const beat = (count: number, load = 0): Uint8Array =>
    encodeBeat({
      type: 'heartbeat',
      generation: largest,
      incarnation: largest,
      sequence: largest,
      load,
      digest: new Uint8Array(8),
      relayed: Array(count).fill(relayed),
    })
  expect(decodeBeat(beat(wireLimits.relayedHeartbeats))).toBeDefined()
  expect(decodeBeat(beat(wireLimits.relayedHeartbeats + 1))).toBeUndefined()
  expect(decodeBeat(beat(0, 101))).toBeUndefined()
  const vitals = (size: number): Uint8Array =>
    encodeBeat({ type: 'vitals', list: [{ owner: 'a', generation: 1, sequence: 1, json: 'x'.repeat(size) }] })
  expect(decodeBeat(vitals(wireLimits.vitalsBytes))).toBeDefined()
  expect(decodeBeat(vitals(wireLimits.vitalsBytes + 1))).toBeUndefined()
  expect(
    decodeHead(signHead({ ...head, owner: 'x'.repeat(wireLimits.peerIdBytes + 1) }, cheapCrypto('a')).bytes),
  ).toBeUndefined()
})

test('a sync request names at most the documents that a daemon holds, and its own', () => {
  const holding = { owner: 'a', generation: 1, version: 1, boot: '0'.repeat(16), epoch: 1, clock: 1 }
  const request = (count: number): Uint8Array =>
    encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: Array(count).fill(holding) })
  expect(decodeSyncRequest(request(wireLimits.documents + 1))).toBeDefined()
  expect(decodeSyncRequest(request(wireLimits.documents + 2))).toBeUndefined()
})
