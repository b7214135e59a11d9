// Stories of D12: one owner may hold as many instances as a document takes; what happens to all of them at once stops nobody.
import { expect, test } from 'vitest'
import { OwnDocument } from '../../../src/core/document/document.js'
import { encodeBeat } from '../../../src/core/wire/beat.js'
import { signHead } from '../../../src/core/wire/head.js'
import { wireLimits } from '../../../src/core/wire/limits.js'
import { encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { beat } from '../../core/beats.js'
import { cheapCrypto } from '../crypto.js'
import { cluster, done } from './cluster.js'

test('an owner of as many instances as a document may hold is heard, and goes, like any other', () => {
  const world = cluster('a')
  const owner = 'large'
  const crypto = cheapCrypto(owner)
  const value = '{"n":1,"slug":"s","status":"Healthy","url":"http://i.test"}'
  const entries = Array.from(
    { length: wireLimits.entries },
    (_, i) => ({ map: 'instances', key: `i${i}`, value }) as const,
  )
  const document = new OwnDocument(crypto.hash, { entries, epoch: 1, client: 7 })
  const head = { owner, generation: 5, boot: '0'.repeat(16), epoch: 1, version: 1, incarnation: 0, client: 7 }
  const signed = signHead({ ...head, digest: document.entries.digest() }, crypto)
  const content = { type: 'full', bytes: document.encode() } as const
  const changes = (): number => world.machine('a').eventsOf('instance').length

  const bytes = encodeSyncRequest({ type: 'push', parcels: [{ signed, content }] })
  world.feed('a', { type: 'request', from: owner, id: 1_000_000, bytes })
  world.feed('a', { type: 'beat', from: owner, bytes: encodeBeat(beat(1, 5)) })
  world.run(500)
  expect(changes()).toBe(wireLimits.entries)
  world.run(10_000) // without a word of it
  expect(changes()).toBe(2 * wireLimits.entries)
  done(world, world.define('a', 'still-works'))
})
