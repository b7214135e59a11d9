/**
 * Bounds what connections make their muxers hold, each by itself, all of them together: yamux keeps what it is told to. A frame of which
 * more and more comes; streams that never say what they are for; words about streams that whoever made us say them does not read.
 *
 *     half a frame      ≤ its window               all together ≤ a budget, else who has most is cut off
 *     streams unnamed   a few KiB of each          all together ≤ a number, else of who has most the oldest goes
 *     words unread      a few thousand
 */
import type { MessageStream, Stream, StreamMuxer } from '@libp2p/interface'
import type { Drops } from './drops.js'

/** No stream of ours lets more come before it is read, so that no frame is longer. */
export const windowBytes = 1024 * 1024

export const muxerLimits = {
  /** Halves of frames, of all connections. */
  heldBytes: 64 * 1024 * 1024,
  /** Streams that came in on one connection and are open, whatever they are for: what a peer may ask at once twice, and a few. */
  streams: 256,
  /** Streams that came in and have not said what they are for, of all connections: half a dozen of each that starts at one moment. */
  unnamed: 4096,
  /** What such a stream may bring: the names of a few protocols. */
  unnamedBytes: 4096,
  /** Words without data that were said since all of them were last taken: so many streams, or gigabytes, opened to be answered. */
  unread: 8192,
} as const

const headerBytes = 12

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
  readonly decoder: { readonly buffer: { readonly byteLength: number } }
  onData: (bytes: Uint8Array) => void
  onRemoteStream: (stream: Stream) => void
  sendFrame: (header: { readonly length: number }, data?: unknown) => boolean
}

interface Held {
  bytes: number
  unread: number
  readonly unnamed: Set<Stream>
  cut(reason: string): void
}

export class MuxerLimits {
  readonly #drops: Drops
  readonly #held = new Set<Held>()
  #heldBytes = 0
  #unnamed = 0

  constructor(drops: Drops) {
    this.#drops = drops
  }

  guard(muxer: StreamMuxer, connection: MessageStream): void {
    const parts = muxer as unknown as Muxer
    const held: Held = {
      bytes: 0,
      unread: 0,
      unnamed: new Set(),
      cut: (reason) => cutOff(muxer, connection, new Error(reason)),
    }
    this.#held.add(held)
    connection.addEventListener('close', () => this.#forget(held))
    this.#boundFrames(parts, held)
    this.#boundWords(parts, connection, held)
    this.#boundUnnamed(parts, held)
  }

  #forget(held: Held): void {
    this.#held.delete(held)
    this.#heldBytes -= held.bytes
    held.bytes = 0
    this.#unnamed -= held.unnamed.size
    held.unnamed.clear()
  }

  #boundFrames(muxer: Muxer, held: Held): void {
    const onData = muxer.onData.bind(muxer)
    muxer.onData = (bytes) => {
      onData(bytes)
      const { byteLength } = muxer.decoder.buffer
      if (!this.#held.has(held)) return
      this.#heldBytes += byteLength - held.bytes
      held.bytes = byteLength
      if (byteLength > headerBytes + windowBytes)
        return this.#cut(held, 'muxer-frame', 'a frame longer than any window')
      if (this.#heldBytes <= muxerLimits.heldBytes) return
      const most = [...this.#held].reduce((some, one) => (one.bytes > some.bytes ? one : some), held)
      this.#cut(most, 'muxer-frame', 'too much of frames that are not complete')
    }
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
      held.unnamed.add(stream)
      this.#unnamed += 1
      stream.addEventListener('close', named)
      boundUntilNamed(stream, named, () => this.#drops.count('muxer-unnamed'))
      onRemoteStream(stream)
      if (this.#unnamed > muxerLimits.unnamed) this.#endOldestUnnamed(held)
    }
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

  #cut(held: Held, reason: 'muxer-frame' | 'muxer-unread', why: string): void {
    if (!this.#held.has(held)) return
    this.#drops.count(reason)
    held.cut(why)
    this.#forget(held)
  }
}

/** What is protected in a stream of `@libp2p/utils`, and pinned with its version. */
interface Receiving {
  onData: (bytes: { readonly byteLength: number }) => void
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
