/** What libp2p is made to do with less: few words about flow control and never one too few, a message in one write, little for the deaf. */
import type { Socket } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MultiaddrConnection, Stream, StreamMuxer, Upgrader } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { Allowances } from '../../src/io/network/allowances.js'
import { Drops } from '../../src/io/network/drops.js'
import { encryption } from '../../src/io/network/encryption.js'
import { bridgeLog } from '../../src/io/network/log.js'
import { HalfOpen } from '../../src/io/network/half-open.js'
import { readInTurns } from '../../src/io/network/intake.js'
import { muxing } from '../../src/io/network/muxing.js'
import { transport } from '../../src/io/network/transport.js'
import type { Unread } from '../../src/io/network/unread.js'
import { eventually } from './eventually.js'

/** Two muxers with a connection between them, and how many frames without data the answering one sends. */
async function pair(): Promise<{ stream: Stream; received: () => number; updates: () => number; close: () => void }> {
  const [out, back] = multiaddrConnectionPair()
  const asking = muxing(new Drops(), new Allowances())().createStreamMuxer(out)
  const answering = muxing(new Drops(), new Allowances())().createStreamMuxer(back) as StreamMuxer & {
    sendFrame: (header: Header) => boolean
  }
  interface Header {
    readonly type: number
    readonly flag: number
  }
  let updates = 0
  const send = answering.sendFrame.bind(answering)
  answering.sendFrame = (header) => {
    if (header.type === 1 && header.flag === 0) updates += 1
    return send(header)
  }
  let received = 0
  answering.addEventListener('stream', ({ detail }) => {
    detail.protocol = 'known'
    detail.addEventListener('message', ({ data }) => void (received += data.byteLength))
  })
  const stream = await asking.createStream()
  const close = (): void => {
    asking.abort(new Error('over'))
    answering.abort(new Error('over'))
  }
  return { stream, received: () => received, updates: () => updates, close }
}

test('small frames are not answered one by one', async () => {
  const { stream, received, updates, close } = await pair()
  for (let i = 1; i <= 200; i++) {
    stream.send(new Uint8Array(100))
    await eventually('the frame arrives', () => received() === 100 * i)
  }
  expect(updates()).toBeLessThan(5)
  close()
})

test('whatever is larger than all windows arrives', async () => {
  const { stream, received, updates, close } = await pair()
  const size = 16 * 1024 * 1024
  for (let sent = 0; sent < size; sent += 64 * 1024) {
    if (!stream.send(new Uint8Array(64 * 1024))) await stream.onDrain()
  }
  await eventually('everything arrives', () => received() === size)
  expect(updates()).toBeGreaterThan(0)
  close()
})

test('half a frame is one piece, into however many it was cut', async () => {
  const [out, back] = multiaddrConnectionPair()
  const muxer = muxing(new Drops(), new Allowances())().createStreamMuxer(back) as StreamMuxer & {
    readonly decoder: { readonly buffer: { readonly bufs: readonly Uint8Array[] } }
  }
  const streams: Stream[] = []
  muxer.addEventListener('stream', ({ detail }) => void streams.push(detail))
  const header = Buffer.from('000000010000000100000190', 'hex') // opens a stream, and brings so many bytes
  for (const byte of Buffer.concat([header, Buffer.alloc(399)])) out.send(Uint8Array.of(byte))
  out.send(Uint8Array.of()) // nothing
  expect(muxer.decoder.buffer.bufs).toHaveLength(0)
  out.send(Uint8Array.of(1))
  await eventually('the frame arrives', () => streams[0]?.readBufferLength === 400)
  muxer.abort(new Error('over'))
})

/** Two ends of a real connection, encrypted; and how to end both. */
async function encryptedPair(): Promise<{ out: Secured; back: Secured; socket: Socket; close: () => Promise<void> }> {
  const logger = bridgeLog(pino({ level: 'silent' }))
  const encrypter = async () =>
    encryption(new Allowances())({
      logger,
      privateKey: await generateKeyPair('Ed25519'),
      upgrader: { getStreamMuxers: () => new Map() },
    } as never)
  const allowances = new Allowances()
  const tcp = transport(
    {},
    new HalfOpen({ allowances, onFull() {}, onSilent() {} }),
    new Drops(),
    allowances,
  )({ logger } as never)
  const accepted = Promise.withResolvers<MultiaddrConnection>()
  const upgradeInbound = async (connection: MultiaddrConnection) => accepted.resolve(connection)
  const listener = tcp.createListener({ upgrader: { upgradeInbound } as unknown as Upgrader })
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
  const upgradeOutbound = async (connection: MultiaddrConnection) => connection
  const signal = AbortSignal.timeout(60_000)
  const upgrader = { upgradeOutbound } as unknown as Upgrader
  const dialled = (await tcp.dial(listener.getAddrs()[0]!, { upgrader, signal })) as unknown as MultiaddrConnection
  const [out, back] = await Promise.all([
    (await encrypter()).secureOutbound(dialled, { signal }),
    (await encrypter()).secureInbound(await accepted.promise, { signal }),
  ])
  const close = async (): Promise<void> => {
    dialled.abort(new Error('over'))
    await listener.close()
  }
  const { socket } = dialled as unknown as { socket: Socket }
  return { out: out.connection as Secured, back: back.connection as Secured, socket, close }
}

