// A member that lies about another: it says to everybody what it would say if that one lived, and reports nothing.
import { type RelayedHeartbeat, decodeBeat, encodeBeat } from '../../src/core/wire/beat.js'
import { decodeGossip } from '../../src/core/wire/gossip.js'
import { quickHash } from './crypto.js'
import type { Sent } from './wires.js'
import type { World } from './world.js'

export interface Lie {
  /** By how much its numbers are higher than the true ones would be. */
  readonly ahead?: number
  /** It says the same to whoever is not connected with it as well. */
  readonly toAll?: boolean
}

export function shortIdOf(id: string): number {
  return quickHash(new TextEncoder().encode(id))
    .subarray(0, 6)
    .reduce((value, byte) => value * 0x100 + byte, 0)
}

/** From now on these members lie about `subject`; nobody else's words change. */
export function lie(
  world: World,
  liars: readonly string[],
  subject: string,
  { ahead = 0, toAll = false }: Lie = {},
): void {
  let { generation } = world.machine(subject).live
  const shortId = shortIdOf(subject)
  const last = { sequence: 0, at: world.now }
  const madeUp = (): RelayedHeartbeat => {
    const sequence = last.sequence + ahead + Math.floor((world.now - last.at) / 1000)
    return { shortId, generation, sequence, load: 0, age_ms: 0 }
  }
  const toldAt = new Map<string, number>()
  world.wires.tap = ({ kind, from, to, bytes, author }: Sent) => {
    if (kind === 'gossip') return !(liars.includes(author ?? '') && decodeGossip(bytes)?.type === 'report')
    const frame = kind === 'beat' ? decodeBeat(bytes) : undefined
    if (from === subject && frame?.type === 'heartbeat')
      Object.assign(last, { sequence: frame.sequence, at: world.now })
    if (from === subject && frame?.type === 'heartbeat') generation = frame.generation
    if (frame === undefined || !liars.includes(from)) return true
    if (frame.type !== 'heartbeat') return frame.type !== 'report'
    const relayed = [...frame.relayed.filter((one) => one.shortId !== shortId), madeUp()]
    const lying = encodeBeat({ ...frame, relayed })
    const others = toAll && world.now - (toldAt.get(from) ?? 0) >= 900 ? world.running().map(({ name }) => name) : []
    if (others.length > 0) toldAt.set(from, world.now)
    for (const other of new Set([to, ...others]))
      if (other !== from) world.feed(other, { type: 'beat', from, bytes: lying })
    return false
  }
}
