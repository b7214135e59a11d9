// A hostile neighbour in a process of its own, which has no key and answers by mDNS for peers that it makes up, from each of its
// addresses: `hostile-neighbour.ts KIND PACKETS-A-SECOND ADDRESS…`.
import '../../src/polyfill.js'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { answer, serviceTag } from '../../src/io/network/words.js'

/** Peers that it makes up, over all addresses. */
const peers = 3000
const [kind = '', rate = '', ...sources] = process.argv.slice(2)
const tag = serviceTag('default')

/** Takes connections, and never says a word. */
const silent = createServer(() => {}).listen(0, '0.0.0.0')
await once(silent, 'listening')
const { port } = silent.address() as AddressInfo

function madeUp(source: string, at: number): Uint8Array {
  const peer = peerIdFromPublicKey(publicKeyFromRaw(randomBytes(32))).toString()
  const host = kind === 'nobody' ? source.replace(/\d+$/, String(200 + (at % 50))) : source
  return answer(tag, { peer, name: randomBytes(16).toString('hex') }, [`/ip4/${host}/tcp/${port}`]) as Uint8Array
}

for (const source of sources) {
  const packets = Array.from({ length: Math.ceil(peers / sources.length) }, (_, at) => madeUp(source, at))
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.bind(5353, source, () => socket.setMulticastInterface(source))
  await once(socket, 'listening')
  let [sent, begun] = [0, performance.now()]
  setInterval(() => {
    const due = ((performance.now() - begun) / 1000) * Number(rate)
    if (due - sent > Number(rate)) [sent, begun] = [0, performance.now()] // it was held up
    for (; sent < due; sent++) socket.send(packets[sent % packets.length] as Uint8Array, 5353, '224.0.0.251')
  }, 20)
}
process.stdout.write('begun\n')
