/** `rollcall run` around real programs, at real daemons: the register follows the program, and the program never notices. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type Client } from '../../src/client.js'
import { hostForOthers } from '../../src/config/reach.js'
import type { InstanceRow } from '../../src/core/views.js'
import { Cluster, until, type RunningDaemon } from '../daemon/cluster.js'
import { main } from '../daemon/one-file.js'
import { loopback } from '../daemon/place.js'

const dir = mkdtempSync(join(tmpdir(), 'rollcall-run-'))
const cluster = new Cluster(loopback())
let daemon: RunningDaemon

beforeAll(async () => {
  daemon = await cluster.start('home', { args: ['--no-mdns'] })
  await until('the daemon takes writes', () => daemon.isReady())
})
afterAll(async () => {
  await cluster.close()
  rmSync(dir, { recursive: true })
})

/** A command line that runs, and what it has said so far. */
interface Run {
  readonly child: ChildProcess
  stdout: string
  stderr: string
  /** As a shell tells it. */
  readonly code: Promise<number>
}

const running = new Set<ChildProcess>()
/** A killed `rollcall run` would leave its program behind: it is asked until it has killed that first. */
afterEach(async () => {
  const asking = setInterval(() => running.forEach((child) => child.kill('SIGTERM')), 400)
  await until('all have ended', async () => running.size === 0)
  clearInterval(asking)
})

/** Runs a program, given as the source of a module, under `rollcall run`. */
function run(source: string, options: readonly string[], url = daemon.url): Run {
  const file = join(dir, 'program.mjs')
  writeFileSync(file, source)
  return runCommand([process.execPath, file, 'one', '--two', '--', '3 4'], options, url)
}

function runCommand(command: readonly string[], options: readonly string[], url = daemon.url): Run {
  return start(process.execPath, [main, 'run', ...options, '--', ...command], url)
}

