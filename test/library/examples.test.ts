// Every example in the docstrings of the public doors, and every runnable block of the README, compiled strictly and run to its end.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configure, run, temporaryProject, tsc } from './installed.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const doors = ['src/index.ts', 'src/node.ts', 'src/client.ts']

interface Example {
  readonly name: string
  readonly code: string
}

/** What follows `@example` in a docstring, up to its next tag. */
function examplesIn(file: string, text: string): Example[] {
  const docstrings = [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].map(([docstring]) => docstring)
  const bodies = docstrings.map((docstring) => docstring.replace(/^\s*\/?\*+ ?/gm, '').replace(/\s*\/$/, ''))
  const examples = bodies.flatMap((body) => [...body.matchAll(/^@example\n([\s\S]*?)(?=^@\w|$(?![\s\S]))/gm)])
  return examples.map(([, code = ''], i) => ({ name: `${file} ${i + 1}`, code: code.trim() }))
}

/** Blocks that open with "```ts run". */
function blocksIn(file: string, text: string): Example[] {
  const blocks = [...text.matchAll(/^```ts run\n([\s\S]*?)^```$/gm)]
  return blocks.map(([, code = ''], i) => ({ name: `${file} ${i + 1}`, code: code.trim() }))
}

/** The only changes: nodes stay within this machine, the daemon is the one that this test has started, and services have a port that is free. */
function confined(code: string, server: string, port: number): string {
  return code
    .replaceAll('createNode({ ', "createNode({ mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'], ")
    .replaceAll('http://127.0.0.1:58231', server)
    .replaceAll('8080', String(port))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const examples = [
  ...(await Promise.all(doors.map(async (file) => examplesIn(file, await readFile(join(root, file), 'utf8'))))).flat(),
  ...blocksIn('README.md', await readFile(join(root, 'README.md'), 'utf8')),
]

let project: string
let daemon: ReturnType<typeof spawn>

beforeAll(async () => {
  project = await temporaryProject()
  const options = ['--temp', '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--url', 'http://127.0.0.1:1']
  daemon = spawn(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'start', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ROLLCALL_LOG_LEVEL: 'error' },
  })
  const [line] = (await once(daemon.stdout!, 'data')) as [Buffer]
  const server = /http=(\S+)/.exec(line.toString())?.[1] as string
  await mkdir(join(project, 'node_modules', '@types'), { recursive: true })
  await symlink(root, join(project, 'node_modules', 'rollcall'))
  await symlink(join(root, 'node_modules', '@types', 'node'), join(project, 'node_modules', '@types', 'node'))
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module' }))
  for (const [i, { code }] of examples.entries()) {
    await writeFile(join(project, `example${i}.ts`), `${confined(code, server, await freePort())}\nexport {}\n`)
  }
  await configure(project, 'tsconfig.json', { module: 'nodenext', moduleResolution: 'nodenext', outDir: 'out' })
})

afterAll(async () => {
  daemon.kill('SIGTERM')
  if (daemon.exitCode === null) await once(daemon, 'close')
  await rm(project, { recursive: true, force: true })
})

describe('the examples', () => {
  test('are there', () => {
    expect(examples.map(({ name }) => name)).toEqual(expect.arrayContaining(['src/node.ts 1', 'src/client.ts 1']))
    for (const { code } of examples) expect(code).toMatch(/^import \{ \w+.* \} from 'rollcall/)
  })

  test('say nothing wrong to the compiler', { timeout: 120_000 }, async () => {
    const { code, stdout } = await run(tsc, ['-p', 'tsconfig.json'], project)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  })

  test.each(examples.map(({ name }, i) => ({ name, i })))(
    '$name runs, says something, and ends by itself',
    async ({ i }) => {
      const { code, stdout, stderr } = await run(process.execPath, [join('out', `example${i}.js`)], project)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).not.toBe('')
    },
  )
})
