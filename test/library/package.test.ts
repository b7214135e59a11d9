// What `npm pack` makes, installed elsewhere: it holds what it should, type-checks in both worlds of resolution, and runs, like every
// example that we show.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { confined, examples, freePort } from './examples.js'
import { compile, install, link, type Output, pack, run, temporaryProject } from './installed.js'

/** Everything that a user may write, and (`@ts-expect-error`) a few things that the types refuse. */
const program = `
import { createClient, createNode, RegistryError, type InstanceView, type NodeOptions, type RollcallNode } from 'rollcall'
import { Console } from 'node:console'

const local = { mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'] }
const options: NodeOptions = { memory: true, ...local, nodeId: 'a' }

async function first(node: RollcallNode): Promise<InstanceView | undefined> {
  for await (const { event } of node.events()) {
    if (event.type === 'instance' && event.change === 'shown') return event.instance
  }
  return undefined
}

await using a = await createNode(options)
await using b = await createNode({ memory: true, ...local, join: a.addresses, log: new Console(process.stderr) })
const end = b.on('member', ({ peer, to }) => console.error(peer.length, to satisfies string))
const seen = first(b)
await a.register({ slug: 'web', scheme: 'http', host: '127.0.0.1', port: 1 })
const instance = await seen
end()
console.log(instance?.url, b.lookup('web')?.instances.length, createClient().server)
try {
  await a.register({ slug: '!', url: 'http://a.test' })
} catch (error) {
  if (error instanceof RegistryError) console.log(error.code)
}

// @ts-expect-error one of dataDir and memory has to be said
export const neither = (): unknown => createNode({ cluster: 'x' })
// @ts-expect-error but not both
export const both = (): unknown => createNode({ dataDir: '.', memory: true })
// @ts-expect-error there is no such event
export const none = (): unknown => a.on('nothing', () => undefined)
// @ts-expect-error what is given out is not to be changed
export const change = (): unknown => (a.instances().instances[0]!.url = 'x')
`

/** What is bundled; no `await` outside of functions, which CommonJS does not know. */
const bundledProgram = `
import { createNode } from 'rollcall'

async function main(): Promise<void> {
  const [dataDir] = process.argv.slice(2)
  const local = { mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'], logLevel: 'fatal' } as const
  const node = await createNode(dataDir === undefined ? { memory: true, ...local } : { dataDir, ...local })
  await node.register({ slug: 'web', url: 'http://127.0.0.1:1' })
  console.log(node.instances({ slug: 'web' }).instances.length, node.self().version)
  await node.stop()
}
main().catch((error: Error) => console.log(error.message))
`

const clientProgram = `
import { createClient, isUnreachable } from 'rollcall/client'

const client = createClient({ servers: ['127.0.0.1:1'], attempts: 1 })
try {
  await client.pick('web')
} catch (error) {
  console.log(isUnreachable(error))
}
`

const testingProgram = `
import type { RollcallNode } from 'rollcall'
import { createClient, type Registry } from 'rollcall/client'
import { createTestRegistry } from 'rollcall/testing'

/** Written against the interface, run with any. */
async function urlOf(registry: Registry): Promise<string | undefined> {
  return (await registry.pick('web'))?.url
}

const registry = createTestRegistry()
await registry.register({ slug: 'web', url: 'http://10.0.0.7' })
console.log(await urlOf(registry), registry.pick('web')?.status)
export const others = (node: RollcallNode): unknown => [urlOf(node), urlOf(createClient())]
// @ts-expect-error what it answers may be a promise
export const hasty = (one: Registry): unknown => one.pick('web')?.url
`

const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

let workshop: string
let project: string
let daemon: ChildProcess
beforeAll(async () => {
  workshop = await temporaryProject()
  project = await temporaryProject()
  await install(await pack(workshop), project)
  await writeFile(join(project, 'main.ts'), program)
  await writeFile(join(project, 'client.ts'), clientProgram)
  await writeFile(join(project, 'testing.ts'), testingProgram)
  await writeFile(join(project, 'bundled.ts'), bundledProgram)
  await link('types-node-newest', join(project, 'newest', 'node'))
  const server = await startDaemon()
  for (const [i, { code }] of examples.entries()) {
    await writeFile(join(project, `example${i}.ts`), `${confined(code, server, await freePort())}\nexport {}\n`)
  }
  const running = examples.map(({ name }, i) => `console.log('running ${name}')\nawait import('./example${i}.js')\n`)
  await writeFile(join(project, 'examples.ts'), `${running.join('')}export {}\n`)
}, 240_000)
afterAll(async () => {
  daemon.kill('SIGTERM')
  if (daemon.exitCode === null) await once(daemon, 'close')
  for (const path of [workshop, project]) await rm(path, { recursive: true, force: true })
})

