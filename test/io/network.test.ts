/** The network on real sockets of this machine: who finds whom, who is told what, and who stays out. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { generateClusterKey } from '../../src/io/network/network.js'
import { compiled } from './compiled.js'
import { eventually } from './eventually.js'
import { answered, ask, bytes, connected, createSite, flows, startSite, startSites } from './networkworld.js'
import type { Site } from './networkworld.js'

const script = await compiled('networkchild.ts')
const children = new Set<ChildProcess>()
const servers = new Set<Server>()

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const server of servers) server.close()
  children.clear()
  servers.clear()
})

/** A network in a process of its own. */
async function spawnSite(seed: string, port = 0, join = '') {
  const child = spawn(process.execPath, [script, seed, `/ip4/127.0.0.1/tcp/${port}`, join])
  children.add(child)
  let output = ''
  child.stdout.on('data', (piece: Buffer) => (output += piece.toString()))
  child.stderr.on('data', (piece: Buffer) => (output += piece.toString()))
  const ready = await eventually('the child is ready', () => /^ready (\S+) (\S+)$/m.exec(output) ?? undefined)
  return { child, id: ready[1] ?? '', address: ready[2] ?? '' }
}

/** A port that somebody else holds. */
function hasIp6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
}

async function busyPort(host = '127.0.0.1'): Promise<number> {
  const server = createServer()
  servers.add(server)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return (server.address() as AddressInfo).port
}

describe('finding each other', () => {
  test('three networks connect through one seed, and each is reported once', async () => {
    const [first, second, third] = await startSites(3)
    expect(first?.trace.filter((line) => line === `connected ${second?.id}`)).toHaveLength(1)
    expect(first?.trace.filter((line) => line === `connected ${third?.id}`)).toHaveLength(1)
    expect(second?.trace.filter((line) => line === `connected ${first?.id}`)).toHaveLength(1)
  })

  test('a seed without a peer id, as host and port, is enough', async () => {
    const one = await startSite()
    const port = /tcp\/(\d+)/.exec(one.network.addresses()[0] ?? '')?.[1]
    const other = await startSite({ join: [`127.0.0.1:${port}`] })
    await connected(one, other)
  })

  test('a seed that is the daemon itself, or nobody, does no harm', async () => {
    const busy = await busyPort()
    const free = busy // held by a server that is closed at once: a port where nobody answers
    for (const server of servers) server.close()
    const one = await startSite()
    const other = await startSite({ join: [`127.0.0.1:${free}`, ...one.network.addresses()] })
    await connected(one, other)
    const self = await createSite({ listen: [`/ip4/127.0.0.1/tcp/${free}`], join: [`127.0.0.1:${free}`] })
    await self.network.start()
    self.network.learn(one.id, one.network.addresses())
    await connected(self, one)
    expect(self.network.peers().map(({ peer }) => peer)).not.toContain(self.id)
  })

  test('a learned address is dialled, by whichever of the two learned it', async () => {
    const [low, high] = [await startSite(), await startSite()].sort((a, b) => (a.id < b.id ? -1 : 1))
    if (low === undefined || high === undefined) throw new Error('two sites')
    high.network.learn(low.id, low.network.addresses())
    await connected(low, high)
  })

  test('the address book survives a restart', async () => {
    const one = await startSite()
    const other = await startSite({ join: one.network.addresses() })
    await connected(one, other)
    await other.network.stop()
    const again = await startSite({ key: other.key, json: other.book.json ?? '' })
    await connected(one, again)
  })

  test('a damaged address book is told and replaced by an empty one', async () => {
    for (const json of ['', '{', '[]', '{"version":9}', '{"version":1,"peers":7}', 'x'.repeat(5_000_000)]) {
      const site = await createSite({ json })
      await site.network.start()
      expect(site.logs.join('')).toContain('address book')
      expect(site.network.peers()).toEqual([])
      await site.network.stop()
    }
  })

  test('a peer that comes back on another port is found there', async () => {
    const one = await startSite()
    const other = await startSite({ join: one.network.addresses() })
    await connected(one, other)
    const before = other.network.addresses()
    await other.network.stop()
    await eventually('the old one is gone', () => !one.isConnectedTo(other))
    const again = await startSite({ key: other.key, join: one.network.addresses() })
    expect(again.network.addresses()).not.toEqual(before)
    await connected(one, again)
    one.network.redial(again.id)
    await eventually(
      'a second connection',
      () => one.trace.filter((line) => line === `connected ${other.id}`).length > 2,
    )
    await connected(one, again)
  })
})

