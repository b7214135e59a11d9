// A member that keeps no limit: it speaks the protocols of a cluster over libp2p itself, and sends what it is told to as fast as it goes.
import { connect, type Socket } from 'node:net'
import { gossipsub, type GossipSub } from '@chainsafe/libp2p-gossipsub'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { encodeBeat } from '../../src/core/wire/beat.js'
import { encodeGossip } from '../../src/core/wire/gossip.js'
import { encodeQuestion } from '../../src/core/wire/questions.js'
import { encodeSyncRequest, type Parcel } from '../../src/core/wire/sync.js'
import { gossipOptions } from '../../src/io/network/gossip.js'
import { encodeMessage } from '../../src/io/network/messages.js'
import { HostileWriter } from './hostile-writer.js'

/** Of what it sends too much. */
export const floods = [
  ...['unread', 'asks', 'heartbeats', 'reports', 'gossip', 'questions', 'junk'],
  ...['documents', 'owners', 'epochs', 'sockets', 'frame', 'pings', 'openings'],
  ...['crumbs', 'echoes', 'replies', 'names', 'lengths', 'surveys', 'resets'],
] as const
export type Flood = (typeof floods)[number]

export class HostileMember {
  readonly #cluster: string
  readonly #target: string
  readonly #clusterKey: Uint8Array | undefined
  readonly #stop = new AbortController()
  #connection: Connection | undefined
  #close: () => Promise<void> = () => Promise.resolve()
  #gossip: GossipSub | undefined
  peer = ''
  /** Messages that went out, and how often its connection was cut. */
  sent = 0
  cuts = 0
  #key: PrivateKey | undefined

  /** @param clusterKey where only those come in who have it, as the content of its file */
  constructor(target: string, cluster = 'default', clusterKey?: Uint8Array) {
    this.#target = target
    this.#cluster = cluster
    this.#clusterKey = clusterKey
  }

