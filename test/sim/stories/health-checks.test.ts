// Stories of health checks: when an instance is asked how it is.
import { expect, test } from 'vitest'
import type { CheckForm } from '../../../src/core/model/check.js'
import type { CheckResult } from '../../../src/core/effects.js'
import { World } from '../world.js'
import { agree, done, registered, shownStatus, urlOf } from './cluster.js'

const interval_ms = 5000

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

const pauses = (at: readonly number[]): number[] => at.slice(1).map((each, i) => each - (at[i] as number))

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
  world.run(30_000)
  const at = asked()
  expect(at.slice(0, 4)).toEqual([0, 1000, 3000, 7000])
  expect(at[4]).toBeLessThanOrEqual(7000 + interval_ms)
  expect(pauses(at.slice(4))).toEqual(pauses(at.slice(4)).map(() => interval_ms))
})

test.each(['Unreachable', 'Error', 'Degraded', 'Unknown'] as const)('a change to %s is asked about again', (status) => {
  const { world, asked, begin } = watched()
  registered(world, 'a', 'x')
  world.run(2 * interval_ms)
  find(world, status)
  world.until(() => shownStatus(world, 'a', 'x') === status, interval_ms + 500, 'the bad news')
  begin()
  find(world, 'Healthy')
  world.until(() => shownStatus(world, 'a', 'x') === 'Healthy', 2000, 'the good news')
  // What this machine could not find out is nobody's illness, and has not to last.
  const isIll = status !== 'Unknown'
  world.run(interval_ms - 2000)
  expect(asked().slice(0, isIll ? 2 : 1)).toEqual(isIll ? [1000, 1500] : [1000])
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

test('other bad news is asked about too, but not more often: a few checks, whatever an instance does', () => {
  const { world, asked, begin } = watched()
  find(world, 'Unreachable')
  begin()
  registered(world, 'a', 'x')
  for (let i = 0; i < 300; i++) {
    find(world, i % 2 === 0 ? 'Error' : 'Unreachable')
    world.run(200)
  }
  // The table takes 7 s for three checks, and its end is a regular one.
  expect(asked().length).toBeLessThanOrEqual(4 * (60_000 / 7000) + 1)
})

test('regular checks of many never come at the same moment', () => {
  const perTick = new Map<number, number>()
  const world = new World({
    seed: 1,
    watch: (_, now, input, effects) => {
      if (input?.type !== 'wake') return
      const begun = effects.filter(({ type }) => type === 'check').length
      perTick.set(Math.floor(now / 100), (perTick.get(Math.floor(now / 100)) ?? 0) + begun)
    },
  })
  world.startAll('a')
  agree(world)
  for (let i = 0; i < 500; i++) world.register('a', { id: `i${i}`, slug: 's', url: urlOf(`i${i}`) })
  world.run(1000)
  perTick.clear()
  world.run(2 * interval_ms)
  expect([...perTick.values()].reduce((sum, count) => sum + count)).toBe(1000)
  expect(Math.max(...perTick.values())).toBeLessThan(500 / 10)
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

test('a service that flaps writes ever less, and says why', () => {
  const { world } = watched()
  registered(world, 'a', 'x')
  let writes = 0
  let before = shownStatus(world, 'a', 'x')
  const turns: number[] = []
  for (let second = 0; second < 1200; second++) {
    find(world, second % 20 < 10 ? 'Error' : 'Healthy')
    world.run(1000)
    const status = shownStatus(world, 'a', 'x')
    if (status !== before) turns.push(second)
    writes += status === before ? 0 : 1
    before = status
  }
  expect(writes).toBeLessThan(2 * 12)
  const row = () =>
    world
      .machine('a')
      .live.read.rows(world.moment('a'))
      .find(({ id }) => id === 'x')
  expect(turns.filter((at) => at >= 300).length).toBeLessThanOrEqual(12)
  find(world, 'Error')
  world.run(6000)
  find(world, 'Healthy')
  world.run(5200)
  expect(row()).toMatchObject({ status: 'Error', details: expect.stringMatching(/^recovering: /) })
  world.run(300_000)
  expect(row()).toMatchObject({ status: 'Healthy' })
})

test('the values of headers and the password of a url are kept by the home node alone, through its restart, until it is gone', () => {
  const said: { url: string; headers: unknown }[] = []
  const world = new World({
    seed: 1,
    watch: (_, __, ___, effects) => {
      for (const effect of effects) if (effect.type === 'check') said.push({ url: effect.url, headers: effect.headers })
    },
  })
  world.startAll('a', 'b')
  agree(world)
  const headers = { authorization: 'Bearer s3cret' }
  const check = { http: { path: '/', headers } } as unknown as CheckForm
  done(world, world.register('a', { id: 'x', slug: 's', url: 'http://me:pw@10.0.0.1:80/', check }))
  expect(said.at(-1)).toEqual({ url: 'http://me:pw@10.0.0.1:80/', headers })
  expect(JSON.stringify(world.machine('b').live.read.rows(world.moment('b')))).not.toMatch(/s3cret|pw@/)
  expect(world.machine('a').live.read.record('x')).toMatchObject({
    url: 'http://10.0.0.1:80/',
    check: { http: { path: '/', headers: ['authorization'] } },
  })
  world.crash('a')
  world.start('a')
  agree(world)
  expect(said.at(-1)).toEqual({ url: 'http://me:pw@10.0.0.1:80/', headers })
  expect(world.machine('a').disk.load().secrets).toMatch(/s3cret/)
  done(world, world.deregister('a', 'x'))
  expect(world.machine('a').disk.load().secrets).not.toMatch(/s3cret|pw/)
})
