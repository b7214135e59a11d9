/** A program under `run` has the same id at each start, and never that of one that runs beside it. */
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { sameAtEachStart } from '../../src/cli/run/same-id.js'

const module = new URL('../../dist/cli/run/same-id.js', import.meta.url).href

/** As another process is given it. */
function elsewhere(said: readonly string[]): string {
  const source = `import { sameAtEachStart } from ${JSON.stringify(module)}; console.log(await sameAtEachStart(${JSON.stringify(said)}))`
  return execFileSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  }).trim()
}

test.skipIf(process.platform !== 'linux')(
  'it is held for as long as the process lives, however that ends',
  async () => {
    const said = ['web', `node server.js ${process.pid}`]
    const first = elsewhere(said)
    expect(first).toMatch(/^[0-9a-f]{8}$/)
    expect(elsewhere(said)).toBe(first)
    expect(elsewhere([...said, '--port'])).not.toBe(first)
    expect(await sameAtEachStart(said)).toBe(first)
    const beside = elsewhere(said)
    expect(beside).not.toBe(first)
    expect(elsewhere(said)).toBe(beside)
  },
)
