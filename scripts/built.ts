// Builds, unless the build that is there was made of the very sources that are there: a clean install has just made it.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))

/** Written by the compiler when it has written all else. */
const record = `${root}dist/.tsbuildinfo`

function isCurrent(): boolean {
  if (!existsSync(record)) return false
  const built_ms = statSync(record).mtimeMs
  const inputs = ['package.json', 'package-lock.json', 'tsconfig.json', ...sources.map((name) => `src/${name}`)]
  const outputs = sources.flatMap((name) => ['.js', '.d.ts'].map((end) => `dist/${name.replace(/\.ts$/, end)}`))
  const isNewer = (name: string): boolean => statSync(root + name).mtimeMs > built_ms
  return outputs.every((name) => existsSync(root + name) && !isNewer(name)) && !inputs.some(isNewer)
}

// From nothing: the compiler would leave out what it believes to have written.
const { status } = isCurrent()
  ? { status: 0 }
  : spawnSync('npm', ['run', '--silent', 'prepare'], { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
