// Daemons that find each other by mDNS on networks as they are: routes that lead elsewhere or nowhere, interfaces that come and go, addresses of every kind. Each machine is a network namespace of its own.
import { type ChildProcess } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PeersView } from '../../src/core/views.js'
import { compiled } from '../io/compiled.js'
import { RunningDaemon, until } from './cluster.js'
import { canMakeCables, Lan, type MachineOptions } from './lan.js'
import { main } from './one-file.js'

const permitted = canMakeCables()
if (!permitted)
  console.warn('network namespaces and bridges are not permitted here: mDNS between machines is not tested')

const formerProgram = await compiled('formermdns.ts')

let lan: Lan
const daemons: RunningDaemon[] = []
const others: ChildProcess[] = []
beforeEach(async () => {
  if (permitted) lan = await Lan.open()
})
afterEach(async () => {
  for (const child of others.splice(0)) child.kill('SIGKILL')
  await Promise.all(daemons.splice(0).map((daemon) => daemon.kill('SIGKILL')))
  if (permitted) await lan.close()
})

/** One more machine, without the route for multicast that loopback has elsewhere in these tests. */
async function machine(name: string, options: MachineOptions = {}): Promise<void> {
  const { place } = await lan.add(name, options)
  lan.on(name, 'ip', 'route', 'delete', '224.0.0.0/4')
  places.set(name, place)
}
const places = new Map<string, Awaited<ReturnType<Lan['add']>>['place']>()

/** A daemon with the defaults, but for a disk and ports of its own. */
async function start(name: string, ...args: string[]): Promise<RunningDaemon> {
  const place = places.get(name) as NonNullable<ReturnType<typeof places.get>>
  const { PATH, HOME } = process.env
  const common = ['start', '--temp', '--http', '127.0.0.1:0', '--node-id', name]
  const daemon = new RunningDaemon(
    name,
    place.spawn(process.execPath, [main, ...common, ...args], { PATH, HOME }),
    place,
  )
  daemons.push(daemon)
  await until(`${name} serves`, async () => {
    if (daemon.isOver) throw new Error(`${name} ended: ${daemon.log}`)
    return daemon.isUp
  })
  return daemon
}

function meet(...all: RunningDaemon[]): Promise<number> {
  return until('they meet', async () => {
    const views = await Promise.all(all.map((daemon) => daemon.peers()))
    return views.every(({ peers }) => peers.filter(({ connected }) => connected).length === all.length - 1)
  })
}

const networks: {
  readonly what: string
  readonly options: readonly MachineOptions[]
  readonly prepare?: () => void
}[] = [
  { what: 'without any route but to the cable', options: [{}, {}] },
  {
    what: 'whose default route leads into a tunnel',
    options: [{}, {}],
    prepare: () => {
      for (const [at, name] of ['a', 'b'].entries()) {
        lan.on(name, 'ip', 'link', 'add', 'tun0', 'type', 'veth', 'peer', 'name', 'far0')
        lan.on(name, 'ip', 'link', 'set', 'far0', 'up')
        lan.on(name, 'ip', 'address', 'add', `10.8.0.${at + 1}/32`, 'dev', 'tun0')
        lan.on(name, 'ip', 'link', 'set', 'tun0', 'up')
        lan.on(name, 'ip', 'route', 'add', 'default', 'dev', 'tun0')
      }
    },
  },
  { what: 'whose addresses are not private', options: [{ address: '44.1.0.1' }, { address: '44.1.0.2' }] },
  {
    what: 'that have IPv6 alone',
    options: [
      { address: 'fd77::1', prefix: 64 },
      { address: 'fd77::2', prefix: 64 },
    ],
  },
  {
    what: 'whose IPv6 addresses are not private',
    options: [
      { address: '2a00:77::1', prefix: 64 },
      { address: '2a00:77::2', prefix: 64 },
    ],
  },
]

test.skipIf(!permitted).for(networks)('two machines $what find each other', async ({ options, prepare }) => {
  for (const [at, one] of options.entries()) await machine(at === 0 ? 'a' : 'b', one)
  prepare?.()
  const [a, b] = [await start('a'), await start('b')]
  await meet(a, b)
  const { mdns } = await a.peers()
  expect(mdns?.filter(({ interface: name }) => name === 'eth0').map(({ trouble }) => trouble)).not.toHaveLength(0)
})

