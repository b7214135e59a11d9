// What an instance says of itself, as it is asked for: filters by it, its named ports, its weight.
import { expect, test } from 'vitest'
import { filtersOfQuery, matches, queryOfFilters } from '../../src/config/filters.js'
import { worthPicking } from '../../src/core/lookup/preference.js'
import { readTraits } from '../../src/core/model/traits.js'
import { type InstanceView, atPort } from '../../src/core/views.js'
import { cluster, done } from '../sim/stories/cluster.js'

const view: InstanceView = {
  ...{
    id: 'i',
    url: 'http://10.0.0.7:8080/api',
    port: 8080,
    path: 'api',
    status: 'Healthy',
    zone: 'eu-1',
    version: '2',
  },
  ...{ metadata: { team: 'blue', tier: '1' }, ports: { http: 8080, metrics: 9464 } },
}

test.each([
  [{ metadata: { team: 'blue' } }, true],
  [{ metadata: { team: 'blue', tier: '1' } }, true],
  [{ metadata: { team: 'green' } }, false],
  [{ metadata: { toString: 'x' } }, false],
  [{ version: '2', zone: 'eu-1' }, true],
  [{ version: '3' }, false],
])('the filters %j fit: %s, also after a journey in a query', (filters, fits) => {
  expect(matches(view, filters)).toBe(fits)
  expect(matches(view, filtersOfQuery(queryOfFilters(filters)))).toBe(fits)
})

test.each([
  ['http', 'http://10.0.0.7:8080/api'],
  ['metrics', 'http://10.0.0.7:9464'],
  ['none', undefined],
  ['toString', undefined],
])('at its port %s it is called at %s', (name, url) => {
  expect(atPort(view, name)?.url).toBe(url)
  expect(atPort({ ...view, url: 'http://[fd00::7]:8080/api' }, name)?.url).toBe(url?.replace('10.0.0.7', '[fd00::7]'))
})

type Listed = readonly [id: string, status: InstanceView['status'], weight?: number]

test.each<[string, readonly Listed[], boolean, string]>([
  [
    'weight 0 waits',
    [
      ['a', 'Healthy', 0],
      ['b', 'Healthy'],
    ],
    false,
    'b',
  ],
  [
    'also for one of unknown health',
    [
      ['a', 'Healthy', 0],
      ['b', 'Unknown', 1],
    ],
    false,
    'b',
  ],
  [
    'but not for one that is bad',
    [
      ['a', 'Healthy', 0],
      ['b', 'Unreachable', 1],
    ],
    false,
    'a',
  ],
  [
    'nor in doubt',
    [
      ['a', 'Healthy', 0],
      ['b', 'Unreachable', 1],
    ],
    true,
    'a',
  ],
  ['and is picked where nothing else is', [['a', 'Unknown', 0]], false, 'a'],
  ['a bad one of weight 0 is not', [['a', 'Error', 0]], false, ''],
])('%s', (_, listed, inDoubt, expected) => {
  const picked = worthPicking(
    listed,
    ([, status, weight]) => ({ status, ...(weight !== undefined && { weight }) }),
    inDoubt,
  )
  expect(picked.map(([id]) => id).join('')).toBe(expected)
})

test('picks by the name of a port take turns among those that have it, and leave the others', () => {
  const world = cluster('ab')
  const ports = { metrics: 9464 }
  for (const id of ['x', 'y']) done(world, world.register('a', { id, slug: 's', url: `http://${id}.test:80`, ports }))
  done(world, world.register('a', { id: 'z', slug: 's', url: 'http://z.test:80' }))
  world.run(2000)
  const { read } = world.machine('b').live
  const picked = Array.from({ length: 4 }, () => read.picked('s', { port: 'metrics' })?.url).sort()
  expect(picked).toEqual([
    ...Array<string>(2).fill('http://x.test:9464'),
    ...Array<string>(2).fill('http://y.test:9464'),
  ])
  expect(read.picked('s', { port: 'none' })).toBeUndefined()
  done(world, world.command('b', { type: 'act', id: 'x', act: { type: 'patch', weight: 0 } }))
  expect([0, 1, 2].map(() => read.picked('s', { port: 'metrics' })?.id)).toEqual(['y', 'y', 'y'])
})

test('of a record of before, whose ports differ in case alone, both are kept', () => {
  expect(readTraits({ ports: { HTTP: 1, http: 2 } })).toEqual({ ports: { HTTP: 1, http: 2 } })
})
