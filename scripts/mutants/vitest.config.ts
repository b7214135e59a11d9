// The tests that mutants of the core are tried with: those that need no clock and no socket, the cheap ones first, up to the
// first failure. Mutants made by rule are thousands: they do not meet the random lives and the largest clusters.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { type TestSpecification, BaseSequencer } from 'vitest/node'

const root = fileURLToPath(new URL('../..', import.meta.url))
const isByRule = process.env['STRYKER_MUTATOR_WORKER'] !== undefined

/** What takes half a minute: too long for thousands of mutants. */
const dear = [
  'test/core/mutated-bytes.test.ts',
  'test/sim/stories/{d6-healing,d6-rings,d7-silence}.test.ts',
  'test/sim/{scenarios,removed-stays,restored-lives,properties}.test.ts',
]

/** From cheap to dear. */
const costs = [
  /\/(dns|io)\//,
  /\/core\/(?!relay|mutated)/,
  /\/stories\/(?!d6-healing|d6-rings|d7-silence)/,
  /\/core\/relay/,
  /\/(core|stories)\//,
  /\/properties/,
  /\/removed-stays/,
  /\/restored-lives/,
  /\/scenarios/,
]

class CheapestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const cost = ({ moduleId }: TestSpecification): number => costs.findIndex((name) => name.test(moduleId))
    return Promise.resolve([...files].sort((a, b) => cost(a) - cost(b)))
  }
}

export default defineConfig({
  cacheDir: `${root}/.vite`,
  test: {
    root,
    include: [
      'test/core/**/*.test.ts',
      'test/dns/{addresses,answers,names,packets}.test.ts',
      'test/http/bodies.test.ts',
      'test/io/{half-open,heed,muxer-limits,rates,serving,turns,watchdog,whole-frames,work}.test.ts',
      'test/sim/**/*.test.ts',
    ],
    exclude: isByRule ? dear : [],
    // Few lives and small clusters, though large enough that not everyone observes everyone.
    env: { SIM_SEEDS: '8', SIM_SCENARIO_SEEDS: '1', SIM_SCENARIO_NODES: '12' },
    setupFiles: ['src/polyfill.ts'],
    pool: 'threads',
    maxWorkers: 1,
    isolate: false,
    bail: 1,
    testTimeout: 600_000,
    sequence: { sequencer: CheapestFirst },
  },
})
