// How the tests run: what opens sockets, databases or processes has a process to itself, so that nothing of it leaks into another file.
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { defineConfig } from 'vitest/config'
import { SlowestFiles } from './slowest.js'

/** Files of which one takes minutes, on a busy machine. */
const long = /\/test\/((daemon|library|sim)\/[^/]+|cli\/(demo|run-program)[^/]+|io\/network[^/]*)$/

/** Of those folders whose files have a process each, the files that open nothing: they need none. */
const plain = [
  'cli/{demo-screen,follow,format,progress,table}',
  'daemon/{log-lines,naming,news}',
  'io/{crypto,mdns-words}',
]

/**
 * Files that take longest begin first: Vitest goes by their size, and ends with a short one that takes two minutes. The others
 * are kept together by project, since a process is used again only by a file of the same one.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number =>
      project.name !== 'shared' && long.test(moduleId)
        ? 0
        : 1 + projects.findIndex(({ test }) => test.name === project.name)
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
  // These share a process, and with it what they import: they leave nothing open behind them.
  { name: 'shared', folders: ['http', 'dns'], files: filesOf(plain), isolate: false },
  {
    name: 'core',
    folders: ['core', 'sim', 'client', 'testing', 'metrics'],
    files: ['test/*.test.ts'],
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
