// Every scenario at twenty machines with a few seeds; `npm run simulate` has the long form, and larger clusters.
import { expect, test } from 'vitest'
import { scenarios } from './scenarios/all.js'
import { exceeded } from './scenarios/outcome.js'

const seeds = Number(process.env['SIM_SCENARIO_SEEDS'] ?? 1)
const nodes = Number(process.env['SIM_SCENARIO_NODES'] ?? 20)
const firstSeed = Number(process.env['SIM_FIRST_SEED'] ?? 1)

for (const { name, what, run, chance } of scenarios) {
  test(`${name}: ${what}`, { timeout: 3_600_000 }, () => {
    const count = chance === 'little' ? 1 : seeds
    for (let seed = firstSeed; seed < firstSeed + count; seed++) {
      const { broken, story } = run({ nodes, seed, quick: true })
      if (broken.length > 0) throw new Error(`seed ${seed}: ${broken.slice(0, 10).join('\n')}\n${story}`)
    }
  })
}

test('a bound that is exceeded is told, and so is a figure that was promised and not measured', () => {
  expect(exceeded({ hidden_ms: [1, 2, 501], flips: 1 }, { hiddenP99_ms: 500, flips: 1 })).toHaveLength(1)
  expect(exceeded({ hidden_ms: [] }, { hiddenMax_ms: 500 })).toEqual(['nothing was hidden that should be'])
  expect(exceeded({}, { lost: 0 })).toHaveLength(1)
  expect(exceeded({ lost: 0, hidden_ms: [500] }, { lost: 0, hiddenP99_ms: 500 })).toEqual([])
})
