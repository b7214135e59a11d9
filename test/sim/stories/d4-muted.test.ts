// Stories of D4: a daemon that finds another one with its key stops to sign; every caller is told, whatever phase came between.
import { expect, test } from 'vitest'
import type { Command } from '../../../src/core/effects.js'
import { decodeGossip, encodeGossip } from '../../../src/core/wire/gossip.js'
import { signHead } from '../../../src/core/wire/head.js'
import { parseRegistration } from '../../../src/core/model/model.js'
import { cheapCrypto } from '../crypto.js'
import type { Answer } from '../engine.js'
import type { World } from '../world.js'
import { agree, cluster, done, registered } from './cluster.js'

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

/** Another start with its key is heard of. */
function heard(world: World, name: string, ahead: number): void {
  const { self } = world.machine(name)
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

/** Once that was continued, it is heard of again. */
function muted(world: World, name: string): void {
  for (const ahead of [1000, 2000]) heard(world, name, ahead)
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

test.each([
  ['before what is saved of it is on its way to the disk', 0],
  ['while that is', 301],
])('D4: what is fenced as a daemon goes mute, %s, is saved and leaves its disk once it is back', (_, later_ms) => {
  const world = cluster('abcd', { fsync_ms: 300 })
  world.partition(['a', 'd'], ['b', 'c'])
  world.run(3000)
  done(world, world.define('d', 'kept'))
  world.run(2000)
  world.crash('d')
  world.run(4000)
  const { self } = world.machine('d')
  done(world, world.command('b', { type: 'remove-node', owner: self }))
  heard(world, 'a', 1000)
  world.run(2000)
  world.heal()
  const isHeld = (name: string): boolean =>
    world
      .machine(name)
      .live.read.digest()
      .documents.some(({ owner }) => owner === self)
  let busy = 0
  const isFenced = (): boolean => {
    // Something is always on its way: what is saved has to wait.
    if (world.now % 50 === 0) world.register('a', { id: `y${(busy += 1)}`, url: `http://y${busy}.test:80` })
    return !isHeld('a')
  }
  world.until(isFenced, 20_000, 'the fence', 1)
  world.run(later_ms)
  heard(world, 'a', 2000)
  expect(world.machine('a').live.toJSON()).toMatchObject({ phase: 'muted', committing: true })
  world.until(() => world.machine('a').live.toJSON().phase === 'ready', 60_000, 'it comes back', 100)
  agree(world)
  for (const name of 'abc') {
    expect(world.definitions(name)).toEqual(['kept'])
    const owners = world
      .machine(name)
      .disk.load()
      .documents.map(({ owner }) => owner)
    expect(owners).toEqual(['a', 'b', 'c'])
  }
})