function start(command: string, args: readonly string[], url: string): Run {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, ROLLCALL_SERVER: url, GREETING: 'hello', DAEMON: url }
  // In a session of its own: without a terminal, unless it makes one.
  const child = spawn(command, args, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  running.add(child)
  const code = new Promise<number>((resolve) =>
    child.on('close', (exitCode) => {
      running.delete(child)
      resolve(exitCode ?? -1)
    }),
  )
  const said: Run = { child, code, stdout: '', stderr: '' }
  child.stdout.on('data', (bytes: Buffer) => (said.stdout += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (said.stderr += bytes.toString()))
  child.stdin.on('error', () => undefined)
  return said
}

async function rows(slug: string, url = daemon.url): Promise<readonly InstanceRow[]> {
  return (await clientAt(url).instanceRows({ slug })).instances
}

function clientAt(url: string): Client {
  return createClient({ server: url })
}

function healthy(slug: string, url = daemon.url): Promise<number> {
  return until(`${slug} is listed and healthy`, async () => {
    const [row] = await rows(slug, url)
    return row?.status === 'Healthy' && row.visible
  })
}

/** Serves; tells its signals; ends by SIGTERM with 7. */
const server = `
  import { createServer } from 'node:http'
  const answer = (request, response) => response.end('I am ' + process.pid)
  createServer(answer).listen(Number(process.env.PORT), '127.0.0.1')
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2']) process.on(signal, () => console.log('got ' + signal))
  process.on('SIGTERM', () => {
    console.log('got SIGTERM')
    process.exit(7)
  })
`

describe('a program under rollcall run', () => {
  test('has a free port, its arguments, its streams and its environment, and its exit code is the command’s', async () => {
    const program = `
      import { text } from 'node:stream/consumers'
      const { PORT, MY_PORT, GREETING } = process.env
      console.log(JSON.stringify({ PORT, MY_PORT: Number(MY_PORT), GREETING, argv: process.argv.slice(2) }))
      console.error('to stderr: ' + (await text(process.stdin)))
      process.exitCode = 3
    `
    const its = run(program, ['--slug', 'argued', '--port-env', 'MY_PORT'])
    its.child.stdin?.end('typed')
    expect(await its.code).toBe(3)
    expect(its.stderr).toBe('to stderr: typed\n')
    const { MY_PORT, ...rest } = JSON.parse(its.stdout) as Record<string, unknown>
    expect(rest).toEqual({ GREETING: 'hello', argv: ['one', '--two', '--', '3 4'] })
    expect(MY_PORT).toBeGreaterThan(1023)
  })

  test('is listed once it answers, and gone when it has ended by itself', async () => {
    const program = `
      import { createServer } from 'node:http'
      const server = createServer((request, response) => response.end('hello'))
      process.once('SIGUSR1', () => server.listen(Number(process.env.PORT), '127.0.0.1'))
      process.once('SIGUSR2', () => process.exit(5))
      console.log('started')
      setInterval(() => undefined, 1000)
    `
    const its = run(program, [
      '--slug',
      'late',
      '--tag',
      'a',
      'b',
      '--deployment-id',
      'd-1',
      '--check',
      'http:/healthz',
    ])
    await until('the program runs', async () => its.stdout === 'started\n')
    for (let i = 0; i < 20; i++) expect(await rows('late')).toEqual([])
    its.child.kill('SIGUSR1')
    await healthy('late')
    const [row] = await rows('late')
    expect(row).toMatchObject({ tags: ['a', 'b'], deploymentId: 'd-1', n: 1 })
    expect(row?.check).toEqual({ http: { path: '/healthz' }, keepOpen: true })
    expect(row?.id).toMatch(/^late-[0-9a-f]{8}$/)
    expect(await (await fetch(row?.url ?? '')).text()).toBe('hello')
    its.child.kill('SIGUSR2')
    expect(await its.code).toBe(5)
    expect(await rows('late')).toEqual([])
    expect(its.stdout).toBe('started\n')
  })

  test('is out of every lookup before it is told to stop, and out of the register before the command ends', async () => {
    const program = `
      ${server.replace('process.exit(7)', 'void ask()')}
      async function ask() {
        const response = await fetch(process.env.DAEMON + '/registry-svc/instances?slug=polite')
        console.log(await response.text())
        process.exit(7)
      }
    `
    const its = run(program, ['--slug', 'polite', '--grace', '0.2'])
    await healthy('polite')
    its.child.kill('SIGTERM')
    expect(await its.code).toBe(7)
    expect(its.stdout).toBe('got SIGTERM\n{"instances":[]}\n')
    expect(await rows('polite')).toEqual([])
  })

  test('keeps running through the grace, marked as draining, unless a second signal kills it', async () => {
    const its = run(server, ['--slug', 'graceful', '--grace', '300'])
    await healthy('graceful')
    its.child.kill('SIGTERM')
    await until('it is marked', async () => (await rows('graceful'))[0]?.why === 'in maintenance: draining')
    const [row] = await rows('graceful')
    expect(await (await fetch(row?.url ?? '')).text()).toMatch(/^I am \d+$/)
    expect(its.stdout).toBe('')
    const again = setInterval(() => its.child.kill('SIGINT'), 50)
    expect(await its.code).toBe(137)
    clearInterval(again)
    expect(its.stdout).toBe('')
  })

  test('gets the signals that are not for rollcall', async () => {
    const its = run(server, ['--slug', 'signalled', '--grace', '0'])
    await healthy('signalled')
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
      its.child.kill(signal)
      await until(`${signal} arrives`, async () => its.stdout.includes(`got ${signal}\n`))
    }
    expect(await rows('signalled')).toMatchObject([{ visible: true }])
    its.child.kill('SIGTERM')
    expect(await its.code).toBe(7)
  })

  test('that dies of a signal gives 128 and its number, and is out of the register', async () => {
    const its = run(server, ['--slug', 'mortal'])
    await healthy('mortal')
    const [row] = await rows('mortal')
    const pid = /\d+/.exec(await (await fetch(row?.url ?? '')).text())?.[0]
    process.kill(Number(pid), 'SIGKILL')
    expect(await its.code).toBe(137)
    expect(await rows('mortal')).toEqual([])
  })

  test('that somebody deregisters runs on unlisted', async () => {
    const its = run(server, ['--slug', 'removed', '--id', 'removed-1', '--grace', '0'])
    await healthy('removed')
    await clientAt(daemon.url).deregister('removed-1')
    await until('it is noticed', async () => /removed-1 was removed/.test(its.stderr))
    expect(await rows('removed')).toEqual([])
    its.child.kill('SIGTERM')
    expect(await its.code).toBe(7)
  })

  test('in maintenance stays there: nothing registers it again meanwhile', async () => {
    const its = run(server, ['--slug', 'mended', '--id', 'mended-1', '--grace', '0'])
    await healthy('mended')
    await clientAt(daemon.url).setMaintenance('mended-1', 'by hand')
    const asked = async (): Promise<number> => (await clientAt(daemon.url).self()).uptime_ms
    const begun = await asked()
    await until('two rounds have passed', async () => (await asked()) - begun > 5000)
    expect(await rows('mended')).toMatchObject([{ why: 'in maintenance: by hand' }])
    its.child.kill('SIGTERM')
    expect(await its.code).toBe(7)
    expect(await rows('mended')).toEqual([])
  })
})

