/** A machine that holds large documents, and what it says to those who are no machines: what it gives, in which turn. */
import { HostileWriter } from '../../../scripts/violence/hostile-writer.js'
import type { Effect } from '../../../src/core/effects.js'
import { encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { cheapCrypto } from '../crypto.js'
import { World } from '../world.js'
import { agree } from './cluster.js'

export const megabyte = 1024 * 1024

/** The document of somebody with one large entry, as it is pushed. */
export function pushOf(owner: string, bytes: number): Uint8Array {
  const value = JSON.stringify({ definition: { id: owner, x: 'x'.repeat(bytes) }, stamp: 1, writer: owner })
  const { full } = new HostileWriter(owner, cheapCrypto(owner), [{ map: 'definitions', key: owner, value }])
  return encodeSyncRequest({ type: 'push', parcels: [full] })
}

export interface Library {
  readonly world: World
  /** To questions of at least a million. */
  readonly replies: (Effect & { type: 'reply' })[]
  readonly requests: (Effect & { type: 'request' })[]
  /** Writes of its own document, by what they are. */
  readonly stores: number[]
}

/** It holds documents of so many bytes. */
export function library(documents: number, bytes: number): Library {
  const replies: (Effect & { type: 'reply' })[] = []
  const requests: (Effect & { type: 'request' })[] = []
  const stores: number[] = []
  const world = new World({
    seed: 1,
    watch: (_machine, _now, _input, effects) => {
      for (const effect of effects) if (effect.type === 'reply' && effect.id >= 1_000_000) replies.push(effect)
      for (const effect of effects) if (effect.type === 'request') requests.push(effect)
      for (const effect of effects) if (effect.type === 'store' && effect.sync) stores.push(effect.id)
    },
  })
  world.start('a')
  world.feed('a', { type: 'beginning', stage: 'over' })
  agree(world)
  for (let i = 0; i < documents; i++) {
    world.feed('a', { type: 'request', from: 'mallory', id: 100 + i, bytes: pushOf(`owner${i}`, bytes) })
    world.run(10)
  }
  return { world, replies, requests, stores }
}

export const everything = encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: [] })

export function bytesOf(effects: readonly { readonly bytes: Uint8Array }[]): number {
  return effects.reduce((total, { bytes }) => total + bytes.length, 0)
}
