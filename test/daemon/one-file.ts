// The built daemon with its packages in one file, compiled once, for the tests that start daemons by the dozen: it is up after a
// third of the work. What is shipped looks up a thousand files; it starts in the tests of the package, its examples, the commands
// and the first minute.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, cp, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const cli = fileURLToPath(new URL('../../dist/cli', import.meta.url))
const page = fileURLToPath(new URL('../../dist/http/ui', import.meta.url))
/** Beside the command that it is a copy of: both import what is above them. */
const folder = fileURLToPath(new URL('../../dist/one-file', import.meta.url))
export const main = join(folder, 'main.js')
/** For one start of a daemon, on a machine that is busy with something else. */
const limit_ms = 60_000

/** Runs in the vitest process, before the first test that starts a daemon. */
export async function setup(): Promise<void> {
  const code = await bundled()
  // V8 takes what it compiled for that of any text of the same length: so each text has a name of its own.
  const file = join(folder, `program-${createHash('sha256').update(code).digest('hex').slice(0, 16)}.cjs`)
  await mkdir(folder, { recursive: true })
  const isCompiled = await stat(`${file}.compiled`).catch(() => undefined)
  if (isCompiled === undefined) {
    await put(file, code)
    await compile(file)
  }
  await put(join(folder, 'program.js'), programIn(basename(file)))
  await copyFile(join(cli, 'main.js'), main)
  await cp(page, join(folder, 'ui'), { recursive: true })
  const stale = (await readdir(folder)).filter((name) => /^program-/.test(name) && !name.startsWith(basename(file)))
  for (const name of stale) await rm(join(folder, name), { force: true })
}

/** The command line and all that it imports, but for packages that look for files beside their own. */
async function bundled(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(cli, 'program.js')],
    write: false,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    external: ['classic-level', 'pino', 'pino-pretty'],
    supported: { 'dynamic-import': false }, // of the external ones: what is compiled ahead knows `require` alone
    define: { 'import.meta.url': 'ownUrl' },
    banner: { js: "const ownUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  })
  return (outputFiles[0] as (typeof outputFiles)[number]).contents
}

/** The module that stands in for `dist/cli/program.js`. */
function programIn(file: string): string {
  return `
import { readFileSync } from 'node:fs'
import { createRequire, Module } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

const filename = fileURLToPath(new URL('${file}', import.meta.url))
const read = (path) => { try { return readFileSync(path) } catch { return undefined } }
const code = Module.wrap(readFileSync(filename, 'utf8'))
export const script = new Script(code, { filename, cachedData: read(filename + '.compiled') })
const loaded = { exports: {} }
script.runInThisContext()(loaded.exports, createRequire(filename), loaded, filename, dirname(filename))
export const { runCommandLine } = loaded.exports
`
}

/** Keeps what V8 has compiled once a daemon is up: what a start needs, and no more. */
async function compile(file: string): Promise<void> {
  const program = join(dirname(file), `compiling-${process.pid}.mjs`)
  const ending = `
import '../polyfill.js'
import { renameSync, writeFileSync } from 'node:fs'
const start = ['start', '--temp', '--no-mdns', '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0']
const write = process.stdout.write.bind(process.stdout)
process.stdout.write = (...said) => {
  writeFileSync(filename + '.new', script.createCachedData())
  renameSync(filename + '.new', filename + '.compiled')
  process.kill(process.pid, 'SIGTERM')
  return write(...said)
}
process.exitCode = await runCommandLine([...start, '--log-level', 'fatal'])
`
  await writeFile(program, programIn(basename(file)) + ending)
  const { PATH, HOME } = process.env
  try {
    await promisify(execFile)(process.execPath, [program], { env: { PATH, HOME }, timeout: limit_ms })
  } finally {
    await rm(program)
  }
}

/** Whole at any time: another run may start daemons now. */
async function put(path: string, content: string | Uint8Array): Promise<void> {
  const mine = `${path}.${process.pid}`
  await writeFile(mine, content)
  await rename(mine, path)
}
