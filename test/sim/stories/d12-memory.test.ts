// Stories of D12: the copies of all others have a budget. What is beyond it is known by its head alone, and nobody is out of step for that.
import { expect, test } from 'vitest'
import { OwnDocument } from '../../../src/core/document/document.js'
import { signHead } from '../../../src/core/wire/head.js'
import { encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { readinessOf } from '../../../src/daemon/service.js'
import { cheapCrypto } from '../crypto.js'
import type { World } from '../world.js'
import { agree, cluster, done, showing } from './cluster.js'

const entries = 200
/** Two of the documents below have room, or one of an owner of whom no word came, and three do not. */
const copies_bytes = 900_000

/** Gives a machine a document of so many instances of an owner that nobody ever hears. */
function give(world: World, to: string, owner: string, count = entries): void {
  const crypto = cheapCrypto(owner)
  const value = '{"n":1,"slug":"s","status":"Healthy","url":"http://i.test"}'
  const all = Array.from({ length: count }, (_, i) => ({ map: 'instances', key: `${owner}${i}`, value }) as const)
  const document = new OwnDocument(crypto.hash, { entries: all, epoch: 1, client: 7 })
  const head = { owner, generation: 5, boot: '0'.repeat(16), epoch: 1, version: 1, incarnation: 0, client: 7 }
  const signed = signHead({ ...head, digest: document.entries.digest() }, crypto)
  const parcels = [{ signed, content: { type: 'full', bytes: document.encode() } as const }]
  world.feed(to, {
    type: 'request',
    from: 'mallory',
    id: 1_000_000,
    bytes: encodeSyncRequest({ type: 'push', parcels }),
  })
}

function sizes(world: World, name: string): [number, number] {
  const { documents, declined } = world.machine(name).live.toJSON()
  return [documents, declined]
}

function readiness(world: World): object {
  return readinessOf({ registry: world.machine('b').live, standing: () => ({ alone: false, behind: false }) })
}

function settled(world: World): void {
  world.run(30_000)
  expect(world.digests().size).toBe(1)
  const before = world.wires.sent.request
  world.run(30_000)
  expect(world.wires.sent.request).toBeLessThanOrEqual(before + 1) // what may have shrunk is asked for at times
}

test('made-up owners fill nobody’s memory: nodes of different memory stay in step, through a restart, and serve', () => {
  const world = cluster('a')
  world.start('b', { copies_bytes })
  agree(world)
  for (let i = 0; i < 11; i++) give(world, i % 2 === 0 ? 'a' : 'b', `ghost${i}`)
  settled(world)
  expect(sizes(world, 'a')).toEqual([7, 5]) // of five it saw the heads alone: nobody holds what came to b
  expect(sizes(world, 'b')).toEqual([1, 11])
  expect(world.machine('b').live.toJSON().copies_bytes).toBeLessThan(copies_bytes)
  const told = world
    .machine('b')
    .eventsOf('warning')
    .filter(({ message }) => message.includes('no room'))
  expect(told.length).toBeGreaterThan(0)
  expect(told.length).toBeLessThan(5)
  const members = world.machine('b').live.read.members(world.moment('b'))
  expect(members.find(({ peer }) => peer === 'ghost3')?.trouble).toContain('no room')
  expect(readiness(world)).toEqual({ ready: true, reasons: [], degraded: false, behind: true })

  world.crash('b')
  world.start('b', { copies_bytes })
  agree(world)
  settled(world)
  expect(sizes(world, 'b')).toEqual([1, 11])
  done(world, world.register('a', { id: 'x', slug: 'x', url: 'http://x.test:80' }))
  world.until(() => showing(world, 'x') === 'ab', 5000, 'the write')
})

test('what finds no room at a start stays on disk, and what had none is asked for once there is some', () => {
  const world = cluster('ab')
  for (const owner of ['ghost1', 'ghost2', 'ghost3', 'ghost4']) give(world, 'a', owner)
  settled(world)
  expect(sizes(world, 'b')).toEqual([5, 0])
  world.crash('b')
  world.start('b', { copies_bytes })
  agree(world)
  settled(world)
  expect(sizes(world, 'b')).toEqual([3, 2])
  expect(world.machine('b').disk.load().documents).toHaveLength(6)

  const declined = world
    .machine('b')
    .live.read.members(world.moment('b'))
    .filter(({ trouble }) => trouble !== undefined)
  done(world, world.command('b', { type: 'remove-node', owner: declined[0]?.peer ?? '' })) // as much as is known of it
  world.crash('b')
  world.start('b')
  agree(world)
  settled(world)
  expect(sizes(world, 'b')).toEqual([4, 0])
  expect(readiness(world)).not.toHaveProperty('behind')
})

test('a document that outgrows the budget is not shown as it was before, and is shown again once there is room', () => {
  const world = cluster('a')
  world.start('b', { copies_bytes: 80_000 })
  agree(world)
  for (let i = 0; i < 60; i++)
    done(world, world.register('a', { id: `x${i}`, slug: `x${i}`, url: `http://x${i}.test:80` }))
  world.run(3000)
  expect(world.machine('b').live.toJSON().declined).toBe(1)
  expect(showing(world, 'x0')).toBe('a')
  const why = (): string | undefined =>
    world
      .machine('b')
      .live.read.rows(world.moment('b'))
      .find(({ id }) => id === 'x0')?.why
  expect(why()).toBe('no room for what its node says now')
  settled(world)

  for (let i = 5; i < 60; i++) done(world, world.command('a', { type: 'deregister', id: `x${i}` }))
  world.until(() => showing(world, 'x0') === 'ab', 200_000, 'room')
  settled(world)
})
