// Says at the end of a run which test files took longest: where the next minute can be saved.
import type { Reporter, TestModule, Vitest } from 'vitest/node'

const shown = 10

/** From the first import to the last hook, seconds. */
function duration_s(file: TestModule): number {
  const { prepareDuration, environmentSetupDuration, setupDuration, collectDuration, duration } = file.diagnostic()
  return (prepareDuration + environmentSetupDuration + setupDuration + collectDuration + duration) / 1000
}

export class SlowestFiles implements Reporter {
  #log: (line: string) => void = () => undefined

  onInit({ logger }: Vitest): void {
    this.#log = (line) => logger.log(line)
  }

  onTestRunEnd(files: readonly TestModule[]): void {
    const slowest = files
      .map((file) => ({ name: file.relativeModuleId, took_s: duration_s(file) }))
      .sort((a, b) => b.took_s - a.took_s)
      .slice(0, shown)
    if (files.length <= shown) return
    this.#log('\n The slowest test files, in seconds:')
    for (const { name, took_s } of slowest) this.#log(`${took_s.toFixed(1).padStart(8)}  ${name}`)
    this.#log('')
  }
}