/** Below those that the system draws for connections: whoever listens there can be started again and again. */
async function lastingPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    server.close()
    if (isFree) return port
  }
}

describe('the daemon', () => {
  test('may come later, go, and come back with or without its memory', { timeout: 300_000 }, async () => {
    const port = await lastingPort()
    const url = `http://127.0.0.1:${port}`
    const args = ['--no-mdns', '--http', `127.0.0.1:${port}`]
    const its = run(server, ['--slug', 'patient', '--grace', '0'], url)
    await until('it is said', async () => /no daemon answers .*registered as soon as/.test(its.stderr))
    const first = await cluster.start('first', { args })
    await healthy('patient', url)
    await until('it knows', async () => its.stderr.includes('registered as')) // shown a moment before that is answered
    const [row] = await rows('patient', url)
    await first.kill('SIGKILL')
    const second = await cluster.start('first', { args })
    await healthy('patient', url)
    expect(await rows('patient', url)).toMatchObject([{ id: row?.id, n: 1 }])
    await second.kill('SIGKILL')
    const third = await cluster.start('forgetful', { args })
    await healthy('patient', url)
    expect(await rows('patient', url)).toMatchObject([{ id: row?.id, url: row?.url }])
    await until('it is said', async () => /registered as .*registered again as/s.test(its.stderr))
    await third.kill('SIGKILL')
    its.child.kill('SIGTERM')
    expect(await its.code).toBe(7)
    expect(its.stderr).toMatch(/could not deregister .* its daemon takes patient-/)
  })
})

test('a daemon that hangs delays neither the signal of the program nor the end for long', async () => {
  const hung = await cluster.start('hung', { args: ['--no-mdns'] })
  await until('it takes writes', () => hung.isReady())
  const its = run(server, ['--slug', 'impatient', '--grace', '300'], hung.url)
  await healthy('impatient', hung.url)
  hung.process.kill('SIGSTOP')
  its.child.kill('SIGTERM')
  expect(await its.code).toBe(7)
  expect(its.stdout).toBe('got SIGTERM\n')
  expect(its.stderr).toMatch(/could not be marked as stopping\n.*could not deregister/s)
  expect(its.stderr.match(/could not deregister/g)).toHaveLength(1)
  await hung.kill('SIGKILL')
})

describe('what cannot be run', () => {
  const unregistered = async (slug: string): Promise<void> => expect(await rows(slug)).toEqual([])

  test.each([
    {
      what: 'a program that is not there',
      command: ['no-such-program'],
      code: 127,
      words: /no such program on the PATH/,
    },
    { what: 'a file that is not there', command: ['./no/such'], code: 127, words: /no such file/ },
    { what: 'a file that is no program', command: ['/etc/passwd'], code: 126, words: /not executable/ },
  ])('$what ends with $code and one line', async ({ command, code, words }) => {
    const its = runCommand(command, ['--slug', 'nothing'])
    expect(await its.code).toBe(code)
    expect(its.stderr).toMatch(words)
    expect(its.stderr.trim().split('\n')).toHaveLength(1)
    await unregistered('nothing')
  })

  test.each([
    { options: ['--slug', 'a b'], words: /slug: "a b"/ },
    { options: ['--slug', 'web', '--check', 'ping'], words: /check: "ping"/ },
    { options: ['--slug', 'web', '--grace', '-1'], words: /--grace/ },
    { options: ['--slug', 'web', '--port-env', 'A-B'], words: /--port-env/ },
    { options: [], words: /--slug/ },
  ])('$options is refused before anything is started', async ({ options, words }) => {
    const its = runCommand(['echo', 'started'], options)
    expect(await its.code).toBe(2)
    expect(its.stderr).toMatch(words)
    expect(its.stdout).toBe('')
  })
})