function installed(...path: string[]): string {
  return join(project, 'node_modules', 'rollcall', ...path)
}

/** @returns where it serves */
async function startDaemon(): Promise<string> {
  const options = ['--temp', '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--url', 'http://127.0.0.1:1']
  daemon = spawn(process.execPath, [installed('dist', 'cli', 'main.js'), 'start', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'], // as under most supervisors: what is linked has to be found then, too
    env: { ...process.env, ROLLCALL_LOG_LEVEL: 'error' },
  })
  let said = ''
  daemon.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()))
  const line = await new Promise<string>((resolve, reject) => {
    daemon.stdout?.once('data', (bytes: Buffer) => resolve(bytes.toString()))
    daemon.once('close', () => reject(new Error(`the daemon ended: ${said}`)))
  })
  return /http=(\S+)/.exec(line)?.[1] as string
}

describe('the package', () => {
  test('holds what was built now, and nothing else', async () => {
    expect((await readdir(installed())).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json'])
    const built = await readdir(installed('dist'), { recursive: true, encoding: 'utf8' })
    const sources = await readdir(join(workshop, 'sources', 'src'), { recursive: true, encoding: 'utf8' })
    const files = sources.filter((name) => name.endsWith('.ts')).map((name) => name.replace(/\.ts$/, ''))
    // Folders, with what is copied as it is: the page.
    const others = sources.filter((name) => !name.endsWith('.ts') && name !== 'README.md')
    expect(others).toEqual(expect.arrayContaining(['http/ui/index.html', 'http/ui/style.css']))
    expect(built.sort()).toEqual([...others, ...files.flatMap((name) => [`${name}.js`, `${name}.d.ts`])].sort())
  })

  test('lends Node what the network stack needs before anything else is loaded', async () => {
    const [first] = /^import .*$/m.exec(await readFile(installed('dist', 'index.js'), 'utf8')) ?? []
    expect(first).toBe("import './polyfill.js';")
  })

  test.each([
    { mode: 'nodenext', types: 20, options: { module: 'nodenext', moduleResolution: 'nodenext', outDir: 'out' } },
    {
      mode: 'bundler',
      types: 26,
      options: { module: 'esnext', moduleResolution: 'bundler', noEmit: true, typeRoots: ['newest'] },
    },
  ])(
    'type-checks under $mode with @types/node $types, its own declarations included',
    { timeout: 120_000 },
    async ({ options }) => {
      expect(await compile(project, options)).toBe('')
    },
  )

  test('runs as it was compiled', async () => {
    const { code, stdout } = await runCompiled('main.js')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'http://127.0.0.1:1 1 http://127.0.0.1:58231\nmalformed\n',
    })
  })

  test('has a client that brings nothing along: no package, nothing of Node', async () => {
    expect(await importsFrom(installed('dist', 'client.js'))).toEqual([])
    expect(await runCompiled('client.js')).toMatchObject({ code: 0, stdout: 'true\n' })
  })

  test('has a registry for tests that brings nothing along but Yjs: no network, no database', async () => {
    const imported = new Set(await importsFrom(installed('dist', 'testing.js')))
    expect([...imported].filter((name) => !name.startsWith('node:'))).toEqual(['yjs'])
    expect(await runCompiled('testing.js')).toMatchObject({ code: 0, stdout: 'http://10.0.0.7 Healthy\n' })
  })

  test('has types that lead to no package, so that they hold whatever else is installed', async () => {
    for (const door of ['index.d.ts', 'client.d.ts', 'testing.d.ts'])
      expect(await importsFrom(installed('dist', door))).toEqual([])
  })

  test('has the command', async () => {
    const { bin } = JSON.parse(await readFile(installed('package.json'), 'utf8')) as { bin: { rollcall: string } }
    const { code, stdout } = await run(process.execPath, [installed(bin.rollcall), '--help'], project)
    expect(code).toBe(0)
    expect(stdout).toContain('rollcall')
  })
})

