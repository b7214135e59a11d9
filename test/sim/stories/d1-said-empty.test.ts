// Stories of D1: what a registration does not say stays, what it says to be nothing goes; and saying either again writes nothing.
import { expect, test } from 'vitest'
import type { Registration } from '../../../src/core/model/model.js'
import type { World } from '../world.js'
import { cluster, done, rows } from './cluster.js'

const url = 'http://x.test'

/** What the own document of the machine holds of the instance, but for when it was registered. */
function written(world: World): unknown {
  const entry = world
    .machine('a')
    .disk.entriesOf('a')
    .find(({ map, key }) => map === 'instances' && key === 'x')
  const { stamp: _, ...record } = JSON.parse(entry?.value ?? '{}') as { stamp?: number }
  return record
}

function said(world: World, words: Partial<Registration>): void {
  done(world, world.register('a', { id: 'x', url, ...words }))
}

test.each([
  [{}, {}],
  [{ tags: [] }, { tags: undefined }],
  [{ slug: null }, { slug: undefined }],
  [{ deploymentId: null }, { deploymentId: undefined }],
  [
    { tags: [], slug: null, deploymentId: null },
    { tags: undefined, slug: undefined, deploymentId: undefined },
  ],
])('D1: %j', (words, gone) => {
  const world = cluster('a')
  const full = { slug: 's', deploymentId: 'd', tags: ['t'], check: 'none' }
  said(world, full)
  const before = written(world) as object
  said(world, words)
  const expected = Object.entries({ ...before, ...gone, n: Object.keys(gone).length === 0 ? 1 : 2 })
  expect(written(world)).toEqual(Object.fromEntries(expected.filter(([, value]) => value !== undefined)))
  const [row] = rows(world, 'a', 'x')
  said(world, words)
  expect(rows(world, 'a', 'x')).toEqual([row])
})

test('D1: one that never had any has none afterwards, and no empty ones are written', () => {
  const world = cluster('a')
  said(world, { tags: [], slug: null, deploymentId: null })
  expect(written(world)).toEqual({ n: 1, status: 'Healthy', url, scheme: 'http', host: 'x.test', port: 80 })
})
