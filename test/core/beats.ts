// Heads and heartbeats as plain data, of whom a story needs them.
import type { Heartbeat, RelayedHeartbeat } from '../../src/core/wire/beat.js'
import type { Head } from '../../src/core/wire/head.js'

const digest = new Uint8Array(8)

export function headOf(owner: string, generation = 1, incarnation = 0): Head {
  const version = generation * 100 + incarnation
  const boot = generation.toString(16).padStart(16, '0')
  return { owner, generation, version, boot, epoch: 1, incarnation, client: 1, digest }
}

export function beat(sequence: number, generation = 1, relayed: readonly RelayedHeartbeat[] = []): Heartbeat {
  return { type: 'heartbeat', generation, incarnation: 0, sequence, load: 0, digest, relayed }
}