describe('losing each other', () => {
  test('a killed process is disconnected, and a dial of it refused', async () => {
    const one = await startSite()
    const child = await spawnSite(randomBytes(32).toString('hex'), 0, one.network.addresses()[0])
    await eventually('the child is connected', () => one.trace.includes(`connected ${child.id}`))
    child.child.kill('SIGKILL')
    await eventually('it is gone', () => one.trace.includes(`disconnected ${child.id}`))
    one.network.dial(child.id)
    await eventually('it refuses', () => one.trace.includes(`refused ${child.id}`))
  })

  test('a killed process that starts again at the same place is connected again', async () => {
    const one = await startSite()
    const seed = randomBytes(32).toString('hex')
    const child = await spawnSite(seed, 0, one.network.addresses()[0])
    await eventually('the child is connected', () => one.trace.includes(`connected ${child.id}`))
    child.child.kill('SIGKILL')
    await eventually('it is gone', () => one.trace.includes(`disconnected ${child.id}`))
    const port = Number(/tcp\/(\d+)/.exec(child.address)?.[1])
    await spawnSite(seed, port)
    await eventually('it is back', () => one.trace.filter((line) => line === `connected ${child.id}`).length === 2)
  })

  test('a request dies with the process that was to answer it', async () => {
    const child = await spawnSite(randomBytes(32).toString('hex'))
    const one = await startSite({ join: [child.address] })
    await eventually('the child is connected', () => one.trace.includes(`connected ${child.id}`))
    const answer = ask(one, child, bytes('half'))
    await eventually('half an answer', () => answer.responses.length === 1)
    child.child.kill('SIGKILL')
    expect(await answered(answer)).toBe(false)
  })

  test('a frozen process is not refused, does not hold up a stop, and is the same peer once it thaws', async () => {
    const child = await spawnSite(randomBytes(32).toString('hex'))
    const [one, other] = await Promise.all([startSite({ join: [child.address] }), startSite({ join: [child.address] })])
    await eventually('both are connected', () =>
      [one, other].every(({ trace }) => trace.includes(`connected ${child.id}`)),
    )
    child.child.kill('SIGSTOP')
    const answer = ask(one, child, new Uint8Array(30_000_000))
    other.network.redial(child.id)
    await eventually('hung up', () => other.trace.includes(`disconnected ${child.id}`))
    await eventually('the dial failed', () => other.network.peers().some(({ lastError }) => lastError !== undefined))
    await one.network.stop()
    expect(await answered(answer)).toBe(false)
    child.child.kill('SIGCONT')
    await eventually('it is back', () => other.trace.at(-1) === `connected ${child.id}`)
    expect(other.trace).not.toContain(`refused ${child.id}`)
  })

  test('redial hangs up and comes back', async () => {
    const [one, other] = await startSites(2)
    if (one === undefined || other === undefined) throw new Error('two sites')
    one.network.redial(other.id)
    await eventually('the trace tells', () =>
      one.trace.join().includes(`disconnected ${other.id},connected ${other.id}`),
    )
    await connected(one, other)
    await flows(one, other)
  })

  test('a dial of somebody unknown or connected reports nothing', async () => {
    const [one, other] = await startSites(2)
    if (one === undefined || other === undefined) throw new Error('two sites')
    const before = [...one.trace]
    one.network.dial('12D3KooWNvT9QbZCdMzrwDxvbtr39zrbbGfT2Yipub6tqg2TuNik')
    one.network.dial(other.id)
    one.network.beat('12D3KooWNvT9QbZCdMzrwDxvbtr39zrbbGfT2Yipub6tqg2TuNik', bytes('lost'))
    expect(one.network.dropped()['beat-unconnected']).toBe(1)
    await flows(one, other)
    expect(one.trace).toEqual(before)
  })
})

