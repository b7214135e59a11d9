// Stories of the horizon (D8) on machines whose clock was wrong once: no note of theirs may count against them, or against others.
import { expect, test } from 'vitest'
import type { World } from '../world.js'
import { agree, cluster, done, registered } from './cluster.js'
import { World as NewWorld } from '../world.js'

const day_ms = 24 * 3600_000

/** From now on the wall clock of a machine shows this. */
function set(world: World, name: string, wall: number): void {
  world.machine(name).wallOffset_ms += wall - world.moment(name).wall
}

/** The same, by the one that was right all the time. */
function setRight(world: World, name: string, right: string): void {
  set(world, name, world.moment(right).wall)
}

/** When it was last up, as its disk says, in days before now. */
function upAgo_days(world: World, name: string, right: string): number {
  return Math.round((world.moment(right).wall - (world.machine(name).disk.load().lastUp ?? 0)) / day_ms)
}

function alone(world: World, name: string): void {
  world.start(name)
  world.until(() => world.machine(name).live.readiness().ready, 10_000, 'readiness alone')
}

test.each([
  ['in 1970', 60_000],
  ['on the day its system was built', Date.UTC(2025, 2, 1)],
])('D8: a board without a clock starts %s, is set right, crashes, and starts alone', (_, wall) => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  world.leave('a')
  world.leave('b')
  set(world, 'a', wall)
  alone(world, 'a')
  world.run(2000)
  expect(upAgo_days(world, 'a', 'b')).toBe(0)
  setRight(world, 'a', 'b')
  world.run(1000)
  world.crash('a')
  alone(world, 'a')
  expect(world.instances('a')).toEqual(['x'])
})

test.each([true, false])('D8: and so where it crashes before it is set, for the first time or again: %s', (isFirst) => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  world.crash('a')
  world.crash('b')
  for (let i = 0; i < (isFirst ? 1 : 3); i++) {
    set(world, 'a', 60_000)
    alone(world, 'a')
    world.run(660_000)
    world.crash('a')
  }
  setRight(world, 'a', 'b')
  expect(upAgo_days(world, 'a', 'b')).toBe(0)
  alone(world, 'a')
})

test('D8: a disk from before that is healed: its notes are of 1970, its generation and its life are not', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  world.crash('a')
  world.crash('b')
  world.machine('a').disk.noteUp(60_000)
  world.machine('a').disk.write([{ type: 'note', name: 'born', value: '60000' }], true)
  alone(world, 'a')
})

test('D8: one whose first start was in 1970 knows when it was born as soon as its clock is set, and confirms nobody’s absence', () => {
  const world = new NewWorld({ seed: 1 })
  world.start('b') // the right one
  world.start('a')
  world.machine('a').wallOffset_ms -= world.moment('a').wall - 60_000
  world.crash('a')
  world.machine('a').disk.loseAll()
  world.start('a')
  agree(world)
  registered(world, 'b', 'x')
  agree(world)
  world.run(5000)
  setRight(world, 'a', 'b')
  world.run(1000)
  const { born, heard } = world.machine('a').disk.load().notes
  const now = world.moment('b').wall
  expect(Math.abs(now - Number(born))).toBeLessThan(day_ms)
  expect(Math.abs(now - Number((JSON.parse(heard ?? '{}') as { b?: number }).b))).toBeLessThan(day_ms)
})

test('D8: what was removed while the clock stood in 1970 stays away when it is right', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  registered(world, 'a', 'x', 81) // a second registration: its end is remembered by a removal
  done(world, world.define('a', 'd'))
  agree(world)
  world.crash('a')
  set(world, 'a', 60_000)
  world.start('a')
  agree(world)
  world.cut('a', 'b')
  done(world, world.deregister('a', 'x'))
  done(world, world.undefine('a', 'd'))
  setRight(world, 'a', 'b')
  world.crash('a')
  world.start('a')
  world.run(15 * 60_000) // what is over has been dropped by now
  const kept = world
    .machine('a')
    .disk.entriesOf('a')
    .map(({ map }) => map)
  expect(kept).toContain('removals')
  world.heal()
  agree(world)
  for (const name of 'ab') {
    expect(world.instances(name)).toEqual([])
    expect(world.definitions(name)).toEqual([])
  }
})

test('D8: a clock that ran ahead and was set back while the daemon ran leaves no note of the future', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  world.crash('a')
  set(world, 'a', world.moment('b').wall + 400 * day_ms)
  world.start('a')
  agree(world)
  expect(upAgo_days(world, 'a', 'b')).toBeLessThan(-300)
  setRight(world, 'a', 'b')
  world.run(1000)
  expect(upAgo_days(world, 'a', 'b')).toBe(0)
})
