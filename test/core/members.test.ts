// All members in one view: what it costs grows as the cluster does, and no faster.
import { expect, test } from 'vitest'
import { type Member, newMember } from '../../src/core/membership/member.js'
import type { NodeRecord, PeerId } from '../../src/core/model/model.js'
import { Reads } from '../../src/core/reads.js'
import type { RegistryState } from '../../src/core/state.js'
import { headOf } from './beats.js'

/** Node records that count how many of them were read. */
class Counted extends Map<PeerId, NodeRecord> {
  reads = 0

  override get(peer: PeerId): NodeRecord | undefined {
    this.reads += 1
    return super.get(peer)
  }

  override *values(): MapIterator<NodeRecord> {
    for (const record of super.values()) {
      this.reads += 1
      yield record
    }
  }

  override *[Symbol.iterator](): MapIterator<[PeerId, NodeRecord]> {
    for (const entry of super.entries()) {
      this.reads += 1
      yield entry
    }
  }
}

function reading(peers: readonly PeerId[], records: Counted): Reads {
  const others = peers.slice(1).map((peer): Member => newMember(peer, new Uint8Array(32), headOf(peer), 0))
  const byId = new Map(others.map((member) => [member.id, member]))
  const membership = { members: () => others, member: (id: PeerId) => byId.get(id), reporters: () => [] }
  const state = {
    self: peers[0],
    startedAt: 0,
    records: { union: { nodes: () => records, node: (peer: PeerId) => records.get(peer) } },
    liveness: { membership, heartbeats: {} },
    identity: { generation: 1, incarnation: 0 },
    replica: { head: () => undefined },
    commits: {},
    troubleOf: () => undefined,
  }
  return new Reads(state as unknown as RegistryState)
}

const peers = Array.from({ length: 300 }, (_, i) => `p${i}`)

test('each node record is read a few times, however many members there are', () => {
  const records = new Counted(peers.map((peer) => [peer, { id: `n-${peer}`, url: `http://${peer}:1`, addresses: [] }]))
  expect(reading(peers, records).members({ now: 0, wall: 0 })).toHaveLength(300)
  expect(records.reads).toBeGreaterThanOrEqual(300)
  expect(records.reads).toBeLessThanOrEqual(3 * 300)
})

test('whoever shares its label with another, known to be a member or not, is told so; no label is none', () => {
  const records = new Counted(
    Object.entries({ a: 'one', b: 'two', c: 'two', x: 'one' }).map(([peer, id]) => [
      peer,
      { id, url: 'http://x:1', addresses: [] },
    ]),
  )
  const members = reading(['a', 'b', 'c', 'd', 'e'], records).members({ now: 0, wall: 0 })
  expect(members.map(({ sameLabel }) => sameLabel)).toEqual([true, true, true, false, false])
})