  get #protocols(): Readonly<Record<'sync' | 'beat' | 'gossip', string>> {
    const prefix = `/rollcall/1/${this.#cluster}`
    return { sync: `${prefix}/sync`, beat: `${prefix}/beat`, gossip: `${prefix}/gossip` }
  }

  async start(): Promise<void> {
    const privateKey = await generateKeyPair('Ed25519')
    this.#key = privateKey
    const { sync, beat, gossip } = this.#protocols
    const node = await createLibp2p({
      privateKey,
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      ...(this.#clusterKey === undefined ? {} : { connectionProtector: preSharedKey({ psk: this.#clusterKey }) }),
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: { identify: identify(), gossip: gossipsub({ ...gossipOptions(gossip), awaitRpcHandler: false }) },
    })
    await node.handle([sync, beat], () => {})
    this.#gossip = node.services.gossip as GossipSub
    this.#gossip.subscribe(gossip)
    this.peer = node.peerId.toString()
    this.#close = async () => node.stop()
    this.#connect = async () => node.dial(multiaddr(this.#target))
    await this.#connected()
  }

  #connect: () => Promise<Connection> = () => Promise.reject(new Error('not started'))

  async #connected(): Promise<Connection> {
    while (this.#connection?.status !== 'open') {
      if (this.#connection !== undefined) this.cuts += 1
      this.#connection = await this.#connect().catch(async () => {
        await pause(200)
        return undefined
      })
      if (this.#stop.signal.aborted) throw new Error('stopped')
    }
    return this.#connection
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#close()
  }

  /** Writes a document of so many large entries, and pushes it. */
  async publish(entries: number, entryBytes: number): Promise<void> {
    await this.#push([(await HostileWriter.create(entries, entryBytes, this.#key)).full])
    await pause(1000)
  }

  async #push(parcels: readonly Parcel[]): Promise<void> {
    const connection = await this.#connected()
    const stream = await connection.newStream(this.#protocols.sync)
    await this.#write(stream, encodeMessage(encodeSyncRequest({ type: 'push', parcels }), true))
    this.sent += parcels.length
    await Promise.race([
      new Promise((resolve) => stream.addEventListener('close', resolve, { once: true })),
      pause(2000),
    ])
    if (stream.status === 'open') stream.abort(new Error('enough'))
  }

  /** Sends too much of that, until it is stopped. */
  async flood(kind: Flood): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#floodOnce(kind)
      } catch {
        await pause(20)
      }
    }
  }

  async #floodOnce(kind: Flood): Promise<void> {
    const connection = await this.#connected()
    switch (kind) {
      case 'unread':
        return this.#askUnread(connection)
      case 'questions':
        return this.#askAway(connection)
      case 'surveys':
        return this.#surveyAway(connection)
      case 'gossip':
        return this.#gossipAway()
      case 'documents':
        return this.#push([(await HostileWriter.create(20_000, 100)).full])
      case 'owners':
        return this.#push(
          await Promise.all(Array.from({ length: 64 }, async () => (await HostileWriter.create(1, 1)).full)),
        )
      case 'epochs':
        return this.#beginEpochs()
      case 'sockets':
        return this.#sayNothing()
      case 'frame':
        return this.#endlessFrame(muxerOf(connection))
      case 'pings':
        return this.#pingAway(muxerOf(connection))
      case 'openings':
        return this.#openAway(muxerOf(connection))
      case 'crumbs':
        return this.#endlessCrumbs(muxerOf(connection))
      case 'echoes':
        return this.#pingUnread(connection)
      case 'replies':
        return this.#replyAway(connection, muxerOf(connection))
      case 'lengths':
        return this.#neverEndLengths(muxerOf(connection))
      case 'resets':
        return this.#openAndEnd(muxerOf(connection))
      case 'names':
        return this.#nameAway(connection)
      case 'junk':
        return this.#beatAway(connection, () => new Uint8Array(7).fill(255))
      case 'asks':
        return this.#beatAway(connection, () => encodeBeat({ type: 'ask' }))
      case 'heartbeats':
        return this.#beatAway(connection, (sequence) =>
          encodeBeat({
            ...{ type: 'heartbeat', generation: 5, incarnation: 0, sequence, load: 1, digest: new Uint8Array(8) },
            relayed: [],
          }),
        )
      case 'reports':
        return this.#beatAway(connection, (sequence) =>
          encodeBeat({ type: 'report', authorGeneration: 5, sequence, about: [] }),
        )
    }
  }

  /** As many questions as streams go, whose answers it does not read. */
  async #askUnread(connection: Connection): Promise<void> {
    const question = encodeMessage(encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: [] }), true)
    const streams: Stream[] = []
    while (streams.length < 128 && !this.#stop.signal.aborted) {
      const stream = await connection.newStream(this.#protocols.sync)
      stream.pause()
      stream.send(question)
      this.sent += 1
      streams.push(stream)
    }
    await Promise.race([
      ...streams.map((stream) => new Promise((resolve) => stream.addEventListener('close', resolve, { once: true }))),
      pause(5000),
    ])
    for (const stream of streams) if (stream.status !== 'open') stream.abort(new Error('over'))
    await pause(50)
  }

  async #askAway(connection: Connection): Promise<void> {
    const question = encodeMessage(encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: [] }), true)
    const ask = async (): Promise<void> => {
      while (connection.status === 'open' && !this.#stop.signal.aborted) {
        const stream = await connection.newStream(this.#protocols.sync)
        stream.send(question)
        this.sent += 1
        stream.abort(new Error('never mind'))
      }
    }
    await Promise.all(Array.from({ length: 16 }, ask))
  }

  /** What it sees of everybody, as often as it says. */
  async #surveyAway(connection: Connection): Promise<void> {
    const question = encodeMessage(encodeQuestion({ kind: 'survey' }), true)
    const ask = async (): Promise<void> => {
      while (connection.status === 'open' && !this.#stop.signal.aborted) {
        const stream = await connection.newStream(this.#protocols.sync)
        stream.send(question)
        this.sent += 1
        await Promise.race([
          new Promise((resolve) => stream.addEventListener('close', resolve, { once: true })),
          pause(1000),
        ])
        if (stream.status === 'open') stream.abort(new Error('enough'))
        await pause(50)
      }
    }
    await Promise.all(Array.from({ length: 4 }, ask))
  }

  async #beginEpochs(): Promise<void> {
    const writer = await HostileWriter.create(2000, 1)
    await this.#push([writer.full])
    while (!this.#stop.signal.aborted) await this.#push(Array.from({ length: 60 }, (_, i) => writer.nextEpoch(`v${i}`)))
  }

  /** One frame of yamux that says it has four gigabytes, and has them. */
  async #endlessFrame(muxer: Muxer): Promise<void> {
    muxer.send(frame(frameTypes.data, flags.open, 0xffff_fff0, muxer.nextStreamID))
    const piece = new Uint8Array(64 * 1024)
    for (; muxer.status === 'open' && !this.#stop.signal.aborted; await pause(0)) {
      this.sent += 1
      if (!muxer.send(piece)) await pause(1)
    }
  }

  /** Pings, each of which is to be answered, whose answers it does not read. */
  async #pingAway(muxer: Muxer): Promise<void> {
    muxer.maConn.pause()
    for (let id = 0; muxer.status === 'open' && !this.#stop.signal.aborted; await pause(0)) {
      const pings = Array.from({ length: 4000 }, () => frame(frameTypes.ping, flags.open, (id += 1)))
      this.sent += pings.length
      if (!muxer.send(Buffer.concat(pings))) await pause(1)
    }
  }

  /** Streams without end that never say what they are for, but much; it reads none of what it is told of that. */
  async #openAway(muxer: Muxer): Promise<void> {
    muxer.maConn.pause()
    const name = Buffer.from('/unknown\n')
    const names = Buffer.concat(Array.from({ length: 6000 }, () => Buffer.concat([Uint8Array.of(name.length), name])))
    let last = muxer.nextStreamID + 2000
    for (; muxer.status === 'open' && !this.#stop.signal.aborted; await pause(0)) {
      for (let id = last - 2000; id < last && muxer.status === 'open'; id += 2) {
        muxer.send(
          Buffer.concat([frame(frameTypes.window, flags.open, 0, id), frame(frameTypes.data, 0, names.length, id)]),
        )
        this.sent += 1
        if (!muxer.send(names)) await pause(1)
      }
      last += 2000
    }
  }

  /** A frame as long as a window, each byte of it by itself, and never the last one. */
  async #endlessCrumbs(muxer: Muxer): Promise<void> {
    const length = 1024 * 1024
    muxer.send(frame(frameTypes.data, flags.open, length, muxer.nextStreamID))
    const crumb = new Uint8Array(1)
    for (let at = 1; muxer.status === 'open' && !this.#stop.signal.aborted; await pause(0)) {
      for (let i = 0; i < 1000 && at < length; i++, at++) muxer.send(crumb)
      this.sent += 1
      while (muxer.maConn.writableNeedsDrain && muxer.status === 'open') await pause(1)
      if (at === length) await pause(100)
    }
  }

  /** Pings of its protocol, as much as goes, whose answers it does not read. */
  async #pingUnread(connection: Connection): Promise<void> {
    const stream = await connection.newStream('/ipfs/ping/1.0.0')
    stream.pause()
    const pings = new Uint8Array(60_000)
    while (stream.status === 'open' && !this.#stop.signal.aborted) {
      await this.#write(stream, pings)
      this.sent += 1
    }
  }

  /** On the stream of gossip that comes to it, where nobody waits for a word: byte after byte. */
  async #replyAway(connection: Connection, muxer: Muxer): Promise<void> {
    const isReplied = ({ direction, protocol, status }: Stream): boolean =>
      direction === 'inbound' && protocol.startsWith('/meshsub/') && status === 'open'
    const stream = connection.streams.find(isReplied) as (Stream & { readonly streamId: number }) | undefined
    if (stream === undefined) return pause(20)
    const crumb = Buffer.concat([frame(frameTypes.data, 0, 1, stream.streamId), Buffer.alloc(1)])
    const crumbs = Buffer.concat(Array.from({ length: 1000 }, () => crumb))
    // Its own window is not touched by what goes past the stream.
    for (let left = 200; left > 0 && stream.status === 'open' && !this.#stop.signal.aborted; left--) {
      this.sent += 1000
      if (!muxer.send(crumbs)) await pause(1)
      await pause(0)
    }
    if (stream.status === 'open') connection.abort(new Error('enough'))
    else await pause(20)
  }

  /** A megabyte of messages that it is said to have, at a time. */
  async #nameAway(connection: Connection): Promise<void> {
    const stream = await connection.newStream('/meshsub/1.2.0')
    const topic = prefixed(0x0a, Buffer.from(this.#protocols.gossip))
    const names = Buffer.concat(Array.from({ length: 5000 }, () => Buffer.of(0x12, 0)))
    const offer = prefixed(0x0a, Buffer.concat([topic, names]))
    const offers = prefixed(0x1a, Buffer.concat(Array.from({ length: 100 }, () => offer)))
    while (stream.status === 'open' && !this.#stop.signal.aborted) {
      await this.#write(stream, Buffer.concat([varint(offers.length), offers]))
      this.sent += 1
    }
  }

  /** Streams whose first word has a length that does not end. */
  async #neverEndLengths(muxer: Muxer): Promise<void> {
    const words = Buffer.alloc(400, 0xff)
    for (let id = muxer.nextStreamID + 2000; muxer.status === 'open' && !this.#stop.signal.aborted; await pause(1)) {
      for (const end = id + 100; id < end; id += 2)
        muxer.send(Buffer.concat([frame(frameTypes.data, flags.open, words.length, id), words]))
      this.sent += 50
      while (muxer.maConn.writableNeedsDrain && muxer.status === 'open') await pause(1)
    }
  }

  /** Streams that are opened and ended by one word of twelve bytes, thousands of them in a piece; before them what costs next to nothing. */
  async #openAndEnd(muxer: Muxer): Promise<void> {
    const cheap = Buffer.concat(Array.from({ length: 2000 }, (_, id) => frame(frameTypes.ping, flags.open, id)))
    for (let id = muxer.nextStreamID + 2000; muxer.status === 'open' && !this.#stop.signal.aborted; await pause(100)) {
      const end = id + 2 * 5000
      const words: Buffer[] = [cheap]
      for (; id < end; id += 2) words.push(frame(frameTypes.window, flags.open | flags.reset, 0, id))
      this.sent += 5000
      if (!muxer.send(Buffer.concat(words))) await pause(1)
    }
  }

  /** As many sockets as are let in, without a word; each that is closed is opened again. */
  async #sayNothing(): Promise<void> {
    const [, , host = '', , port] = this.#target.split('/') // /ip4/127.0.0.1/tcp/58232
    const sockets = new Set<Socket>()
    this.#stop.signal.addEventListener('abort', () => sockets.forEach((socket) => socket.destroy()))
    for (; !this.#stop.signal.aborted; await pause(10)) {
      if (sockets.size >= 2000) continue
      const socket = connect(Number(port), host)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
      sockets.add(socket)
      this.sent += 1
    }
  }

  async #gossipAway(): Promise<void> {
    for (let sequence = 1; !this.#stop.signal.aborted; sequence++) {
      const about = [{ subject: this.peer, generation: 1, incarnation: 0 }]
      await this.#gossip?.publish(
        this.#protocols.gossip,
        encodeGossip({ type: 'report', authorGeneration: 5, sequence, about }),
      )
      this.sent += 1
      if (sequence % 50 === 0) await pause(0)
      if (sequence % 5000 === 0) await this.#connected()
    }
  }

  /** Frames on a heartbeat stream, many to a write. */
  async #beatAway(connection: Connection, make: (sequence: number) => Uint8Array): Promise<void> {
    const stream = await connection.newStream(this.#protocols.beat)
    let sequence = 0
    while (stream.status === 'open' && !this.#stop.signal.aborted) {
      const frames = Array.from({ length: 4000 }, () => Buffer.from(encodeMessage(make((sequence += 1)), false)))
      await this.#write(stream, Buffer.concat(frames))
      this.sent += frames.length
    }
    throw new Error('the stream was cut')
  }

  async #write(stream: Stream, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += 65536) {
      while (stream.writableNeedsDrain && stream.status === 'open') await pause(1)
      if (stream.status !== 'open') throw new Error('closed')
      stream.send(bytes.subarray(at, at + 65536))
    }
    await pause(0)
  }
}

const frameTypes = { data: 0, window: 1, ping: 2 } as const
const flags = { open: 1, reset: 8 } as const

/** A header of yamux. */
function frame(type: number, flag: number, length: number, stream = 0): Buffer {
  const header = Buffer.alloc(12)
  header[1] = type
  header.writeUInt16BE(flag, 2)
  header.writeUInt32BE(stream, 4)
  header.writeUInt32BE(length, 8)
  return header
}

/** A field of a protobuf, with its length. */
function prefixed(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(field), varint(bytes.length), bytes])
}

function varint(number: number): Buffer {
  const bytes: number[] = []
  for (let left = number; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.of(...bytes, left)
    bytes.push((left % 128) + 128)
  }
}

/** What is private in a connection of libp2p, with which one says what libp2p would never say. */
interface Muxer {
  readonly status: string
  readonly nextStreamID: number
  readonly maConn: { pause(): void; readonly writableNeedsDrain: boolean }
  send(bytes: Uint8Array): boolean
}

function muxerOf(connection: Connection): Muxer {
  return (connection as unknown as { readonly muxer: Muxer }).muxer
}

function pause(duration_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration_ms))
}
