// The first journey, with real processes: three daemons find each other, share what is registered, lose one, get it back.
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { afterAll, describe, expect, test } from 'vitest'
import { allEqual, allList, Cluster, type RunningDaemon, until, untilAll } from './cluster.js'
import { canMakeNamespaces, loopback, namespace, type Place } from './place.js'

const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of closing) await close()
})

interface Discovery {
  readonly place: () => Promise<Place>
  /** The arguments with which a daemon finds those that run already. */
  readonly find: (running: readonly RunningDaemon[]) => string[]
}

const byMdns: Discovery = { place: namespace, find: () => [] }
const bySeeds: Discovery = {
  place: async () => loopback(),
  find: (running) => ['--no-mdns', ...running.flatMap(({ address }) => ['--join', address])],
}

const hasNamespaces = canMakeNamespaces()
if (!hasNamespaces) console.warn('skipped: mDNS tests need the right to make network namespaces (unshare -n)')

describe.skipIf(!hasNamespaces)('found by mDNS alone', () => journey(byMdns))
describe('found by --join, without mDNS', () => journey(bySeeds))

/** With fields that no version of the contract knows: what came is what is given back, to the last character. */
const definition = {
  id: 'web-service',
  image: { name: 'web', internalPorts: [80] },
  hostPort: 5981,
  future: {
    field: [1, null, { deep: [[], {}, ''] }],
    'ключ 🗝': '\u2028"\\',
    huge: 1.7976931348623157e308,
    tiny: 5e-324,
  },
}

function journey(discovery: Discovery): void {
  let cluster: Cluster
  let a: RunningDaemon
  let b: RunningDaemon
  let c: RunningDaemon

  afterAll(() => cluster.close())

  test('three daemons list three nodes, and each is in step with two peers', async () => {
    cluster = new Cluster(await discovery.place())
    a = await cluster.start('a', { args: discovery.find([]) })
    b = await cluster.start('b', { args: discovery.find([a]) })
    c = await cluster.start('c', { args: discovery.find([a]) })
    await allList([a, b, c], ['a', 'b', 'c'])
    for (const daemon of [a, b, c]) {
      await until('in step with two peers', async () => {
        const { inStep, peers } = await daemon.peers()
        return inStep && peers.filter(({ connected, streamsHealthy }) => connected && streamsHealthy).length === 2
      })
    }
    // While heads are still on their way a neighbour may be out of step once more.
    await untilAll('the operator reads so', async () => {
      const { stdout } = await cluster.cli('peers', '--server', a.url)
      return stdout.includes('in step with 2 of 2')
    })
  })

  test('asked what it sees, each tells of all, in words of their own', async () => {
    await untilAll(
      'all hold the same',
      async () => new Set((await c.survey()).nodes.map(({ digest }) => digest)).size === 1,
    )
    const { by, nodes } = await c.survey()
    expect([by, ...nodes.map(({ id, how }) => `${id} ${how}`)]).toEqual(['c', 'c self', 'a answered', 'b answered'])
    const { version: software, protocol } = await a.self()
    for (const node of nodes) {
      expect(node).toMatchObject({ software, protocol, phase: 'ready', ready: true, inDoubt: false })
      expect(node.sees?.map(({ state, link }) => `${state} ${link}`)).toEqual(['alive open', 'alive open'])
    }
    expect((await a.self()).dropped).not.toHaveProperty(['unreadable request'])
    expect((await b.members()).map((member) => [member.software, member.protocol])).toEqual(
      Array(3).fill([software, protocol]),
    )
  })

  test('an instance registered at one is found at another, a definition saved at one is listed at another', async () => {
    const url = b.url // something that listens
    await a.register({ url, slug: 'web', deploymentId: 'd1', tags: ['blue'] })
    await until('c shows it', async () => (await c.lookup('web'))?.join() === url)
    await b.saveDefinition(definition)
    for (const daemon of [a, b, c]) {
      await until('it is listed', async () => (await daemon.definitions()).length === 1)
      expect(await daemon.definitions()).toEqual([definition])
    }
    await until('b calls it healthy', async () => (await b.instances('?slug=web&status=Healthy')).length === 1)
    const [instance] = await b.instances('?slug=web&tag=blue&deploymentId=d1')
    expect(instance).toMatchObject({ url, slug: 'web', deploymentId: 'd1', tags: ['blue'] })
    expect(instance?.lastHeartbeat).toMatch(/^\d{4}-\d\d-\d\dT/)
  })

  test('the doctor notes what would lead callers on another machine to themselves, and finds nothing else', async () => {
    const isLocal = new URL(b.url).hostname === '127.0.0.1'
    const [instance] = await b.instances('?slug=web')
    const expected = isLocal ? `note instance-loopback ${instance?.id}` : ''
    await until('loopback is all that is found', async () => (await c.found()).join() === expected)
  })

  test('one that is stopped and started on another port is back by itself', async () => {
    const before = b.address
    await b.kill('SIGTERM')
    expect(b.process.exitCode).toBe(0)
    await allList([a, c], ['a', 'c'])
    b = await cluster.start('b', { args: discovery.find([a]) })
    expect(b.address).not.toBe(before)
    await allList([a, b, c], ['a', 'b', 'c'])
  })

  test('one that is killed leaves every lookup, and comes back checked anew', async () => {
    await a.kill('SIGKILL')
    await until('b and c hide it', async () => {
      return (await b.lookup('web'))?.length === 0 && (await c.lookup('web'))?.length === 0
    })
    const server = await listen(new URL('http://127.0.0.1:0'))
    closing.push(async () => void server.close())
    a = await cluster.start('a', { args: discovery.find([b]) })
    await until('b and c show it', async () => {
      return (await b.lookup('web'))?.length === 1 && (await c.lookup('web'))?.length === 1
    })
    // The url that it was registered with went with the old b: the check after the start must see that.
    await until('c sees the new check', async () => (await c.instances('?slug=web'))[0]?.status === 'Unreachable')
    await allEqual([a, b, c])
  })

  test('everything survives a stop of the whole cluster', async () => {
    for (const daemon of [a, b, c]) await daemon.kill('SIGTERM')
    a = await cluster.start('a', { args: discovery.find([]) })
    await until('alone, it serves its own', async () => (await a.instances('?deploymentId=d1&tag=blue')).length === 1)
    expect((await a.definitions()).map(({ id }) => id)).toEqual(['web-service'])
    expect((await a.peers()).summary).toContain('alone')
    b = await cluster.start('b', { args: discovery.find([a]) })
    c = await cluster.start('c', { args: discovery.find([a]) })
    await allList([a, b, c], ['a', 'b', 'c'])
    await until('all serve it again', async () => (await c.lookup('web'))?.length === 1)
    expect(await b.definitions()).toEqual([definition])
    await allEqual([a, b, c])
  })
}

async function listen(url: URL): Promise<Server> {
  const server = createServer((socket) => socket.end()).listen(Number(url.port), url.hostname)
  await once(server, 'listening')
  return server
}
