// Stories of D8: a url that means another machine wherever it is read belongs to the node where it was registered; any other one moves.
import { expect, test } from 'vitest'
import { deriveInstanceId } from '../../../src/core/model/model.js'
import { hash } from '../crypto.js'
import type { World } from '../world.js'
import { agree, cluster, done, rows } from './cluster.js'

const shared = ['http://10.0.0.5:8080', 'http://s.test'] as const
const own = [
  ...[
    'http://127.0.0.1:8080',
    'http://localhost:8080',
    'http://[::1]:8080',
    'http://0.0.0.0:8080',
    'http://app.localhost',
  ],
  ...['http://169.254.1.2', 'http://[fe80::1]:80', 'http://[::ffff:127.0.0.1]:80'],
] as const

function register(world: World, name: string, url: string, more: object = {}): string {
  return done(world, world.register(name, { slug: 's', url, ...more })) as string
}

/** Whose instances of the slug each machine shows. */
function homes(world: World, by: string): (string | undefined)[] {
  const { live } = world.machine(by)
  return live.read.instances(world.moment(by), 's').map(({ nodeUrl }) => nodeUrl)
}

test.each(own)('%s at two nodes is two instances, and removing one leaves the other', (url) => {
  const world = cluster('abc')
  const ids = ['a', 'b'].map((name) => register(world, name, url))
  expect(new Set(ids).size).toBe(2)
  agree(world)
  world.run(500)
  expect(homes(world, 'c').sort()).toEqual(['http://a:58231', 'http://b:58231'])
  expect(register(world, 'a', url)).toBe(ids[0])
  expect(world.machine('a').eventsOf('instance-moved')).toEqual([])
  done(world, world.deregister('b', ids[1] as string))
  agree(world)
  for (const name of 'abc') expect(homes(world, name)).toEqual(['http://a:58231'])
})

test.each(shared)('%s registered elsewhere moves, and both homes say so, nobody else', (url) => {
  const world = cluster('abc')
  const id = register(world, 'a', url)
  agree(world)
  expect(register(world, 'b', url)).toBe(id)
  agree(world)
  world.run(500)
  for (const name of 'abc') expect(rows(world, name, id)).toEqual(['b#2'])
  const move = { type: 'instance-moved', id, slug: 's', url, from: 'a', to: 'b' }
  for (const name of 'ab') expect(world.machine(name).eventsOf('instance-moved')).toEqual([move])
  expect(world.machine('c').eventsOf('instance-moved')).toEqual([])
})

test('a record of an earlier version keeps its id at its home, and nobody else’s registration takes it away', () => {
  const world = cluster('ab')
  const url = 'http://127.0.0.1:8080'
  const earlier = deriveInstanceId('s', url, hash)
  register(world, 'a', url, { id: earlier })
  agree(world)
  expect(register(world, 'a', url)).toBe(earlier)
  expect(register(world, 'a', url, { tags: ['new'] })).toBe(earlier)
  const other = register(world, 'b', url)
  expect(other).not.toBe(earlier)
  agree(world)
  world.run(500)
  expect(rows(world, 'b', earlier)).toEqual(['a#2'])
  expect(rows(world, 'a', other)).toEqual(['b#1'])
  world.crash('a')
  world.start('a')
  agree(world)
  expect(register(world, 'a', url)).toBe(earlier)
})

test('one without a slug is the same one at its own node alone', () => {
  const world = cluster('ab')
  const url = 'http://localhost:1'
  const id = done(world, world.register('a', { url })) as string
  agree(world)
  expect(register(world, 'b', url)).not.toBe(id)
  expect(register(world, 'a', url)).toBe(id)
})

test('an id that is given moves, whatever its url is', () => {
  const world = cluster('ab')
  register(world, 'a', 'http://localhost:1', { id: 'x' })
  agree(world)
  register(world, 'b', 'http://localhost:1', { id: 'x' })
  agree(world)
  world.run(500)
  expect(rows(world, 'a', 'x')).toEqual(['b#2'])
})
