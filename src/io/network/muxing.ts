/**
 * Streams over one connection, with less to say about them: yamux 8 answers every frame of data with a window update, which
 * for small frames doubles what is sent. Here it does so when half of the window is used up, as the other implementations do. What it
 * may hold is bounded elsewhere.
 */
import type { StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import type { Allowances } from './allowances.js'
import type { Drops } from './drops.js'
import { demuxInTurns } from './intake.js'
import { MuxerLimits, muxerLimits, windowBytes } from './muxer-limits.js'
import { type UnreadOptions, UnreadWords } from './unread.js'

/** What is private in a stream of yamux, and pinned with its version. */
interface FlowControl {
  readonly state: number
  readonly recvWindow: number
  readonly recvWindowCapacity: number
  sendWindowUpdate?: () => void
}

/** `StreamState.Established` of yamux: no flag waits for a window update to carry it. */
const established = 3

export function muxing(
  drops: Drops,
  allowances: Allowances,
  unreadOptions: UnreadOptions = {},
): () => StreamMuxerFactory {
  const make = yamux({
    maxInboundStreams: muxerLimits.streams,
    streamOptions: { maxStreamWindowSize: windowBytes },
  })
  const limits = new MuxerLimits(drops)
  const unread = new UnreadWords(drops, unreadOptions)
  return () => {
    const factory = make()
    const create = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => {
      const muxer = create(connection)
      const parts = muxer as unknown as { _newStream?: (...values: unknown[]) => FlowControl }
      const newStream = parts._newStream?.bind(muxer)
      if (newStream !== undefined) parts._newStream = (...values) => updatedLate(newStream(...values))
      const come = limits.guard(muxer, connection)
      unread.guard(muxer, connection)
      demuxInTurns(muxer, connection, come, allowances.of(connection))
      return muxer
    }
    return factory
  }
}

function updatedLate(stream: FlowControl): FlowControl {
  const update = stream.sendWindowUpdate?.bind(stream)
  if (update === undefined) return stream
  stream.sendWindowUpdate = () => {
    if (stream.state !== established || stream.recvWindowCapacity <= stream.recvWindow / 2) update()
  }
  return stream
}
