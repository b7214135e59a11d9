// What the names of hosts stand for, asked of a DNS server of our own; and that a name which nobody answers for costs no other one
// anything.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createChecker } from '../../src/io/checks.js'
import { createNames, type Names, type NamesOptions, type Resolution } from '../../src/io/names.js'
import { eventually } from './eventually.js'
import { startNameServer, type NameServer, type Zone } from './nameserver.js'
import { startSite } from './networkworld.js'

let directory = ''
const ends: (() => unknown)[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rollcall-names-'))
  over = new Promise((resolve) => (endStuck = resolve))
})

afterEach(async () => {
  endStuck()
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(directory, { recursive: true })
})

async function serving(zone: Zone): Promise<NameServer> {
  const server = await startNameServer(zone)
  ends.push(() => server.close())
  return server
}

function fileOf(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const nobody = (): Promise<never> => Promise.reject(Object.assign(new Error('nobody'), { code: 'ENOTFOUND' }))

/** A system that does not answer before the test is over. */
const stuck = (): Promise<never> => over.then(nobody)
let over = Promise.resolve()
let endStuck = (): void => undefined

/** Asks only the server, unless a system is given. */
function names(server: NameServer, options: NamesOptions & { hosts?: string; resolv?: string } = {}): Names {
  const { hosts = '', resolv = '', ...rest } = options
  const files = { hosts: fileOf('hosts', hosts), resolv: fileOf('resolv.conf', resolv) }
  const made = createNames({ files, servers: [server.address], system: nobody, patience_ms: 20_000, ...rest })
  ends.push(() => made.stop())
  return made
}

const textOf = (found: Resolution): string =>
  found.type === 'found' ? found.addresses.map(({ address }) => address).join(' ') : found.type

/** Asks until this is the answer; each one before it must be `before`. */
async function askUntil(by: Names, host: string, answer: string, before: string): Promise<void> {
  const end = performance.now() + 30_000
  for (let said = ''; said !== answer;) {
    said = await ask(by, host)
    if (said !== answer) expect(said).toBe(before)
    if (performance.now() > end) throw new Error(`${host} never stood for ${answer}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const ask = async (by: Names, host: string): Promise<string> => textOf(await by.resolve(host))

describe('a name', () => {
  test('stands for its addresses of both families, in turns', async () => {
    const server = await serving({
      'both.test': ['10.0.0.1', '10.0.0.2', '2001:db8::1'],
      'four.test': ['10.0.0.3'],
      'six.test': ['2001:db8::2'],
    })
    const by = names(server)
    expect(await ask(by, 'both.test')).toBe('10.0.0.1 2001:db8::1 10.0.0.2')
    expect(await ask(by, 'FOUR.test')).toBe('10.0.0.3')
    expect(await ask(by, 'six.test.')).toBe('2001:db8::2')
    expect(await ask(by, 'absent.test')).toBe('no such name')
  })

  test('of which one family is never answered is found all the same', async () => {
    const server = await serving({ 'half.test 4': ['10.0.0.1'], 'half.test 6': 'silent' })
    expect(await ask(names(server), 'half.test')).toBe('10.0.0.1')
  })

  test('that is an address, or known to this machine, is asked of nobody', async () => {
    const server = await serving({})
    const by = names(server, { hosts: '10.1.1.1 db db.lan # ours\n::1 six\n  10.1.1.2\tDB\n10.9.9.9' })
    expect(await ask(by, '192.0.2.1')).toBe('192.0.2.1')
    expect(await ask(by, '::1')).toBe('::1')
    expect(await ask(by, 'db')).toBe('10.1.1.1 10.1.1.2')
    expect(await ask(by, 'Db.lan.')).toBe('10.1.1.1')
    expect(await ask(by, 'six')).toBe('::1')
    expect(await ask(by, 'localhost')).toBe('127.0.0.1 ::1')
    expect(await ask(by, 'app.localhost')).toBe('127.0.0.1 ::1')
    expect(await ask(by, 'no-such-host.invalid')).toBe('no such name')
    expect(server.asked).toEqual([])
  })

  test('that is written into the hosts file is known soon', async () => {
    const server = await serving({})
    const by = names(server)
    expect(await ask(by, 'new')).toBe('no such name')
    fileOf('hosts', '10.1.1.1 new')
    await askUntil(by, 'new', '10.1.1.1', 'no such name')
  })

  test('that is short is completed as this machine completes it', async () => {
    const server = await serving({
      'db.ns.svc.test': ['10.0.0.1'],
      'db.other.svc.test': ['10.0.0.2'],
      'www.example.test': ['10.0.0.3'],
    })
    const by = names(server, { resolv: 'search ns.svc.test svc.test test.\noptions ndots:5 edns0' })
    expect(await ask(by, 'db')).toBe('10.0.0.1')
    expect(await ask(by, 'db.other')).toBe('10.0.0.2')
    expect(await ask(by, 'www.example.test')).toBe('10.0.0.3')
    expect(await ask(by, 'db.')).toBe('no such name')
  })

  test('that the servers do not know, or cannot tell, is what the system says', async () => {
    const server = await serving({ 'printer.local': 'absent', 'lost.test': 'failing', 'gone.test': 'failing' })
    const system = (name: string): Promise<{ address: string; family: 4 }[]> =>
      name === 'gone.test' ? nobody() : Promise.resolve([{ address: '10.2.2.2', family: 4 }])
    const by = names(server, { system })
    expect(await ask(by, 'printer.local')).toBe('10.2.2.2')
    expect(await ask(by, 'lost.test')).toBe('10.2.2.2')
    expect(await ask(by, 'gone.test')).toBe('no such name')
  })

  test('is asked for once at a time, and not again for a while, however many want to know', async () => {
    const server = await serving({ 'a.test': ['10.0.0.1'] })
    const by = names(server)
    await Promise.all(Array.from({ length: 100 }, () => ask(by, 'a.test')))
    await ask(by, 'a.test')
    expect(server.asked.sort()).toEqual(['a.test 4', 'a.test 6'])
  })
})

describe('a name that nobody answers for', () => {
  test('is told as that once patience ends, and at once where all has stopped', async () => {
    const server = await serving({ 'mute.test': 'silent' })
    expect(await ask(names(server, { patience_ms: 50 }), 'mute.test')).toBe('silence')
    const by = names(server)
    const asked = ask(by, 'mute.test')
    by.stop()
    expect([await asked, await ask(by, 'mute.test')]).toEqual(['silence', 'silence'])
  })

  test('costs no other one anything, be there as many as you like', async () => {
    const mute = Array.from({ length: 60 }, (_, i) => `mute${i}.test`)
    const server = await serving({
      ...Object.fromEntries(mute.map((name) => [name, 'silent'] as const)),
      'well.test': ['10.0.0.1'],
    })
    const by = names(server, { hosts: '10.1.1.1 known', system: stuck })
    let told = 0
    for (const name of mute) void by.resolve(name).then(() => (told += 1))
    expect(await ask(by, 'well.test')).toBe('10.0.0.1')
    expect(await ask(by, 'known')).toBe('10.1.1.1')
    expect(await ask(by, 'absent.test')).toMatch(/^(no such name|silence)$/)
    await eventually('all are answered', () => told === mute.length)
  })

  test('stands meanwhile for what it stood for last; but not after somebody says that there is none', async () => {
    const server = await serving({ 'a.test': ['10.0.0.1'] })
    const by = names(server, { patience_ms: 20_000 })
    expect(await ask(by, 'a.test')).toBe('10.0.0.1')
    server.zone['a.test'] = 'silent'
    const before = server.asked.length
    while (server.asked.length === before) {
      expect(await ask(by, 'a.test')).toBe('10.0.0.1')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    server.zone['a.test'] = 'absent'
    await askUntil(by, 'a.test', 'no such name', '10.0.0.1')
  })
})

describe('a check', () => {
  async function listening(host: string): Promise<number> {
    const server: Server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.resume().end('HTTP/1.1 200 OK\r\n\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, host, resolve))
    ends.push(() => new Promise((resolve) => server.close(resolve)))
    return (server.address() as AddressInfo).port
  }

  test('of a name that is not resolved in time is Unknown: nobody but this machine is to blame', async () => {
    const server = await serving({ 'mute.test': 'silent', 'lost.test': 'failing' })
    const failing = (): Promise<never> => Promise.reject(Object.assign(new Error('later'), { code: 'EAI_AGAIN' }))
    const checker = createChecker({ names: names(server, { patience_ms: 50, system: failing }) })
    expect(await checker.check('http://mute.test:80')).toEqual({
      status: 'Unknown',
      details: 'this machine could not resolve the host name of mute.test:80 in time',
    })
    const slow = createChecker({ names: names(server, { system: failing }) })
    expect(await slow.check('http://lost.test:80', 'http:/up')).toEqual({
      status: 'Unknown',
      details: 'this machine could not resolve the host name of http://lost.test:80/up (ESERVFAIL)',
    })
    expect(await slow.check('http://absent.test:80')).toEqual({
      status: 'Unreachable',
      details: 'the host name of absent.test:80 does not resolve',
    })
  })

  test('does not count the wait for a name: slow names make no service slow, nor late', async () => {
    const port = await listening('127.0.0.1')
    const server = await serving({ 'slow.test': 'silent' })
    const system = async (): Promise<{ address: string; family: 4 }[]> => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      return [{ address: '127.0.0.1', family: 4 }]
    }
    server.zone['slow.test'] = 'failing'
    const checker = createChecker({ names: names(server, { system }), slow_ms: 150, timeout_ms: 180 })
    expect(await checker.check(`http://slow.test:${port}`, 'http:/')).toEqual({ status: 'Healthy' })
  })

  test('goes to whichever address of a name answers', async () => {
    const port = await listening('127.0.0.1')
    const server = await serving({ 'a.test': ['127.0.0.9', '127.0.0.1'] })
    const checker = createChecker({ names: names(server) })
    expect(await checker.check(`http://a.test:${port}`)).toEqual({ status: 'Healthy' })
    expect(await checker.check(`http://a.test:${port}`, 'http:/')).toEqual({ status: 'Healthy' })
  })

  test('of healthy services goes on while many wait for names that nobody answers for', async () => {
    const port = await listening('127.0.0.1')
    const mute = Array.from({ length: 60 }, (_, i) => `mute${i}.test`)
    const server = await serving({
      ...Object.fromEntries(mute.map((name) => [name, 'silent'] as const)),
      'well.test': ['127.0.0.1'],
    })
    const by = names(server, { hosts: '127.0.0.1 known', system: stuck })
    const checker = createChecker({ names: by, concurrency: 4 })
    ends.push(() => checker.stop())
    for (const name of mute) void checker.check(`http://${name}:80`)
    for (const host of ['known', 'well.test', 'localhost', '127.0.0.1']) {
      expect(await checker.check(`http://${host}:${port}`)).toEqual({ status: 'Healthy' })
    }
  })

  test('that waits for a name is ended by a stop', async () => {
    const server = await serving({ 'mute.test': 'silent' })
    const checker = createChecker({ names: names(server) })
    const result = checker.check('http://mute.test:80')
    checker.stop()
    expect(await result).toEqual({ status: 'Unknown', details: 'not checked: this daemon is stopping' })
  })
})

describe('a peer', () => {
  test('is found by a name, as a seed or announced, while other names are never answered', async () => {
    const server = await serving({ 'seed.test': ['127.0.0.1'], 'mute.test': 'silent', 'away.test': ['127.0.0.1'] })
    const one = await startSite()
    const port = /tcp\/(\d+)/.exec(one.network.addresses()[0] ?? '')?.[1]
    const mute = Array.from({ length: 40 }, (_, i) => `mute.test:${i + 1}`)
    const other = await startSite({ names: names(server), join: [...mute, `seed.test:${port}`] })
    await eventually('they are connected', () => one.isConnectedTo(other) && other.isConnectedTo(one))
    const third = await startSite({ names: names(server) })
    third.network.learn(one.id, [`/dns4/away.test/tcp/${port}`])
    third.network.dial(one.id)
    await eventually('they are connected', () => third.isConnectedTo(one))
    expect(server.asked).toContain('away.test 4')
  })
})