describe('one connection per pair', () => {
  test('gossip flows after both sides dialled at once, and one connection remains', async () => {
    let duplicates = 0
    for (let round = 0; round < 6; round += 1) {
      const [one, other] = await Promise.all([startSite(), startSite()])
      one.network.learn(other.id, other.network.addresses())
      other.network.learn(one.id, one.network.addresses())
      one.network.dial(other.id)
      other.network.dial(one.id)
      await connected(one, other)
      await flows(one, other)
      await flows(other, one)
      const closed = () => [one, other].map((site) => site.network.dropped()['connection-duplicate'] ?? 0)
      duplicates += Math.max(...closed())
      // Both must agree on who dialled the one that stays.
      await eventually('both keep the same one', () => directionOf(one, other) !== directionOf(other, one))
      await flows(one, other)
      await flows(other, one)
      expect(one.trace).toEqual([`connected ${other.id}`])
      expect(other.trace).toEqual([`connected ${one.id}`])
      expect(one.network.dropped()['gossip-repair']).toBeUndefined()
    }
    expect(duplicates).toBeGreaterThan(0)
  })
})

function directionOf(from: { network: { peers(): { peer: string; direction?: string }[] } }, to: { id: string }) {
  return from.network.peers().find(({ peer }) => peer === to.id)?.direction
}

/** What another key makes of a first word is noise: now a word that is wrong, now silence, and then it is tried again, later each time. */
const noise_ms = 150_000

