/** What all connections together may make their muxers hold: with stand-ins for those, of which thousands would be needed. */
import type { MessageStream, Stream, StreamMuxer } from '@libp2p/interface'
import { expect, test, vi } from 'vitest'
import { Drops } from '../../src/io/network/drops.js'
import { type Come, MuxerLimits, muxerLimits, windowBytes } from '../../src/io/network/muxer-limits.js'

const headerBytes = 12

const types = { d: 0, w: 1, p: 2 } as const

/** Of data (`d`) with so many bytes, or a word about a stream (`w`) or a ping (`p`) with such a number. */
function frame(type: keyof typeof types, length: number): Buffer {
  const bytes = Buffer.alloc(headerBytes + (type === 'd' ? length : 0), types[type] === 0 ? 7 : 0)
  bytes[1] = types[type]
  bytes.writeUInt32BE(length, 8)
  return bytes
}

const ping = frame('p', 0xffff_ffff)

/** A connection with its muxer, of which so many bytes of a frame have come. */
class FakeMuxer extends EventTarget {
  writeBufferLength = 0
  isCut = false
  sent = 0

  come: Come = { frames: 0, streams: 0, atOnce: () => 0 }

  static guardedBy(limits: MuxerLimits): FakeMuxer {
    const muxer = new FakeMuxer()
    muxer.come = limits.guard(muxer as unknown as StreamMuxer, muxer as unknown as MessageStream)
    return muxer
  }

  /** What libp2p is given of what came. */
  readonly given: Uint8Array[] = []

  onData(bytes: Uint8Array): void {
    this.given.push(bytes)
  }

  onRemoteStream(_stream: Stream): void {}

  _newStream(): Stream {
    return new FakeStream() as unknown as Stream
  }

  sendFrame(_header: { readonly length: number }, _data?: unknown): boolean {
    this.sent += 1
    return true
  }

  abort(): void {
    if (this.isCut) return
    this.isCut = true
    this.dispatchEvent(new Event('close'))
  }

  /** Of a frame of so many bytes all have come but the last. */
  holds(bytes: number): void {
    const frame = Buffer.alloc(bytes - 1)
    frame.writeUInt32BE(bytes - headerBytes, 8)
    this.onData(frame)
  }

  opens(): FakeStream {
    const stream = new FakeStream()
    this.onRemoteStream(stream as unknown as Stream)
    return stream
  }
}

class FakeStream extends EventTarget {
  protocol = ''
  direction = 'inbound'
  isEnded = false
  readStatus = 'readable'
  readBufferLength = 0

  listenerCount(): number {
    return 1
  }

  onData(bytes: { readonly byteLength: number }): void {
    if (this.readStatus === 'paused') this.readBufferLength += bytes.byteLength
  }

  brings(bytes: number, times = 1): void {
    for (let n = 0; n < times && !this.isEnded; n++) this.onData(Buffer.alloc(bytes))
  }

  abort(): void {
    this.isEnded = true
    this.dispatchEvent(new Event('close'))
  }
}

test('a frame may be as long as its window', () => {
  const drops = new Drops()
  const limits = new MuxerLimits(drops)
  const [right, long] = [FakeMuxer.guardedBy(limits), FakeMuxer.guardedBy(limits)]
  right.holds(windowBytes + headerBytes)
  long.holds(windowBytes + headerBytes + 1)
  expect([right.isCut, long.isCut]).toEqual([false, true])
  expect(drops.all()).toEqual({ 'muxer-frame': 1 })
})

test('of all frames that are not complete so much is held; whoever has most goes', () => {
  const drops = new Drops()
  const limits = new MuxerLimits(drops)
  const many = Array.from({ length: muxerLimits.heldBytes / windowBytes }, () => FakeMuxer.guardedBy(limits))
  const [little, most, ...others] = many as [FakeMuxer, FakeMuxer, ...FakeMuxer[]]
  for (const one of others) one.holds(windowBytes - 1)
  most.holds(windowBytes)
  expect(many.some(({ isCut }) => isCut)).toBe(false)
  FakeMuxer.guardedBy(limits).holds(windowBytes - 200)
  expect(many.some(({ isCut }) => isCut)).toBe(false)
  little.holds(1000)
  expect(many.filter(({ isCut }) => isCut)).toEqual([most])
  expect(drops.all()).toEqual({ 'muxer-frame': 1 })
  // What it held is held no more.
  FakeMuxer.guardedBy(limits).holds(windowBytes)
  expect(many.filter(({ isCut }) => isCut)).toEqual([most])
})

