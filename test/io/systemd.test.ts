/** What systemd is told, by its own program and at a socket such as its own; how it would judge the unit that it is given. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { createSystemd } from '../../src/io/systemd.js'
import { until } from '../daemon/cluster.js'
import { programHere } from '../programs.js'

const dir = mkdtempSync(join(tmpdir(), 'rollcall-notify-'))
const running = new Set<ChildProcess>()
afterEach(() => running.forEach((child) => child.kill('SIGKILL')))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Prints what arrives at a datagram socket, which Node cannot. */
const listener = `
  socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un($ARGV[0])) or die;
  $| = 1; print "listening\\n"; while (defined recv($s, my $text, 4096, 0)) { print "$text\\n" }`

/** As systemd reads it, by what the kernel says. */
const monotonic_us = (): number =>
  Number(
    execFileSync('perl', [
      '-MTime::HiRes=clock_gettime,CLOCK_MONOTONIC',
      '-e',
      'printf "%d", 1e6 * clock_gettime(CLOCK_MONOTONIC)',
    ]),
  )

describe.skipIf(!programHere('systemd-notify') || !programHere('perl'))('a service manager', () => {
  test('is told in turn that the daemon has started, how it is, and that it stops', async () => {
    const socket = join(dir, 'notify')
    const child = spawn('perl', ['-MSocket', '-e', listener, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    running.add(child)
    let heard = ''
    child.stdout.on('data', (bytes: Buffer) => (heard += bytes.toString()))
    await until('somebody listens', async () => heard.includes('listening'))
    const warnings: string[] = []
    const manager = createSystemd({ ...process.env, NOTIFY_SOCKET: socket }, (sentence) => warnings.push(sentence))
    void manager.started('serving reads; not ready:\n joining')
    void manager.status('ready')
    const before = monotonic_us()
    void manager.reloading()
    void manager.started('ready')
    void manager.stopping()
    await until('all has arrived', async () => heard.includes('STOPPING=1'))
    const said = heard.split('\n').filter((line) => /^(READY|STATUS|RELOADING|STOPPING)=/.test(line))
    const inTurn = [
      ...['READY=1', 'STATUS=serving reads; not ready: joining', 'STATUS=ready'],
      ...['RELOADING=1', 'READY=1', 'STATUS=ready', 'STOPPING=1'],
    ]
    expect({ said, warnings }).toEqual({ said: inTurn, warnings: [] })
    const at = Number(/MONOTONIC_USEC=(\d+)/.exec(heard)?.[1])
    expect(at).toBeGreaterThanOrEqual(before)
    expect(at).toBeLessThanOrEqual(monotonic_us())
  })
})

test('what cannot be told is warned of once, and keeps nobody', async () => {
  const warnings: string[] = []
  const manager = createSystemd({ NOTIFY_SOCKET: '/run/nobody', PATH: dir }, (sentence) => warnings.push(sentence))
  await manager.started('ready')
  await manager.stopping()
  expect(warnings).toEqual([expect.stringMatching(/systemd-notify.*ENOENT.*Type=exec/)])
})

test('without a service manager nothing is run', async () => {
  const fail = (sentence: string): never => expect.fail(sentence)
  await createSystemd({ PATH: dir }, fail).started('ready')
})

describe.skipIf(!programHere('systemd-analyze'))('the unit', () => {
  const unit = 'scripts/deploy/rollcall.service'
  test('is one that systemd understands', () => {
    expect(execFileSync('systemd-analyze', ['verify', unit], { encoding: 'utf8', stdio: 'pipe' })).toBe('')
  })

  test('gives the daemon hardly more than it needs', () => {
    // Of 100: 15 for addresses, a network and a child that speaks for it.
    execFileSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', unit], { stdio: 'pipe' })
  })
})
