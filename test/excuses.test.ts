// Of the mutants that are excused from being caught, each stands where its excuse says: no excuse outlives the line that it is for.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { coreOf, placesOf } from '../scripts/mutants/core.js'
import { equivalents, stale } from '../scripts/mutants/equivalents.js'

const places = placesOf(coreOf(fileURLToPath(new URL('..', import.meta.url))))

test('every excused mutant has its place in the core', () => {
  expect(stale(places)).toEqual([])
})

test.each(equivalents)('the excuse of $change in $file is stale without its line, or with one more like it', (row) => {
  const times = row.times ?? 1
  const mine = places.filter((place) => place.file === row.file && place.in === row.in && place.change === row.change)
  expect(stale(places.filter((place) => !mine.includes(place)))).toEqual([
    expect.stringContaining(`0 places, not ${times}`),
  ])
  expect(stale([...places, ...mine])).toEqual([expect.stringContaining(`${2 * times} places, not ${times}`)])
})
