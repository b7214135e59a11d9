// Stories of health checks: when an instance is asked how it is.
import { expect, test } from 'vitest'
import type { CheckResult } from '../../../src/core/effects.js'
import { World } from '../world.js'
import { agree, done, registered, shownStatus, urlOf } from './cluster.js'

const interval_ms = 15_000

/** One machine, `a`, and when it asked for a check of an id, in milliseconds since `begin`, rounded down to half seconds. */
function watched(): { world: World; asked: (id?: string) => number[]; begin: () => void } {
  const checks: { at: number; id: string }[] = []
  let begun = 0
  const world = new World({
    seed: 1,
    watch: (_, now, __, effects) => {
      for (const effect of effects) if (effect.type === 'check') checks.push({ at: now, id: effect.id })
    },
  })
  world.startAll('a')
  agree(world)
  return {
    world,
    asked: (id = 'x') =>
      checks
        .filter((check) => check.id === id && check.at >= begun)
        .map(({ at }) => Math.floor((at - begun) / 500) * 500),
    begin: () => (begun = world.now),
  }
}

const find = (world: World, status: CheckResult['status'], id = 'x'): void => world.service(urlOf(id), status)

test('an instance that registers before it listens is healthy a second later, on all nodes', () => {
  const { world } = watched()
  world.startAll('b', 'c')
  agree(world)
  find(world, 'Unreachable')
  registered(world, 'a', 'x')
  world.until(() => shownStatus(world, 'c', 'x') === 'Unreachable', 1000, 'the bad news')
  world.run(300)
  find(world, 'Healthy')
  const took_ms = world.until(() => shownStatus(world, 'c', 'x') === 'Healthy', 1500, 'the good news')
  expect(took_ms).toBeLessThan(1200)
})

test('a first check that fails is asked again after 1, 2 and 4 s, then at the usual pace', () => {
  const { world, asked, begin } = watched()
  find(world, 'Error')
  begin()
  registered(world, 'a', 'x')
  world.run(2 * interval_ms + 500)
  expect(asked()).toEqual([0, 1000, 3000, 7000, 15_000, 30_000])
})

test.each(['Unreachable', 'Error', 'Degraded', 'Unknown'] as const)('a change to %s is asked about again', (status) => {
  const { world, asked, begin } = watched()
  begin()
  registered(world, 'a', 'x')
  world.run(interval_ms - 1000)
  find(world, status)
  world.run(3000)
  find(world, 'Healthy')
  expect(shownStatus(world, 'a', 'x')).toBe(status)
  world.run(2 * interval_ms)
  expect(asked()).toEqual([0, 15_000, 16_000, 18_000, 30_000, 45_000])
  expect(shownStatus(world, 'a', 'x')).toBe('Healthy')
})

test('why an instance could not be checked is told from the first check on, once', () => {
  const { world } = watched()
  world.service(urlOf('x'), 'silent')
  registered(world, 'a', 'x')
  const details = (): string | undefined => world.machine('a').live.read.record('x')?.details
  for (const [said, shown] of [
    ['no answer of any name server', 'no answer of any name server'],
    ['EMFILE', 'no answer of any name server'],
  ] as const) {
    const n = world.machine('a').live.read.record('x')?.n ?? 0
    world.feed('a', { type: 'checked', id: 'x', n, result: { status: 'Unknown', details: said } })
    world.run(500)
    expect([shownStatus(world, 'a', 'x'), details()]).toEqual(['Unknown', shown])
  }
})

test('other bad news is asked about too, but not more often: a few checks an interval, whatever an instance does', () => {
  const { world, asked, begin } = watched()
  find(world, 'Unreachable')
  begin()
  registered(world, 'a', 'x')
  for (let i = 0; i < 300; i++) {
    find(world, i % 2 === 0 ? 'Error' : 'Unreachable')
    world.run(200)
  }
  const inEach = [0, 1, 2, 3].map((nth) => asked().filter((at) => Math.floor(at / interval_ms) === nth).length)
  for (const count of inEach) expect(count).toBeLessThanOrEqual(4)
})

test('who registers again, as it was, is asked again soon: the program of an ill instance has just started', () => {
  const { world, asked, begin } = watched()
  find(world, 'Unreachable')
  registered(world, 'a', 'x')
  world.run(10_000)
  begin()
  registered(world, 'a', 'x')
  world.run(500)
  find(world, 'Healthy')
  world.run(1000)
  expect(shownStatus(world, 'a', 'x')).toBe('Healthy')
  expect(asked().slice(0, 2)).toEqual([0, 1000])
})

test('what was not well when its node ended is asked again soon after the next start', () => {
  const { world } = watched()
  registered(world, 'a', 'x')
  world.crash('a')
  find(world, 'Unreachable')
  world.start('a')
  agree(world)
  expect(shownStatus(world, 'a', 'x')).toBe('Unreachable')
  find(world, 'Healthy')
  world.until(() => shownStatus(world, 'a', 'x') === 'Healthy', 5000, 'the good news')
})

test('what was removed meanwhile is not asked again', () => {
  const { world, asked, begin } = watched()
  find(world, 'Error')
  begin()
  registered(world, 'a', 'x')
  world.run(500)
  done(world, world.deregister('a', 'x'))
  world.run(2 * interval_ms)
  expect(asked()).toEqual([0])
})

test('many that turn ill at once are asked within the bound of checks at once', () => {
  const ids = Array.from({ length: 600 }, (_, i) => `i${i}`)
  let underWay = 0
  let most = 0
  const world = new World({
    seed: 1,
    watch: (_, __, input, effects) => {
      if (input?.type === 'checked') underWay -= 1
      underWay += effects.filter(({ type }) => type === 'check').length
      most = Math.max(most, underWay)
    },
  })
  world.startAll('a')
  agree(world)
  for (const id of ids) {
    find(world, 'Error', id)
    world.register('a', { id, slug: 's', url: urlOf(id) })
  }
  world.run(10_000)
  expect(most).toBeGreaterThan(200)
  expect(most).toBeLessThanOrEqual(256)
})
