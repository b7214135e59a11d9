// A machine that moves: which connections are bound to an address that is gone, and what becomes of one that the other end has lost.
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Interfaces } from '../../src/config/interfaces.js'
import { Moving } from '../../src/io/network/moving.js'
import { isForeignHost } from '../../src/io/network/ports.js'
import { eventually } from './eventually.js'
import { bytes, flows, type Site, startSite } from './networkworld.js'

type Address = NonNullable<Interfaces[string]>[number]

/** `eth0 10.0.0.5` each; the loopback interface is always there. */
function machine(...lines: string[]): Interfaces {
  const known: Record<string, Address[]> = {}
  for (const line of ['lo 127.0.0.1', ...lines]) {
    const [name, address] = line.split(' ') as [string, string]
    const entry = { address, internal: name === 'lo', family: address.includes(':') ? 'IPv6' : 'IPv4' } as Address
    known[name] = [...(known[name] ?? []), entry]
  }
  return known
}

/** Looks at a machine before and after. @param bound where this end of each connection is */
async function happens(before: Interfaces, after: Interfaces, bound: readonly string[], stays = ''): Promise<string[]> {
  const told: string[] = []
  let now = before
  const moving = new Moving<string>({
    connections: () => bound,
    hostOf: (connection) => connection,
    isGone: async (host) => host !== stays,
    onStranded: (connections) => told.push(...connections.map((each) => `${each} is stranded`)),
    onWayOut: () => told.push('a way out'),
    interfaces: () => now,
  })
  moving.start()
  now = after
  await moving.look()
  moving.stop()
  return told
}

describe('what is bound to an address that is gone', () => {
  const home = machine('eth0 10.0.0.5')
  const both = machine('eth0 10.0.0.5', 'eth0 fd00::5')

  test.each<[string, Interfaces, Interfaces, string[], string[]]>([
    ['nothing', home, home, ['10.0.0.5', '127.0.0.1', '127.0.0.2'], []],
    ['a new lease', home, machine('eth0 10.0.0.6'), ['10.0.0.5'], ['10.0.0.5 is stranded', 'a way out']],
    ['another interface', home, machine('wlan0 10.9.0.6'), ['10.0.0.5'], ['10.0.0.5 is stranded', 'a way out']],
    ['one family', both, home, ['10.0.0.5', 'fd00::5'], ['fd00::5 is stranded']],
    [
      'as of both families',
      home,
      machine('eth0 10.0.0.6'),
      ['::ffff:10.0.0.5', '::ffff:10.0.0.6'],
      ['::ffff:10.0.0.5 is stranded', 'a way out'],
    ],
    ['all, and it may come back', home, machine(), ['10.0.0.5'], []],
    ['all but a bridge of guests', home, machine('docker0 172.17.0.1'), ['10.0.0.5'], []],
    ['a bridge comes', home, machine('eth0 10.0.0.5', 'docker0 172.17.0.1', 'veth1 fe80::1'), ['10.0.0.5'], []],
    ['a bridge goes', machine('eth0 10.0.0.5', 'docker0 172.17.0.1'), home, ['10.0.0.5'], []],
    ['one that leads to a neighbour', home, machine('eth0 10.0.0.5', 'eth0 fe80::1'), ['fe80::1%eth0'], []],
    ['one comes first', machine(), home, [], ['a way out']],
  ])('%s', async (_, before, after, bound, told) => {
    expect(await happens(before, after, bound)).toEqual(told)
  })

  test('what the system knows stays, though no interface lists it, as one without a carrier', async () => {
    expect(await happens(home, machine('wlan0 10.9.0.6'), ['10.0.0.5'], '10.0.0.5')).toEqual(['a way out'])
  })

  test('the system says what is its own', async () => {
    expect(await isForeignHost('127.0.0.1')).toBe(false)
    expect(await isForeignHost('192.0.2.1')).toBe(true) // of documentation: nobody has it
  })
})

const open = new Set<{ destroy(): void }>()
afterEach(() => {
  for (const one of open) one.destroy()
  open.clear()
})

/** A way to a port that can be closed for all who go it, without a word to either end, as where an address is gone. */
async function wayTo(to: number): Promise<{ readonly port: number; close(): void }> {
  let isClosed = false
  const pass = (from: Socket, other: Socket): void => {
    open.add(from)
    from.on('error', () => {}).on('data', (said) => isClosed || other.write(said))
  }
  const server = createServer((inner) => {
    const outer = connect(to, '127.0.0.1')
    pass(inner, outer)
    pass(outer, inner)
  })
  open.add({ destroy: () => server.close() })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, close: () => (isClosed = true) }
}

function duplicates(site: Site): number {
  return site.network.dropped()['connection-duplicate'] ?? 0
}

describe('a connection that one end has lost', () => {
  test.each(['lower', 'greater'])(
    'is given up by a peer of %s id for the new one, however young it is',
    async (which) => {
      const sites = [await startSite(), await startSite()].sort((a, b) => (a.id < b.id ? -1 : 1))
      const [stays, moves] = (which === 'lower' ? sites : sites.reverse()) as [Site, Site]
      const port = Number(/tcp\/(\d+)/.exec(stays.network.addresses()[0] ?? '')?.[1])
      const way = await wayTo(port)
      const isLinked = () => stays.isConnectedTo(moves) && moves.isConnectedTo(stays)
      moves.network.learn(stays.id, [`/ip4/127.0.0.1/tcp/${way.port}`])
      moves.network.dial(stays.id)
      await eventually('they are connected', isLinked)
      await flows(stays, moves)
      const before = duplicates(stays)
      way.close()
      moves.network.redial(stays.id)
      await eventually('there is a new one', () => moves.trace.length === 3)
      await eventually('heartbeats take it', () => {
        stays.network.beat(moves.id, bytes('by the new one'))
        return moves.beats.some((beat) => beat.text === 'by the new one')
      })
      await flows(stays, moves)
      await flows(moves, stays)
      await eventually('the old one is closed', () => duplicates(stays) > before)
      expect(moves.trace).toEqual([`connected ${stays.id}`, `disconnected ${stays.id}`, `connected ${stays.id}`])
      expect(stays.trace).toEqual([`connected ${moves.id}`])
    },
  )
})
