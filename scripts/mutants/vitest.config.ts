// How a mutant is tried: the fast suites in one process, those first that are about its file, until the first failure.
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { type TestSpecification, BaseSequencer } from 'vitest/node'
import { orderOf } from './order.js'

class CheapestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const mutated = process.env['MUTANT_FILE'] ?? ''
    const place = ({ moduleId }: TestSpecification): number => orderOf(basename(moduleId), mutated)
    return Promise.resolve([...files].sort((a, b) => place(a) - place(b)))
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url))

export default defineConfig({
  cacheDir: `${root}/.vite`,
  test: {
    root,
    include: ['test/core/**/*.test.ts', 'test/sim/**/*.test.ts'],
    setupFiles: ['src/polyfill.ts'],
    pool: 'forks',
    maxWorkers: 1,
    isolate: false,
    fileParallelism: false,
    bail: 1,
    testTimeout: 60_000,
    reporters: ['json'],
    sequence: { sequencer: CheapestFirst },
  },
})
