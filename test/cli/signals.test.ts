/** Signals, as real commands answer them: which end, with what; what SIGHUP means; what is read again; the first process of a container. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { until } from '../daemon/cluster.js'
import { main } from '../daemon/one-file.js'

const dir = mkdtempSync(join(tmpdir(), 'rollcall-signals-'))
const running = new Set<ChildProcess>()
afterEach(() => running.forEach((child) => child.kill('SIGKILL')))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

interface Started {
  readonly child: ChildProcess
  readonly code: Promise<number>
  said: string
}

/** Without a controlling terminal, as under a service manager. */
function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  const { PATH, HOME } = process.env
  const child = spawn(command, args, { env: { PATH, HOME, ...env }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  running.add(child)
  const code = new Promise<number>((resolve) =>
    child.on('close', (exitCode) => {
      running.delete(child)
      resolve(exitCode ?? -1)
    }),
  )
  const started: Started = { child, code, said: '' }
  child.stdout.on('data', (bytes: Buffer) => (started.said += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (started.said += bytes.toString()))
  child.stdin.on('error', () => undefined)
  return started
}

const quiet = ['--temp', '--no-mdns', '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0']

function daemon(args: readonly string[] = quiet, env: NodeJS.ProcessEnv = {}): Started {
  return start(process.execPath, [main, 'start', ...args], env)
}

/** A program that notes what a service manager would be told. @returns what is in it by now */
function serviceManager(): { readonly env: NodeJS.ProcessEnv; readonly told: () => string } {
  const [bin, notes] = [mkdtempSync(join(dir, 'bin-')), join(dir, 'told')]
  writeFileSync(join(bin, 'systemd-notify'), `#!/bin/sh\necho "$@" >> '${notes}'\n`, { mode: 0o755 })
  writeFileSync(notes, '')
  const env = { NOTIFY_SOCKET: '/run/nobody', PATH: `${bin}:${process.env['PATH']}` }
  return { env, told: () => readFileSync(notes, 'utf8') }
}

function urlOf(said: string): string {
  return /rollcall ready http=(\S+)/.exec(said)?.[1] as string
}

async function isUp(started: Started): Promise<string> {
  await until('it is up', async () => /rollcall ready http=/.test(started.said))
  return urlOf(started.said)
}

describe('without a terminal SIGHUP', () => {
  test('is answered as soon as there is a daemon, where one is told while it starts', async () => {
    const options = join(dir, 'early.yaml')
    writeFileSync(options, 'log-level: info\n')
    // It tells as soon as it listens for signals, long before it has loaded what a daemon needs.
    const tell = join(dir, 'tell.mjs')
    writeFileSync(
      tell,
      `process.on('newListener', (name) => name === 'SIGHUP' && setImmediate(() => process.stderr.write('listens\\n')))`,
    )
    const started = start(process.execPath, ['--import', tell, main, 'start', ...quiet, '--config', options])
    await until('it listens for signals', async () => started.said.includes('listens'))
    expect(started.said).not.toContain('rollcall ready')
    writeFileSync(options, 'log-level: debug\n')
    started.child.kill('SIGHUP')
    await until('it has read them', async () => started.said.includes('SIGHUP: read the options again'))
    expect(started.said).toContain('rollcall ready')
    started.child.kill('SIGTERM')
    expect(await started.code).toBe(0)
  })

  test.each([
    ['run', ['run', '--slug', 'early', '--', process.execPath, '-p', '"it runs"'], 0],
    ['status', ['status', '--server', 'http://127.0.0.1:1'], -1],
  ])('that comes while %s is loaded ends nobody who answers it, and everybody else', async (_, args, code) => {
    const tell = join(dir, 'early.mjs')
    writeFileSync(
      tell,
      `let isTold = false
      process.on('newListener', (name) => {
        if (name !== 'SIGHUP' || isTold) return
        isTold = true
        queueMicrotask(() => process.kill(process.pid, name)) // once it listens
      })`,
    )
    const started = start(process.execPath, ['--import', tell, main, ...args])
    expect(await started.code).toBe(code)
    if (code === 0) expect(started.said).toContain('it runs')
    else expect(started.said).toBe('')
  })

  test('has tokens, web pages and the log level read again, says what has changed, and what counts later', async () => {
    const [options, tokens] = [join(dir, 'rollcall.yaml'), join(dir, 'tokens.yaml')]
    const write = (more: string, names: readonly string[]): void => {
      writeFileSync(
        tokens,
        `tokens:\n${names.map((name) => `- {name: ${name}, token: secret-${name}, may: write}\n`).join('')}`,
      )
      chmodSync(tokens, 0o600)
      writeFileSync(options, `tokens: ${tokens}\n${more}`)
    }
    write('cors-origin: [https://old.test]\n', ['ci', 'web'])
    const manager = serviceManager()
    const started = daemon([...quiet, '--config', options], manager.env)
    const url = await isUp(started)
    await until('it is told as started', async () => manager.told().includes('READY=1'))
    const status = async (name: string): Promise<number> =>
      (await fetch(`${url}/v1/self`, { headers: { authorization: `Bearer secret-${name}` } })).status
    const allowed = async (origin: string): Promise<string | null> =>
      (await fetch(`${url}/healthz`, { headers: { origin } })).headers.get('access-control-allow-origin')
    expect([await status('ci'), await status('ops')]).toEqual([200, 401])
    const news = await fetch(`${url}/v1/events`, { headers: { authorization: 'Bearer secret-ci' } })

    write('cors-origin: [https://new.test]\nallow-host: [proxy.test]\nlog-level: debug\nregion: eu\n', ['web', 'ops'])
    started.child.kill('SIGHUP')
    await until('it has read them', async () => started.said.includes('from the next start on: region'))
    expect([await status('ci'), await status('ops'), await status('web')]).toEqual([401, 200, 200])
    expect([await allowed('https://old.test'), await allowed('https://new.test')]).toEqual([null, 'https://new.test'])
    for (const words of [
      'tokens: added ops',
      'tokens: removed ci',
      'added https://new.test',
      'proxies: added proxy.test',
      'log level: debug',
    ])
      expect(started.said).toContain(words)
    expect(started.said).not.toContain('secret-')
    expect(await news.text()).toContain('event: listening') // it has ended: whoever may still listen comes again

    writeFileSync(options, 'nonsense: 1\n')
    started.child.kill('SIGHUP')
    await until('it says that it cannot', async () => /SIGHUP: all stays as it was.*nonsense/.test(started.said))
    const reloads = /^(?:STATUS=.*\n)*READY=1 .*\n(?:STATUS=.*\n)*(?:RELOADING=1 MONOTONIC_USEC=\d+\nREADY=1 .*\n){2}/
    await until('both are told', async () => reloads.test(manager.told()))
    expect([await status('ci'), await status('ops')]).toEqual([401, 200])
    started.child.kill('SIGTERM')
    expect(await started.code).toBe(0)
  })

  test('is ignored where whoever started it wants it so', async () => {
    const line = `trap '' HUP; '${process.execPath}' '${main}' start ${quiet.join(' ')}; exit $?`
    const started = start('sh', ['-c', line])
    await isUp(started)
    await until('its log says where its data are', async () => /"dataDir":"[^"]+"/.test(started.said))
    const pid = Number(/"pid":(\d+)/.exec(readHolder(started.said))?.[1])
    process.kill(pid, 'SIGHUP')
    process.kill(pid, 'SIGTERM')
    expect(await started.code).toBe(0)
    expect(started.said).not.toContain('SIGHUP')
  })
})

/** Who holds the data directory that a log names. */
function readHolder(said: string): string {
  const directory = /"dataDir":"([^"]+)"/.exec(said)?.[1] as string
  return readFileSync(join(directory, 'holder.json'), 'utf8')
}

