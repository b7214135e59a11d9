// Real daemons when things are not as they should be: gossip lost, ports taken, disks damaged, keys copied, callers wrong.
import { cp, readdir, truncate, writeFile, chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { allEqual, allList, Cluster, type RunningDaemon, until, untilAll } from './cluster.js'
import { loopback } from './place.js'

let cluster: Cluster
beforeEach(() => {
  cluster = new Cluster(loopback())
})
afterEach(() => cluster.close())

function joining(...running: RunningDaemon[]): string[] {
  return ['--no-mdns', ...running.flatMap(({ address }) => ['--join', address])]
}

test.for([
  { share: '1', what: 'without gossip' },
  { share: '0.5', what: 'with half of the gossip lost' },
])('$what three daemons still converge', async ({ share }) => {
  const env = { ROLLCALL_TEST_DROP_GOSSIP: share }
  const a = await cluster.start('a', { args: joining(), env })
  const b = await cluster.start('b', { args: joining(a), env })
  const c = await cluster.start('c', { args: joining(a), env })
  await allList([a, b, c], ['a', 'b', 'c'])
  for (let i = 0; i < 20; i++) await [a, b, c][i % 3]?.register({ url: `http://127.0.0.1:${20_000 + i}`, slug: 'web' })
  await b.saveDefinition({ id: 'd' })
  await until('all show all', async () => {
    const shown = await Promise.all([a, b, c].map(async (daemon) => (await daemon.lookup('web'))?.length))
    return shown.every((count) => count === 20)
  })
  await allEqual([a, b, c])
  expect((await c.definitions()).map(({ id }) => id)).toEqual(['d'])
})

test('two daemons started at the same instant list two nodes, also with a label of their own', async () => {
  const a = await cluster.start('abc', { args: joining() })
  await a.kill('SIGTERM')
  const [first, second] = await Promise.all([
    cluster.start('abc', { args: ['--no-mdns', '--listen', a.address.replace(/\/p2p\/.*/, '')] }),
    cluster.start('other', { args: ['--no-mdns', '--join', a.address] }),
  ])
  await allList([first, second], ['abc', 'other'])
  expect((await first.ask('/registry-svc/node/self')).body).toContain('"id":"abc"')
  expect((await cluster.cli('nodes', '--server', second.url)).stdout).toMatch(/^abc /m)
})

test('two nodes with one label are both listed, and flagged', async () => {
  const a = await cluster.start('twin', { args: joining() })
  const b = await cluster.start('twin', { args: joining(a), dataDir: await cluster.dataDir('twin2') })
  await allList([a, b], ['twin', 'twin'])
  await until('flagged', async () => (await a.members()).every(({ sameLabel }) => sameLabel))
})

test('a second daemon on one data directory is told who holds it', async () => {
  const a = await cluster.start('a', { args: joining() })
  const second = await cluster.spawn('a', { args: joining() })
  await until('it ends', async () => second.isOver)
  expect(second.process.exitCode).toBe(1)
  expect(second.log).toContain(String(a.process.pid))
  expect(second.log).not.toMatch(/^\s+at /m)
  expect(second.stdout).toBe('')
})

test('a port in use, a data directory that cannot be written, a wrong option: one clear line, no trace', async () => {
  const a = await cluster.start('a', { args: joining() })
  const cases = [
    { args: ['--http', new URL(a.url).host], code: 1, says: /http.*in use/i },
    { args: ['--listen', a.address.replace(/\/p2p\/.*/, '')], code: 1, says: /listen/ },
    { args: ['--data-dir', '/proc/nowhere'], code: 1, says: /\/proc\/nowhere/ },
    { args: ['--http', '127.0.0.1:99999'], code: 2, says: /http/ },
    { args: ['--frobnicate'], code: 2, says: /frobnicate/ },
    { args: ['--http', '0.0.0.0:0'], code: 2, says: /insecure-http/ },
    { args: ['--join', 'http://x'], code: 2, says: /join/ },
  ]
  for (const { args, code, says } of cases) {
    const daemon = await cluster.spawn('b', { args: ['--no-mdns', ...args] })
    await until(`${args.join(' ')} ends`, async () => daemon.isOver)
    expect({ args, code: daemon.process.exitCode }).toEqual({ args, code })
    expect(daemon.log).toMatch(says)
    expect(daemon.log).not.toMatch(/^\s+at /m)
  }
})

test('a damaged database is moved aside, and what it held comes back from the others', async () => {
  let a = await cluster.start('a', { args: joining() })
  const b = await cluster.start('b', { args: joining(a) })
  const id = await a.register({ url: a.url, slug: 'web' })
  await until('b shows it', async () => (await b.lookup('web'))?.length === 1)
  await a.kill('SIGKILL')
  const database = join(await cluster.dataDir('a'), 'db')
  for (const file of await readdir(database)) {
    if (/MANIFEST|CURRENT/.test(file)) await writeFile(join(database, file), 'not a database')
  }
  a = await cluster.start('a', { args: joining(b) })
  expect(a.log).toMatch(/moved aside|damaged/)
  await until('a has its own again', async () => (await a.instances()).some((instance) => instance.id === id))
  await until('b shows it again', async () => (await b.lookup('web'))?.length === 1)
  await allEqual([a, b])
})

test('a log cut short loses nothing that was acknowledged elsewhere', async () => {
  let a = await cluster.start('a', { args: joining() })
  const b = await cluster.start('b', { args: joining(a) })
  for (let i = 0; i < 30; i++) await a.register({ id: `i${i}`, url: `http://127.0.0.1:${20_000 + i}` })
  await until('b has all', async () => (await b.instances()).length === 30)
  await a.kill('SIGKILL')
  const database = join(await cluster.dataDir('a'), 'db')
  for (const file of await readdir(database)) if (file.endsWith('.log')) await truncate(join(database, file), 3000)
  a = await cluster.start('a', { args: joining(b) })
  await until('a has all', async () => (await a.instances()).length === 30)
  await until('b has all again', async () => (await b.instances()).length === 30)
})

test('of two daemons with one key, one stops writing and says why, until the other one has ended; nothing acknowledged is lost', async () => {
  const a = await cluster.start('a', { args: joining() })
  const b = await cluster.start('b', { args: joining(a) })
  const c = await cluster.start('c', { args: joining(a, b) })
  await allList([a, b, c], ['a', 'b', 'c'])
  await a.kill('SIGTERM')
  await cp(await cluster.dataDir('a'), await cluster.dataDir('copy'), { recursive: true })
  const one = await cluster.start('a', { args: joining(b) })
  const two = await cluster.start('a', { args: joining(c), dataDir: await cluster.dataDir('copy') })
  const acknowledged = new Map<string, RunningDaemon>()
  const shows = async (daemon: RunningDaemon, by: readonly RunningDaemon[]): Promise<boolean> => {
    const shown = new Set((await daemon.instances()).map(({ url }) => url))
    return [...acknowledged].every(([url, taker]) => !by.includes(taker) || shown.has(url))
  }
  const writes = async (daemon: RunningDaemon, n: number): Promise<number> => {
    const url = `http://127.0.0.1:${n}`
    const { status } = await daemon.ask('/registry-svc/instance', 'PUT', { url })
    if (status === 201) acknowledged.set(url, daemon)
    return status
  }
  let n = 21_000
  await untilAll('one of them refuses', async () => {
    const [first, second] = await Promise.all([writes(one, n++), writes(two, n++)])
    return first === 503 || second === 503
  })
  const muted = (await one.isReady()) ? two : one
  expect((await muted.ask('/readyz')).body).toMatch(/another daemon runs with this node.s key/)
  for (const daemon of [muted, b, c])
    await until('the doctor says so', async () => (await daemon.found()).some((line) => line.startsWith('error clone')))
  const other = muted === one ? two : one
  await untilAll('somebody shows what the other one took', () => shows(b, [other]))
  await other.kill('SIGTERM')
  await until('it takes writes again', () => muted.isReady())
  expect(muted.log).toMatch(/nobody has heard of the other daemon with this node's key for 16 s/)
  await muted.register({ url: `http://127.0.0.1:${n}` })
  await allEqual([muted, b, c])
  await untilAll('each shows all that either acknowledged', async () => {
    const all = await Promise.all([muted, b, c].map((daemon) => shows(daemon, [one, two])))
    return all.every(Boolean)
  })
})

test('a cluster key that others can read is refused; with one, only its holders meet', async () => {
  const key = join(await cluster.dataDir('keys'), 'key')
  expect((await cluster.cli('keygen', key)).code).toBe(0)
  const a = await cluster.start('a', { args: [...joining(), '--cluster-key', key] })
  const b = await cluster.start('b', { args: [...joining(a), '--cluster-key', key] })
  const stranger = await cluster.start('stranger', { args: joining(a) })
  await allList([a, b], ['a', 'b'])
  await allList([stranger], ['stranger'])
  await until('the doctor of a knows of one who has no key', async () =>
    (await a.found()).includes('warning wrong-key 127.0.0.1'),
  )
  await until('the doctor of the stranger knows what keeps it out', async () => {
    const { code, stdout } = await cluster.cli('doctor', '--server', stranger.url)
    return code === 1 && stdout.includes('cluster keys differ')
  })
  // Whoever is kept out is not ready, and says so with its exit code: nothing is wrong that has no words.
  const kept = await cluster.cli('status', '--server', stranger.url)
  expect(kept.code).toBe(3)
  expect(kept.stdout).toContain('not ready')
  expect(kept.stdout).not.toMatch(/wrong +what to do/)
  expect((await cluster.cli('status', '--server', a.url)).code).toBe(0)
  expect(stranger.log).toContain('open cluster')
  expect(a.log).not.toContain('open cluster')
  await chmod(key, 0o644)
  const careless = await cluster.spawn('careless', { args: [...joining(), '--cluster-key', key] })
  await until('it ends', async () => careless.isOver)
  expect(careless.process.exitCode).toBe(2)
  expect(careless.log).toMatch(/cluster-key.*(read|permission|chmod)/i)
})

test('clusters of other names never mix', async () => {
  const a = await cluster.start('a', { args: [...joining(), '--cluster', 'one'] })
  const b = await cluster.start('b', { args: [...joining(a), '--cluster', 'two'] })
  const c = await cluster.start('c', { args: [...joining(a, b), '--cluster', 'one'] })
  await allList([a, c], ['a', 'c'])
  await allList([b], ['b'])
  await until('a knows of b, b of a', async () =>
    (await Promise.all([a, b].map((one) => one.found()))).flat().join().includes('other-cluster'),
  )
})

test('a wrong call gets an error that names the field, and never a 500', async () => {
  const a = await cluster.start('a', { args: joining() })
  const cases: [string, string, unknown, number, RegExp][] = [
    ['PUT', '/registry-svc/instance', {}, 400, /url/],
    ['PUT', '/registry-svc/instance', { url: 'myserver' }, 400, /scheme/],
    ['PUT', '/registry-svc/instance', { url: 'http://x', port: 99_999 }, 400, /port/],
    ['PUT', '/registry-svc/instance', { url: 7 }, 400, /url/],
    ['PUT', '/registry-svc/instance', { url: `http://x/${'y'.repeat(2 * 1024 * 1024)}` }, 413, /large/],
    ['PUT', '/registry-svc/definition', { definition: {} }, 400, /id/],
    ['DELETE', '/registry-svc/instance/unknown', undefined, 404, /unknown/],
    ['DELETE', `/registry-svc/node/${encodeURIComponent('http://nobody')}`, undefined, 404, /nobody/],
    ['GET', '/v1/lookup/nothing', undefined, 404, /nothing/],
  ]
  for (const [method, path, body, status, says] of cases) {
    const answer = await a.ask(path, method, body)
    expect({ path, status: answer.status }).toEqual({ path, status })
    expect((JSON.parse(answer.body) as { error: string }).error).toMatch(says)
  }
  await a.ask('/registry-svc/instance', 'PUT', { url: 'http://fine' })
  expect(await a.instances()).toHaveLength(1)
})

test('the log names who died at warn, once, and that it is back', async () => {
  const a = await cluster.start('a', { args: joining() })
  const b = await cluster.start('b', { args: joining(a) })
  await allList([a, b], ['a', 'b'])
  await b.kill('SIGKILL')
  const deaths = (): string[] =>
    a.log.split('\n').filter((line) => line.startsWith('{"level":"warn"') && /member b/.test(line))
  await until('its death is told', async () => deaths().length > 0)
  const back = await cluster.start('b', { args: joining(a) })
  await allList([a, back], ['a', 'b'])
  await until('its return is told', async () => deaths().length > 1)
  const name = `member b \\(http://\\S+, peer ${b.peerId.slice(0, 16)}…\\) is`
  expect(deaths()).toEqual([
    expect.stringMatching(new RegExp(`${name} dead: `)),
    expect.stringMatching(new RegExp(`member b \\(.*, peer ${b.peerId.slice(0, 16)}…\\) is alive`)),
  ])
})

test('who registers an address that each machine has for itself is told so once there are others, and so is the log', async () => {
  const a = await cluster.start('a', { args: joining() })
  const words = /http:\/\/127\.0\.0\.1:\d+ means something else on each machine.*the other member/
  await until('a is ready', () => a.isReady())
  const register = (port: number, host = '127.0.0.1'): ReturnType<Cluster['cli']> =>
    cluster.cli('register', '--slug', 'web', '--url', `http://${host}:${port}`, '--server', a.url)
  expect(await register(8080)).toMatchObject({ code: 0, stderr: '' })
  const b = await cluster.start('b', { args: joining(a) })
  await allList([a, b], ['a', 'b'])
  expect(await register(8081)).toMatchObject({ code: 0, stderr: expect.stringMatching(words) as string })
  expect(await register(8081)).toMatchObject({ code: 0, stderr: expect.stringMatching(words) as string })
  expect(await register(8082, '10.0.0.7')).toMatchObject({ code: 0, stderr: '' })
  expect(a.log.match(/instance web was registered here, but http:\/\/127\.0\.0\.1:8081 means/g)).toHaveLength(1)
  expect(a.log).not.toContain('127.0.0.1:8080 means')
})
