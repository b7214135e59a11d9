// Stories of D8: what is counted by the time that a daemon was up counts right through crashes, backups, and for others.
import { expect, test } from 'vitest'
import { readObject } from '../../../src/core/model.js'
import type { World } from '../world.js'
import { agree, cluster, done, registered, restoredAlone, showing } from './cluster.js'

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
  const world = cluster('abc')
  registered(world, 'c', 'x')
  agree(world)
  world.run(note_ms)
  world.crash('c')
  world.run(10_000)
  done(world, world.deregister('a', 'x'))
  world.run(1000)
  world.passDays(36)
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