describe('who stays out', () => {
  test('a cluster of another name', async () => {
    const one = await startSite({ cluster: 'one' })
    const other = await startSite({ cluster: 'other', join: one.network.addresses() })
    await eventually('it is counted', () => (other.network.dropped()['connection-foreign'] ?? 0) > 0)
    await eventually('it is told', () => other.logs.join('').includes('not of this cluster'))
    expect([...one.trace, ...other.trace].filter((line) => line.startsWith('connected'))).toEqual([])
    expect(other.isConnectedTo(one)).toBe(false)
  })

  test('who holds no cluster key, or another one', async () => {
    const one = await startSite({ clusterKey: generateClusterKey() })
    const without = await startSite({ join: one.network.addresses() })
    const another = await startSite({ join: one.network.addresses(), clusterKey: generateClusterKey() })
    await eventually('the seed does not answer', () => another.logs.join('').includes('a seed does not answer'))
    await eventually('the seed does not answer', () => without.logs.join('').includes('a seed does not answer'))
    expect([...one.trace, ...without.trace, ...another.trace]).toEqual([])
  })

  test.each([
    ['another cluster key', generateClusterKey(), generateClusterKey()],
    ['no cluster key', generateClusterKey(), undefined],
    ['a cluster key, where the others have none', undefined, generateClusterKey()],
  ])('who holds %s is told so, as is who was reached', async (_, theirs, ours) => {
    const one = await startSite(theirs === undefined ? {} : { clusterKey: theirs })
    const port = /tcp\/(\d+)/.exec(one.network.addresses()[0] ?? '')?.[1]
    const seed = `127.0.0.1:${port}`
    const other = await startSite({ join: [seed], ...(ours !== undefined && { clusterKey: ours }) })
    const why = 'but the handshake failed: is the cluster key the same?'
    const isWarned = ({ logs }: Site): boolean => logs.some((line) => line.includes(why) && line.includes('"level":40'))
    await eventually('both are told', () => isWarned(one) && isWarned(other), noise_ms)
    const [failure] = other.network.failures()
    expect(failure).toMatchObject({ where: seed, direction: 'outbound' })
    expect(failure?.error).toContain(`reached 127.0.0.1:${port}, ${why}`)
    expect(failure?.reason).toBe('handshake')
    expect(one.network.failures()).toMatchObject([
      { where: '127.0.0.1', direction: 'inbound', error: `reached us, ${why}`, reason: 'handshake' },
    ])
    const isKeptOut = () => other.network.firstContact().seeds[0]?.outcome === 'refused'
    await eventually('it knows that it is kept out', isKeptOut, noise_ms)
  })

  test('who is found on the network, and holds another cluster key', async () => {
    const one = await startSite({ clusterKey: generateClusterKey() })
    const other = await startSite({ clusterKey: generateClusterKey() })
    other.network.learn(one.id, one.network.addresses())
    const isTold = (): boolean => other.logs.join('').includes('a peer cannot be joined: reached 127.0.0.1:')
    await eventually('it is told', isTold, noise_ms)
    const [peer] = other.network.peers()
    expect(peer?.lastError).toContain('but the handshake failed: is the cluster key the same?')
  })

  test.each([
    ['resets', (socket: Socket) => socket.resetAndDestroy(), {}],
    ['ends', (socket: Socket) => socket.end(), { clusterKey: generateClusterKey() }],
  ])(
    'a place that takes each connection and %s it, as a proxy with nobody behind it, keeps nobody out',
    async (...row) => {
      const [, take, options] = row
      const proxy = createServer(take).listen(0, '127.0.0.1')
      servers.add(proxy)
      await once(proxy, 'listening')
      const seed = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
      const site = await startSite({ ...options, join: [seed] })
      await eventually('it is told', () => site.network.failures().length > 0)
      const [failure] = site.network.failures()
      expect(failure).toMatchObject({ where: seed, reason: 'no-answer' })
      expect(failure?.error).toContain(`reached ${seed}, but it ended the connection without a word`)
      expect(site.network.firstContact().seeds[0]).toMatchObject({ outcome: 'unreachable' })
    },
  )

  test('a seed that does not answer is listed with the reason, until it does', async () => {
    const port = await busyPort()
    for (const server of servers) server.close()
    servers.clear()
    const site = await startSite({ join: [`127.0.0.1:${port}`, 'no-such-host.invalid:1'] })
    const named = ({ network }: Site, text: string): string =>
      network.failures().find(({ where }) => where.startsWith(text))?.error ?? ''
    await eventually('both are listed', () => site.network.failures().length === 2)
    expect(named(site, '127.0.0.1')).toContain('ECONNREFUSED')
    expect(named(site, 'no-such')).toContain('the name no-such-host.invalid does not resolve')
    const late = await startSite({ listen: [`/ip4/127.0.0.1/tcp/${port}`] })
    await connected(site, late)
    expect(site.network.failures().map(({ where }) => where)).toEqual(['no-such-host.invalid:1'])
  })

  test('who connects without a word is nobody to speak of', async () => {
    for (const options of [{}, { clusterKey: generateClusterKey() }]) {
      const site = await startSite(options)
      const port = Number(/tcp\/(\d+)/.exec(site.network.addresses()[0] ?? '')?.[1])
      for (let i = 0; i < 3; i++) {
        const socket = connect(port, '127.0.0.1')
        await new Promise((resolve) => socket.once('connect', resolve))
        socket.destroy()
      }
      const friend = await startSite({ ...options, join: site.network.addresses() })
      await connected(site, friend)
      expect(site.network.failures()).toEqual([])
    }
  })

  test('another daemon with our key, as of a copied data directory, is named at both, with both addresses', async () => {
    const original = await startSite()
    const copy = await startSite({ key: original.key, join: original.network.addresses() })
    const tells = (site: Site): string => site.network.failures()[0]?.error ?? ''
    await eventually('both say so', () => [original, copy].every((site) => tells(site).includes('another daemon runs')))
    const port = /tcp\/(\d+)/.exec(original.network.addresses()[0] ?? '')?.[1]
    expect(tells(copy)).toMatch(
      new RegExp(
        `^another daemon runs with this node's key at 127.0.0.1:${port}, beside this one at ${copy.network.addresses()[0]}: stop`,
      ),
    )
    expect(tells(original)).toContain(`key at 127.0.0.1, beside this one at ${original.network.addresses()[0]}`)
    expect(original.logs.join('')).toContain('another daemon runs with this node')
  })

  test('two daemons with one key are named by whoever is connected to both, with both addresses', async () => {
    const one = await startSite()
    const original = await startSite({ join: one.network.addresses() })
    await connected(one, original)
    const copy = await startSite({ key: original.key, join: one.network.addresses() })
    const tells = (): string => one.network.failures().find(({ where }) => where === copy.id)?.error ?? ''
    await eventually('they are named', () => tells() !== '')
    const places = [original, copy].flatMap(({ network }) => network.addresses()).sort()
    expect(tells()).toContain(
      `two daemons run with one key, at ${places.join(' and at ')}: stop the one that runs on a copy`,
    )
    expect(one.logs.join('')).toContain(`peer ${copy.id}: two daemons run with one key`)
    // Both hear what is said to that peer, and come again, to compare their records with those of the other.
    for (const [i, site] of [original, copy].entries())
      await eventually(`${i} hears`, () => {
        one.network.beat(copy.id, bytes('both'))
        return site.beats.some(({ text }) => text === 'both')
      })
    const comesAgain = ({ trace }: Site) => trace.filter((line) => line === `connected ${one.id}`).length > 1
    await eventually('both come again', () => [original, copy].every(comesAgain))
  })

  test('who holds the cluster key comes in', async () => {
    const clusterKey = generateClusterKey()
    const [one, other] = await startSites(2, { clusterKey })
    expect(one?.trace).toEqual([`connected ${other?.id}`])
  })
})