test.skipIf(!permitted)(
  'a daemon whose interface comes after it, goes, and is made again, is found each time',
  async () => {
    await machine('a')
    await machine('b')
    await machine('c')
    lan.on('a', 'ip', 'link', 'set', 'eth0', 'down')
    lan.on('a', 'ip', 'address', 'flush', 'dev', 'eth0')
    const [a, b] = [await start('a'), await start('b')]
    lan.on('a', 'ip', 'address', 'add', '10.77.0.1/24', 'dev', 'eth0')
    lan.on('a', 'ip', 'link', 'set', 'eth0', 'up')
    await meet(a, b)
    lan.remake('a')
    lan.remake('b')
    const c = await start('c')
    await meet(a, b, c)
  },
)

test.skipIf(!permitted)('a node is called by the address that its machine has by now, here and elsewhere', async () => {
  await machine('a')
  await machine('b')
  lan.on('a', 'ip', 'address', 'flush', 'dev', 'eth0')
  lan.on('a', 'sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=1')
  const [a, b] = [await start('a'), await start('b')]
  expect((await a.self()).url).toContain('//127.0.0.1:')
  const port = new URL(a.url).port
  for (const address of ['10.77.0.1', '10.77.0.99']) {
    lan.on('a', 'ip', 'address', 'flush', 'dev', 'eth0')
    lan.on('a', 'ip', 'address', 'add', `${address}/24`, 'dev', 'eth0')
    await until(`all call it by ${address}`, async () => {
      const urls = await Promise.all([a, b].map(async (one) => (await one.nodes()).map(({ url }) => url)))
      return urls.every((list) => list.includes(`http://${address}:${port}`))
    })
  }
})

test.skipIf(!permitted)(
  'what cannot be sent is said by interface, in peers and once in the log, and so is its end',
  async () => {
    await machine('a')
    const route = ['multicast', 'ff00::/8', 'dev', 'eth0', 'table', 'local', 'metric', '256']
    lan.on('a', 'ip', '-6', 'route', 'delete', ...route)
    const a = await start('a')
    const troubles = async (): Promise<PeersView['mdns']> =>
      (await a.peers()).mdns?.filter(({ trouble }) => trouble !== undefined)
    await until('peers says so', async () => (await troubles())?.length === 1)
    expect(await troubles()).toEqual([
      { interface: 'eth0', family: 'IPv6', trouble: expect.stringMatching(/^cannot send: .*ENETUNREACH/) as string },
    ])
    await until('the log says so', async () => a.log.includes('mDNS does not work on eth0 (IPv6): cannot send'))
    lan.on('a', 'ip', '-6', 'route', 'append', ...route)
    await until('it is over', async () => a.log.includes('mDNS works on eth0 (IPv6) again'))
    expect(await troubles()).toEqual([])
    expect(a.log.match(/mDNS does not work on eth0 \(IPv6\)/g)).toHaveLength(1)
  },
)

test.skipIf(!permitted)('daemons that speak by the class of libp2p are found, and find', async () => {
  await machine('a')
  await machine('b')
  lan.on('b', 'ip', 'route', 'add', '224.0.0.0/4', 'dev', 'eth0')
  const a = await start('a')
  const place = places.get('b') as NonNullable<ReturnType<typeof places.get>>
  const { PATH, HOME } = process.env
  const former = place.spawn(process.execPath, [formerProgram, 'default', '10.77.0.2'], { PATH, HOME })
  others.push(former)
  let said = ''
  for (const stream of [former.stdout, former.stderr]) stream?.on('data', (bytes: Buffer) => (said += bytes.toString()))
  await until(`the former one finds it: ${a.peerId}`, async () =>
    said.includes(`found ${a.peerId} at /ip4/10.77.0.1/tcp/`),
  )
  const id = /^i am (\S+)$/m.exec(said)?.[1]
  await until('and is found', async () => (await a.peers()).peers.some(({ peer }) => peer === id))
})

test.skipIf(!permitted)('where mDNS is off, a seed is reached by its IPv6 address', async () => {
  await machine('a', { address: 'fd77::1', prefix: 64 })
  await machine('b', { address: 'fd77::2', prefix: 64 })
  const a = await start('a', '--no-mdns')
  const port = /\/ip6\/fd77::1\/tcp\/(\d+)/.exec(a.stdout)?.[1]
  const b = await start('b', '--no-mdns', '--join', `[fd77::1]:${port}`)
  await meet(a, b)
  expect((await a.peers()).mdns).toBeUndefined()
})
