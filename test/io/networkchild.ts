/** A network in a process of its own, for tests that kill it: prints its id and address, then serves until killed. */
import '../../src/polyfill.js'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { pino } from 'pino'
import { createNetwork } from '../../src/io/network/network.js'

const [seed = '', listen = '', join = '', mode = ''] = process.argv.slice(2)
const network = createNetwork(
  {
    key: await generateKeyPairFromSeed('Ed25519', Buffer.from(seed, 'hex')),
    cluster: 'test',
    listen: [listen],
    listenFallback: false,
    announce: [],
    join: join === '' ? [] : [join],
    mdns: mode === 'mdns',
    addressBook: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
    log: pino({ level: 'silent' }),
  },
  {
    connected: (peer) => console.log(`connected ${peer}`),
    disconnected: (peer) => console.log(`disconnected ${peer}`),
    refused: () => {},
    shunned: () => {},
    gossip: () => {},
    beat: () => {},
    // Half an answer, then silence: whoever asked is left waiting when this process is killed.
    request: (_from, bytes, reply) => reply(bytes, false),
  },
)
await network.start()
console.log(`ready ${network.peerId} ${network.addresses()[0]}`)
