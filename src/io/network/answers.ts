/**
 * Reads what a member answers in multicast DNS by `@libp2p/mdns` itself, so that its words mean here what they mean to libp2p. The
 * sockets are ours: its own sends where the default route leads, and speaks once of each peer. It would open one only in `start()`,
 * which nobody calls; what came in is handed to the method that its socket would call.
 */
import type { Logger, PeerInfo } from '@libp2p/interface'
import { mdns, type MulticastDNSComponents } from '@libp2p/mdns'
import type { Answer } from 'dns-packet'

export interface Found {
  readonly peer: string
  /** With the peer in each. */
  readonly addresses: readonly string[]
}

/**
 * Undefined for what is no answer for the service, or our own. Never throws. It takes all addresses for those of the first one's peer:
 * whoever calls has chosen them.
 * @param name by which our own answers are known
 */
export function foundIn(answers: readonly Answer[], tag: string, name: string): Found | undefined {
  try {
    const service = mdns({ serviceTag: tag, peerName: name, broadcast: false })(components) as unknown as Service
    let found: PeerInfo | undefined
    service.addEventListener('peer', ({ detail }) => (found = detail))
    service._onMdnsResponse({ answers, additionals: [] })
    if (found === undefined) return undefined
    const peer = found.id.toString()
    return { peer, addresses: found.multiaddrs.map((address) => `${address.toString()}/p2p/${peer}`) }
  } catch {
    return undefined
  }
}

interface Service {
  addEventListener(type: 'peer', listener: (event: { readonly detail: PeerInfo }) => void): void
  _onMdnsResponse(packet: { readonly answers: readonly Answer[]; readonly additionals: readonly Answer[] }): void
}

/** What others say wrong on a network is no news. */
const silent: Logger = Object.assign(() => {}, { enabled: false, error() {}, trace() {}, newScope: () => silent })
// Its addresses are asked for to answer, which it never does here.
const components = { logger: { forComponent: () => silent } } as unknown as MulticastDNSComponents
