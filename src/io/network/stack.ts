/**
 * Builds the libp2p stack with the settings that small private clusters need: TCP, Noise, Yamux, identify, ping, gossipsub.
 * It holds no policy: whom to dial, what to keep and what to answer is decided by the rest of this room.
 */
import { gossipsub } from '@chainsafe/libp2p-gossipsub'
import type { GossipSub, GossipSubComponents } from '@chainsafe/libp2p-gossipsub'
import { identify } from '@libp2p/identify'
import type { Identify } from '@libp2p/identify'
import type {
  Connection,
  ConnectionGater,
  MultiaddrConnection,
  PeerId as Libp2pPeerId,
  PrivateKey,
} from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { preSharedKey } from '@libp2p/pnet'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import type { Logger } from 'pino'
import { RegistryError } from '../../core/model/errors.js'
import { addressesOf, lookupBy, type Names } from '../names.js'
import { announced } from './addresses.js'
import type { Allowances } from './allowances.js'
import type { Drops } from './drops.js'
import { encryption } from './encryption.js'
import { gossipOptions } from './gossip.js'
import { type HalfOpen, halfOpenLimits } from './half-open.js'
import { type HandshakeParts, placeOf } from './handshakes.js'
import { bridgeLog } from './log.js'
import { muxing } from './muxing.js'
import { bindingError, freePort } from './ports.js'
import { transport } from './transport.js'
import { turns } from './turns.js'
import type { Unread } from './unread.js'

export interface StackOptions {
  readonly key: PrivateKey
  readonly topic: string
  readonly listen: readonly string[]
  readonly listenFallback: boolean
  readonly announce: readonly string[]
  readonly clusterKey: Uint8Array | undefined
  readonly connectionLimit?: number
  readonly names: Names
  readonly log: Logger
  /** Bounds those who come in, in place of libp2p's own limits. */
  readonly halfOpen: HalfOpen
  readonly drops: Drops
  readonly allowances: Allowances
}

/** The parts of libp2p that are lent to its services, as far as we use them. */
type Parts = GossipSubComponents &
  HandshakeParts & {
    /** Its update of the peer store waits for a second after each change of the addresses, the last one included. */
    readonly addressManager: { readonly _updatePeerStoreAddresses?: { readonly stop?: () => void } }
    readonly transportManager: {
      getAddrs(): Multiaddr[]
      listen(addresses: Multiaddr[]): Promise<void>
      dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection>
    }
  }

export interface Stack {
  readonly libp2p: Libp2p
  readonly parts: Parts
  readonly gossip: GossipSub
  readonly identify: Identify
}

const defaultConnectionLimit = 2_048
const unreadPause_ms = 60_000
/** What libp2p counts by itself it answers with a reset, whoever comes: who may come in is decided before it is asked. */
const unlimited = Number.MAX_SAFE_INTEGER

