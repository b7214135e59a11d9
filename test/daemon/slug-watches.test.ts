// Who follows the list of a slug: told at once, then of each change, many of them as one, and of nothing that no caller sees.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { InstanceView, SlugList } from '../../src/core/views.js'
import { SlugWatches, pace_ms } from '../../src/daemon/slug-watches.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** A register of slugs whose instances are set by hand, a clock that a test moves. */
function world() {
  const versions = new Map<string, InstanceView[]>()
  const state = { now: 0, revision: 0, degraded: false, made: 0 }
  const watches = new SlugWatches({
    read: {
      get revision() {
        return 2 * state.revision + Number(state.degraded)
      },
      version: (slug) => (state.degraded ? [...(versions.get(slug) ?? [])] : versions.get(slug)),
      list: (slug) => {
        state.made += 1
        const instances = versions.get(slug)
        return { slug, instances: instances ?? [], degraded: state.degraded, ...(!instances && { unknown: true }) }
      },
    },
    position: () => `p-${state.revision}`,
    now: () => state.now,
  })
  const put = (slug: string, ...ids: string[]): void => {
    versions.set(
      slug,
      ids.map((id) => ({ id, url: `http://${id}.test`, status: 'Healthy' })),
    )
    state.revision += 1
    watches.look()
  }
  const pass = (time_ms: number): void => {
    state.now += time_ms
    vi.advanceTimersByTime(time_ms)
  }
  const told: string[] = []
  const follow = (slug: string, name = slug) =>
    watches.watch(slug, ({ instances, unknown, degraded }) => {
      const marks = `${unknown === true ? '?' : ''}${degraded ? '!' : ''}`
      told.push(`${name}${marks} ${instances.map(({ id }) => id).join()}`)
    })
  return { watches, state, put, pass, told, follow }
}

test('a list comes at once, known or not, then each time it is another one, and no more after the end', () => {
  const { put, pass, told, follow } = world()
  const end = follow('web')
  expect(told).toEqual(['web? '])
  put('web', 'a')
  pass(0)
  put('other', 'x')
  pass(pace_ms.shortest)
  put('web', 'a', 'b')
  pass(pace_ms.shortest)
  expect(told).toEqual(['web? ', 'web a', 'web a,b'])
  end()
  end()
  put('web')
  pass(pace_ms.longest)
  expect(told).toHaveLength(3)
  expect(vi.getTimerCount()).toBe(0)
})

test('many changes in a short time are told as one, the first of them at once', () => {
  const { put, pass, told, follow } = world()
  follow('web')
  for (const id of ['a', 'b', 'c']) put('web', id)
  pass(0)
  for (const id of ['d', 'e', 'f']) put('web', id)
  pass(pace_ms.shortest - 1)
  expect(told).toEqual(['web? ', 'web c'])
  pass(1)
  expect(told).toEqual(['web? ', 'web c', 'web f'])
})

test('the pause grows with the time that telling takes, and has an end', () => {
  const { watches, state, put, pass, told, follow } = world()
  let takes_ms = 50
  watches.watch('web', () => void (state.now += takes_ms))
  follow('web')
  put('web', 'a')
  pass(0)
  put('web', 'b')
  pass(4 * takes_ms - 1)
  expect(told.at(-1)).toBe('web a')
  takes_ms = 10_000
  pass(1)
  expect(told.at(-1)).toBe('web b')
  put('web', 'c')
  pass(pace_ms.longest)
  expect(told.at(-1)).toBe('web c')
})

test('whoever comes meanwhile gets what is true now, the others when it is time; all of them the same object', () => {
  const { watches, put, pass, told, follow, state } = world()
  const lists: SlugList[] = []
  watches.watch('web', (list) => lists.push(list))
  put('web', 'a')
  follow('web', 'late')
  watches.watch('web', (list) => lists.push(list))
  expect(lists.map(({ instances }) => instances.length)).toEqual([0, 1])
  pass(pace_ms.longest)
  expect(told).toEqual(['late a'])
  expect(lists).toHaveLength(3)
  expect(lists[1]).toBe(lists[2])
  expect(lists[1]).toMatchObject({ position: 'p-1' })
  expect(state.made).toBe(2)
})

test('nothing is told where a version differs in nothing that callers see; being in doubt is told', () => {
  const { watches, state, put, pass, told, follow } = world()
  put('web', 'a')
  follow('web')
  put('web', 'a')
  pass(pace_ms.longest)
  expect(told).toEqual(['web a'])
  state.degraded = true
  watches.look()
  pass(pace_ms.longest)
  expect(told).toEqual(['web a', 'web! a'])
})

test('a look costs nothing where nobody watches, or nothing has changed; and nothing is told after the end', () => {
  const { watches, put, pass, told, follow } = world()
  put('web', 'a')
  expect(vi.getTimerCount()).toBe(0)
  follow('web')
  watches.look()
  pass(pace_ms.longest)
  watches.look()
  expect(vi.getTimerCount()).toBe(0)
  put('web', 'b')
  watches.stop()
  pass(pace_ms.longest)
  put('web', 'c')
  expect([told, vi.getTimerCount()]).toEqual([['web a'], 0])
})
