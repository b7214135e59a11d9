// Stories of D4: a data directory was copied, both copies run, and each continues the other in turn until one goes mute: what was done at
// the one after the other had seen what was there before is what holds.
import { expect, test } from 'vitest'
import type { Effect } from '../../../src/core/effects.js'
import { decodeSyncResponse, encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { World } from '../world.js'
import { agree, cluster, done, registered, rows, shownStatus, urlOf } from './cluster.js'

const low = '1111111111111111'
const high = '2222222222222222'
/** Of questions that are asked by hand. */
const firstId = 1_000_000
const maintained = 'a#1 in maintenance: repair'

function maintain(world: World, name: string, id: string, reason?: string): void {
  done(world, world.command(name, { type: 'act', id, act: { type: 'maintenance', ...(reason && { reason }) } }))
}

/** Machine a has written all of this since its start; its copy a2, of before that, has begun with it, in reach of c alone. */
function contested(): World {
  const world = cluster('abc')
  world.crash('a')
  world.clone('a', 'a2')
  world.start('a', { boot: low })
  agree(world)
  for (const id of ['kept', 'ended', 'moved', 'sick', 'well']) registered(world, 'a', id)
  maintain(world, 'a', 'well', 'repair')
  for (const id of ['old', 'new']) done(world, world.define('a', id, 'first'))
  agree(world)
  world.partition(['a', 'b'], ['a2', 'c'])
  world.start('a2', { boot: high })
  world.until(() => world.machine('a2').live.readiness().ready, 8000, 'readiness of the copy')
  expect(world.instances('a2').sort()).toEqual(['ended', 'kept', 'moved', 'sick'])
  return world
}

/** Both are reached by all until one of them has gone mute, with what the other one tells late. */
function met(world: World): void {
  world.heal()
  const phases = (): string[] => ['a', 'a2'].map((name) => world.machine(name).live.toJSON().phase)
  for (let i = 0; !phases().includes('muted'); i++) {
    expect(i).toBeLessThan(200)
    world.register(i % 2 === 0 ? 'a' : 'a2', { id: `more${i}`, url: urlOf(`more${i}`) })
    world.run(500)
  }
  world.run(10_000)
}

test.each(['a', 'a2'])(
  'D4: what is done at %s, which has seen what the other copy holds, is what holds in the end',
  (by) => {
    const world = contested()
    done(world, world.deregister(by, 'ended'))
    registered(world, by, 'moved', 2222)
    maintain(world, by, 'sick', 'repair')
    maintain(world, by, 'well')
    done(world, world.undefine(by, 'old'))
    done(world, world.define(by, 'new', 'second'))
    met(world)
    for (const name of 'bc') {
      expect(world.instances(name)).toEqual(expect.arrayContaining(['kept', 'moved', 'well']))
      expect(rows(world, name, 'ended')).toEqual([])
      expect(world.lookup(name, 'moved')).toEqual([urlOf('moved', 2222)])
      expect(rows(world, name, 'sick')).toEqual([maintained])
      expect(shownStatus(world, name, 'well')).toBe('Healthy')
      expect(world.machine(name).live.read.definitions()).toEqual([{ id: 'new', body: 'second' }])
    }
  },
)

test('D4: what each of two copies does to something of its own is kept, of both', () => {
  const world = contested()
  done(world, world.deregister('a', 'ended'))
  registered(world, 'a2', 'moved', 2222)
  maintain(world, 'a', 'sick', 'repair')
  done(world, world.undefine('a2', 'old'))
  registered(world, 'a', 'mine')
  registered(world, 'a2', 'its')
  done(world, world.define('a', 'own', 1))
  met(world)
  for (const name of 'bc') {
    expect(world.instances(name)).toEqual(expect.arrayContaining(['kept', 'moved', 'mine', 'its']))
    expect(rows(world, name, 'ended')).toEqual([])
    expect(world.lookup(name, 'moved')).toEqual([urlOf('moved', 2222)])
    expect(rows(world, name, 'sick')).toEqual([maintained])
    expect(world.definitions(name)).toEqual(['new', 'own'])
  }
})

test('D4: what was deleted in what is taken over is deleted in what is taken over after that, and can be written anew', () => {
  const world = contested()
  done(world, world.undefine('a2', 'old'))
  done(world, world.deregister('a2', 'ended'))
  world.run(1000)
  world.heal()
  world.until(() => world.definitions('a').join() === 'new', 60_000, 'the deletion')
  world.partition(['a', 'b'], ['a2', 'c'])
  done(world, world.define('a2', 'old', 'again'))
  registered(world, 'a2', 'ended', 2222)
  registered(world, 'a', 'mine')
  met(world)
  for (const name of 'bc') {
    expect(world.machine(name).live.read.definitions()).toContainEqual({ id: 'old', body: 'again' })
    expect(world.lookup(name, 'ended')).toEqual([urlOf('ended', 2222)])
    expect(world.lookup(name, 'mine')).toEqual([urlOf('mine')])
  }
})

test('D4: a home node does nothing to an instance for a peer that has seen records of it which it does not know itself', () => {
  const answers: (Effect & { type: 'reply' })[] = []
  const world = new World({
    seed: 1,
    watch: ({ name }, _now, _input, effects) => {
      for (const effect of effects)
        if (name === 'a' && effect.type === 'reply' && effect.id >= firstId) answers.push(effect)
    },
  })
  world.start('a', { boot: low })
  world.start('b')
  agree(world)
  registered(world, 'a', 'x')
  agree(world)
  const { generation, version } = world.machine('a').live.toJSON()
  for (const [i, boot] of [low, high].entries()) {
    const holding = { owner: 'a', generation, version, boot, epoch: 0, clock: 0 }
    const act = JSON.stringify({ type: 'maintenance', reason: 'repair' })
    const bytes = encodeSyncRequest({ type: 'act', id: 'x', act, holding })
    world.feed('a', { type: 'request', from: 'b', id: firstId + i, bytes })
    world.run(1000)
  }
  const ends = answers.map(({ bytes }) => decodeSyncResponse(bytes)).filter((answer) => answer?.type === 'acted')
  expect(ends).toMatchObject([
    { ok: true },
    { ok: false, code: 'unavailable', message: expect.stringContaining('newer records') },
  ])
})