export async function buildStack(options: StackOptions, listen: readonly string[]): Promise<Stack> {
  let parts: Parts | undefined
  let router: GossipSub | undefined
  const announceFilter = (): Multiaddr[] => {
    // Replaces libp2p's own list, which leaves out public addresses until somebody outside has confirmed them.
    const addresses = parts === undefined ? [] : announced(parts.transportManager.getAddrs(), options.announce)
    return addresses.map((address) => multiaddr(`${address}/p2p/${options.key.publicKey.toString()}`))
  }
  // Handed on to the socket, which its type does not say.
  const dialOpts: object = { lookup: lookupBy((name) => addressesOf(options.names, name)) }
  const libp2p = await createLibp2p({
    start: false,
    privateKey: options.key,
    logger: bridgeLog(options.log),
    nodeInfo: { name: 'rollcall', version: '1', userAgent: 'rollcall/1' },
    addresses: { listen: [...listen], announceFilter },
    transports: [transport({ dialOpts }, options.halfOpen, options.drops, options.allowances)],
    connectionEncrypters: [encryption(options.allowances)],
    streamMuxers: [muxing(options.drops, options.allowances, { onCut: tellerOfUnread(options.log) })],
    ...(options.clusterKey === undefined ? {} : { connectionProtector: preSharedKey({ psk: options.clusterKey }) }),
    connectionGater: knowing(options.allowances),
    connectionManager: {
      maxConnections: options.connectionLimit ?? defaultConnectionLimit,
      inboundConnectionThreshold: unlimited,
      maxIncomingPendingConnections: unlimited,
      inboundUpgradeTimeout: halfOpenLimits.handshake_ms,
    },
    // One ping that comes late is no reason to cut a link; the pings are there for the round trip time. They are rare, since
    // each opens a stream of its own, with all that two ends have to say to agree on its protocol.
    connectionMonitor: { pingInterval: 60_000, abortConnectionOnPingFailure: false },
    // An address that was ever learned stays: by default it is lost an hour after first sight, whatever is seen later.
    peerStore: { maxAddressAge: Infinity },
    services: {
      identify: identify({ runOnConnectionOpen: false }),
      ping: ping(),
      gossip: (components) => {
        parts = components as unknown as Parts
        router = gossipsub(gossipOptions(options.topic))(parts)
        return router
      },
    },
  })
  if (parts === undefined || router === undefined) throw new Error('libp2p built no services')
  takeTurns(libp2p)
  return { libp2p, parts, gossip: router, identify: libp2p.services.identify }
}

/** It denies nobody: it is told who has proven to be at the other end of a socket. */
function knowing(allowances: Allowances): ConnectionGater {
  const know = (peer: Libp2pPeerId, connection: MultiaddrConnection): boolean => {
    allowances.know(connection, peer.toString())
    return false
  }
  return { denyInboundEncryptedConnection: know, denyOutboundEncryptedConnection: know }
}

/** A start that fails ends without having begun. */
function takeTurns(libp2p: Libp2p): void {
  let isCounted = false
  libp2p.addEventListener('start', () => {
    if (!isCounted) turns.daemonBegan()
    isCounted = true
  })
  libp2p.addEventListener('stop', () => {
    if (isCounted) turns.daemonEnded()
    isCounted = false
  })
}

export interface Started {
  readonly stack: Stack
  /** Addresses that are in use, while others are listened on in their place. */
  readonly missing: readonly string[]
}

/**
 * Starts listening; `prepare` registers the protocols of a stack before anybody can connect to it.
 * @throws RegistryError `malformed` for an address that is none, `conflict` for one in use, `unavailable` for any other failure
 */
export async function startStack(options: StackOptions, prepare: (stack: Stack) => Promise<void>): Promise<Started> {
  for (const address of options.listen) readListenAddress(address)
  try {
    return await withIp6(options, await tryStart(options, await onePort(options), prepare))
  } catch (error) {
    if (!isBusy(error) || !options.listenFallback) throw listenError(options.listen, error)
  }
  const port = await freePort()
  const elsewhere = options.listen.map((address) => withPort(address, port))
  try {
    const stack = await tryStart(options, elsewhere, prepare)
    return listeningElsewhere(options, stack, options.listen)
  } catch (error) {
    throw listenError(elsewhere, error)
  }
}

function listeningElsewhere({ log }: StackOptions, stack: Stack, missing: readonly string[]): Started {
  const instead = stack.parts.transportManager.getAddrs().map(String)
  const message = `${missing.join(', ')} is in use: listening on ${instead.join(', ')} until it is free. Until then nobody finds this node by that port, as --join HOST does`
  log.warn({ listen: missing, instead }, message)
  return { stack, missing }
}

/** Libp2p takes it for a machine without IPv6 where all IPv6 addresses fail and no IPv4 address does; the port may just be in use. */
async function withIp6(options: StackOptions, stack: Stack): Promise<Started> {
  const { transportManager } = stack.parts
  const isListening = transportManager.getAddrs().map(String).some(isIp6)
  const unheard = isListening ? [] : options.listen.filter(isIp6)
  const missing: string[] = []
  for (const address of unheard) if ((await bindingError(address)) === 'EADDRINUSE') missing.push(address)
  if (missing.length === 0) return { stack, missing }
  await transportManager.listen(missing.map((address) => multiaddr(withPort(address, 0)))).catch(() => undefined)
  return listeningElsewhere(options, stack, missing)
}

