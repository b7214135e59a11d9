// Stories of D6: what undoes the verdict that a member is gone, and what passes it where nobody is left to confirm it.
import { expect, test } from 'vitest'
import { Spoken } from '../spoken.js'
import type { World } from '../world.js'
import { agree, cluster, registered, showing, transitionsOf } from './cluster.js'

/** Lets a node that holds an instance die, and waits until these do not show it. */
function killed(world: World, name: string, id: string): void {
  registered(world, name, id)
  agree(world)
  world.crash(name)
  world.until(() => showing(world, id) === '', 10_000, 'the hiding')
  world.run(1)
}

test.each([
  ['two of which one died', 'ab', 'c'],
  ['two of which one died, by two at once', 'ab', 'cd'],
  ['three of which one died', 'abc', 'd'],
  ['seven of which one died, past the step to three reports', 'abcdefg', 'hijkl'],
])('D6: a cluster of %s grows, and the dead stays dead', (_, names, more) => {
  const spoken = new Spoken(0)
  const world = cluster(names, { watch: spoken.watch })
  killed(world, names.at(-1) as string, 'x')
  for (const name of more) {
    world.run(300)
    world.start(name)
  }
  for (let i = 0; i < 200; i++) {
    world.run(100)
    for (const { name } of world.running()) expect(world.instances(name)).toEqual([])
  }
  expect(spoken.wrong).toEqual([])
})

test('D6: those who reported a death die too, or leave, and the dead stays dead', () => {
  const spoken = new Spoken(0)
  const world = cluster('abcdef', { watch: spoken.watch })
  killed(world, 'f', 'x')
  world.crash('e')
  world.run(700)
  world.leave('d')
  world.vanish('c')
  for (let i = 0; i < 200; i++) {
    world.run(100)
    for (const { name } of world.running()) expect(world.instances(name)).toEqual([])
  }
  expect(spoken.wrong).toEqual([])
})

test('D6: who slept through a death, and lost all connections meanwhile, learns of it from whoever it connects with', () => {
  const spoken = new Spoken(0)
  const world = cluster('abcde', { watch: spoken.watch })
  registered(world, 'd', 'x')
  agree(world)
  world.pause('e', 30_000)
  world.partition(['e'], [...'abcd'])
  world.run(1000)
  world.crash('d')
  world.run(28_500)
  world.heal()
  world.run(600)
  const took_ms = world.until(() => (world.lookup('e', 'x') ?? []).length === 0, 20_000, 'that e knows')
  expect(took_ms).toBeLessThan(3000)
  expect(spoken.wrong).toEqual([])
})

test('D6: who starts or comes back after a death does not show the dead, whom the others pass on no more', () => {
  const world = cluster('abcd')
  killed(world, 'd', 'x')
  world.crash('c')
  world.start('c')
  const since = world.now
  world.run(15_000)
  expect(transitionsOf(world, 'd', since, ['a', 'b'])).not.toContain('a: dead→alive')
  expect(transitionsOf(world, 'd', since, ['c'])).toEqual(['c: unknown→dead'])
})

test('D6: whoever connects is told what is reported, though it was told to all before', () => {
  const world = cluster('abcde')
  world.partition(['a', 'b', 'c', 'd'], ['e'])
  world.wires.gossipOn = false // whatever is told now comes over the connection alone
  world.run(2700)
  expect(
    world
      .machine('a')
      .live.read.members(world.moment('a'))
      .find(({ peer }) => peer === 'e')?.reportedBy,
  ).toEqual(['a'])
  world.wires.redial(world.machine('a'), 'b')
  world.until(
    () => {
      const member = world
        .machine('a')
        .live.read.members(world.moment('a'))
        .find(({ peer }) => peer === 'e')
      return member?.reportedBy.includes('b') === true
    },
    4000,
    'the report of b at a',
  )
})

test.each(['abc', 'abcde', 'abcdefghij'])(
  'D6: all but one of %s crash at once: the last one sees it at once',
  (names) => {
    const world = cluster(names)
    registered(world, 'b', 'x')
    agree(world)
    const others = [...names].slice(1)
    for (const name of others) world.crash(name)
    world.until(() => world.machine('a').live.read.alive === 1, 500, 'the hiding')
    expect(world.instances('a')).toEqual([])
    world.run(200)
    const { degraded, instances } = world.machine('a').live.read.lookup('x', world.moment('a'))
    expect([degraded, instances.length]).toEqual([true, 1]) // most of the cluster is gone, or we are
    for (const name of others) world.start(name)
    agree(world)
    expect(showing(world, 'x')).toBe(names)
  },
)

test('D6: all but two of ten crash at once: the two together see it at once', () => {
  const world = cluster('abcdefghij')
  for (const name of 'cdefghij') world.crash(name)
  world.until(() => ['a', 'b'].every((name) => world.machine(name).live.read.alive === 2), 700, 'the hiding')
})

test('D6: a machine whose every dial is refused hides all others, says that it doubts, and condemns nobody', () => {
  const world = cluster('abcde')
  registered(world, 'b', 'x')
  agree(world)
  const since = world.now
  world.partition(['a'], ['b', 'c', 'd', 'e'])
  for (const peer of 'bcde') world.feed('a', { type: 'refused', peer, isVacant: true })
  expect(world.machine('a').live.read.alive).toBe(1)
  world.run(200)
  expect(world.machine('a').live.read.lookup('x', world.moment('a'))).toMatchObject({ degraded: true })
  world.run(20_000)
  world.heal()
  agree(world)
  world.run(10_000)
  for (const name of 'bcde') expect(transitionsOf(world, name, since, [...'bcde'])).toEqual([])
  expect(showing(world, 'x')).toBe('abcde')
})

test('D6: dials that are reset or cut are no evidence, nor are those of one whom others hear', () => {
  const world = cluster('abc')
  world.partition(['a'], ['b', 'c'])
  for (const peer of 'bc') world.feed('a', { type: 'refused', peer, isVacant: false })
  world.run(3000)
  expect(world.machine('a').live.read.alive).toBe(3)

  const other = cluster('abc')
  other.cut('a', 'b')
  other.feed('a', { type: 'refused', peer: 'b', isVacant: true })
  other.run(5000) // c passes on what b says
  other.feed('a', { type: 'refused', peer: 'c', isVacant: true })
  expect(other.machine('a').live.read.alive).toBe(3)
})
