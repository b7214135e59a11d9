// How the tests run: what opens sockets, databases or processes has a process to itself, so that nothing of it leaks into another file.
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'
import { SlowestFiles } from './slowest.js'

/** Files of which one takes minutes, on a busy machine. */
const long = /\/test\/((daemon|library|sim)\/[^/]+|cli\/(demo|run-program)[^/]+|io\/network[^/]*)$/

/** Of those folders whose files have a process each, the files that leave nothing open behind them: they need none. */
const plain = [
  'cli/{completion,demo-screen,follow,format,progress,same-id,table}',
  'daemon/{log-lines,naming,news,questions,slug-watches}',
  'io/{checks-kept,crypto,log-output,mdns-words,rates,serving}',
  'library/over-http',
]

/**
 * Files that take longest begin first: Vitest goes by their size, and ends with a short one that takes two minutes. The others
 * are kept together by project, since a process is used again only by a file of the same one; those that share it come last.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number =>
      (project.name === 'shared' ? projects.length : 0) +
      (long.test(moduleId) ? 0 : 1 + projects.findIndex(({ test }) => test.name === project.name))
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

function filesOf(names: readonly string[]): string[] {
  return names.map((name) => `test/${name}.test.ts`)
}

const projects = [
  {
    name: 'processes',
    folders: ['daemon', 'library', 'cli'],
    exclude: filesOf(plain),
    globalSetup: ['test/daemon/one-file.ts'],
  },
  { name: 'io', folders: ['io'], exclude: filesOf(plain) },
  // These share a process, and with it what they import.
  {
    name: 'shared',
    folders: ['core', 'sim', 'client', 'testing', 'metrics', 'http', 'dns'],
    files: ['test/*.test.ts', ...filesOf(plain)],
    isolate: false,
    execArgv: ['--max-semi-space-size=64'],
  },
].map(({ folders, files = [], ...rest }) => ({
  extends: true as const,
  test: { include: [...files, ...folders.map((folder) => `test/${folder}/**/*.test.ts`)], ...rest },
}))

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('..', import.meta.url)),
    projects,
    setupFiles: ['src/polyfill.ts', 'test/sim/recording/setup.ts'],
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new SlowestFiles()],
    // Vitest would leave one core of two idle. More workers than cores: the longest files wait for daemons, disks and timers.
    maxWorkers: Math.max(4, availableParallelism() - 1),
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
