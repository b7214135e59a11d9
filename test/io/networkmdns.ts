/** What the mDNS test runs in its namespace: finds, is not found, is found again; prints how far it came. */
import '../../src/polyfill.js'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { pino } from 'pino'
import { createNetwork } from '../../src/io/network/network.js'
import { eventually } from './eventually.js'

function start(cluster: string, key: PrivateKey, mdns = true) {
  const connected: string[] = []
  const network = createNetwork(
    {
      key,
      cluster,
      listen: ['/ip4/0.0.0.0/tcp/0'],
      listenFallback: false,
      announce: [],
      join: [],
      mdns,
      addressBook: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
      log: pino({ level: 'warn' }),
    },
    {
      connected: (peer) => connected.push(peer),
      disconnected: () => {},
      refused: () => {},
      shunned: () => {},
      gossip: () => {},
      beat: () => {},
      request: () => {},
    },
  )
  return { network, connected }
}

const told: string[] = []
const [key1, key2, key3, key4] = await Promise.all(Array.from({ length: 4 }, () => generateKeyPair('Ed25519')))
if (key1 === undefined || key2 === undefined || key3 === undefined || key4 === undefined) throw new Error('four keys')
const [one, two, foreign, silent] = [start('a', key1), start('a', key2), start('b', key3), start('a', key4, false)]
for (const { network } of [one, two, foreign, silent]) await network.start()
await eventually('they find each other', () => one.connected.length === 1 && two.connected.length === 1)
told.push('found')

if (foreign.connected.length > 0 || foreign.network.peers().length > 0) throw new Error('another cluster was found')
if (silent.connected.length > 0) throw new Error('one without mDNS was found')
told.push('alone')

await two.network.stop()
const again = start('a', key2)
await again.network.start()
await eventually('it is found again', () => one.connected.length === 2 && again.connected.length === 1)
told.push('found again')

await Promise.all([one, again, foreign, silent].map(({ network }) => network.stop()))
// The process ends by itself: nothing of a stopped network keeps it alive.
console.log(`told: ${told.join(', ')}`)