const hasTerminals = spawnSync('script', ['--version'], { stdio: 'ignore' }).status === 0

test.skipIf(!hasTerminals)('Ctrl-C on a terminal reaches the program once', async () => {
  const program = join(dir, 'terminal.mjs')
  writeFileSync(
    program,
    `${server}
    let count = 0
    process.on('SIGINT', () => {
      count++
      console.log('got SIGINT')
      setInterval(async () => {
        const response = await fetch(process.env.DAEMON + '/v1/instances?slug=typed')
        if ((await response.json()).instances.length === 0) process.exit(10 + count)
      }, 50)
    })
    console.log('terminal ' + process.stdin.isTTY)`,
  )
  const line = `exec '${process.execPath}' '${main}' run --slug typed --grace 0 -- '${process.execPath}' '${program}'`
  const its = start('script', ['--quiet', '--return', '--command', line, '/dev/null'], daemon.url)
  await healthy('typed')
  its.child.stdin?.write('\x03')
  expect(await its.code).toBe(11)
  expect(its.stdout).toContain('terminal true')
  expect(await rows('typed')).toEqual([])
})

/** A server in a file, for shells in front of it: it tells its process number, and ends by SIGTERM unless it is to be stubborn. */
function serverFile(name: string, onTerm = 'process.exit(7)'): string {
  const file = join(dir, `${name}.mjs`)
  writeFileSync(
    file,
    `import { createServer } from 'node:http'
    createServer((request, response) => response.end()).listen(Number(process.env.PORT), '127.0.0.1')
    process.on('SIGTERM', () => { ${onTerm} })
    console.log('server ' + process.pid + ' of ' + process.ppid)`,
  )
  return `'${process.execPath}' '${file}'`
}

async function pidIn(said: { readonly stdout: string }): Promise<number> {
  await until('the server runs', async () => /server \d+/.test(said.stdout))
  return Number(/server (\d+)/.exec(said.stdout)?.[1])
}

/** Z: it has ended, and nobody has asked how. */
function stateOf(pid: number): string {
  try {
    return /^.*\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? ''
  } catch {
    return 'none'
  }
}

const isGone = (pid: number): boolean => ['none', 'Z', 'X'].includes(stateOf(pid))

