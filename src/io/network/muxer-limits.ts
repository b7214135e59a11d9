/**
 * Bounds what connections make their muxers hold, each by itself, all of them together: yamux keeps what it is told to. A frame of which
 * more and more comes; streams that never say what they are for, or bring what nobody asked for; words about streams that whoever made us
 * say them does not read.
 *
 *     half a frame      ≤ its window               all together ≤ a budget, else who has most is cut off
 *     streams unnamed   half a KiB of each         all together ≤ a number, else of who has most the oldest goes
 *     streams untaken   so many pieces; of those that libp2p reads in all, and so many bytes
 *     both              a few that bring too much, then their connection goes
 *     words unread      a few thousand
 *     pings             one a second, each of which is to be answered, some may be saved; of more nothing is made
 */
import type { MessageStream, Stream, StreamMuxer } from '@libp2p/interface'
import { Bucket } from './bucket.js'
import { Budget, type Share } from './budget.js'
import type { Drops } from './drops.js'
import { Lengths } from './lengths.js'
import { WholeFrames } from './whole-frames.js'

/** No stream of ours lets more come before it is read, so that no frame is longer. */
export const windowBytes = 1024 * 1024

export const muxerLimits = {
  /** Halves of frames, of all connections. */
  heldBytes: 64 * 1024 * 1024,
  /** Streams that came in on one connection and are open, whatever they are for: what a peer may ask at once twice, and a few. */
  streams: 256,
  /** Streams that are opened, before others have their turn: a third of a millisecond each, and more later. */
  openedAtOnce: 4,
  /** Streams that came in and have not said what they are for, of all connections: half a dozen of each that starts at one moment. */
  unnamed: 4096,
  /** What such a stream may bring: the names of a few protocols. */
  unnamedBytes: 512,
  /** Pieces that a stream brings while nobody reads it: each costs a hundred bytes beside its own. */
  untaken: 1024,
  /** Bytes, in so many pieces at most, of streams that bring one short message or none: libp2p keeps all that comes there. As long as it takes identify to be, and names. */
  briefBytes: 8 * 1024 + 512,
  /** Streams of one connection that brought too much, each of which was ended: no honest member has one. */
  broken: 16,
  /** Words without data that were said since all of them were last taken: so many streams, or gigabytes, opened to be answered. */
  unread: 8192,
  /** Pings for each second, and what may be saved of that. Libp2p asks twice a minute. */
  pings: { perSecond: 1, atOnce: 32 },
} as const

const headerBytes = 12
const frameTypes = { data: 0, ping: 2 } as const
/** Of its flags, in the last byte of them. */
const openingFlag = 1

/** Ends both, at once: the muxer says so where that can still be said. */
export function cutOff(muxer: StreamMuxer, connection: MessageStream, error: Error): void {
  try {
    muxer.abort(error)
  } catch {
    // Its connection is ending already.
  }
  connection.abort(error)
}

/** What is private in a muxer of yamux, and pinned with its version. */
interface Muxer {
  _newStream: (...values: unknown[]) => Stream
  onData: (bytes: Uint8Array) => void
  onRemoteStream: (stream: Stream) => void
  sendFrame: (header: { readonly length: number }, data?: unknown) => boolean
}

/** What has come on one connection so far. */
export interface Come {
  readonly frames: number
  /** Opened by the other end. */
  readonly streams: number
  /** How many of the bytes that come next may be taken at once: few of them may open many streams. */
  atOnce(bytes: Uint8Array): number
}

interface Held {
  readonly frame: Share
  unread: number
  broken: number
  opened: number
  readonly unnamed: Set<Stream>
  cut(reason: string): void
}

export class MuxerLimits {
  readonly #drops: Drops
  readonly #held = new Set<Held>()
  readonly #frames = new Budget(muxerLimits.heldBytes)
  #unnamed = 0

  constructor(drops: Drops) {
    this.#drops = drops
  }

