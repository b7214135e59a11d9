// Mutants follow the core: each that was chosen can be applied, and each that is excused from being caught stands where its excuse
// says, so that none outlives the line that it is for.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { applied } from '../scripts/mutants/chosen.js'
import { coreOf, placesOf } from '../scripts/mutants/core.js'
import { equivalents, stale } from '../scripts/mutants/equivalents.js'
import { patches } from '../scripts/mutants/patches.js'
import type { Place } from '../scripts/mutants/mutant.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const places = placesOf(coreOf(root))

const today = stale(places)

test.each(patches)('the chosen mutant has its line: $name', (patch) => {
  expect(applied(root, patch).text).toContain(patch.replace)
})

test('every excused mutant has its place in the core', () => {
  expect(today).toEqual([])
})

test.each(equivalents)('the excuse of $change in $file is stale without its line, or with one more like it', (row) => {
  const times = row.times ?? 1
  const mine = places.filter((place) => place.file === row.file && place.in === row.in && place.change === row.change)
  const told = (others: readonly Place[]): string[] => stale(others).filter((line) => !today.includes(line))
  expect(told(places.filter((place) => !mine.includes(place)))).toEqual([
    expect.stringContaining(`0 places, not ${times}`),
  ])
  expect(told([...places, ...mine])).toEqual([expect.stringContaining(`${2 * times} places, not ${times}`)])
})
