/** Speaks mDNS as daemons did whose sockets were libp2p's: `formermdns.ts CLUSTER ADDRESS`; prints who it is, then whom it finds. */
import '../../src/polyfill.js'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { mdns } from '@libp2p/mdns'
import { multiaddr } from '@multiformats/multiaddr'
import { pino } from 'pino'
import { bridgeLog } from '../../src/io/network/log.js'
import { serviceTag } from '../../src/io/network/words.js'

const [cluster = '', address = ''] = process.argv.slice(2)
const key = await generateKeyPair('Ed25519')
const self = key.publicKey.toString()
const own = multiaddr(`/ip4/${address}/tcp/4001/p2p/${self}`)
const components = { addressManager: { getAddresses: () => [own] }, logger: bridgeLog(pino({ level: 'silent' })) }
type Components = Parameters<ReturnType<typeof mdns>>[0]
const service = mdns({ serviceTag: serviceTag(cluster), interval: 1000 })(components as unknown as Components)
service.addEventListener('peer', ({ detail: { id, multiaddrs } }) => {
  for (const at of multiaddrs) console.log(`found ${id.toString()} at ${at.toString()}`)
})
await (service as unknown as { start(): Promise<void> }).start()
console.log(`i am ${self}`)