  guard(muxer: StreamMuxer, connection: MessageStream): Come {
    const parts = muxer as unknown as Muxer
    const held: Held = {
      frame: this.#frames.open(() => this.#cut(held, 'muxer-frame', 'too much of frames that are not complete')),
      unread: 0,
      broken: 0,
      opened: 0,
      unnamed: new Set(),
      cut: (reason) => cutOff(muxer, connection, new Error(reason)),
    }
    this.#held.add(held)
    connection.addEventListener('close', () => this.#forget(held))
    this.#boundWords(parts, connection, held)
    this.#boundUnnamed(parts, held)
    this.#boundUntaken(parts, held)
    const frames = this.#boundFrames(parts, held)
    return {
      get frames() {
        return frames.completed
      },
      get streams() {
        return held.opened
      },
      atOnce: (bytes) => frames.until(bytes, muxerLimits.openedAtOnce, isOpening),
    }
  }

  #forget(held: Held): void {
    this.#held.delete(held)
    held.frame.end()
    this.#unnamed -= held.unnamed.size
    held.unnamed.clear()
  }

  /** Its own decoder keeps each piece of half a frame by itself: here it is given whole ones. */
  #boundFrames(muxer: Muxer, held: Held): WholeFrames {
    const onData = muxer.onData.bind(muxer)
    const pings = new Bucket(muxerLimits.pings)
    // Twelve bytes cost as much as a message: they are answered by one, in a write of its own.
    const frames = new WholeFrames(lengthOfFrame, (bytes, at) => {
      if (bytes[at + 1] !== frameTypes.ping || pings.take()) return true
      this.#drops.count('muxer-pings')
      return false
    })
    muxer.onData = (bytes) => {
      if (!this.#held.has(held)) return
      for (const whole of frames.take(bytes)) onData(whole)
      if ((frames.length ?? 0) > headerBytes + windowBytes)
        this.#cut(held, 'muxer-frame', 'a frame longer than any window')
      held.frame.set(frames.held)
      if (!this.#held.has(held)) frames.clear()
    }
    return frames
  }

  #boundWords(muxer: Muxer, connection: MessageStream, held: Held): void {
    const sendFrame = muxer.sendFrame.bind(muxer)
    muxer.sendFrame = (header, data) => {
      if (connection.writeBufferLength === 0) held.unread = 0
      else if (data === undefined) held.unread += 1
      // Not within the call of whoever says it.
      if (held.unread === muxerLimits.unread)
        queueMicrotask(() => this.#cut(held, 'muxer-unread', 'what is said of streams is not read'))
      return held.unread > muxerLimits.unread ? false : sendFrame(header, data)
    }
  }

  #boundUnnamed(muxer: Muxer, held: Held): void {
    const onRemoteStream = muxer.onRemoteStream.bind(muxer)
    muxer.onRemoteStream = (stream) => {
      const named = (): void => {
        if (held.unnamed.delete(stream)) this.#unnamed -= 1
      }
      held.opened += 1
      held.unnamed.add(stream)
      this.#unnamed += 1
      stream.addEventListener('close', named)
      boundUntilNamed(stream, named, () => this.#broke(held, 'muxer-unnamed'))
      onRemoteStream(stream)
      if (this.#unnamed > muxerLimits.unnamed) this.#endOldestUnnamed(held)
    }
  }

  #boundUntaken(muxer: Muxer, held: Held): void {
    const newStream = muxer._newStream.bind(muxer)
    muxer._newStream = (...values) => {
      const stream = newStream(...values)
      boundWhileUntaken(stream, () => this.#broke(held, 'muxer-untaken'))
      return stream
    }
  }

  /** Whoever opens the next one at once made us read all of it. */
  #broke(held: Held, reason: 'muxer-unnamed' | 'muxer-untaken'): void {
    this.#drops.count(reason)
    held.broken += 1
    if (held.broken === muxerLimits.broken)
      queueMicrotask(() => this.#cut(held, 'muxer-broken', 'stream after stream brings too much'))
  }

  #endOldestUnnamed(held: Held): void {
    for (const one of this.#held) this.#dropNamed(one)
    if (this.#unnamed <= muxerLimits.unnamed) return
    const most = [...this.#held].reduce((some, one) => (one.unnamed.size > some.unnamed.size ? one : some), held)
    const [oldest] = most.unnamed
    this.#drops.count('muxer-unnamed')
    oldest?.abort(new Error('too many streams that do not say what they are for'))
  }

  /** Of one that brought nothing since it was named this has not yet been noted. */
  #dropNamed({ unnamed }: Held): void {
    for (const stream of unnamed) if (stream.protocol !== '' && unnamed.delete(stream)) this.#unnamed -= 1
  }

  #cut(held: Held, reason: 'muxer-broken' | 'muxer-frame' | 'muxer-unread', why: string): void {
    if (!this.#held.has(held)) return
    this.#drops.count(reason)
    held.cut(why)
    this.#forget(held)
  }
}

/** Whether its data follow or not, a header says how long they are; only a frame of data has any. */
function lengthOfFrame(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length - at < headerBytes) return undefined
  if (bytes[at + 1] !== frameTypes.data) return headerBytes
  // A view of all four would be an object, of a hundred thousand frames a second each.
  const byte = (i: number): number => bytes[at + i] as number
  return headerBytes + (byte(8) * 256 + byte(9)) * 65_536 + byte(10) * 256 + byte(11)
}

/** Whether it opens a stream. */
function isOpening(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 1] !== frameTypes.ping && ((bytes[at + 3] as number) & openingFlag) !== 0
}

/** What is protected in a stream of `@libp2p/utils`, and pinned with its version. */
interface Receiving {
  onData: (bytes: Pieces) => void
  listenerCount(type: string): number
  readonly readBufferLength: number
}

/** A list of pieces, as `uint8arraylist` makes it, or one. */
interface Pieces {
  readonly byteLength: number
  slice(): Uint8Array
  subarray(): Uint8Array
}

function boundUntilNamed(stream: Stream, onNamed: () => void, onExcess: () => void): void {
  const receiving = stream as unknown as Receiving
  const onData = receiving.onData.bind(stream)
  let bytes = 0
  let isNamed = false
  receiving.onData = (data) => {
    if (!isNamed && stream.protocol !== '') {
      isNamed = true
      onNamed()
    }
    if (!isNamed) bytes += data.byteLength
    if (bytes <= muxerLimits.unnamedBytes) return onData(data)
    onExcess()
    stream.abort(new Error('too much before it was said what it is for'))
  }
}

/** What stays is a copy: it may be a few bytes of all that came with them. */
function boundWhileUntaken(stream: Stream, onExcess: () => void): void {
  const receiving = stream as unknown as Receiving
  const onData = receiving.onData.bind(stream)
  const lengths = new Lengths()
  let untaken = 0
  let [pieces, bytes] = [0, 0]
  const isExcess = (data: Pieces): boolean => {
    pieces += 1
    bytes += data.byteLength
    if (isInMessages(stream) && !lengths.take(data.subarray())) return true
    if (isBrief(stream) && (pieces > muxerLimits.untaken || bytes > muxerLimits.briefBytes)) return true
    return untaken > muxerLimits.untaken
  }
  receiving.onData = (data) => {
    if (isExcess(data)) {
      onExcess()
      return stream.abort(new Error('too much that nobody takes'))
    }
    const isTaken = stream.readStatus !== 'paused' && receiving.listenerCount('message') > 0
    onData(isTaken ? data : (data.slice() as unknown as Pieces))
    untaken = receiving.readBufferLength === 0 ? 0 : untaken + 1
  }
}

/** What libp2p reads as messages that have their length before them: names of protocols, and identify. */
function isInMessages({ protocol }: Stream): boolean {
  return protocol === '' || protocol.startsWith('/ipfs/id/')
}

/** Identify and pings; the way to a peer of gossip, which brings nothing; what is said until it is known which it is. */
function isBrief({ protocol, direction }: Stream): boolean {
  return protocol.startsWith('/ipfs/') || (direction === 'outbound' && !protocol.startsWith('/rollcall/'))
}
