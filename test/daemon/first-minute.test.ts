// The first minute of the README, typed as it stands there, on a machine that knows nothing of us: what it starts is found, and answers.
import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from './cluster.js'
import { canMakeNamespaces, namespace, type Place } from './place.js'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const [, minute = ''] = /^## The first minute$([\s\S]*?)^## /m.exec(readme) ?? []

const permitted = canMakeNamespaces()
if (!permitted) console.warn('skipped: the first minute needs the right to make network namespaces (unshare -n)')

let place: Place
let home: string
const terminals: ChildProcess[] = []

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'rollcall-minute-'))
  if (permitted) place = await namespace()
})
afterAll(async () => {
  for (const child of terminals.reverse()) {
    child.kill('SIGTERM')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  }
  if (permitted) await place.close()
  await rm(home, { recursive: true })
})

/** The line of the first minute that begins like this, without the remark behind it. */
function line(beginning: string): string {
  const found = minute.split('\n').find((each) => each.startsWith(beginning))
  expect(found, `a line that begins with ${beginning}`).toBeDefined()
  return (found as string).replace(/ {2,}#.*$/, '')
}

/** Types a line into a terminal of its own. */
function type(text: string): ChildProcess {
  const command = text.replace(/^rollcall /, `"${process.execPath}" "${main}" `)
  return place.spawn('sh', ['-c', `exec ${command}`], { PATH: process.env['PATH'], HOME: home })
}

/** Types it into a terminal that stays open, and waits for what it says. */
async function open(text: string, until: RegExp): Promise<ChildProcess> {
  const child = type(text)
  terminals.push(child)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const hear = (bytes: Buffer): void => {
      said += bytes.toString()
      if (until.test(said)) resolve()
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('close', () => reject(new Error(`${text} ended: ${said}`)))
  })
  return child
}

async function outputOf(text: string): Promise<{ code: number | null; stdout: string }> {
  const child = type(text)
  let stdout = ''
  child.stdout?.on('data', (bytes: Buffer) => (stdout += bytes.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout }
}

describe.skipIf(!permitted)('the first minute', () => {
  test('a node, a service that is found and answers, another node that says the same, and an end', async () => {
    expect(line('npm')).toBe('npm ci && npm start')
    await open('rollcall start', /^rollcall ready /m)
    expect(line('alias')).toBe('alias rollcall="node $PWD/dist/cli/main.js"')
    const service = await open(line('rollcall run'), /registered as hello/)
    await until('the lookup shows it', async () => {
      const { stdout } = await outputOf(line('rollcall lookup hello '))
      return /hello-\w+ +hello +http:\/\/127\.0\.0\.1:\d+ +Healthy/.test(stdout)
    })
    const [, pick = ''] = /^curl "\$\((.*)\)"$/.exec(line('curl')) ?? []
    const { stdout: url } = await outputOf(pick)
    expect((await place.fetch(url.trim())).body).toBe('hello\n')
    const [, register = ''] = /by its url: `(.*)`\./.exec(minute) ?? []
    expect((await outputOf(register.replace(/"\$\(.*\)"/, url.trim()))).code).toBe(0)
    await until('what was registered by its url is healthy, too', async () =>
      (await outputOf('rollcall lookup web')).stdout.includes('Healthy'),
    )
    await open(line('rollcall start'), /^rollcall ready /m)
    await until('the other node shows it too', async () => {
      const { stdout } = await outputOf(line('rollcall lookup hello --server'))
      return stdout.includes(url.trim()) && stdout.includes('Healthy')
    })
    const { code, stdout } = await outputOf(line('rollcall status'))
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('2 alive') as unknown })
    service.kill('SIGINT')
    await once(service, 'close')
    for (const lookup of ['rollcall lookup hello ', 'rollcall lookup hello --server'])
      await until('it is gone', async () => (await outputOf(line(lookup))).code === 1)
  })
})