const hasTerminals = spawnSync('script', ['--version'], { stdio: 'ignore' }).status === 0

describe.skipIf(!hasTerminals)('on a terminal', () => {
  const onTerminal = (line: string): Started =>
    start('script', ['--quiet', '--return', '--command', line, '/dev/null'], { SHELL: '/bin/sh' })
  const line = `'${process.execPath}' '${main}' start ${quiet.join(' ')} --log-level info`

  test('that is closed, the daemon says goodbye and takes its temporary files along', async () => {
    const log = join(dir, 'closed.log')
    const started = onTerminal(`${line} 2>'${log}'`)
    await isUp(started)
    const pid = Number(/"pid":(\d+)/.exec(readHolder(readFileSync(log, 'utf8')))?.[1])
    started.child.kill('SIGKILL') // the other end of the terminal is gone
    await until('it has ended', async () => !isAlive(pid))
    expect(readFileSync(log, 'utf8')).toMatch(/"signal":"SIGHUP".*stopping/)
    expect(() => readHolder(readFileSync(log, 'utf8'))).toThrow(/ENOENT/)
  })

  test('nohup keeps it from ending with that', async () => {
    const log = join(dir, 'nohup.log')
    const started = onTerminal(`nohup ${line} >'${log}' 2>&1`)
    await until('it is up', async () => /rollcall ready/.test(readFileSync(log, { encoding: 'utf8', flag: 'a+' })))
    const pid = Number(/"pid":(\d+)/.exec(readHolder(readFileSync(log, 'utf8')))?.[1])
    started.child.kill('SIGKILL')
    await started.code
    process.kill(pid, 'SIGHUP')
    const url = urlOf(readFileSync(log, 'utf8'))
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    process.kill(pid, 'SIGTERM')
    await until('it has ended', async () => !isAlive(pid))
    expect(readFileSync(log, 'utf8')).not.toContain('SIGHUP')
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const isolated = ['--pid', '--fork', '--mount-proc', '--kill-child']
const hasContainers = spawnSync('unshare', [...isolated, 'true'], { stdio: 'ignore' }).status === 0

describe.skipIf(!hasContainers)('the first process of a container', () => {
  const insideOf = (pid: number): number =>
    Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])

  test.each(['SIGTERM', 'SIGINT'] as const)('ends on %s with a goodbye', async (signal) => {
    const started = start('unshare', [...isolated, process.execPath, main, 'start', ...quiet])
    await isUp(started)
    process.kill(insideOf(started.child.pid as number), signal)
    expect(await started.code).toBe(0)
    expect(started.said).toContain('stopping')
  })

  test('ends as any other also where it runs a command that takes no signal in hand', async () => {
    const silent = `require('net').createServer(() => undefined).listen(0, '127.0.0.1', function () {
      const { spawn } = require('child_process')
      const url = 'http://127.0.0.1:' + this.address().port
      console.log('asks')
      const asking = spawn('unshare', ${JSON.stringify(isolated)}.concat([process.execPath, ${JSON.stringify(main)}, 'status', '--server', url]))
      asking.on('exit', (code, signal) => { console.log('code ' + code); process.exit() })
      console.log('pid ' + asking.pid)
      this.on('connection', () => console.log('asked'))
    })`
    const started = start(process.execPath, ['--eval', silent])
    await until('it waits for an answer', async () => started.said.includes('asked'))
    process.kill(insideOf(Number(/pid (\d+)/.exec(started.said)?.[1])), 'SIGTERM')
    await started.code
    expect(started.said).toContain('code 143')
  })
})