function isIp6(address: string): boolean {
  return address.startsWith('/ip6/')
}

function withPort(address: string, port: number): string {
  return address.replace(/\/tcp\/\d+/, `/tcp/${port}`)
}

/** Where any port will do, one for both families: people read it, and write it down, as the port of this node. */
async function onePort({ listen, listenFallback }: StackOptions): Promise<readonly string[]> {
  const isAny = listenFallback && listen.length > 1 && listen.every((address) => address.endsWith('/tcp/0'))
  if (!isAny) return listen
  const port = await freePort()
  return listen.map((address) => withPort(address, port))
}

async function tryStart(
  options: StackOptions,
  listen: readonly string[],
  prepare: (stack: Stack) => Promise<void>,
): Promise<Stack> {
  const stack = await buildStack(options, listen)
  await prepare(stack)
  await stack.libp2p.start()
  // Where every IPv4 address can be had, libp2p takes the failure of all others for a machine without IPv6, and says nothing: right
  // where nobody asked for them.
  const listening = stack.parts.transportManager.getAddrs().map(String)
  if (!listen.some(isIp6) || listening.some(isIp6) || options.listenFallback) return stack
  await stopStack(stack)
  throw new Error(
    'EADDRNOTAVAIL: none of the IPv6 addresses can be had: is there IPv6 here, is the address, is the port free?',
  )
}

/** Whoever comes again and does not read is cut again: it is told of once a minute. */
function tellerOfUnread(log: Logger): (unread: Unread) => void {
  let toldAt = Number.NEGATIVE_INFINITY
  return ({ address, bytes }) => {
    if (performance.now() - toldAt < unreadPause_ms) return
    toldAt = performance.now()
    const where = address === undefined ? 'a peer' : `the peer at ${placeOf(address)}`
    const waiting = `${Math.ceil(bytes / 1024 / 1024)} MiB`
    const message = `${where} does not read what it is sent (${waiting} wait for it): its connection is cut, as too much waits for all who do not`
    log.warn({ address, bytes }, `network: ${message}`)
  }
}

/** Ends a stack, and the two timers that libp2p and gossipsub forget: they would hold a program for a second more. */
export async function stopStack({ libp2p, parts, gossip }: Stack): Promise<void> {
  // Gossipsub replaces its status when it stops, and loses the timer with it.
  const { status } = gossip as unknown as { readonly status?: { readonly heartbeatTimeout?: NodeJS.Timeout } }
  await libp2p.stop()
  clearTimeout(status?.heartbeatTimeout)
  parts.addressManager._updatePeerStoreAddresses?.stop?.()
}

function readListenAddress(text: string): void {
  try {
    const [where, port, ...rest] = multiaddr(text).getComponents()
    if ((where?.name === 'ip4' || where?.name === 'ip6') && port?.name === 'tcp' && rest.length === 0) return
  } catch {
    // Told below, in our own words.
  }
  const hint = 'give a multiaddr such as /ip4/0.0.0.0/tcp/58232'
  throw new RegistryError('malformed', `listen: ${JSON.stringify(text)} is not an address to listen on; ${hint}`)
}

function isBusy(error: unknown): boolean {
  return String(error).includes('EADDRINUSE')
}

function listenError(listen: readonly string[], error: unknown): RegistryError {
  const addresses = listen.join(', ')
  if (isBusy(error)) {
    const way = 'stop the program that holds the port, or choose another one with --listen'
    return new RegistryError('conflict', `listen: ${addresses} is in use; ${way}`, { cause: error })
  }
  const reason = /E[A-Z]{4,}[^\n]*/.exec(String(error))?.[0] ?? String(error).split('\n')[0] ?? ''
  return new RegistryError('unavailable', `listen: cannot listen on ${addresses}: ${reason}`, { cause: error })
}
