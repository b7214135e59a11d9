// Stories of D12: a table of owners that is full. Whoever is heard finds room; whoever finds none is told.
import { expect, test } from 'vitest'
import { OwnDocument } from '../../../src/core/document/document.js'
import { signHead } from '../../../src/core/wire/head.js'
import { wireLimits } from '../../../src/core/wire/limits.js'
import { type Parcel, encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { cheapCrypto } from '../crypto.js'
import type { World } from '../world.js'
import { cluster, done, rows } from './cluster.js'

const ghosts = Array.from({ length: wireLimits.documents }, (_, i) => `ghost${String(i).padStart(4, '0')}`)

const empty = new OwnDocument(cheapCrypto('ghost').hash, { entries: [], epoch: 1, client: 7 })
const content = { type: 'full', bytes: empty.encode() } as const

function emptyOf(owner: string): Parcel {
  const head = { owner, generation: 5, boot: '0'.repeat(16), epoch: 1, version: 1, incarnation: 0, client: 7 }
  return { signed: signHead({ ...head, digest: empty.entries.digest() }, cheapCrypto(owner)), content }
}

const parcels = ghosts.map(emptyOf)

/** Fills the table of a machine with owners that nobody hears. */
function fill(world: World, name: string): void {
  const bytes = encodeSyncRequest({ type: 'push', parcels })
  world.feed(name, { type: 'request', from: 'mallory', id: 1_000_000, bytes })
}

test('made-up owners fill the table, and whoever is heard finds room in it all the same', () => {
  const world = cluster('a')
  fill(world, 'a')
  world.until(() => world.machine('a').live.toJSON().documents === wireLimits.documents, 20_000, 'all of them')
  world.start('b')
  done(world, world.register('a', { id: 'x', slug: 'x', url: 'http://x.test:80' }), 20_000)
  world.until(() => world.machine('b').live.readiness().ready, 20_000, 'the start')
  done(world, world.register('b', { id: 'y', slug: 'y', url: 'http://y.test:80' }), 20_000)
  world.until(() => rows(world, 'a', 'y').length + rows(world, 'b', 'x').length === 2, 20_000, 'each other')
  world.until(() => world.digests().size === 1, 60_000, 'agreement')
})

test('a newcomer for which there is no room is told, in its log, by its readiness, beside each such peer', () => {
  const world = cluster('a')
  fill(world, 'a')
  world.run(5000)
  world.crash('a')
  const heard = JSON.stringify(Object.fromEntries(ghosts.map((owner) => [owner, world.moment('a').wall])))
  world.machine('a').disk.write([{ type: 'note', name: 'heard', value: heard }], true)
  world.start('a')
  world.until(() => world.machine('a').live.readiness().ready, 20_000, 'the start')
  world.start('b')
  const reasons = (): string => world.machine('b').live.readiness().reasons.join()
  world.until(() => reasons().includes('no room for this node'), 20_000, 'the refusal')
  const told = (name: string): string =>
    world
      .machine(name)
      .eventsOf('warning')
      .map(({ message }) => message)
      .join()
  expect(told('b')).toContain('no room for the records of this node')
  expect(told('a')).toContain('no room for another node (b)')
  const members = world.machine('b').live.read.members(world.moment('b'))
  expect(members.find(({ peer }) => peer === 'a')?.trouble).toContain('no room')

  done(world, world.command('a', { type: 'remove-node', owner: 'ghost0000' }), 20_000)
  // The one holds the made-up ones for met, as its notes say, the other does not: they find out slowly who observes whom.
  world.until(() => world.machine('b').live.readiness().ready, 60_000, 'room')
})