describe('bundled into one file that stands alone', () => {
  const formats = [
    // What esbuild asks for where CommonJS packages that use Node go into a module.
    {
      format: 'esm',
      banner: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    { format: 'cjs', banner: '' },
  ] as const

  async function bundle(name: string, { format, banner }: Format, external: string[]): Promise<string> {
    const outfile = join(await temporaryProject(), `program.${format === 'esm' ? 'mjs' : 'cjs'}`)
    bundles.push(dirname(outfile))
    const common = { bundle: true, platform: 'node', target: 'node20', logLevel: 'error' } as const
    await build({ entryPoints: [join(project, name)], ...common, outfile, format, banner: { js: banner }, external })
    return outfile
  }
  /** All in one file: made once, run on disk as in memory. */
  function whole(how: Format): Promise<string> {
    const made = wholes.get(how) ?? bundle('bundled.ts', how, [])
    wholes.set(how, made)
    return made
  }
  type Format = (typeof formats)[number]
  const wholes = new Map<Format, Promise<string>>()
  const bundles: string[] = []
  afterAll(async () => {
    for (const path of bundles) await rm(path, { recursive: true, force: true })
  })

  test.each(formats)('a node in memory runs, as $format; it needs nothing of LevelDB', async (how) => {
    const file = await whole(how)
    const { code, stdout } = await run(process.execPath, [file], dirname(file))
    expect({ code, stdout }).toEqual({ code: 0, stdout: `1 ${version}\n` })
  })

  test.each(formats)('a node on disk runs, as $format, where LevelDB was left out of it', async (how) => {
    const file = await bundle('bundled.ts', how, ['level'])
    const [directory, dataDir] = [dirname(file), join(dirname(file), 'data')]
    const alone = await run(process.execPath, [file, dataDir], directory)
    expect(alone.stdout).toMatch(/^LevelDB cannot be loaded .*`level`/)
    await link('level', join(directory, 'node_modules', 'level'))
    const { code, stdout } = await run(process.execPath, [file, dataDir], directory)
    expect({ code, stdout }).toEqual({ code: 0, stdout: `1 ${version}\n` })
  })

  test.each(formats)('a node on disk says what to do, as $format, where LevelDB was taken into it', async (how) => {
    const file = await whole(how)
    const { stdout } = await run(process.execPath, [file, join(dirname(file), 'data')], dirname(file))
    expect(stdout).toMatch(/^LevelDB cannot be loaded .*leave the package `level` out of the bundle/)
  })

  test.each(formats)('a client runs, as $format', async ({ format }) => {
    await writeFile(
      join(project, 'bundled-client.ts'),
      clientProgram.replace(/^(try[^]*)$/m, 'void (async () => {\n$1})()'),
    )
    const file = await bundle('bundled-client.ts', { format, banner: '' } as Format, [])
    const { code, stdout } = await run(process.execPath, [file], dirname(file))
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'true\n' })
  })
})

describe('the examples', () => {
  test('are there', () => {
    expect(examples.map(({ name }) => name)).toEqual(expect.arrayContaining(['src/node.ts 1', 'src/client.ts 1']))
    for (const { code } of examples) expect(code).toMatch(/^import \{ \w+.* \} from 'rollcall/)
  })

  test('run one after the other, each says something, and then all end by themselves', async () => {
    const { code, stdout, stderr } = await runCompiled('examples.js')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [first, ...said] = stdout.split(/^running .*\n/m)
    expect(first).toBe('')
    expect(examples.map(({ name }, i) => (said[i]?.trim() ? 'says something' : name))).toEqual(
      examples.map(() => 'says something'),
    )
  })
})

function runCompiled(file: string): Promise<Output> {
  return run(process.execPath, [join('out', file)], project)
}

/** What a built file, or its declarations, import from outside the package, directly or through others. */
async function importsFrom(file: string, seen = new Set<string>()): Promise<string[]> {
  if (seen.has(file)) return []
  seen.add(file)
  const code = (await readFile(file, 'utf8')).replace(/\/\*[\s\S]*?\*\//g, '')
  const names = [...code.matchAll(/^(?:import|export) (?:[^'"]*? from )?['"]([^'"]+)['"]/gm)].map(
    ([, name = '']) => name,
  )
  const found = (name: string): string =>
    join(dirname(file), file.endsWith('.d.ts') ? name.replace(/\.js$/, '.d.ts') : name)
  const inner = names.filter((name) => name.startsWith('.')).map((name) => importsFrom(found(name), seen))
  return [...names.filter((name) => !name.startsWith('.')), ...(await Promise.all(inner)).flat()]
}
