/** How `rollcall start` speaks until it ends: one line on stdout, a log on stderr, signals, exit codes, nothing left behind. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../daemon/cluster.js'
import { compileScript, runHere, startScript, type Running } from './run.js'

let pretendDaemon: string
beforeAll(async () => {
  pretendDaemon = await compileScript('test/cli/pretend-daemon.ts')
})
afterAll(() => rmSync(pretendDaemon, { force: true }))

const pretend = (behaviour: string, stderr?: number): Running => startScript(pretendDaemon, [behaviour], stderr)
const readyLine = 'rollcall ready http=http://127.0.0.1:1 peer=PEER listen=/ip4/10.0.0.5/tcp/1,/ip4/10.0.0.6/tcp/1'

interface LogLine {
  readonly msg: string
  readonly dataDir?: string
  readonly err?: { readonly stack: string }
}

function logLines(stderr: string): LogLine[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine)
}

function saidThatItStops({ stderr }: Running['child']): Promise<void> {
  return new Promise((resolve) => {
    stderr?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('second signal')) resolve()
    })
  })
}

/** Of files, as a shell would before it starts the daemon. */
const withLimit = (files: number): ReturnType<typeof spawn> => {
  const quiet = '--temp --no-mdns --http 127.0.0.1:0 --listen /ip4/127.0.0.1/tcp/0'
  const line = `ulimit -n ${files}; exec '${process.execPath}' dist/cli/main.js start ${quiet}`
  return spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** From Node 22 on modules are opened one after the other, and so few are enough. */
const opensAtOnce = Number(process.versions.node.split('.')[0]) < 22

test.skipIf(!opensAtOnce)('where too few files may be open it says how many it needs', async () => {
  for (const files of [32, 128]) {
    const child = withLimit(files)
    const [stderr, [code]] = await Promise.all([text(child.stderr!), once(child, 'close')])
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        `^rollcall: this process may have ${files} files open, and needs 256 to start; allow 1024: .*\n$`,
      ),
    ])
  }
})

test('starts with as few files as it says that it needs', async () => {
  const child = withLimit(256)
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  expect(line.toString()).toMatch(/^rollcall ready /)
  child.kill()
  expect(await once(child, 'exit')).toEqual([0, null])
})

