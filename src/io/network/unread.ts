/**
 * Bounds what waits for peers that do not read it, of all together: what was said on their streams, be it enciphered already. Where that
 * is too much, the connection for which most waits is cut, and none while there is room: who stalls for some seconds reads it all after
 * that. It makes nothing, and holds nothing.
 *
 *     each connection     what each of its streams lets wait (gossip: 8 MiB)
 *     all together        ≤ a sum, and what is said between two looks
 */
import type { MessageStream, Stream, StreamMuxer } from '@libp2p/interface'
import type { Drops } from './drops.js'
import { cutOff } from './muxer-limits.js'

export const unreadLimits = {
  /** Of all connections: what half a hundred members miss in a stall of seconds while the busiest of us writes. */
  bytes: 64 * 1024 * 1024,
  /** So much of that is said between two looks: a look at a thousand connections takes less than it takes to encipher it. */
  lookShare: 1 / 16,
} as const

/** For whom most waited, and so was cut. */
export interface Unread {
  /** Absent where it was not a connection over TCP. */
  readonly address: string | undefined
  readonly bytes: number
}

export interface UnreadOptions {
  readonly bytes?: number
  onCut?(unread: Unread): void
}

/** What is private in a muxer of yamux, and pinned with its version. */
interface Muxer {
  readonly streams: readonly Stream[]
  _newStream: (...values: unknown[]) => Stream
}

/** Below an encrypted connection there may be another one, of a cluster key; below all of them a socket. Private, and pinned. */
interface Layer {
  readonly writeBufferLength: number
  readonly stream?: Layer
  readonly maConn?: Layer
  readonly socket?: { readonly writableLength: number }
  readonly remoteAddr?: { toString(): string }
}

interface Held {
  readonly muxer: Muxer
  readonly layers: readonly Layer[]
  cut(): void
}

export class UnreadWords {
  readonly #drops: Drops
  readonly #options: UnreadOptions
  readonly #most: number
  readonly #held = new Set<Held>()
  #sinceLook = 0

  constructor(drops: Drops, options: UnreadOptions = {}) {
    this.#drops = drops
    this.#options = options
    this.#most = options.bytes ?? unreadLimits.bytes
  }

  guard(muxer: StreamMuxer, connection: MessageStream): void {
    const parts = muxer as unknown as Muxer
    const held: Held = {
      muxer: parts,
      layers: layersOf(connection as unknown as Layer),
      cut: () => cutOff(muxer, connection, new Error('it does not read, and too much waits for all who do not')),
    }
    this.#held.add(held)
    connection.addEventListener('close', () => this.#held.delete(held))
    const newStream = parts._newStream.bind(muxer)
    parts._newStream = (...values) => {
      const stream = newStream(...values)
      const send = stream.send.bind(stream)
      stream.send = (data) => {
        const isFree = send(data)
        this.#said(data.byteLength)
        return isFree
      }
      return stream
    }
  }

  /** Not within the call of whoever says it. */
  #said(bytes: number): void {
    const [before, due] = [this.#sinceLook, this.#most * unreadLimits.lookShare]
    this.#sinceLook += bytes
    if (before < due && this.#sinceLook >= due) queueMicrotask(() => this.#look())
  }

  #look(): void {
    this.#sinceLook = 0
    const waiting = [...this.#held].map((held) => ({ held, bytes: waitingOf(held) }))
    let all = waiting.reduce((sum, { bytes }) => sum + bytes, 0)
    if (all <= this.#most) return
    for (const { held, bytes } of waiting.sort((one, other) => other.bytes - one.bytes)) {
      if (all <= this.#most) return
      all -= bytes
      this.#held.delete(held)
      this.#drops.count('connection-unread')
      this.#options.onCut?.({ address: held.layers.at(-1)?.remoteAddr?.toString(), bytes })
      held.cut()
    }
  }
}

function waitingOf({ muxer, layers }: Held): number {
  const inStreams = muxer.streams.reduce((sum, { writeBufferLength }) => sum + writeBufferLength, 0)
  return layers.reduce((sum, layer) => sum + layer.writeBufferLength + (layer.socket?.writableLength ?? 0), inStreams)
}

function layersOf(connection: Layer): Layer[] {
  const below = connection.stream ?? connection.maConn
  return below === undefined ? [connection] : [connection, ...layersOf(below)]
}