describe.skipIf(!existsSync('/proc/self/stat'))('what a shell in front of the program has started', () => {
  test.each([
    { what: 'sh -c', line: (file: string) => `${file}; echo ended` },
    { what: 'sh -c in sh -c, as npm start', line: (file: string) => `sh -c "${file}; true"; echo ended` },
    { what: 'in the background', line: (file: string) => `${file} & wait; echo ended` },
  ])('$what: is stopped with it, and not left behind', async ({ line }) => {
    const its = runCommand(['sh', '-c', line(serverFile('wrapped'))], ['--slug', 'wrapped', '--grace', '0'])
    await healthy('wrapped')
    const pid = await pidIn(its)
    its.child.kill('SIGTERM')
    expect(await its.code).toBe(143)
    expect(isGone(pid)).toBe(true)
    expect(await rows('wrapped')).toEqual([])
  })

  test('is waited for as long as it takes to end, and killed by a second signal', async () => {
    const file = serverFile('stubborn', `console.log('got SIGTERM')`)
    const its = runCommand(['sh', '-c', `${file}; true`], ['--slug', 'stubborn', '--grace', '0'])
    await healthy('stubborn')
    const pid = await pidIn(its)
    its.child.kill('SIGTERM')
    await until('it is told', async () => its.stdout.includes('got SIGTERM'))
    expect(its.child.exitCode).toBeNull()
    expect(isGone(pid)).toBe(false)
    const again = setInterval(() => its.child.kill('SIGTERM'), 400)
    await its.code
    clearInterval(again)
    await until('it is killed', async () => isGone(pid))
  })

  test('is told to end where the program ends by itself', async () => {
    const file = serverFile('left')
    const its = runCommand(['sh', '-c', `${file} & read line; exit 3`], ['--slug', 'left', '--grace', '0'])
    await healthy('left')
    const pid = await pidIn(its)
    its.child.stdin?.write('go\n')
    expect(await its.code).toBe(3)
    expect(isGone(pid)).toBe(true)
    expect(its.stderr).toMatch(/what it had started is told to end, too/)
  })

  test.skipIf(!hasTerminals)('on a terminal is stopped as well, by a signal to rollcall alone', async () => {
    const command = `exec '${process.execPath}' '${main}' run --slug typed-at --grace 0 -- sh -c "${serverFile('typed-at')}; true"`
    const its = start('script', ['--quiet', '--return', '--command', command, '/dev/null'], daemon.url)
    await healthy('typed-at')
    const pid = await pidIn(its)
    const shell = Number(/of (\d+)/.exec(its.stdout)?.[1])
    const rollcall = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${shell}/status`, 'latin1'))?.[1])
    process.kill(rollcall, 'SIGTERM')
    await its.code
    expect(isGone(pid)).toBe(true)
    expect(await rows('typed-at')).toEqual([])
  })

  test.skipIf(!hasTerminals)(
    'stops with Ctrl-Z, goes on with fg, and ends with Ctrl-C, as without rollcall',
    async () => {
      const its = start('script', ['--quiet', '--command', 'bash --norc -i', '/dev/null'], daemon.url)
      its.child.stdin?.write(
        `'${process.execPath}' '${main}' run --slug keys --grace 0 -- sh -c "${serverFile('keys')}; true"\n`,
      )
      await healthy('keys')
      await until('the server says who it is', async () => /server \d+ of/.test(its.stdout))
      const pid = await pidIn(its)
      its.child.stdin?.write('\x1a')
      await until('it is stopped', async () => stateOf(pid) === 'T')
      its.child.stdin?.write('fg\n')
      await until('it goes on', async () => !['T', 'none'].includes(stateOf(pid)))
      its.child.stdin?.write('\x03')
      await until('it is gone', async () => isGone(pid))
      await until('it is out of the register', async () => (await rows('keys')).length === 0)
      its.child.stdin?.write('exit\n')
      await its.code
    },
  )

  test.skipIf(!hasTerminals)('on a terminal that is closed ends, and is out of the register', async () => {
    const command = `exec '${process.execPath}' '${main}' run --slug closed --grace 0 -- sh -c "${serverFile('closed')}; true"`
    const its = start('script', ['--quiet', '--return', '--command', command, '/dev/null'], daemon.url)
    await healthy('closed')
    const pid = await pidIn(its)
    its.child.kill('SIGKILL')
    await until('it is gone', async () => isGone(pid))
    await until('it is out of the register', async () => (await rows('closed')).length === 0)
  })
})

describe('the address that callers are told', () => {
  const everywhere = server.replace(", '127.0.0.1')", ')')

  test('is the one that others reach, where the program listens there', async () => {
    const its = run(everywhere, ['--slug', 'open', '--grace', '0'])
    await healthy('open')
    const [row] = await rows('open')
    expect(new URL(row?.url as string).hostname.replace(/^\[|\]$/g, '')).toBe(hostForOthers())
    its.child.kill('SIGTERM')
    expect(await its.code).toBe(7)
  })

  test.skipIf(hostForOthers() === '127.0.0.1')(
    'is that of this machine alone where the program listens there alone, and it says so',
    async () => {
      const its = run(server, ['--slug', 'shut', '--grace', '0'])
      await healthy('shut')
      const [row] = await rows('shut')
      expect(new URL(row?.url as string).hostname).toBe('127.0.0.1')
      expect(its.stderr).toMatch(/answers at http:\/\/127\.0\.0\.1:\d+ and not at .*--host/)
      its.child.kill('SIGTERM')
      expect(await its.code).toBe(7)
    },
  )

  test('is the one that --host says', async () => {
    const its = run(everywhere, ['--slug', 'said', '--grace', '0', '--host', 'localhost'])
    await healthy('said')
    expect(await rows('said')).toMatchObject([{ host: 'localhost' }])
    its.child.kill('SIGTERM')
    expect(await its.code).toBe(7)
  })
})
