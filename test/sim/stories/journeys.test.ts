// The four journeys, end to end in virtual time: register, heartbeat to hidden, lookup, join.
import { expect, test } from 'vitest'
import { World } from '../world.js'
import { agree, cluster, done, registered, showing, shownStatus } from './cluster.js'

test('register: an instance is acknowledged without waiting for peers, and visible on all within 100 ms', () => {
  const world = cluster('abcde')
  const answer = world.register('a', { id: 'i', slug: 's', url: 'http://i.test:80' })
  const begun = world.now
  world.until(() => answer.result !== undefined, 20, 'the acknowledgement')
  world.until(() => showing(world, 's') === 'abcde', 100, 'visibility on all')
  expect(world.now - begun).toBeLessThanOrEqual(100)
})

test('register: an equal registration writes nothing', () => {
  const world = cluster('ab')
  registered(world, 'a', 's')
  agree(world)
  const before = world.machine('a').live.read.digest()
  registered(world, 'a', 's')
  world.run(1000)
  expect(world.machine('a').live.read.digest()).toEqual(before)
})

test('register: without an id it is the instance at that url again, unless that one has another slug', () => {
  const world = cluster('a')
  const url = 'http://i.test:80'
  const nameless = done(world, world.register('a', { url }))
  const named = done(world, world.register('a', { url, slug: 's' }))
  expect(named).toBe(nameless)
  const other = done(world, world.register('a', { url, slug: 't' }))
  expect(other).not.toBe(named)
  expect(done(world, world.register('a', { url, slug: 's' }))).toBe(named)
  expect(world.instances('a').sort()).toEqual([named, other].sort())
})

test('heartbeat → hidden: a crash is hidden on all survivors within half a second, then dead', () => {
  const world = cluster('abcde')
  registered(world, 'a', 's')
  agree(world)
  world.crash('a')
  const took_ms = world.until(() => showing(world, 's') === '', 500, 'the hiding')
  expect(took_ms).toBeLessThanOrEqual(500)
  world.run(100)
  for (const name of 'bcde') expect(world.beliefs(name)).toContain('a:hidden')
  world.run(4000)
  for (const name of 'bcde') expect(world.beliefs(name)).toContain('a:dead')
})

test('heartbeat → hidden: a silent death is hidden on all survivors within 3 s', () => {
  const world = cluster('abcde')
  registered(world, 'a', 's')
  agree(world)
  world.vanish('a')
  world.until(() => showing(world, 's') === '', 3000, 'the hiding')
})

test('heartbeat → hidden: a member that comes back shows its instances again, checked anew', () => {
  const world = cluster('abc')
  registered(world, 'a', 's')
  agree(world)
  world.vanish('a')
  world.until(() => showing(world, 's') === '', 3000, 'the hiding')
  world.service('http://s.test:80', 'Unreachable')
  world.start('a')
  world.until(() => showing(world, 's') === 'abc', 10_000, 'the return')
  expect(shownStatus(world, 'c', 's')).toBe('Unreachable')
})

test('lookup: reads the local replica, in memory, and spreads picks evenly', () => {
  const world = cluster('abc')
  for (const [i, name] of [...'abc'].entries()) {
    done(world, world.register(name, { id: `i${i}`, slug: 's', url: `http://i${i}.test:80` }))
  }
  agree(world)
  world.run(500)
  const picks = new Map<string, number>()
  for (let i = 0; i < 300; i++) {
    const { id } = world.machine('b').live.read.pick('s')?.record as { id: string }
    picks.set(id, (picks.get(id) ?? 0) + 1)
  }
  expect([...picks.values()]).toEqual([100, 100, 100])
  expect(world.lookup('b', 'nobody')).toBeUndefined()
})

test('join: a newcomer holds everything and is ready soon after its first contact', () => {
  const world = cluster('abc')
  for (let i = 0; i < 50; i++) registered(world, 'abc'.charAt(i % 3), `s${i}`)
  agree(world)
  world.start('d')
  world.until(() => world.machine('d').live.readiness().ready, 1000, 'readiness')
  world.until(() => world.instances('d').length === 50, 1500, 'the sight of all')
  agree(world)
})

