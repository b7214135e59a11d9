// How long members were silent, by which they are forgotten: what counts as silence, and of which of their starts.
import { expect, test } from 'vitest'
import { Forgetting, forgetAfter_ms } from '../../src/core/retention/forgetting.js'
import type { MemberState } from '../../src/core/views.js'

const look_ms = 60_000

/** Looks each minute for so long, at a member that is always like this. */
function looked(forgetting: Forgetting, from: number, for_ms: number, state: MemberState, generation = 1): number {
  for (let now = from; now <= from + for_ms; now += look_ms) forgetting.count([{ id: 'a', state, generation }], now)
  return from + for_ms
}

test.each([
  ['dead', ['a']],
  ['left', ['a']],
  ['hidden', []],
  ['unknown', []],
  ['alive', []],
] as const)('who was %s for three days is forgotten: %s', (state, expected) => {
  const forgetting = new Forgetting(undefined)
  looked(forgetting, 0, forgetAfter_ms, state)
  expect(forgetting.candidates()).toEqual(expected)
})

test('the silence of one start is none of the next, also where that was not heard yet; an earlier run did not note whose it was', () => {
  const forgetting = new Forgetting(JSON.stringify({ a: forgetAfter_ms / 2 }))
  const half = looked(forgetting, 0, forgetAfter_ms / 2 - look_ms, 'dead')
  looked(forgetting, half, look_ms, 'dead', 2)
  expect(forgetting.candidates()).toEqual([])
  looked(forgetting, half + look_ms, forgetAfter_ms, 'dead', 2)
  expect(forgetting.candidates()).toEqual(['a'])
})
