/**
 * The long-lived streams of heartbeats: one each way between two peers, opened when first used, opened again when dead. A frame
 * that cannot go out at once is dropped: the next one says the same and more. It never waits.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { assert } from '../../core/model/errors.js'
import type { PeerId } from '../../core/model/model.js'
import type { Allowances } from './allowances.js'
import type { Drops } from './drops.js'
import { Hearing } from './hearing.js'
import { listenInTurns } from './intake.js'
import { closeStream, encodeMessage, MessageReader } from './messages.js'
import type { Rates } from './rates.js'

export const beatBytes = 8 * 1024
/** Frames kept while the stream is being opened. */
const openingFrames = 8
const openTimeout_ms = 5_000

export interface BeatsOptions {
  readonly protocol: string
  /** Several where several daemons answer as that peer: each is to know that we live, and what we hold. */
  connectionsTo(peer: PeerId): readonly Connection[]
  readonly drops: Drops
  readonly rates: Rates
  readonly allowances: Allowances
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
  readonly #lanes = new Map<PeerId, readonly Lane[]>()
  readonly #hearing: Hearing

  constructor(options: BeatsOptions) {
    this.#options = options
    this.#hearing = new Hearing(options)
  }

  stop(): void {
    this.#hearing.stop()
  }

  send(to: PeerId, bytes: Uint8Array): void {
    assert(bytes.length <= beatBytes, `a heartbeat frame has at most ${beatBytes} bytes`)
    const connections = this.#options.connectionsTo(to)
    if (connections.length === 0) return this.#options.drops.count('beat-unconnected')
    const frame = encodeMessage(bytes, false)
    for (const lane of this.#lanesOn(to, connections)) this.#sendOn(lane, frame)
  }

  #sendOn(lane: Lane, frame: Uint8Array): void {
    if (lane.stream !== undefined) this.#write(lane.stream, frame)
    else if (lane.waiting.length < openingFrames) lane.waiting.push(frame)
    else this.#options.drops.count('beat-backpressure')
  }

  /** Whether frames can go out to this peer, or have not been tried yet. */
  isHealthy(peer: PeerId): boolean {
    return this.#lanesOf(peer).every(({ stream }) => stream?.writableNeedsDrain !== true)
  }

  /** Reads a stream that a peer opened. */
  accept(stream: Stream, from: PeerId): void {
    const take = (bytes: Uint8Array): void => {
      if (!this.#hearing.take(from, bytes)) reading.rest()
    }
    const reader = new MessageReader(beatBytes, take, true)
    const drink = (sip: Uint8Array): void => {
      if (reader.push(sip)) return
      this.#options.drops.count('frame-malformed')
      stream.abort(new Error('malformed heartbeat stream'))
    }
    const reading = listenInTurns(stream, drink, this.#options.allowances.ofBeats(from))
    stream.addEventListener('remoteCloseWrite', () => closeStream(stream))
  }

  #lanesOf(peer: PeerId): readonly Lane[] {
    return this.#lanes.get(peer) ?? []
  }

  #lanesOn(to: PeerId, connections: readonly Connection[]): readonly Lane[] {
    const held = this.#lanesOf(to)
    for (const { connection, stream } of held)
      if (stream !== undefined && !connections.includes(connection)) closeStream(stream)
    const fresh: Lane[] = []
    const lanes = connections.map((connection) => {
      const known = held.find((lane) => lane.connection === connection)
      if (known !== undefined) return known
      const lane: Lane = { connection, stream: undefined, waiting: [] }
      fresh.push(lane)
      return lane
    })
    this.#lanes.set(to, lanes)
    for (const lane of fresh) void this.#open(to, lane)
    return lanes
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
    const others = this.#lanesOf(to).filter((each) => each !== lane)
    if (others.length === 0) this.#lanes.delete(to)
    else this.#lanes.set(to, others)
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