test('join: writes that wait for it come to the same as if they came one after the other', () => {
  const world = cluster('ab')
  world.crash('a')
  world.start('a')
  const url = 'http://i.test:80'
  const answers = [world.register('a', { url }), world.register('a', { url, slug: 's' })] // the second names the first
  const [first, second] = answers.map((answer) => done(world, answer))
  expect(second).toBe(first)
  agree(world)
  expect(world.instances('b')).toEqual([first])
})

test('join: daemons started at the same instant list each other within a second', () => {
  const world = new World({ seed: 3 })
  world.startAll('a', 'b')
  const nodes = (name: string): number => world.machine(name).live.read.nodes(world.moment(name)).length
  world.until(() => nodes('a') === 2 && nodes('b') === 2, 1000, 'the sight of two')
})

test('join: a node started alone serves its own from disk, and is ready', () => {
  const world = cluster('ab')
  registered(world, 'a', 's')
  registered(world, 'b', 't')
  agree(world)
  world.crash('a')
  world.crash('b')
  world.start('a')
  expect(world.lookup('a', 's')).toEqual(['http://s.test:80']) // before it is ready: reads never wait
  world.until(() => world.machine('a').live.readiness().ready, 4000, 'readiness')
  expect(world.lookup('a', 's')).toEqual(['http://s.test:80'])
  expect(world.machine('a').live.read.alive).toBe(1)
})

test('join: everything stopped and started again is there again', () => {
  const world = cluster('abc')
  for (const name of 'abc')
    done(
      world,
      world.register(name, { slug: name, url: `http://${name}.test`, tags: ['x', name], deploymentId: `d-${name}` }),
    )
  done(world, world.define('b', 'def', { image: { name: 'x' } }))
  agree(world)
  for (const name of 'abc') world.crash(name)
  world.run(10_000)
  world.startAll(...'abc')
  agree(world)
  world.run(500)
  for (const name of 'abc') {
    const shown = world.machine(name).live.read.instances(world.moment(name))
    expect(shown.map(({ slug, tags, deploymentId }) => [slug, tags, deploymentId])).toEqual(
      expect.arrayContaining([...'abc'].map((one) => [one, ['x', one], `d-${one}`])),
    )
    expect(world.definitions(name)).toEqual(['def'])
  }
})

test('join: nodes with the same label are both listed, and flagged', () => {
  const world = new World({ seed: 1 })
  world.start('a', { nodeId: 'twin' })
  world.start('b', { nodeId: 'twin' })
  agree(world)
  const members = world.machine('a').live.read.members(world.moment('a'))
  expect(members.map(({ nodeId, sameLabel }) => [nodeId, sameLabel])).toEqual([
    ['twin', true],
    ['twin', true],
  ])
})

test('a node takes no more than it has room for, be it on disk already or still on the way', () => {
  const world = cluster('a')
  const body = { text: 'x'.repeat(1_000_000) }
  const answers = Array.from({ length: 60 }, (_, i) => world.define('a', `d${i}`, body)) // all in one moment
  world.until(() => answers.every(({ result }) => result !== undefined), 10_000, 'an answer to each')
  const refusals = answers.filter(({ result }) => result?.error?.code === 'too-large')
  expect(refusals.length).toBeGreaterThan(15)
  expect(world.definitions('a')).toHaveLength(60 - refusals.length)
  done(world, world.undefine('a', 'd0'))
  done(world, world.undefine('a', 'd1'))
  done(world, world.define('a', 'small'))
})

test('a goodbye notes on disk until when the daemon was up', () => {
  const world = cluster('ab')
  world.run(30_000)
  const { wall } = world.moment('a')
  world.leave('a')
  const lastUp = world.machine('a').disk.load().lastUp ?? 0
  expect(lastUp - wall).toBeGreaterThanOrEqual(0)
  expect(lastUp - wall).toBeLessThan(1000)
})