describe('a daemon that serves', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
    'says one line, ends with 0 on %s, and takes its temporary files along',
    async (signal) => {
      const { child, firstLine, outcome } = pretend('stops')
      expect(await firstLine).toBe(readyLine)
      child.kill(signal)
      const { code, stdout, stderr } = await outcome
      expect({ code, stdout }).toEqual({ code: 0, stdout: `${readyLine}\n` })
      const dataDir = logLines(stderr).find(({ msg }) => msg === 'serving')?.dataDir
      expect(dataDir).toMatch(/rollcall-/)
      expect(existsSync(dataDir!)).toBe(false)
    },
  )

  test('has started, to whoever starts what comes after it, once it is ready', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rollcall-systemd-'))
    const heard = (): string[] => (existsSync(said) ? readFileSync(said, 'utf8').split('\n').filter(Boolean) : [])
    const said = join(dir, 'said')
    writeFileSync(join(dir, 'systemd-notify'), `#!/bin/sh\necho "$*" >> '${said}'\n`, { mode: 0o755 })
    const env = { NOTIFY_SOCKET: '/nobody', PATH: `${dir}:${process.env.PATH}` }
    const { child, outcome } = startScript(pretendDaemon, ['joins'], undefined, env)
    await until('it says how it is', async () => heard().length > 0)
    const reloaded = new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk: Buffer) => chunk.toString().includes('SIGHUP') && resolve())
    })
    child.kill('SIGHUP') // is no end of the start
    await reloaded
    child.kill('SIGUSR2')
    await until('it has started', async () => heard().length > 1)
    child.kill('SIGTERM')
    const { code, stderr } = await outcome
    const [joining, ready] = ['STATUS=serving reads; not ready: joining', 'READY=1 STATUS=ready']
    expect([code, heard().slice(0, 2)]).toEqual([0, [joining, ready]])
    const told = logLines(stderr).map(({ msg }) => msg)
    expect(told).toContain('this node is ready: it serves reads and takes writes')
    rmSync(dir, { recursive: true, force: true })
  })

  test('ends with 0 when it left the cluster by itself', async () => {
    expect(await pretend('leaves').outcome).toMatchObject({ code: 0, stdout: `${readyLine}\n` })
  })

  test.skipIf(!existsSync('/dev/full'))('whose log cannot be written goes on, and says goodbye as ever', async () => {
    const full = openSync('/dev/full', 'w')
    const { child, firstLine, outcome } = pretend('stops', full)
    closeSync(full)
    expect(await firstLine).toBe(readyLine)
    child.kill('SIGTERM')
    expect(await outcome).toMatchObject({ code: 0, stdout: `${readyLine}\n` })
  })

  test.skipIf(spawnSync('prlimit', ['--version']).status !== 0)(
    'that can open nothing any more ends with 0, and names the temporary files that it leaves',
    async () => {
      const { child, firstLine, outcome } = pretend('exhausts')
      expect(await firstLine).toBe(readyLine)
      expect(spawnSync('prlimit', ['--pid', String(child.pid), '--nofile=64']).status).toBe(0)
      child.kill('SIGTERM')
      const { code, stderr } = await outcome
      // Wherever it stands: standard error is a socket here, to which a line of before may still be on its way.
      const { dataDir = '', msg } = logLines(stderr).find((line) => line.msg.includes('EMFILE')) ?? {}
      rmSync(dataDir, { recursive: true, force: true })
      expect({ code, msg }).toMatchObject({ code: 0, msg: expect.stringContaining('EMFILE') as string })
    },
  )

  test('that hangs while stopping ends with 1 by itself', async () => {
    const { child, firstLine, outcome } = pretend('hangs')
    await firstLine
    child.kill('SIGTERM')
    const { code, stderr } = await outcome
    expect(code).toBe(1)
    expect(logLines(stderr).map(({ msg }) => msg)).toContain('could not stop in time')
  })

  test('that hangs while stopping ends at once on a second signal', async () => {
    const { child, firstLine, outcome } = pretend('hangs')
    await firstLine
    child.kill('SIGTERM')
    await saidThatItStops(child)
    child.kill('SIGINT')
    const { code, stderr } = await outcome
    expect(code).toBe(1)
    expect(stderr).not.toContain('could not stop in time')
  })

  test('ends with 1 on a promise that nobody waited for, with its trace in the log', async () => {
    const { code, stderr } = await pretend('breaks').outcome
    expect(code).toBe(1)
    expect(logLines(stderr).at(-1)?.err?.stack).toContain('nobody waits for this')
  })
})

test('a daemon that cannot start says why in one line and ends with 1', async () => {
  const { code, stdout, stderr } = await pretend('fails').outcome
  expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: 'rollcall: http: 127.0.0.1:1 is in use\n' })
})

test('wrong options end with 2 before anything is started', async () => {
  const cases: readonly [readonly string[], NodeJS.ProcessEnv, RegExp][] = [
    [['start', '--htp', 'x'], {}, /unknown option '--htp'.*--http/],
    [['start', '--http', 'nowhere'], {}, /--http \(ROLLCALL_HTTP\)/],
    [['start', '--join'], {}, /--join/],
    [['start', 'now'], {}, /too many arguments/],
    [['start'], { ROLLCALL_LOG_LEVEL: 'loud' }, /--log-level \(ROLLCALL_LOG_LEVEL\)/],
  ]
  for (const [args, env, words] of cases) {
    const { code, stdout, stderr } = await runHere(args, env)
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
    expect(stderr).toMatch(words)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  }
})

test('--help of start names every option with its variable and its default, and no hidden one', async () => {
  const { code, stdout } = await runHere(['start', '--help'])
  expect(code).toBe(0)
  for (const word of ['--no-mdns', 'ROLLCALL_MDNS', 'ROLLCALL_CLUSTER_KEY', '127.0.0.1:58231', '--temp']) {
    expect(stdout).toContain(word)
  }
  expect(stdout).not.toMatch(/drop-gossip/i)
})
