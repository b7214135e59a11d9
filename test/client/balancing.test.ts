// How calls are spread by what came of the ones before: who is slow, or failing, gets next to none. In virtual time.
import { expect, test, vi } from 'vitest'
import { Callee } from '../../src/client/fetching/callee.js'
import { type Listed, Chooser } from '../../src/core/lookup/chooser.js'
import { Outliers } from '../../src/core/lookup/outliers.js'
import { Draws, leastLoaded } from '../../src/core/lookup/strategies.js'
import { Candidates } from '../../src/core/lookup/candidates.js'
import { readingOf } from '../../src/client/reading.js'
import type { InstanceView } from '../../src/core/views.js'
import { type Meets, World, useVirtualTime } from './world.js'

useVirtualTime()

const ids = ['w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'refuses', 'hangs', 'slow', 'killed']

test('least-loaded: of ten of which four are ill the slow one gets one call in a hundred at the most', async () => {
  const draws = new Draws(7)
  let isDown = false
  const world: World = new World(ids, ({ id }): Meets => {
    if (id === 'hangs') return 'hang'
    if (id === 'slow') return { status: 200, after_ms: 200 }
    if (id === 'refuses') return { status: world.countOf(id) % 2 === 0 ? 503 : 200, after_ms: 2 }
    if (id.startsWith('killed') && isDown) return { code: 'ECONNREFUSED' }
    return { status: 200, after_ms: draws.next() < 0.02 ? 20 + 30 * draws.next() : 2 }
  })
  const fetch = world.fetch({ strategy: 'least-loaded' })
  const took_ms: number[] = []
  for (let i = 0; i < 4000; i += 1) {
    if (i % 2000 === 1500) isDown = true
    if (i % 2000 === 1550) {
      isDown = false
      world.list([...ids.slice(0, 9), `killed-${i}`])
    }
    const begun = performance.now()
    void fetch('rollcall://web/').then(() => i >= 1000 && took_ms.push(performance.now() - begun))
    await vi.advanceTimersByTimeAsync(5)
  }
  await vi.advanceTimersByTimeAsync(5000)
  const late = took_ms.filter((took) => took > 90).length
  expect(took_ms).toHaveLength(3000)
  expect(late / took_ms.length).toBeLessThan(0.01)
  expect(world.countOf('slow') / 4000).toBeLessThan(0.01)
  for (const id of ids.slice(0, 6)) expect(world.countOf(id), id).toBeGreaterThan(200)
})

/** How often the one at that place is chosen by loads that stay as they are. */
function shareOf(place: number, loads: readonly number[], usual?: number): number {
  const candidates = new Candidates(
    loads.map((_, i) => i),
    (i) => `i${i}`,
    new Float64Array(loads.length).fill(1),
  )
  const draws = new Draws(1)
  let count = 0
  for (let i = 0; i < 20_000; i += 1)
    if (leastLoaded(candidates, draws, (at) => loads[at] as number, usual) === place) count += 1
  return count / 20_000
}

test('the better of two bad ones is not taken where a usual one is there', () => {
  const loads = [200, 1000, 1000, ...Array<number>(7).fill(2)]
  expect(shareOf(0, loads)).toBeGreaterThan(0.03) // 2 of 45 pairs
  expect(shareOf(0, loads, 8)).toBeLessThan(0.001)
  expect(shareOf(4, loads, 8)).toBeCloseTo(1 / 7, 1)
  expect(shareOf(0, [200, 1000], 8)).toBe(1) // nobody else is there
  expect(shareOf(1, [2000, 1000, 3000], 8)).toBeGreaterThan(0.9) // all are slow: the best of those drawn
})

function list(count: number): Listed<InstanceView> {
  const listed = Array.from({ length: count }, (_, i): InstanceView => {
    return { id: `i${String(i).padStart(4, '0')}`, url: 'http://x.test', status: 'Healthy' }
  })
  return { pools: [{ listed, inDoubt: false }] }
}

test('what is made of a list stays while nobody is left out, and while the same ones are', () => {
  const callee = new Callee()
  const [listed, other] = [list(10), list(10)]
  callee.follow(listed)
  expect(callee.considered(listed, 0)).toBe(listed)
  for (let i = 0; i < 3; i += 1) callee.failed('i0003', i, 1)
  const without = callee.considered(listed, 10)
  expect(without).not.toBe(listed)
  for (let now = 11; now < 5000; now += 100) {
    callee.begin('i0001', now)
    callee.failed('i0001', now, 1)
    callee.answered('i0001', now, 1)
    expect(callee.considered(listed, now)).toBe(without)
  }
  const chooser = new Chooser(
    readingOf(() => ({})),
    1,
  )
  const chosen = Array.from({ length: 18 }, () => chooser.choose('web', without)?.id)
  expect(new Set(chosen).size).toBe(9)
  expect(chosen).not.toContain('i0003')
  expect(callee.considered(other, 4000)).not.toBe(without) // a part of it, such as those that are called by HTTP
  expect(callee.considered(listed, 4000)).toBe(without)
  expect(callee.considered(listed, 5002)).toBe(listed) // one call may try it
  callee.begin('i0003', 5003)
  expect(callee.considered(listed, 5004)).not.toBe(listed)
  callee.answered('i0003', 5010, 1)
  expect(callee.considered(listed, 5011)).toBe(listed)
})

test('whom a caller suspects is left out at once, longer each time, and never more than half of all', () => {
  const callee = new Callee()
  const listed = list(4)
  expect(callee.suspected('i0000', 0)).toBeUndefined() // nobody has asked for a list that has it
  callee.follow(listed)
  expect(callee.suspected('elsewhere', 0)).toBeUndefined()
  expect(callee.suspected('i0000', 0)).toBe('ejected')
  expect(callee.suspected('i0000', 10)).toBeUndefined()
  expect(callee.considered(listed, 4999).pools[0]?.avoided).toEqual(new Set(['i0000']))
  expect(callee.considered(listed, 5000)).toBe(listed)
  expect(callee.suspected('i0000', 5001)).toBe('ejected')
  expect(callee.considered(listed, 15_000)).not.toBe(listed)
  callee.suspected('i0001', 15_000)
  expect(callee.considered(listed, 15_000).pools[0]?.avoided?.size).toBe(2)
  callee.suspected('i0002', 15_000)
  expect(callee.considered(listed, 15_000)).toBe(listed)
})

test('those who are left out are bounded, and forgotten with what is listed', () => {
  const outliers = new Outliers()
  for (let i = 0; i < 20_000; i += 1) outliers.suspected(`made up ${i}`, 0)
  expect(outliers.ejected(1).size).toBe(10_000)
  outliers.keep(new Set(['made up 19999']))
  expect([...outliers.ejected(1)]).toEqual(['made up 19999'])
  outliers.forget('made up 19999')
  expect(outliers.ejected(1).size).toBe(0)
})
