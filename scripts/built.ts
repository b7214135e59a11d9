// Builds, unless the build that is there was made of the very sources that are there: a clean install has just made it.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
const sources = files.filter((name) => name.endsWith('.ts'))
/** What is copied as it is. */
const copied = files.filter((name) => /\.(html|css|svg)$/.test(name))

/** Written by the compiler when it has written all else. */
const record = `${root}dist/.tsbuildinfo`

function isCurrent(): boolean {
  if (!existsSync(record)) return false
  const built_ms = statSync(record).mtimeMs
  const inputs = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    ...[...sources, ...copied].map((name) => `src/${name}`),
  ]
  const compiled = sources.flatMap((name) => ['.js', '.d.ts'].map((end) => `dist/${name.replace(/\.ts$/, end)}`))
  const isNewer = (name: string): boolean => statSync(root + name).mtimeMs > built_ms
  const isThere = (name: string): boolean => existsSync(root + name)
  const isWhole =
    compiled.every((name) => isThere(name) && !isNewer(name)) && copied.every((name) => isThere(`dist/${name}`))
  return isWhole && !inputs.some(isNewer)
}

// From nothing: the compiler would leave out what it believes to have written.
const { status } = isCurrent()
  ? { status: 0 }
  : spawnSync('npm', ['run', '--silent', 'prepare'], { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