test('of streams that have not said what they are for there are so many; the oldest goes of whoever has most', () => {
  const drops = new Drops()
  const limits = new MuxerLimits(drops)
  const [much, little] = [FakeMuxer.guardedBy(limits), FakeMuxer.guardedBy(limits)]
  const [first] = Array.from({ length: muxerLimits.unnamed }, () => much.opens()) as [FakeStream]
  const named = little.opens()
  expect([first.isEnded, named.isEnded]).toEqual([true, false])
  named.protocol = 'known'
  little.opens()
  expect(drops.all()).toEqual({ 'muxer-unnamed': 1 })
  little.opens()
  expect(drops.all()).toEqual({ 'muxer-unnamed': 2 })
  much.abort()
  for (let i = 0; i < 100; i++) little.opens()
  expect(drops.all()).toEqual({ 'muxer-unnamed': 2 })
})

test('a stream that has said what it is for may bring whatever it likes', () => {
  const drops = new Drops()
  const muxer = FakeMuxer.guardedBy(new MuxerLimits(drops))
  const [silent, named] = [muxer.opens(), muxer.opens()]
  named.protocol = 'known'
  named.onData({ byteLength: 1_000_000 })
  silent.onData({ byteLength: muxerLimits.unnamedBytes })
  expect([silent.isEnded, named.isEnded]).toEqual([false, false])
  silent.onData({ byteLength: 1 })
  expect([silent.isEnded, named.isEnded]).toEqual([true, false])
})

test('words about streams that are not read are said no more, and end the connection; those that are read count no more', async () => {
  const drops = new Drops()
  const muxer = FakeMuxer.guardedBy(new MuxerLimits(drops))
  const say = (times: number): void => {
    for (let i = 0; i < times; i++) muxer.sendFrame({ length: 0 })
  }
  muxer.writeBufferLength = 1
  say(muxerLimits.unread - 1)
  muxer.sendFrame({ length: 100 }, new Uint8Array(100))
  muxer.writeBufferLength = 0
  say(1)
  muxer.writeBufferLength = 1
  say(muxerLimits.unread - 1)
  await Promise.resolve()
  expect(muxer.isCut).toBe(false)
  const before = muxer.sent
  say(10)
  expect(muxer.sent).toBe(before + 1)
  await Promise.resolve()
  expect(muxer.isCut).toBe(true)
  expect(drops.all()).toEqual({ 'muxer-unread': 1 })
})

test('of pings without end some are answered', () => {
  const drops = new Drops()
  const now = vi.spyOn(performance, 'now').mockReturnValue(0)
  const { atOnce, perSecond } = muxerLimits.pings
  const muxer = FakeMuxer.guardedBy(new MuxerLimits(drops))
  const words = [frame('w', 1), frame('d', 300), frame('d', 0)] as const
  const given = (): Buffer => Buffer.concat(muxer.given.splice(0))
  // Each among others, at its beginning, at its end, in between, and cut anywhere: these come as they were.
  const piece = Buffer.concat([ping, words[0], ping, ping, words[1], words[2], ping])
  const pieces = Math.ceil((atOnce + 8) / 4)
  const all = Buffer.concat(Array.from({ length: pieces }, () => piece))
  for (let at = 0; at < all.length; at += 31) muxer.onData(all.subarray(at, at + 31))
  const said = given()
  expect(said.length).toBe(atOnce * headerBytes + pieces * Buffer.concat(words).length)
  expect(said.subarray(-Buffer.concat(words).length)).toEqual(Buffer.concat(words))
  const refused = pieces * 4 - atOnce
  now.mockReturnValue(3000)
  for (let i = 0; i < 5; i++) muxer.onData(ping)
  expect(given()).toEqual(Buffer.concat(Array.from({ length: 3 * perSecond }, () => ping)))
  expect(drops.all()).toEqual({ 'muxer-pings': refused + 5 - 3 * perSecond })
  now.mockRestore()
})

