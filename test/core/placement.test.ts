// Where there is room: the order of nodes by what is left of each resource, whatever their figures look like.
import { expect, test } from 'vitest'
import { parsePlacement, placementOf, resources, type Resource } from '../../src/core/lookup/placement.js'
import type { NodeView } from '../../src/core/views.js'

type Figures = Pick<NodeView, 'usage' | 'gpus'>

function node(id: string, figures: Figures = {}, more: Partial<NodeView> = {}): NodeView {
  return { id, url: `http://${id}.test`, ...figures, ...more }
}

const gpu = (used: number, total = 100): object => ({ memoryUsage: used, memoryTotal: total })

function order(by: Resource, all: readonly Figures[]): string[] {
  const nodes = all.map((figures, i) => ({ node: node(`n${i}`, figures), age_ms: 10 }))
  return placementOf(nodes, { by, count: 10 }).map(({ id, room }) => `${id} ${room ?? '-'}`)
}

test('what is left decides: percent of the CPU, bytes of memory and disk, the memory of one GPU', () => {
  expect(order('cpu', [{ usage: { cpu: { percent: 90 } } }, { usage: { cpu: { percent: 10 } } }])).toEqual([
    'n1 90',
    'n0 10',
  ])
  // Half of much is more than nearly all of little.
  const [large, small] = [
    { used: 50, total: 100 },
    { used: 1, total: 10 },
  ]
  expect(order('memory', [{ usage: { memory: small } }, { usage: { memory: large } }])).toEqual(['n1 50', 'n0 9'])
  expect(order('disk', [{ usage: { disk: small } }, { usage: { disk: large } }])).toEqual(['n1 50', 'n0 9'])
  expect(order('gpu', [{ gpus: [gpu(50), gpu(60)] }, { gpus: [gpu(100), gpu(40)] }])).toEqual(['n1 60', 'n0 50'])
})

test('who tells nothing, or nonsense, comes last', () => {
  const nonsense = [{ percent: 'x' }, null, { percent: Number.NaN }] as unknown as object[]
  const all: readonly Figures[] = [
    {},
    ...nonsense.map((cpu) => ({ usage: { cpu } })),
    { usage: { cpu: { percent: 140 } } },
  ]
  expect(order('cpu', all)).toEqual(['n4 0', 'n0 -', 'n1 -', 'n2 -', 'n3 -'])
  expect(order('gpu', [{ gpus: [] }, { gpus: [null, 7, gpu(0, 0)] }, { gpus: [gpu(100)] }])).toEqual([
    'n2 0',
    'n0 -',
    'n1 -',
  ])
})

test('a figure of nobody knows when counts as none; of equal ones the fresher comes first', () => {
  const usage = { cpu: { percent: 50 } }
  const nodes = [
    { node: node('old', { usage }), age_ms: 9000 },
    { node: node('unknown', { usage }) },
    { node: node('new', { usage }), age_ms: 100 },
  ]
  const placed = placementOf(nodes, { by: 'cpu', count: 10 })
  expect(placed.map(({ id, roomAge_ms }) => [id, roomAge_ms])).toEqual([
    ['new', 100],
    ['old', 9000],
    ['unknown', undefined],
  ])
})

test('only of that region and zone, and no more than were asked for', () => {
  const nodes = ['a', 'b', 'c'].map((id) => ({
    node: node(id, {}, { region: 'eu', availabilityZone: id === 'a' ? 'eu-1' : 'eu-2' }),
  }))
  const ids = (asked: object): string[] =>
    placementOf(nodes, parsePlacement({ by: 'disk', ...asked })).map(({ id }) => id)
  expect(ids({})).toEqual(['a'])
  expect(ids({ count: 9, zone: 'eu-2' })).toEqual(['b', 'c'])
  expect(ids({ count: 9, region: 'us' })).toEqual([])
})

test('what is wrong is named', () => {
  const wrong = (given: object): string => {
    try {
      return JSON.stringify(parsePlacement({ by: 'cpu', ...given }))
    } catch (error) {
      return (error as Error).message.split(':')[0] as string
    }
  }
  expect(wrong({ by: 'power' })).toBe('by')
  expect(wrong({ by: undefined })).toBe('by')
  for (const count of [0, 1.5, '1', 4097, null]) expect(wrong({ count })).toBe('count')
  expect(wrong({ region: 1 })).toBe('region')
  expect(wrong({ zone: null })).toBe('zone')
  for (const by of resources) expect(parsePlacement({ by })).toEqual({ by, count: 1 })
})