type Secured = Awaited<ReturnType<ReturnType<ReturnType<typeof encryption>>['secureOutbound']>>['connection'] & {
  readonly decoder: { lengthDecoder: (bytes: { byteLength: number }) => number }
}

test('an encrypted message is one write, and the end of what has come is no new error', async () => {
  const { out, back, socket, close } = await encryptedPair()
  const received: number[] = []
  back.addEventListener('message', ({ data }) => void received.push(...data.subarray()))
  const write = vi.spyOn(socket, 'write')
  out.send(Uint8Array.of(1, 2, 3))
  expect(write).toHaveBeenCalledTimes(1)
  const long = new Uint8Array(300_000).fill(7)
  out.send(long)
  await eventually('everything arrives', () => received.length === 3 + long.length)
  expect(received.slice(0, 4)).toEqual([1, 2, 3, 7])
  const ends = [1, 2].map(() => {
    try {
      return back.decoder.lengthDecoder({ byteLength: 0 })
    } catch (error) {
      return error
    }
  })
  expect(ends[0]).toBeInstanceOf(RangeError)
  expect(ends[1]).toBe(ends[0])
  await close()
})

test('what was said goes out also where the socket is destroyed at the same moment', async () => {
  const { out, back, socket, close } = await encryptedPair()
  let received = 0
  back.addEventListener('message', ({ data }) => void (received += data.byteLength))
  out.send(Uint8Array.of(1, 2, 3))
  socket.destroy()
  await eventually('the other end notes the end', () => back.status !== 'open')
  expect(received).toBe(3)
  await close()
})

/** Longer than a turn has. */
function work(): void {
  const until = performance.now() + 2
  while (performance.now() < until);
}

test('what comes with the end of a connection is read before that end, however long it takes', async () => {
  const { out, back, socket, close } = await encryptedPair()
  const [asking, answering] = [out, back].map((each) => muxing(new Drops(), new Allowances())().createStreamMuxer(each))
  const trace: string[] = []
  const size = 6000
  let received = 0
  answering?.addEventListener('stream', ({ detail }) => {
    detail.protocol = 'known'
    detail.addEventListener('message', ({ data }) => {
      work()
      received += data.byteLength
    })
    detail.addEventListener('close', ({ error }) => void trace.push(`stream: ${error?.message ?? received}`))
  })
  back.addEventListener('close', ({ error }) => void trace.push(`connection: ${error?.message ?? received}`))
  const stream = (await asking?.createStream()) as Stream
  for (let i = 0; i < 60; i++) stream.send(new Uint8Array(size / 60))
  setTimeout(() => socket.end())
  await eventually('both have ended', () => trace.length === 2)
  expect(trace.sort()).toEqual([`connection: ${size}`, `stream: ${size}`])
  await close()
})

test('who has gone is answered nothing, and what it said before is read nevertheless', async () => {
  const { out, back, socket, close } = await encryptedPair()
  const size = 6000
  let received = 0
  let end: string | undefined
  back.addEventListener('message', ({ data }) => {
    work()
    received += data.byteLength
    back.send(Uint8Array.of(1))
  })
  back.addEventListener('close', ({ error }) => void (end = error?.message ?? 'in order'))
  for (let i = 0; i < 60; i++) out.send(new Uint8Array(size / 60))
  setTimeout(() => socket.end())
  await eventually('it has ended', () => end !== undefined)
  expect([received, end]).toEqual([size, 'in order'])
  await close()
})

