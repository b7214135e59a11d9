/**
 * The frames of a heartbeat stream, sent to one observer at a time: heartbeats and vitals.
 */
import type { PeerId } from '../model.js'
import { Writer, decode } from './codec.js'
import { wireLimits } from './limits.js'

export interface Heartbeat {
  readonly type: 'heartbeat'
  readonly generation: number
  readonly incarnation: number
  /** Raised by each heartbeat of a generation. */
  readonly sequence: number
  /** Percent of the machine's CPU. */
  readonly load: number
  /** 8 bytes over the heads that this daemon holds and that have settled. */
  readonly digest: Uint8Array
  readonly relayed: readonly RelayedHeartbeat[]
}

/** Hearsay about another member: refreshes when it was last heard, and never raises a generation. */
export interface RelayedHeartbeat {
  /** The first 8 bytes of the hash of its peer id. */
  readonly shortId: Uint8Array
  readonly generation: number
  readonly sequence: number
  readonly load: number
  /** How long before this frame the relaying daemon knew it to be alive, milliseconds. */
  readonly age_ms: number
}

/** Usage and GPUs of a machine, as JSON; passed on unread. */
export interface Vitals {
  readonly type: 'vitals'
  readonly owner: PeerId
  readonly generation: number
  readonly sequence: number
  readonly json: string
}

export type BeatFrame = Heartbeat | Vitals

const kinds = { heartbeat: 1, vitals: 2 } as const

export function encodeBeat(frame: BeatFrame): Uint8Array {
  const writer = new Writer(128)
  if (frame.type === 'vitals') {
    return writer
      .uint(kinds.vitals)
      .text(frame.owner)
      .uint(frame.generation)
      .uint(frame.sequence)
      .text(frame.json)
      .done()
  }
  writer.uint(kinds.heartbeat).uint(frame.generation).uint(frame.incarnation).uint(frame.sequence)
  writer.uint(frame.load).raw(frame.digest)
  return writer
    .list(frame.relayed, (relayed) => {
      writer.raw(relayed.shortId).uint(relayed.generation).uint(relayed.sequence)
      writer.uint(relayed.load).uint(relayed.age_ms)
    })
    .done()
}

export function decodeBeat(bytes: Uint8Array): BeatFrame | undefined {
  if (bytes.length > wireLimits.beatBytes) return undefined
  return decode(bytes, (reader): BeatFrame | undefined => {
    const kind = reader.uint(2)
    if (kind === kinds.vitals) {
      return {
        type: 'vitals',
        owner: reader.text(wireLimits.peerIdBytes),
        generation: reader.uint(),
        sequence: reader.uint(),
        json: reader.text(wireLimits.vitalsBytes),
      }
    }
    if (kind !== kinds.heartbeat) return undefined
    return {
      type: 'heartbeat',
      generation: reader.uint(),
      incarnation: reader.uint(),
      sequence: reader.uint(),
      load: reader.uint(100),
      digest: reader.raw(8),
      relayed: reader.list(wireLimits.relayedHeartbeats, () => ({
        shortId: reader.raw(8),
        generation: reader.uint(),
        sequence: reader.uint(),
        load: reader.uint(100),
        age_ms: reader.uint(),
      })),
    }
  })
}
