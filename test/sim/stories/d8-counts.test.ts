// Stories of D8: what is counted by the time that a daemon was up counts right through crashes, backups, and for others.
import { expect, test } from 'vitest'
import { readObject } from '../../../src/core/model/model.js'
import type { World } from '../world.js'
import { agree, cluster, done, offTooLong, registered, restoredAlone, showing } from './cluster.js'

const note_ms = 11 * 60_000 // notes on disk are at most ten minutes old
const day_ms = 24 * 3600_000

/** How many days ago, by its own uptime, a machine says that something of its own was removed. */
function ageOf(world: World, name: string, map: string): number | undefined {
  const { disk, self } = world.machine(name)
  const entry = disk.entriesOf(self).find((one) => one.map === map && one.value.includes('"at"'))
  const at = readObject(entry?.value ?? '')?.at as number | undefined
  const { up } = readObject(disk.load().notes['uptime'] ?? '') as { up: number }
  return at === undefined ? undefined : Math.round((up - at * 1000) / day_ms)
}

test('D8: who loses power while it goes blank is too old at its next start as well', () => {
  const world = offTooLong()
  world.start('c')
  world.run(2) // its generation is on disk
  world.machine('c').disk.failure = 'no space left'
  world.run(10_000) // confirmed to be too old, and it cannot write that it has dropped what it held
  world.crash('c')
  world.machine('c').disk.failure = undefined
  world.start('c')
  agree(world)
  world.run(3000)
  for (const { name } of world.running()) expect(world.instances(name)).toEqual([])
})

test.each(['written on the restored disk', 'written before it was restored'])(
  'D8: what a node has removed, %s, is remembered for 35 days from the moment when its two lines met',
  (where) => {
    const world = cluster('abc')
    done(world, world.define('a', 'd'))
    registered(world, 'b', 'x')
    agree(world)
    const remove = (): void => {
      done(world, world.undefine('a', 'd'))
      world.cut('a', 'b') // the removal is a's own word
      done(world, world.deregister('a', 'x'))
    }
    world.run(note_ms)
    const backup = world.machine('a').disk.copy()
    if (where.includes('before')) {
      remove()
      world.heal()
      agree(world)
    } else {
      registered(world, 'a', 'y')
      agree(world)
    }
    restoredAlone(world, 'a', backup, ['b', 'c'])
    if (!where.includes('before')) remove()
    world.run(note_ms)
    world.crash('a')
    world.machine('a').disk.live(20 * day_ms)
    world.partition(['a'], ['b', 'c'])
    world.start('a')
    world.run(note_ms)
    world.heal()
    agree(world)
    world.run(note_ms)
    expect([ageOf(world, 'a', 'definitions'), ageOf(world, 'a', 'removals')]).toEqual([0, 0])
    expect(showing(world, 'x')).toBe('')
    expect(world.definitions('c')).toEqual([])
  },
)

/** Time in which one machine is up alone, so that it passes for all clocks, and for its own count. */
function shift(world: World, name: string, length_ms: number): void {
  world.crash(name)
  for (const machine of world.machines.values()) machine.wallOffset_ms += length_ms
  world.machine(name).disk.live(length_ms)
  world.start(name)
  world.run(20_000)
}

/** Three machines that are up by turns, each so long as it says; a fourth one, with records that are removed, is off meanwhile. */
function byTurns(turns: readonly (readonly [string, number])[], days: number): World {
  const world = cluster('abcd')
  registered(world, 'd', 'removed')
  registered(world, 'd', 'kept')
  agree(world)
  world.run(note_ms)
  world.crash('d')
  world.run(10_000)
  done(world, world.deregister('a', 'removed'))
  agree(world)
  world.run(note_ms)
  for (const name of 'bc') world.crash(name)
  const end = days * day_ms
  let [time, turn, up] = [0, 0, 'a']
  while (time < end) {
    const [name, length_ms] = turns[turn++ % turns.length] as readonly [string, number]
    if (name !== up) {
      world.start(name) // whoever comes and whoever goes meet
      world.run(20_000)
      world.crash(up)
      up = name
    }
    shift(world, name, length_ms)
    time += length_ms
  }
  return world
}

const turnsOf = {
  equal: ['a', 'b', 'c'].map((name) => [name, day_ms] as const),
  /** Whoever hardly ever is up has not missed anybody for long, by its own count. */
  uneven: [
    ['a', 9 * day_ms],
    ['b', day_ms / 2],
  ],
  rare: [
    ['a', 20 * day_ms],
    ['b', day_ms / 2],
  ],
} as const

test.each([
  { turns: 'equal', days: 60, ahead_s: 40, comes: 'blank' },
  { turns: 'equal', days: 20, ahead_s: 40, comes: 'whole' },
  { turns: 'uneven', days: 60, ahead_s: 40, comes: 'blank' },
  { turns: 'rare', days: 40, ahead_s: 0, comes: 'blank' },
  { turns: 'uneven', days: 20, ahead_s: 40, comes: 'whole' },
] as const)(
  'D8: nodes up by $turns turns count on from one another: off for $days days, met by those up for $ahead_s s, one comes back $comes',
  ({ turns, days, ahead_s, comes }) => {
    const world = byTurns(turnsOf[turns], days)
    const names = turns === 'equal' ? 'abc' : 'ab'
    for (const name of names) if (world.machine(name).registry === undefined) world.start(name)
    world.run(ahead_s * 1000)
    world.start('d')
    agree(world)
    world.run(3000)
    for (const { name } of world.running()) expect(world.instances(name)).toEqual(comes === 'blank' ? [] : ['kept'])
  },
)
