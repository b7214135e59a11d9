// How the tests run: every file in a process of its own, so that sockets, timers and LevelDB locks never leak between files.
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    setupFiles: ['src/polyfill.ts'],
    pool: 'forks',
    // Vitest would leave one core of two idle. More workers than cores: the longest files wait for daemons, disks and timers.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
