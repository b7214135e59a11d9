/** `rollcall demo` with real daemons: it tells every step, ends well, and leaves no process and no file, however it ends. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../daemon/cluster.js'
import { main } from '../daemon/one-file.js'

const patience_ms = 240_000

/** The demonstration keeps its files in here; their path also tells its daemons from all others. */
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollcall-demo-test-'))
})
afterEach(() => {
  for (const { pid } of daemons()) process.kill(pid, 'SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

/** The daemons of the demonstration that run now. */
function daemons(): { readonly pid: number; readonly name: string }[] {
  const { stdout } = spawnSync('ps', ['-ww', '-e', '-o', 'pid=', '-o', 'args='], { encoding: 'utf8' })
  return stdout
    .split('\n')
    .filter((line) => line.includes(`--data-dir ${dir}/`))
    .map((line) => ({ pid: Number.parseInt(line, 10), name: /--node-id (\w+)/.exec(line)?.[1] ?? '' }))
}

function start(): {
  said: { stdout: string; stderr: string }
  kill: (signal: NodeJS.Signals) => void
  code: Promise<number | null>
} {
  const { PATH, HOME } = process.env
  const settings = { ROLLCALL_CLUSTER_KEY: '/no/such/file', ROLLCALL_HTTP: '127.0.0.1:1' } // of somebody's own daemon
  const child = spawn(process.execPath, [main, 'demo'], { env: { PATH, HOME, TMPDIR: dir, ...settings } })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (bytes: Buffer) => (said.stdout += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (said.stderr += bytes.toString()))
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { said, kill: (signal) => void child.kill(signal), code }
}

function expectNothingLeft(): void {
  expect(daemons()).toEqual([])
  expect(readdirSync(dir)).toEqual([])
}

test(
  'each step is one line with what was measured, in order, and nothing is left',
  async () => {
    const { said, code } = start()
    expect({ code: await code, stderr: said.stderr }).toEqual({ code: 0, stderr: '' })
    const lines = said.stdout.trimEnd().split('\n')
    const steps = [
      /^Starting three daemons/,
      /^They found each other: .* after [\d.]+ (ms|s)\.$/,
      /^Registered six instances, .* after [\d.]+ (ms|s)\.$/,
      /^Killed node b with kill -9, .* its 2 instances were out of both other lookups after [\d.]+ (ms|s)\.$/,
      /^Meanwhile a and c were asked [1-9]\d* times: [1-9]\d* answers, 0 failures\.$/,
      /^Deregistered mail-b at a, .* after [\d.]+ (ms|s)\.$/,
      /^Started b again on the disk that it had: .* web-b was back in all three lookups\.$/,
      /^And mail-b stays gone/,
      /^That is all/,
      /^$/,
      /^Try it yourself:$/,
    ]
    steps.forEach((step, i) => expect(lines[i]).toMatch(step))
    expect(lines.slice(steps.length).join('\n')).toMatch(/ run --slug web -- node server\.js /)
    expect(said.stdout).not.toContain('\u001b')
    expectNothingLeft()
  },
  patience_ms,
)

test.each([
  { moment: 'at its first word', line: 'Starting', signal: 'SIGINT', code: 130 },
  { moment: 'while one daemon is away', line: 'Killed', signal: 'SIGTERM', code: 143 },
] as const)(
  'interrupted $moment it ends with $code and leaves nothing',
  async ({ line, signal, code }) => {
    const demo = start()
    await until(line, async () => demo.said.stdout.includes(line), patience_ms)
    if (line !== 'Starting') expect(daemons().length).toBeGreaterThan(1)
    demo.kill(signal)
    demo.kill(signal)
    expect(await demo.code).toBe(code)
    expect(demo.said.stdout).toMatch(/Interrupted; cleaning up\.\n$/)
    expect(demo.said.stderr).toBe('')
    expectNothingLeft()
  },
  patience_ms,
)

test(
  'where a daemon fails it says which, shows what the daemons wrote, ends with 1 and leaves nothing',
  async () => {
    const demo = start()
    const find = (): { pid: number } | undefined => daemons().find(({ name }) => name === 'c')
    await until('c runs', async () => find() !== undefined, patience_ms)
    process.kill(find()?.pid ?? 0, 'SIGKILL')
    expect(await demo.code).toBe(1)
    expect(demo.said.stderr).toMatch(/^rollcall: (node c ended \(SIGKILL\)|no daemon answers|three living members)/)
    expect(demo.said.stderr).toMatch(/\nThe last that the daemons wrote:\n {2}a {2}/)
    expect(demo.said.stderr).toMatch(/^ {2}a {2}.*serving/m)
    expectNothingLeft()
  },
  patience_ms,
)
