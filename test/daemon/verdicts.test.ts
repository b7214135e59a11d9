// Who is believed to be gone, seen on real daemons: when all others are killed, when the cluster grows after a death, and by one that is cut off.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { decode, encode, type DecodedPacket } from 'dns-packet'
import { afterAll, describe, expect, test } from 'vitest'
import type { MemberView, Readiness } from '../../src/core/views.js'
import { allList, Cluster, type RunningDaemon, until } from './cluster.js'
import { canMakeCables, Lan } from './lan.js'
import { loopback } from './place.js'

const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of closing) await close()
})

function opened(): Cluster {
  const cluster = new Cluster(loopback())
  closing.push(() => cluster.close())
  return cluster
}

async function believed(daemon: RunningDaemon, name: string): Promise<MemberView | undefined> {
  return (await daemon.members()).find(({ nodeId }) => nodeId === name)
}

function joining(daemon: RunningDaemon): { readonly args: string[] } {
  return { args: ['--no-mdns', '--join', daemon.address] }
}

async function isDegraded(daemon: RunningDaemon): Promise<boolean> {
  return (JSON.parse((await daemon.ask('/readyz')).body) as Readiness).degraded
}

/** Of the one instance of `web`, as the DNS tells it: for how many seconds it may be kept, and where it is. */
async function named(daemon: RunningDaemon): Promise<unknown> {
  const [host = '', port = ''] = (daemon.dns ?? '').split(':')
  const socket = createSocket('udp4')
  const answered = once(socket, 'message')
  socket.send(
    encode({ type: 'query', id: 1, questions: [{ name: 'web.service.rollcall.internal', type: 'A' }] }),
    Number(port),
    host,
  )
  const [bytes] = (await answered) as [Buffer]
  socket.close()
  const { rcode, answers } = decode(bytes) as DecodedPacket & { readonly rcode: string }
  return [
    rcode,
    ...(answers ?? []).map((one) => ('ttl' in one && 'data' in one ? `${one.ttl} ${String(one.data)}` : '')),
  ]
}

test('two of three are killed at once: the third hides them for what their machines say, says that it doubts, and names what it last knew', async () => {
  const cluster = opened()
  const a = await cluster.start('a', { args: ['--no-mdns', '--dns', '127.0.0.1:0'] })
  const [b, c] = [await cluster.start('b', joining(a)), await cluster.start('c', joining(a))]
  await allList([a, b, c], ['a', 'b', 'c'])
  await until('it takes writes', () => b.isReady())
  await b.register({ url: 'http://10.0.0.5:80', slug: 'web', check: 'none' })
  await until('it has a name', async () => JSON.stringify(await named(a)) === '["NOERROR","1 10.0.0.5"]')
  await Promise.all([b.kill('SIGKILL'), c.kill('SIGKILL')])
  for (const name of ['b', 'c']) {
    await until(`${name} is hidden`, async () => (await believed(a, name))?.state !== 'alive')
    // Not for its silence, which nobody is left to confirm for eight seconds.
    expect(await believed(a, name)).toMatchObject({ why: 'reported silent by 1', dial: 'refused' })
  }
  await until('it doubts', () => isDegraded(a))
  expect(await named(a)).toEqual(['NOERROR', '0 10.0.0.5'])
  const { code, stdout } = await cluster.cli('status', '--server', a.url)
  expect(code).toBe(3)
  expect(stdout).toContain('in doubt: 1 of 3 nodes in sight')
  expect(stdout).toContain('dials are refused: its process is gone')
})

test('a fresh third one does not bring back what the first has seen die; a stopped one is told from a dead one', async () => {
  const cluster = opened()
  const a = await cluster.start('a', { args: ['--no-mdns'] })
  const b = await cluster.start('b', joining(a))
  await allList([a, b], ['a', 'b'])
  await until('it takes writes', () => b.isReady())
  await b.register({ url: 'http://127.0.0.1:9', slug: 'x', check: 'none' })
  await until('x is there', async () => (await a.lookup('x'))?.length === 1)
  await b.kill('SIGKILL')
  await until('x is gone', async () => (await a.lookup('x'))?.length === 0)
  const c = await cluster.start('c', joining(a))
  await until('b is dead for both', async () => {
    expect(await a.lookup('x')).toEqual([])
    const states = [await believed(a, 'b'), await believed(c, 'b')].map((member) => member?.state)
    return states.every((state) => state === 'dead')
  })
  for (const { log } of [a, c]) expect(log).not.toContain('heard again')
  // Its machine takes connections for it, and nobody says a word.
  c.process.kill('SIGSTOP')
  await until('c is said to be stopped', async () => (await believed(a, 'c'))?.dial === 'silent')
})

const permitted = canMakeCables()
if (!permitted) console.warn('skipped: tests of cables need the right to make network namespaces, veth pairs, bridges')

describe.skipIf(!permitted)('on a network of their own', () => {
  test('a machine that is cut off says so, and that nobody answers it', async () => {
    const lan = await Lan.open()
    const cluster = opened()
    closing.push(() => lan.close())
    const daemons: RunningDaemon[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      const { place, address } = await lan.add(name)
      const args = ['--no-mdns', ...(daemons[0] === undefined ? [] : ['--join', daemons[0].address])]
      daemons.push(await cluster.start(name, { place, address, args }))
    }
    await allList(daemons, ['a', 'b', 'c', 'd'])
    lan.unplug('d')
    const d = daemons[3] as RunningDaemon
    await until('d doubts', () => isDegraded(d))
    expect(await d.peers()).toMatchObject({ inStep: false, degraded: true })
    await until('nobody answers', async () => (await d.members()).some(({ dial }) => dial === 'no-answer'))
    await until('it is in the log', async () => Promise.resolve(d.log.includes('in doubt: only 1 of 4')))
    expect(await isDegraded(daemons[0] as RunningDaemon)).toBe(false)
    lan.plug('d')
    await until('it is over', async () => !(await isDegraded(d)))
    await until('and that is in the log', async () => Promise.resolve(d.log.includes('no more doubt')))
  })
})
