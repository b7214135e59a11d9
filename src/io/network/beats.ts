/**
 * The long-lived streams of heartbeats: one each way between two peers, opened when first used, opened again when dead. A frame
 * that cannot go out at once is dropped: the next one says the same and more. It never waits.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { assert } from '../../core/errors.js'
import type { PeerId } from '../../core/model.js'
import type { Drops } from './drops.js'
import { closeStream, encodeMessage, MessageReader } from './messages.js'

export const beatBytes = 8 * 1024
/** Frames kept while the stream is being opened. */
const openingFrames = 8
const openTimeout_ms = 5_000

export interface BeatsOptions {
  readonly protocol: string
  connectionTo(peer: PeerId): Connection | undefined
  readonly drops: Drops
  onBeat(from: PeerId, bytes: Uint8Array): void
}

interface Lane {
  readonly connection: Connection
  /** Undefined while it is being opened. */
  stream: Stream | undefined
  readonly waiting: Uint8Array[]
}

export class Beats {
  readonly #options: BeatsOptions
  readonly #lanes = new Map<PeerId, Lane>()

  constructor(options: BeatsOptions) {
    this.#options = options
  }

  send(to: PeerId, bytes: Uint8Array): void {
    assert(bytes.length <= beatBytes, `a heartbeat frame has at most ${beatBytes} bytes`)
    const connection = this.#options.connectionTo(to)
    if (connection === undefined) return this.#options.drops.count('beat-unconnected')
    const lane = this.#lane(to, connection)
    const frame = encodeMessage(bytes, false)
    if (lane.stream !== undefined) this.#write(lane.stream, frame)
    else if (lane.waiting.length < openingFrames) lane.waiting.push(frame)
    else this.#options.drops.count('beat-backpressure')
  }

  /** Whether frames can go out to this peer, or have not been tried yet. */
  isHealthy(peer: PeerId): boolean {
    return this.#lanes.get(peer)?.stream?.writableNeedsDrain !== true
  }

  /** Reads a stream that a peer opened. */
  accept(stream: Stream, from: PeerId): void {
    const reader = new MessageReader(beatBytes, (bytes) => this.#options.onBeat(from, bytes))
    stream.addEventListener('message', ({ data }) => {
      if (reader.push(data.subarray())) return
      this.#options.drops.count('frame-malformed')
      stream.abort(new Error('malformed heartbeat stream'))
    })
    stream.addEventListener('remoteCloseWrite', () => closeStream(stream))
  }

  #lane(to: PeerId, connection: Connection): Lane {
    const held = this.#lanes.get(to)
    if (held?.connection === connection) return held
    if (held?.stream !== undefined) closeStream(held.stream)
    const lane: Lane = { connection, stream: undefined, waiting: [] }
    this.#lanes.set(to, lane)
    void this.#open(to, lane)
    return lane
  }

  async #open(to: PeerId, lane: Lane): Promise<void> {
    try {
      const signal = AbortSignal.timeout(openTimeout_ms)
      const stream = await lane.connection.newStream([this.#options.protocol], { signal })
      stream.addEventListener('close', () => this.#forget(to, lane))
      // Nothing is ever said on this way back, and what is said must not pile up.
      stream.addEventListener('message', () => stream.abort(new Error('heartbeat streams go one way')))
      lane.stream = stream
      if (stream.status !== 'open') return this.#forget(to, lane)
      for (const frame of lane.waiting.splice(0)) this.#write(stream, frame)
    } catch {
      this.#options.drops.count('stream-failed')
      this.#forget(to, lane)
    }
  }

  #forget(to: PeerId, lane: Lane): void {
    if (this.#lanes.get(to) === lane) this.#lanes.delete(to)
  }

  #write(stream: Stream, frame: Uint8Array): void {
    if (stream.writableNeedsDrain) return this.#options.drops.count('beat-backpressure')
    try {
      stream.send(frame)
    } catch {
      this.#options.drops.count('stream-failed')
    }
  }
}