test('what comes before the end of a stream that is read in turns is read before that end', async () => {
  const [out, back] = multiaddrConnectionPair()
  const [asking, answering] = [out, back].map((each) => muxing(new Drops(), new Allowances())().createStreamMuxer(each))
  const size = 6000
  let received = 0
  let atEnd: number | undefined
  answering?.addEventListener('stream', ({ detail }) => {
    detail.protocol = 'known'
    readInTurns(detail)
    detail.addEventListener('message', ({ data }) => {
      work()
      received += data.byteLength
    })
    detail.addEventListener('remoteCloseWrite', () => void (atEnd = received))
  })
  const stream = (await asking?.createStream()) as Stream
  stream.send(new Uint8Array(size))
  await stream.close()
  await eventually('it has ended', () => atEnd !== undefined)
  expect(atEnd).toBe(size)
  for (const each of [asking, answering]) each?.abort(new Error('over'))
})

test('so is what waits of a stream whose connection ends, also where its reader ends its own side then', async () => {
  const [out, back] = multiaddrConnectionPair()
  const [asking, answering] = [out, back].map((each) => muxing(new Drops(), new Allowances())().createStreamMuxer(each))
  const size = 6000
  let received = 0
  let end: string | undefined
  answering?.addEventListener('stream', ({ detail }) => {
    detail.protocol = 'known'
    readInTurns(detail)
    detail.addEventListener('message', ({ data }) => {
      work()
      if (received === 0) void out.close()
      received += data.byteLength
    })
    detail.addEventListener('close', ({ error }) => void (end = error?.message ?? 'in order'))
    back.addEventListener('close', () => void detail.close().catch((error: Error) => detail.abort(error)))
  })
  const stream = (await asking?.createStream()) as Stream
  stream.send(new Uint8Array(size))
  await eventually('it has ended', () => end !== undefined)
  expect([received, end]).toEqual([size, 'in order'])
})

const mebibyte = 1024 * 1024

/** Connections to others, of which two do not read, while so many bytes may wait. */
async function startDeafPeers(mostBytes: number) {
  const drops = new Drops()
  const cuts: Unread[] = []
  const make = muxing(drops, new Allowances(), { bytes: mostBytes, onCut: (unread) => void cuts.push(unread) })()
  const begin = async (isDeaf: boolean) => {
    const { out, back, socket, close } = await encryptedPair()
    const asking = make.createStreamMuxer(out)
    const answering = muxing(new Drops(), new Allowances())().createStreamMuxer(back)
    if (isDeaf) back.pause()
    answering.addEventListener('stream', ({ detail }) => {
      detail.protocol = 'known'
      detail.addEventListener('message', () => {})
    })
    const stream = await asking.createStream()
    stream.protocol = '/rollcall/1/test/gossip'
    return { out, socket, stream, close }
  }
  const all = await Promise.all([begin(true), begin(true), begin(false)])
  return { drops, cuts, all, close: async () => void (await Promise.all(all.map(({ close }) => close()))) }
}

test('where too much waits for all who do not read, the connection for which most waits is cut', async () => {
  const { drops, cuts, all, close } = await startDeafPeers(4 * mebibyte)
  const [deaf, deafer, reader] = all
  const say = (to: (typeof all)[number], bytes: number): void => {
    for (let left = bytes; left > 0; left -= 64 * 1024) to.stream.send(new Uint8Array(64 * 1024))
  }
  say(deaf, mebibyte)
  say(deafer, 2 * mebibyte)
  for (let i = 0; i < 64; i++) {
    say(reader, mebibyte / 4)
    await eventually('what is read waits no more', () => reader.stream.writeBufferLength === 0)
  }
  expect(cuts).toEqual([])
  say(deaf, mebibyte)
  say(deafer, 2 * mebibyte)
  await eventually('the deafer of both is cut', () => deafer.out.status === 'aborted')
  expect([deaf.out.status, reader.out.status]).toEqual(['open', 'open'])
  expect(cuts).toHaveLength(1)
  expect(cuts[0]?.address).toMatch(/^\/ip4\/127/)
  expect(drops.all()).toEqual({ 'connection-unread': 1 })
  await close()
})

test('what is enciphered already waits, too', async () => {
  const { cuts, all, close } = await startDeafPeers(4 * mebibyte)
  const [deaf] = all
  for (let i = 0; i < 16; i++) deaf.out.send(new Uint8Array(mebibyte))
  expect(deaf.stream.writeBufferLength).toBe(0)
  deaf.stream.send(new Uint8Array(mebibyte))
  await eventually('it is cut', () => deaf.out.status === 'aborted')
  expect(cuts[0]?.bytes).toBeGreaterThan(4 * mebibyte)
  await close()
})