describe('beginning and end', () => {
  test('a busy port is an error that names the address and the way out', async () => {
    const listen = [`/ip4/127.0.0.1/tcp/${await busyPort()}`]
    const site = await createSite({ listen })
    const error = await site.network.start().then(
      () => undefined,
      (reason: unknown) => reason as Error & { code: string },
    )
    expect(error?.code).toBe('conflict')
    expect(error?.message).toBe(
      `listen: ${listen[0]} is in use; stop the program that holds the port, or choose another one with --listen`,
    )
  })

  test('a busy default port is replaced by a free one', async () => {
    const port = await busyPort()
    const site = await createSite({ listen: [`/ip4/127.0.0.1/tcp/${port}`], listenFallback: true })
    await site.network.start()
    expect(site.network.addresses()).toHaveLength(1)
    expect(site.network.addresses()[0]).not.toContain(`/${port}`)
    const other = await startSite({ join: site.network.addresses() })
    await connected(site, other)
    await flows(site, other)
  })

  test('a busy default port is told of, and taken as soon as it is free: who was told that port finds the daemon', async () => {
    const port = await busyPort()
    const site = await createSite({ listen: [`/ip4/127.0.0.1/tcp/${port}`], listenFallback: true })
    await site.network.start()
    const [instead] = site.network.addresses()
    const warning = site.logs
      .map((line) => JSON.parse(line) as { level: number; msg: string })
      .find(({ level }) => level === 40)
    expect(warning?.msg).toContain(`/ip4/127.0.0.1/tcp/${port} is in use: listening on ${instead}`)
    const other = await startSite({ join: [`127.0.0.1:${port}`] })
    const early = await startSite({ join: [instead ?? ''] })
    await connected(site, early)
    for (const server of servers) server.close()
    servers.clear()
    await connected(site, other)
    expect(site.network.addresses().sort()).toEqual([instead, `/ip4/127.0.0.1/tcp/${port}`].sort())
    await connected(site, early) // what was there stays
  })

  test.skipIf(!hasIp6())('a port that is busy in IPv6 alone is told of, and taken as soon as it is free', async () => {
    const port = await busyPort('::1')
    const listen = [`/ip4/127.0.0.1/tcp/${port}`, `/ip6/::1/tcp/${port}`]
    const site = await createSite({ listen, listenFallback: true })
    await site.network.start()
    const [first, instead, ...more] = site.network.addresses()
    expect([first, more]).toEqual([listen[0], []])
    expect(instead).toMatch(/^\/ip6\/::1\/tcp\/\d+$/)
    expect(site.logs.join('')).toContain(`${listen[1]} is in use: listening on ${first}, ${instead} until it is free`)
    for (const server of servers) server.close()
    servers.clear()
    await eventually('it is taken', () => site.network.addresses().includes(listen[1] as string))
  })

  test.skipIf(!hasIp6())('any port is one port for both families', async () => {
    const site = await createSite({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0'], listenFallback: true })
    await site.network.start()
    const ports = site.network.addresses().map((address) => address.split('/').at(-1))
    expect(ports).toHaveLength(2)
    expect(new Set(ports).size).toBe(1)
  })

  test('a stop ends the wait for a busy port', async () => {
    const site = await createSite({ listen: [`/ip4/127.0.0.1/tcp/${await busyPort()}`], listenFallback: true })
    await site.network.start()
    await site.network.stop()
    expect(site.network.addresses()).toEqual([])
  })

  test('an address that cannot be listened on is named', async () => {
    const site = await createSite({ listen: ['/ip4/192.0.2.1/tcp/0'] })
    const mixed = await createSite({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip6/2001:db8::1/tcp/0'] })
    await expect(mixed.network.start()).rejects.toThrow(/^listen: cannot listen on .*2001:db8::1.*: EADDRNOTAVAIL/)
    await expect(site.network.start()).rejects.toThrow(
      /listen: cannot listen on \/ip4\/192\.0\.2\.1\/tcp\/0: EADDRNOTAVAIL/,
    )
    await site.network.stop()
  })

  test.each([
    [{ listen: ['nonsense'] }, /^listen: "nonsense" is not an address/],
    [{ listen: ['/ip4/127.0.0.1/udp/1'] }, /^listen: /],
  ])('%j is malformed', async (options, message) => {
    const site = await createSite(options)
    await expect(site.network.start()).rejects.toThrow(message)
  })

  test('malformed seeds and announced addresses are refused at once', async () => {
    await expect(createSite({ join: ['no spaces please'] })).rejects.toThrow(
      /^join: "no spaces please" is not an address/,
    )
    await expect(createSite({ announce: ['10.0.0.1'] })).rejects.toThrow(/^announce: "10.0.0.1" is not an address/)
  })

  test('stop works before, during and after the start, and twice', async () => {
    const never = await createSite()
    await never.network.stop()
    const half = await createSite()
    const starting = half.network.start()
    await Promise.all([half.network.stop(), half.network.stop(), expect(starting).rejects.toThrow(/stopped/)])
    const [one, other] = await startSites(2)
    await Promise.all([one?.network.stop(), one?.network.stop()])
    await one?.network.stop()
    await eventually('the other notices', () => other?.trace.includes(`disconnected ${one?.id}`))
    one?.network.broadcast(bytes('nobody hears'))
    one?.network.dial(other?.id ?? '')
    expect(one?.network.addresses()).toEqual([])
  })

  test('nothing is reported after the stop', async () => {
    const [one, other] = await startSites(2)
    const before = [...(one?.trace ?? [])]
    await one?.network.stop()
    await other?.network.stop()
    expect(one?.trace).toEqual(before)
  })
})

describe('what is announced', () => {
  test('loopback when there is nothing else, and what is given instead of what is listened on', async () => {
    const one = await startSite()
    expect(one.network.addresses()).toEqual([expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)])
    const other = await startSite({ announce: ['/ip4/203.0.113.7/tcp/4001'] })
    expect(other.network.addresses()).toEqual(['/ip4/203.0.113.7/tcp/4001'])
    one.network.learn(other.id, [])
    other.network.learn(one.id, one.network.addresses())
    await connected(one, other)
    await eventually('it is in the book', () =>
      one.network.peers().some(({ peer, connected: isConnected }) => peer === other.id && isConnected),
    )
  })
})