test('so many bytes are taken at once that few streams are opened in them, wherever they were cut', () => {
  const { openedAtOnce } = muxerLimits
  const opening = (type: 'd' | 'w', length: number): Buffer => {
    const bytes = frame(type, length)
    bytes[3] = 1
    return bytes
  }
  const each = [frame('w', 1), opening('w', 0), frame('d', 20), opening('d', 7), ping]
  const all = Buffer.concat(Array.from({ length: 50 }, () => each).flat())
  for (const cut of [1, 5, 12, 17, 23, 24, 30, 61, all.length]) {
    const muxer = FakeMuxer.guardedBy(new MuxerLimits(new Drops()))
    let [opened, seen] = [0, 0]
    for (let at = 0; at < all.length;) {
      const some = all.subarray(at, Math.min(all.length, at + cut))
      const taken = muxer.come.atOnce(some)
      expect(taken).toBeGreaterThan(0)
      muxer.onData(some.subarray(0, taken))
      at += taken
      // Each of them is a header with its flag.
      const given = Buffer.concat(muxer.given)
      opened = openingsIn(given)
      expect(opened - seen).toBeLessThanOrEqual(openedAtOnce + 1) // one more where a part of it had come before
      seen = opened
    }
    expect(opened).toBe(100)
    expect(openingsIn(all)).toBe(100)
  }
})

function openingsIn(bytes: Buffer): number {
  let count = 0
  for (let at = 0; at + headerBytes <= bytes.length;) {
    if (bytes[at + 1] !== types.p && bytes[at + 3] === 1) count += 1
    at += headerBytes + (bytes[at + 1] === types.d ? bytes.readUInt32BE(at + 8) : 0)
  }
  return count
}

test('whoever has stream after stream bring too much is cut off', async () => {
  const drops = new Drops()
  const muxer = FakeMuxer.guardedBy(new MuxerLimits(drops))
  const breakOne = (): void => muxer.opens().onData({ byteLength: muxerLimits.unnamedBytes + 1 })
  for (let i = 1; i < muxerLimits.broken; i++) breakOne()
  await Promise.resolve()
  expect(muxer.isCut).toBe(false)
  breakOne()
  await Promise.resolve()
  expect(muxer.isCut).toBe(true)
  expect(drops.all()).toEqual({ 'muxer-unnamed': muxerLimits.broken, 'muxer-broken': 1 })
})

test('of what nobody takes a stream brings so many pieces, of what is taken any number', () => {
  const drops = new Drops()
  const muxer = FakeMuxer.guardedBy(new MuxerLimits(drops))
  const [taken, waiting] = [muxer._newStream(), muxer._newStream()] as unknown as [FakeStream, FakeStream]
  for (const stream of [taken, waiting]) stream.protocol = '/rollcall/of-ours'
  waiting.readStatus = 'paused'
  for (const stream of [taken, waiting]) stream.brings(1, muxerLimits.untaken + 1)
  expect([taken.isEnded, waiting.isEnded]).toEqual([false, false])
  for (const stream of [taken, waiting]) stream.brings(1)
  expect([taken.isEnded, waiting.isEnded]).toEqual([false, true])
  expect(drops.all()).toEqual({ 'muxer-untaken': 1 })
})

test('a stream of libp2p, where one short message is due, brings as much as that is', () => {
  const drops = new Drops()
  const muxer = FakeMuxer.guardedBy(new MuxerLimits(drops))
  const [ping, ours] = [muxer._newStream(), muxer._newStream()] as unknown as [FakeStream, FakeStream]
  ping.protocol = '/ipfs/ping/1.0.0'
  ours.protocol = '/rollcall/of-ours'
  for (const stream of [ping, ours]) stream.brings(muxerLimits.briefBytes)
  expect([ping.isEnded, ours.isEnded]).toEqual([false, false])
  for (const stream of [ping, ours]) stream.brings(1)
  expect([ping.isEnded, ours.isEnded]).toEqual([true, false])
  expect(drops.all()).toEqual({ 'muxer-untaken': 1 })
})
