/** Frames come whole however they were cut, and half of one costs no more than it has of bytes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Budget } from '../../src/io/network/budget.js'
import { Lengths } from '../../src/io/network/lengths.js'
import { WholeFrames } from '../../src/io/network/whole-frames.js'

/** Two bytes that say how many follow. */
function lengthOf(bytes: Uint8Array, at: number): number | undefined {
  return bytes.length - at < 2 ? undefined : 2 + Buffer.from(bytes).readUInt16BE(at)
}

function frame(length: number, fill: number): Buffer {
  const bytes = Buffer.alloc(2 + length, fill)
  bytes.writeUInt16BE(length)
  return bytes
}

const isCut = fc.record({ lengths: fc.array(fc.nat(300)), cuts: fc.array(fc.nat(600)) })

test('whatever the cuts, what comes is what was sent, in whole frames, and little is held', () => {
  fc.assert(
    fc.property(isCut, ({ lengths, cuts }) => {
      const sent = Buffer.concat(lengths.map((length, i) => frame(length, i + 1)))
      const frames = new WholeFrames(lengthOf)
      const taken: Buffer[] = []
      let at = 0
      for (const cut of [...cuts, sent.length]) {
        for (const whole of frames.take(sent.subarray(at, at + cut))) {
          let end = 0
          while (end < whole.length) end += lengthOf(whole, end) as number
          expect(end).toBe(whole.length)
          taken.push(Buffer.from(whole))
        }
        at += cut
        expect(frames.held).toBeLessThanOrEqual(Math.max(16, frames.length ?? 0))
      }
      expect(Buffer.concat(taken)).toEqual(sent)
      expect(frames.held).toBe(0)
      expect(frames.completed).toBe(lengths.length)
    }),
  )
})

test('a frame of which a byte comes at a time is copied seldom', () => {
  const frames = new WholeFrames(lengthOf)
  const sizes = new Set<number>()
  const bytes = frame(60_000, 7)
  for (let at = 0; at < bytes.length - 1; at++) {
    expect(frames.take(bytes.subarray(at, at + 1))).toEqual([])
    sizes.add(frames.held)
  }
  expect(sizes.size).toBeLessThan(20)
  expect(frames.take(bytes.subarray(-1))).toEqual([new Uint8Array(bytes)])
})

test('of what is too much together whoever holds most gives way, and nobody else', () => {
  const gone: string[] = []
  const budget = new Budget(100)
  const [small, large] = ['small', 'large'].map((name) => budget.open(() => gone.push(name)))
  small?.set(40)
  large?.set(60)
  expect(gone).toEqual([])
  small?.set(41)
  expect(gone).toEqual(['large'])
  large?.set(60)
  small?.set(100)
  expect(gone).toEqual(['large'])
  small?.end()
  budget.open(() => gone.push('next')).set(101)
  expect(gone).toEqual(['large', 'next'])
})

test('a length that does not end is seen, however it is cut, and none that ends', () => {
  const said = [
    Buffer.from('\x13/multistream/1.0.0\n'),
    Buffer.from([0xc8, 0x01]),
    Buffer.alloc(200, 0xff),
    Buffer.from('\0'),
  ]
  const good = Buffer.concat(said)
  for (const cut of [1, 2, 3, 50, good.length]) {
    const lengths = new Lengths()
    for (let at = 0; at < good.length; at += cut) expect(lengths.take(good.subarray(at, at + cut))).toBe(true)
    expect(lengths.take(Buffer.of(0xff))).toBe(true)
    expect(lengths.take(Buffer.of(0xff))).toBe(false)
  }
})
