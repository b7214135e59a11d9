// Stories of D4: a daemon that finds another one with its key stops to sign; every caller is told, whatever phase came between.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/core/effects.js'
import { decodeGossip, encodeGossip } from '../../../src/core/wire/gossip.js'
import { signHead } from '../../../src/core/wire/head.js'
import { parseRegistration } from '../../../src/core/model/model.js'
import { cheapCrypto } from '../crypto.js'
import type { Answer } from '../engine.js'
import type { World } from '../world.js'
import { agree, cluster, registered } from './cluster.js'

const secret = 's'.repeat(32)

/** One of each that may wait for something. `x` is at home here, `y` at another node. */
const commands: readonly Command[] = [
  { type: 'register', registration: parseRegistration({ id: 'new', slug: 'new', url: 'http://new.test:80' }, 'own') },
  { type: 'deregister', id: 'x' },
  { type: 'deregister', id: 'y' },
  { type: 'act', id: 'x', act: { type: 'maintenance', reason: 'r' } },
  { type: 'act', id: 'y', act: { type: 'maintenance', reason: 'r' } },
  { type: 'act', id: 'x', act: { type: 'suspect', caller: 'c' } },
  { type: 'act', id: 'y', act: { type: 'suspect', caller: 'c' } },
  { type: 'save-definition', definition: { id: 'd', body: 1 } },
  { type: 'remove-node', owner: 'c' },
  { type: 'open-session', secret, line: 1, isNew: true },
  { type: 'acknowledge', acks: 3, patience_ms: 2000 },
  { type: 'drain', isDraining: true },
  { type: 'leave', restart: true },
]

/** Another start with its key is heard of, and once that was continued, heard of again. */
function muted(world: World, name: string): void {
  const { self } = world.machine(name)
  for (const ahead of [1000, 2000]) {
    const signed = signHead(
      {
        ...{ owner: self, generation: world.machine(name).live.generation + ahead, boot: 'ff'.repeat(8) },
        ...{ epoch: 9, version: 900 + ahead, incarnation: 0, client: 7, digest: new Uint8Array(32) },
      },
      cheapCrypto(self),
    )
    const step = { fromEpoch: 8, fromVersion: 8, bytes: Uint8Array.of(1) }
    world.feed(name, { type: 'gossip', author: 'b', bytes: encodeGossip({ type: 'update', signed, step }) })
  }
  expect(world.machine(name).live.toJSON().phase).toBe('muted')
}

function asked(world: World, name: string): Answer[] {
  return commands.map((command) => world.command(name, command))
}

test.each([
  { phase: 'starting', ms: 0 },
  { phase: 'opening', ms: 0 },
  { phase: 'ready', ms: 0 },
  { phase: 'ready', ms: 400 },
])(
  'D4: whoever asked while it was $phase is answered where it is muted, $ms ms later or as soon as it signs',
  (story) => {
    const world = cluster('abc', { fsync_ms: 300 })
    registered(world, 'a', 'x')
    registered(world, 'b', 'y')
    agree(world)
    world.crash('a')
    world.run(1000)
    world.start('a', { boot: '0'.repeat(16) })
    world.until(() => world.machine('a').live.toJSON().phase === story.phase, 8000, story.phase, 1)
    const answers = asked(world, 'a')
    world.run(story.ms)
    world.until(() => ['opening', 'ready'].includes(world.machine('a').live.toJSON().phase), 8000, 'signing', 1)
    const before = world.machine('a').live.generation
    muted(world, 'a')
    const said: number[] = []
    world.wires.tap = ({ kind, from, bytes }) => {
      const gossip = kind === 'gossip' && from === 'a' ? decodeGossip(bytes) : undefined
      if (gossip?.type === 'update' && gossip.signed.head.owner === 'a') said.push(gossip.signed.head.version)
    }
    const later = asked(world, 'a')
    world.run(10_000)
    const open = [...answers, ...later].flatMap(({ result }, i) =>
      result === undefined ? [JSON.stringify(commands[i % commands.length])] : [],
    )
    expect(open).toEqual([])
    for (const { result } of later) expect(result?.error?.message).toMatch(/another daemon runs with this node's key/)
    expect(said).toEqual([])
    expect(world.machine('a').live.generation).toBeGreaterThan(before)
    expect(world.machine('a').live.toJSON()).toMatchObject({
      waitingForDisk: 0,
      unsavedDocuments: 0,
      committing: false,
    })
    expect(world.instances('b')).not.toContain('new')
    expect(world.machine('a').live.readiness().reasons.join()).toMatch(/another daemon runs with this node's key/)
  },
)

test('D4: what was on its way to the disk of a muted daemon is told by its next start', () => {
  const world = cluster('ab', { fsync_ms: 300 })
  const early = world.register('a', { id: 'x', slug: 'x', url: 'http://x.test:80' })
  world.run(50)
  muted(world, 'a')
  world.run(1000)
  expect(early.result?.error?.message).toMatch(/may be on its disk/)
  expect(world.instances('b')).toEqual([])
  world.crash('a')
  world.start('a')
  agree(world)
  expect(world.instances('b')).toEqual(['x'])
})

test('D4: whoever waits for the first head is told where the disk refuses the generation', () => {
  const world = cluster('ab')
  world.crash('a')
  world.machine('a').disk.failure = 'ENOSPC: no space left'
  world.start('a')
  const answer = world.register('a', { id: 'x', slug: 'x', url: 'http://x.test:80' })
  world.run(3000)
  expect(answer.result?.error?.message).toMatch(/the disk refuses writes/)
})
