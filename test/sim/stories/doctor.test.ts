// Stories of the doctor: what goes wrong in a cluster is found, named, and nothing else is.
import { describe, expect, test } from 'vitest'
import { findingsAt, foundAt } from '../survey.js'
import { agree, cluster, done } from './cluster.js'

test('of a cluster that is well nothing is found, whoever is asked; an end in order is none', () => {
  const world = cluster('abcd')
  done(world, world.register('a', { id: 'i', slug: 'web', url: 'http://web.test:80' }))
  world.run(15_000)
  for (const name of 'abcd') expect(foundAt(world, name)).toEqual([])
  world.leave('d')
  world.run(15_000)
  for (const name of 'abc') expect(foundAt(world, name)).toEqual([])
})

test('of a node that is killed every other one says who, for how long, and what to do', () => {
  const world = cluster('abc')
  world.crash('c')
  world.run(20_000)
  for (const name of 'ab') expect(foundAt(world, name)).toEqual(['error node-gone node-c'])
  const [finding] = findingsAt(world, 'a')
  expect(finding?.what).toMatch(/^node-c is (hidden|dead), out of sight for (1[89]|20) s\.$/)
  expect(finding?.remedy).toContain('rollcall')
})

test('a link that is cut is told by both ends and by all others, with nobody gone', () => {
  const world = cluster('abcde')
  world.cut('c', 'd')
  world.run(20_000)
  expect(foundAt(world, 'a')).toEqual(['warning link-failing node-c–node-d'])
  expect(foundAt(world, 'c')).toEqual(['warning link-failing node-c→node-d'])
  expect(foundAt(world, 'd')).toEqual(['warning link-failing node-d→node-c'])
})

describe('packets that come through one way alone', () => {
  const from_ms = 3000
  const deaf = /^node-d does not hear node-c \(.+\), while node-c hear(s|d) node-d( to the end)?\.$/

  test('are told by all who can ask both, from the first silence on and after the link is gone, with the direction', () => {
    const world = cluster('abcde')
    world.wires.set('c', 'd', { cut: true })
    world.run(from_ms)
    for (let i = 0; i < 20; i++) {
      for (const name of 'abe') {
        expect(foundAt(world, name)).toEqual(['warning one-way-link node-d→node-c'])
        expect(findingsAt(world, name)[0]?.what).toMatch(deaf)
      }
      world.run(1000)
    }
  })

  test('leave neither end of the link without a word of it', () => {
    const world = cluster('abcde')
    world.wires.set('c', 'd', { cut: true })
    world.run(from_ms)
    for (let i = 0; i < 20; i++) {
      for (const name of 'cd')
        expect(foundAt(world, name)).toEqual([expect.stringMatching(/^warning (one-way-link|link-failing) node-[cd]→/)])
      world.run(1000)
    }
  })
})

test('a node that is cut off finds itself in doubt; the others find it gone', () => {
  const world = cluster('abcde')
  world.partition(['a'], ['b', 'c', 'd', 'e'])
  world.run(20_000)
  const [first] = foundAt(world, 'a')
  expect(first).toBe('error in-doubt node-a')
  expect(foundAt(world, 'b')).toEqual(['error node-gone node-a'])
})

test('a disk that refuses is told of here and there, with its own words here', () => {
  const world = cluster('abc')
  world.machine('a').disk.failure = 'ENOSPC: no space left on device'
  world.register('a', { id: 'i', slug: 'web', url: 'http://web.test:80' })
  world.run(2000)
  expect(foundAt(world, 'b')).toEqual(['error disk-refuses node-a'])
  expect(foundAt(world, 'a')).toContain('error disk-refuses node-a')
  expect(findingsAt(world, 'a')[0]?.what).toContain('no space left')
})

test('two daemons of one key are found, at whichever of the nodes somebody asks', () => {
  const world = cluster('abcd')
  world.crash('a')
  world.clone('a', 'a2')
  world.partition(['a', 'c'], ['a2', 'd'])
  world.start('a')
  world.start('a2')
  world.run(5000)
  world.heal()
  for (let i = 0; i < 20; i++) {
    for (const name of ['a', 'a2']) world.register(name, { id: `${name}-${i}`, url: `http://${name}-${i}.test:80` })
    world.run(500)
  }
  const isFound = (name: string): boolean => foundAt(world, name).some((line) => line.startsWith('error clone'))
  expect(['a', 'a2', 'c', 'd'].filter(isFound)).not.toEqual([])
  expect(isFound('c') || isFound('d')).toBe(true)
})

test('two that call themselves the same are both named', () => {
  const world = cluster('ab')
  world.start('c', { nodeId: 'node-b', url: 'http://other:1' })
  agree(world)
  expect(foundAt(world, 'a')).toEqual(['warning label-twice node-b'])
  expect(findingsAt(world, 'a')[0]?.what).toContain('http://other:1')
})

describe('a clock that is wrong', () => {
  test('is told of whose it is', () => {
    const world = cluster('abc')
    world.machine('c').wallOffset_ms = -86_400_000
    expect(foundAt(world, 'a')).toEqual(['warning clock-skew node-c'])
    expect(findingsAt(world, 'a')[0]?.what).toContain('node-c is 24 h behind')
    expect(foundAt(world, 'c')).toEqual(['warning clock-skew node-c'])
  })
})

test('a service with nothing to pick is named, with the reason; one that is well beside it is not', () => {
  const world = cluster('ab')
  world.service('http://bad.test:80', 'Unreachable')
  done(world, world.register('a', { id: 'x', slug: 'bad', url: 'http://bad.test:80' }))
  done(world, world.register('a', { id: 'y', slug: 'good', url: 'http://good.test:80' }))
  world.run(15_000)
  expect(foundAt(world, 'b')).toEqual(['error nothing-to-pick bad', 'note checks-failing x'])
  done(world, world.command('b', { type: 'act', id: 'y', act: { type: 'maintenance', reason: 'new disk' } }))
  world.run(1000)
  expect(findingsAt(world, 'a')[0]).toMatchObject({ about: ['bad', 'good'] })
  expect(findingsAt(world, 'a')[0]?.what).toContain('in maintenance: new disk')
})

test('an instance that is called at loopback is told of as soon as there is somebody else', () => {
  const world = cluster('a')
  done(world, world.register('a', { id: 'l', slug: 'web', url: 'http://localhost:80' }))
  expect(foundAt(world, 'a')).toEqual([])
  world.start('b')
  agree(world)
  expect(foundAt(world, 'b')).toEqual(['warning instance-loopback l'])
})

test('a url that callers of one node do not reach is told there, and nowhere else, while its home finds it well', () => {
  const world = cluster('ab')
  world.service('http://web.test:80', 'Healthy')
  done(world, world.register('b', { id: 'x', slug: 'web', url: 'http://web.test:80' }))
  world.run(5000)
  expect(foundAt(world, 'a')).toEqual([])
  for (let i = 0; i < 5; i++) {
    world.command('a', { type: 'act', id: 'x', act: { type: 'suspect' } })
    world.run(1000)
  }
  expect(foundAt(world, 'a')).toEqual(['warning url-unreachable x'])
  expect(findingsAt(world, 'a')[0]?.what).toContain('http://web.test:80 (healthy at its home, node-b)')
  expect(foundAt(world, 'b')).toEqual([])
  world.run(60_000)
  expect(foundAt(world, 'a')).toEqual([])
})

test('a node that is drained is noted', () => {
  const world = cluster('ab')
  done(world, world.command('a', { type: 'drain', isDraining: true }))
  world.run(1000)
  expect(foundAt(world, 'b')).toEqual(['note draining node-a'])
})
