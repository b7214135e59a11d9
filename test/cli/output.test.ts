/** Words that cannot be written: a daemon goes on, a short command says in one line that some are missing, a reader that has had enough is no failure. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cluster, until, type RunningDaemon } from '../daemon/cluster.js'
import { main } from '../daemon/one-file.js'
import { loopback } from '../daemon/place.js'

const cluster = new Cluster(loopback())
let daemon: RunningDaemon
beforeAll(async () => {
  daemon = await cluster.start('home', { args: ['--no-mdns'] })
})
afterAll(() => cluster.close())

type Sink = number | 'pipe'

function start(args: readonly string[], stdout: Sink, stderr: Sink): { child: ChildProcess; said: () => string } {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, ROLLCALL_SERVER: daemon.url }
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', stdout, stderr] })
  let said = ''
  child.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()))
  return { child, said: () => said }
}

async function codeOf({ child }: { child: ChildProcess }): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit')
  return child.exitCode
}

const quiet = ['--temp', '--no-mdns', '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0']

test('a daemon whose log nobody reads goes on, and tells of what was lost once somebody does', async () => {
  const silent = await cluster.spawn('unread', { args: ['--no-mdns', '--log-level', 'trace'] })
  const stderr = silent.process.stderr as NonNullable<ChildProcess['stderr']>
  stderr.pause()
  await until('it serves', async () => silent.isUp)
  const id = (i: number): string => `${i}${'i'.repeat(480)}`
  for (let from = 0; from < 3000; from += 100) {
    const ids = Array.from({ length: 100 }, (_, i) => id(from + i))
    await Promise.all(ids.map((id) => silent.register({ id, url: 'http://10.0.0.1', check: 'none' })))
  }
  expect(await silent.isReady()).toBe(true)
  stderr.resume()
  await until('it is told', async () => /\d+ log lines were lost/.test(silent.log))
  await silent.kill('SIGTERM')
  expect(silent.process.exitCode).toBe(0)
})

describe.skipIf(!existsSync('/dev/full'))('on a disk that is full', () => {
  const onFull = (args: readonly string[], stderr: Sink = 'pipe'): ReturnType<typeof start> => {
    const full = openSync('/dev/full', 'w')
    const started = start(args, full, stderr === 'pipe' ? 'pipe' : full)
    closeSync(full)
    return started
  }

  test('a daemon says once in its log that its line is lost, serves, and says goodbye', async () => {
    const started = onFull(['start', ...quiet])
    await until('it serves', async () => /"http":"http/.test(started.said()))
    const url = /"http":"(http[^"]+)"/.exec(started.said())?.[1] as string
    await until('it is said', async () => /standard output cannot be written \(ENOSPC\).*goes on/.test(started.said()))
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    started.child.kill('SIGTERM')
    expect(await codeOf(started)).toBe(0)
    expect(started.said()).not.toMatch(/bug|uncaught/)
    expect(started.said().match(/cannot be written/g)).toHaveLength(1)
  })

  test('a daemon whose log is lost as well goes on until it is told to stop', async () => {
    const started = onFull(['start', ...quiet, '--node-id', 'unheard', '--join', daemon.address], 1)
    await until('it is there', async () => (await daemon.nodes()).some(({ id }) => id === 'unheard'))
    started.child.kill('SIGTERM')
    expect(await codeOf(started)).toBe(0)
  })

  test.each([
    { args: ['members'] },
    { args: ['members', '--json'] },
    { args: ['config'] },
    { args: ['--help'] },
    { args: ['--version'] },
    { args: ['members', '--watch', '--json'] },
    { args: ['watch', '--json'], poke: true },
  ])('$args ends with 1 and one line', async ({ args, poke = false }) => {
    const started = onFull(args)
    const poking = setInterval(() => {
      if (poke)
        void daemon.register({ url: `http://10.0.0.1:${1024 + Math.floor(Math.random() * 60_000)}`, check: 'none' })
    }, 200)
    expect(await codeOf(started)).toBe(1)
    clearInterval(poking)
    await until('it is said', async () => started.said().endsWith('\n'))
    expect(started.said()).toBe('rollcall: standard output cannot be written (ENOSPC): not all of it is there\n')
  })
})

test('a daemon whose readers have gone goes on', async () => {
  const started = start(['start', ...quiet, '--node-id', 'unread', '--join', daemon.address], 'pipe', 'pipe')
  started.child.stdout?.destroy()
  started.child.stderr?.destroy()
  await until('it is there', async () => (await daemon.nodes()).some(({ id }) => id === 'unread'))
  started.child.kill('SIGTERM')
  expect(await codeOf(started)).toBe(0)
})

/** A terminal that takes nothing more, for what is to run in it; a line on standard input has that told to stop. */
const stalledTerminal = `
import os, pty, subprocess, sys, time, tty
m, s = pty.openpty()
tty.setraw(s)
n = os.open(os.ttyname(s), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
refusals = 0
while refusals < 4:
    try:
        os.write(n, b'x' * (64 if refusals == 0 else 1))
        refusals = 0
    except BlockingIOError:
        refusals += 1
        time.sleep(0.02)
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=s, stderr=s)
sys.stdin.readline()
child.terminate()
print(child.wait())
`
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0

test.skipIf(!hasPython)('a daemon whose terminal takes nothing starts, serves and ends all the same', async () => {
  const args = ['start', ...quiet, '--node-id', 'stalled', '--join', daemon.address]
  const inside = spawn('python3', ['-c', stalledTerminal, process.execPath, main, ...args])
  let said = ''
  inside.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()))
  await until('it is there', async () => (await daemon.nodes()).some(({ id }) => id === 'stalled'))
  inside.stdin.write('\n')
  await until('it has ended', async () => said !== '')
  expect(said).toBe('0\n')
})

test('a reader such as head that has had enough is no failure', async () => {
  const started = start(['members', '--json'], 'pipe', 'pipe')
  started.child.stdout?.destroy()
  expect(await codeOf(started)).toBe(0)
  expect(started.said()).toBe('')
})
