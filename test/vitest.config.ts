// How the tests run: every file in a process of its own, so that sockets, timers and LevelDB locks never leak between files.
import { availableParallelism } from 'node:os'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'

/** Files that take longest begin first: Vitest goes by their size, and ends with a short one that takes two minutes. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => /\/test\/(daemon|library|sim)\/[^/]+$/.test(moduleId)
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    setupFiles: ['src/polyfill.ts', 'test/sim/recording/setup.ts'],
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // Vitest would leave one core of two idle. More workers than cores: the longest files wait for daemons, disks and timers.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
