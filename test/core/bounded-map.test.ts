// What makes room in a map that is full.
import { expect, test } from 'vitest'
import { BoundedMap } from '../../src/core/basics/bounded-map.js'

test('what was set longest ago makes room, whoever looks at it', () => {
  const map = new BoundedMap<string, number>(2)
  expect([map.set('a', 1), map.set('b', 2), map.get('a')]).toEqual([undefined, undefined, 1])
  expect(map.set('a', 3)).toBeUndefined()
  expect(map.set('c', 4)).toEqual(['b', 2])
  expect([[...map], map.size, map.has('b'), map.delete('b'), map.delete('a')]).toEqual([
    ...[
      [
        ['a', 3],
        ['c', 4],
      ],
      2,
      false,
      false,
      true,
    ],
  ])
})
