/**
 * The door of the network: three ways to speak with the other daemons of a cluster, which are gossip to all, heartbeats on open
 * streams, requests with answers. It moves bytes and never reads them; who is alive is not its question.
 */
import type { Connection, IdentifyResult, Stream, StreamHandler } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Logger } from 'pino'
import type { DialOutcome } from '../../core/words/dial-words.js'
import { protocolFamily } from '../../config/version.js'
import { assert, RegistryError } from '../../core/model/errors.js'
import type { PeerId } from '../../core/model/model.js'
import type { MdnsView } from '../../core/views.js'
import { createNames, type Names } from '../names.js'
import { announced, hostOf, parseAnnounced, parseSeed, readAddress } from './addresses.js'
import type { Seed } from './addresses.js'
import { Allowances } from './allowances.js'
import { Beats } from './beats.js'
import { AddressBook } from './book.js'
import { Connections, localHostOf } from './connections.js'
import type { Link } from './connections.js'
import type { FirstContact, LinkFailure, Network, NetworkOptions, NetworkPeer } from './contract.js'
import { settledWithin } from './deadline.js'
import { Dialing } from './dialing.js'
import { Discovery } from './discovery.js'
import { Drops } from './drops.js'
import { Forgetting } from './forgetting.js'
import { Gossip } from './gossip.js'
import { HalfOpen } from './half-open.js'
import { Handshakes } from './handshakes.js'
import { guarded, harmless } from './listener.js'
import type { NetworkListener } from './listener.js'
import { Moving } from './moving.js'
import { isPeerId } from './peerid.js'
import { isForeignHost, WantedPorts } from './ports.js'
import { Rates, type Rate } from './rates.js'
import { Requests } from './requests.js'
import type { RequestOptions } from './requests.js'
import { Serving } from './serving.js'
import { Shunned, shunnedFor_ms } from './shunned.js'
import { startStack, stopStack } from './stack.js'
import type { Stack, Started, StackOptions } from './stack.js'
import { Strangers } from './strangers.js'
import { Watchdog } from './watchdog.js'

/** @throws RegistryError `malformed` for a seed or an address to announce that is none */
export function createNetwork(options: NetworkOptions, listener: NetworkListener): Network {
  return new Libp2pNetwork(options, listener)
}

/** Numbers that add up to less than the two seconds within which a stop is done. */
const stopTimeouts_ms = { start: 700, gossip: 100, stack: 800, book: 300 } as const
/** How often it is told that too many come in at once. */
const crowdedPause_ms = 60_000
/** Streams that may be open on one connection, each way: what a peer may ask at once, and as many again that are closing. */
const streamLimits = {
  sync: { maxInboundStreams: 128, maxOutboundStreams: 128 },
  beat: { maxInboundStreams: 4, maxOutboundStreams: 4 },
} as const

class Libp2pNetwork implements Network {
  readonly peerId: PeerId
  readonly #options: NetworkOptions
  readonly #listener: NetworkListener
  readonly #log: Logger
  readonly #drops = new Drops()
  readonly #allowances = new Allowances()
  readonly #rates = new Rates({ onFlood: (peer, kind) => this.#shun(peer, kind) })
  readonly #shunned = new Shunned((peer) => this.#dialing.disconnected(peer))
  readonly #names: Names
  readonly #book: AddressBook
  readonly #connections: Connections
  readonly #dialing: Dialing
  readonly #beats: Beats
  readonly #requests: Requests
  readonly #serving: Serving
  readonly #watchdog: Watchdog
  readonly #moving: Moving<Connection>
  readonly #strangers: Strangers
  readonly #forgetting: Forgetting
  readonly #protocols: { readonly sync: string; readonly beat: string; readonly gossip: string }
  #stack: Stack | undefined
  readonly #halfOpen: HalfOpen
  #handshakes: Handshakes | undefined
  #gossip: Gossip | undefined
  #discovery: Discovery | undefined
  #ports: WantedPorts | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  /** Since the start, somebody of this cluster. */
  #hasMet = false

  constructor(options: NetworkOptions, listener: NetworkListener) {
    this.#options = options
    this.#log = options.log
    this.#names = options.names ?? createNames()
    this.#listener = guarded(listener, this.#drops, options.log, () => this.#stopping !== undefined)
    this.peerId = options.key.publicKey.toString()
    const prefix = `/rollcall/${protocolFamily}/${options.cluster}`
    this.#protocols = { sync: `${prefix}/sync`, beat: `${prefix}/beat`, gossip: `${prefix}/gossip` }
    options.announce.forEach(parseAnnounced)
    this.#book = new AddressBook({
      file: options.addressBook,
      log: options.log,
      drops: this.#drops,
      onEvicted: (peer) => this.#dialing.cancel(peer),
    })
    this.#connections = this.#createConnections()
    this.#dialing = this.#createDialing(options.join.map(parseSeed))
    const connectionTo = (peer: PeerId) => this.#connections.link(peer)?.connection
    const { sync, beat } = this.#protocols
    this.#beats = new Beats({
      protocol: beat,
      connectionsTo: (peer) => this.#connections.toUse(peer),
      drops: this.#drops,
      rates: this.#rates,
      allowances: this.#allowances,
      onBeat: this.#listener.beat,
    })
    this.#requests = new Requests({ protocol: sync, connectionTo, drops: this.#drops })
    this.#serving = new Serving({ drops: this.#drops, rates: this.#rates, onRequest: this.#listener.request })
    this.#watchdog = this.#createWatchdog()
    this.#moving = this.#createMoving()
    this.#halfOpen = this.#createHalfOpen()
    this.#forgetting = new Forgetting({
      isConnected: (peer) => this.#connections.has(peer),
      forget: async (peer) => this.#runningStack().libp2p.peerStore.delete(peerIdFromString(peer)),
    })
    this.#strangers = new Strangers(options.log, () => this.addresses(), this.#drops)
  }

  start(): Promise<void> {
    assert(this.#starting === undefined, 'a network is started once')
    this.#starting = this.#start()
    return this.#starting
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  addresses(): string[] {
    if (this.#stack === undefined || this.#stopping !== undefined) return []
    return announced(this.#stack.parts.transportManager.getAddrs(), this.#options.announce)
  }

  broadcast(bytes: Uint8Array): void {
    if (this.#isRunning()) this.#gossip?.broadcast(bytes)
  }

  beat(to: PeerId, bytes: Uint8Array): void {
    if (this.#isRunning()) this.#beats.send(to, bytes)
  }

  request(to: PeerId, bytes: Uint8Array, options: RequestOptions): void {
    this.#requests.ask(to, bytes, options)
  }

  dial(peer: PeerId): void {
    if (this.#isRunning()) this.#dialing.now(peer)
  }

  redial(peer: PeerId): void {
    if (!this.#isRunning()) return
    this.#connections.cut(peer, 'dialled again')
    this.#dialing.nowAfterDisconnect(peer)
  }

  follow(wanted: readonly PeerId[], spared: readonly PeerId[]): void {
    this.#dialing.follow(wanted, spared)
  }

  hangUp(peer: PeerId): void {
    if (this.#isRunning()) this.#connections.hangUp(peer)
  }

  learn(peer: PeerId, addresses: readonly string[], from?: string): void {
    if (peer === this.peerId || !isPeerId(peer)) return
    const isNew = this.#book.learn(peer, addresses, from)
    if (this.#isRunning() && !this.#connections.has(peer)) this.#dialing.plan(peer, { fresh: isNew })
  }

  peers(): NetworkPeer[] {
    const links = new Map(this.#connections.links().map((link) => [link.peer, link]))
    const all = new Set([...links.keys(), ...this.#book.peers()])
    return [...all].map((peer) => this.#describe(peer, links.get(peer)))
  }

  failures(): LinkFailure[] {
    return [...this.#dialing.failingSeeds(), ...this.#strangers.list()]
  }

  firstContact(): FirstContact {
    return { hasMet: this.#hasMet, seeds: this.#dialing.seeds() }
  }

  mdns(): MdnsView[] | undefined {
    return this.#discovery?.view()
  }

  dialOf(peer: PeerId): DialOutcome | undefined {
    return this.#dialing.lastOutcome(peer)
  }

  dropped(): Record<string, number> {
    return this.#drops.all()
  }

  #describe(peer: PeerId, link: Link | undefined): NetworkPeer {
    const lastError = this.#dialing.lastError(peer)
    const known = this.#book.addresses(peer)[0]
    const dial = this.dialOf(peer)
    const base = { peer, ...(lastError === undefined ? {} : { lastError }), ...(dial === undefined ? {} : { dial }) }
    if (link === undefined) {
      return { ...base, connected: false, streamsHealthy: false, ...(known === undefined ? {} : { address: known }) }
    }
    const { remoteAddr, direction, rtt } = link.connection
    const health = this.#gossip?.health(peer)
    return {
      ...base,
      connected: true,
      address: readAddress(remoteAddr.toString()) ?? remoteAddr.toString(),
      direction,
      connectedSince: link.since,
      ...(rtt === undefined ? {} : { roundTrip_ms: rtt }),
      streamsHealthy: health?.outbound === true && health.subscribed && this.#beats.isHealthy(peer),
    }
  }

  #isRunning(): boolean {
    return this.#stack !== undefined && this.#stopping === undefined
  }

  // ---- the parts, and how they hang together

  #createConnections(): Connections {
    return new Connections({
      self: this.peerId,
      protocol: this.#protocols.sync,
      identify: (connection, signal) => this.#identify(connection, signal),
      drops: this.#drops,
      isShunned: (peer) => this.#shunned.has(peer),
      onConnected: (peer) => {
        this.#hasMet = true
        this.#book.seen(peer)
        this.#dialing.connected(peer)
        this.#listener.connected(peer)
      },
      onDisconnected: (peer, known) => {
        if (known) this.#book.seen(peer)
        if (known) this.#listener.disconnected(peer)
        this.#dialing.disconnected(peer)
        this.#forgetting.gone(peer)
      },
      onIdentified: (peer, listening, connection) => {
        const remote = connection.remoteAddr.toString()
        const address = connection.direction === 'outbound' ? readAddress(remote) : undefined
        this.#book.replace(peer, listening, { address, host: hostOf(remote) })
        this.#strangers.cameIn(hostOf(remote))
      },
      onMoved: (peer) => this.#moved(peer),
      onForeign: (peer, connection) => {
        this.#dialing.foreign(peer, connection)
        this.#strangers.metForeign(connection.direction, connection.remoteAddr.toString())
      },
      onTwo: (peer, addresses) => this.#strangers.metTwo(peer, addresses),
    })
  }

  /** Two round trips, one to agree on the protocol: what the first ping will say better. */
  async #identify(connection: Connection, signal: AbortSignal): Promise<IdentifyResult> {
    const asked = performance.now()
    const result = await this.#runningStack().identify.identify(connection, { signal })
    connection.rtt ??= Math.round((performance.now() - asked) / 2)
    return result
  }

  #createDialing(seeds: readonly Seed[]): Dialing {
    return new Dialing({
      self: this.peerId,
      seeds,
      book: this.#book,
      names: this.#names,
      own: () => [...this.addresses(), ...this.#runningStack().parts.transportManager.getAddrs().map(String)],
      isConnected: (peer) => this.#connections.has(peer) || this.#shunned.has(peer),
      connected: () => this.#connections.size,
      open: (address, signal) => this.#open(address, signal),
      random: this.#options.random ?? Math.random,
      log: this.#log,
      onRefused: (peer, isVacant) => this.#listener.refused(peer, isVacant),
    })
  }

  #createHalfOpen(): HalfOpen {
    let toldAt = Number.NEGATIVE_INFINITY
    return new HalfOpen({
      allowances: this.#allowances,
      onFull: (room) => {
        this.#drops.count('handshake-crowded')
        if (performance.now() - toldAt < crowdedPause_ms) return
        toldAt = performance.now()
        const message = `${room} connections wait for a handshake, and those that say nothing give way to new ones`
        this.#log.warn(`network: ${message}`)
      },
      onSilent: () => this.#drops.count('handshake-silent'),
    })
  }

  async #open(address: string, signal: AbortSignal): Promise<Connection> {
    if (this.#handshakes === undefined) throw new Error('the network is not running')
    return this.#handshakes.dial(address, signal)
  }

  #createWatchdog(): Watchdog {
    return new Watchdog({
      links: () => this.#connections.links(),
      health: (peer) => this.#gossip?.health(peer) ?? { outbound: false, subscribed: false },
      reopen: (connection) => this.#gossip?.reopen(connection),
      repair: (peer) => {
        this.#drops.count('gossip-repair')
        const name = this.#options.nameOf?.(peer) ?? peer
        this.#log.info({ peer }, `no gossip flows over a living connection to ${name}; dialling again`)
        this.redial(peer)
      },
    })
  }

  #createMoving(): Moving<Connection> {
    return new Moving({
      connections: () => this.#connections.all(),
      hostOf: localHostOf,
      isGone: isForeignHost,
      onStranded: (connections) => {
        const peers = new Set(connections.map(({ remotePeer }) => remotePeer.toString()))
        this.#log.info(`an address of this machine is gone; dialling again whom it was connected from (${peers.size})`)
        for (const connection of connections) connection.abort(new Error('its address is gone'))
        for (const peer of peers) if (!this.#connections.isOpen(peer)) this.#dialing.nowAfterDisconnect(peer)
      },
      onWayOut: () => this.#dialing.nowAll(),
    })
  }

  #runningStack(): Stack {
    if (this.#stack === undefined) throw new Error('the network is not running')
    return this.#stack
  }

  #shun(peer: PeerId, kind: Rate): void {
    if (kind === 'author' || this.#shunned.has(peer) || !this.#isRunning()) return
    const name = this.#options.nameOf?.(peer) ?? peer
    const message = `${name} sends more than ten times as many messages (${kind}) as any member may: it is not heard for ${shunnedFor_ms / 1000} s`
    this.#log.warn({ peer, kind }, message)
    this.#shunned.add(peer)
    this.#listener.shunned(peer, shunnedFor_ms)
    // Not within the event that brought it: its streams go with it.
    setImmediate(() => this.#connections.cut(peer, 'keeps no limit'))
  }

  #moved(peer: PeerId): void {
    if (this.#connections.isOpen(peer)) this.#dialing.moved(peer)
    const link = this.#connections.link(peer)
    if (link !== undefined) this.#watchdog.moved(link)
  }

  // ---- beginning and end

  async #start(): Promise<void> {
    await this.#book.load()
    const { cluster, mdns, clusterKey, ...rest } = this.#options
    const { stack, missing } = await this.#startStack({
      ...rest,
      names: this.#names,
      clusterKey,
      topic: this.#protocols.gossip,
      halfOpen: this.#halfOpen,
      drops: this.#drops,
      allowances: this.#allowances,
    })
    if (this.#stopping !== undefined) {
      await stopStack(stack)
      throw new RegistryError('unavailable', 'the network was stopped while it started')
    }
    this.#gossip?.start()
    this.#rates.start()
    this.#watchdog.start()
    this.#moving.start()
    this.#dialing.start()
    this.#ports = new WantedPorts({
      addresses: missing,
      listen: (address) => stack.parts.transportManager.listen([multiaddr(address)]),
      log: this.#log,
    })
    this.#ports.start()
    if (mdns) this.#startDiscovery(cluster)
  }

  async #startStack(options: StackOptions): Promise<Started> {
    try {
      return await startStack(options, (stack) => this.#prepare(stack))
    } catch (error) {
      this.#stack = undefined
      throw error
    }
  }

  /** Everything that must be in place before the first peer connects. */
  async #prepare(stack: Stack): Promise<void> {
    this.#stack = stack
    this.#handshakes = new Handshakes(stack.parts, {
      onOtherKey: (host) => this.#strangers.failed(host),
      onNoDaemon: (host) => this.#strangers.metNoDaemon(host),
      onOwnKey: (direction, where) => this.#strangers.metOwnKey(direction, where),
    })
    this.#gossip = new Gossip(stack.gossip, stack.parts.registrar, {
      topic: this.#protocols.gossip,
      faults: this.#options.faults?.dropGossip ?? 0,
      random: this.#options.random ?? Math.random,
      drops: this.#drops,
      rates: this.#rates,
      allowances: this.#allowances,
      log: this.#log,
      onMessage: this.#listener.gossip,
    })
    const opened = harmless((one: Connection) => this.#connections.opened(one), this.#drops, this.#log)
    const closed = harmless((one: Connection) => this.#connections.closed(one), this.#drops, this.#log)
    stack.libp2p.addEventListener('connection:open', ({ detail }) => opened(detail))
    stack.libp2p.addEventListener('connection:close', ({ detail }) => closed(detail))
    const { sync, beat } = this.#protocols
    const serve = this.#accept((stream, from) => this.#serving.accept(stream, from))
    await stack.libp2p.handle(sync, serve, streamLimits.sync)
    const hear = this.#accept((stream, from) => this.#beats.accept(stream, from))
    await stack.libp2p.handle(beat, hear, streamLimits.beat)
  }

  /** Does all of its work at once: what a stream brings before somebody listens is lost without an error. */
  #accept(take: (stream: Stream, from: PeerId) => void): StreamHandler {
    return (stream, connection) => {
      this.#connections.speaksOurs(connection)
      take(stream, connection.remotePeer.toString())
    }
  }

  #startDiscovery(cluster: string): void {
    this.#discovery = new Discovery({
      self: this.peerId,
      cluster,
      random: this.#options.random ?? Math.random,
      log: this.#log,
      addresses: () => this.addresses(),
      onFound: harmless((...said: Parameters<Libp2pNetwork['learn']>) => this.learn(...said), this.#drops, this.#log),
      onExcess: () => this.#drops.count('mdns-excess'),
      onCopy: harmless((all: readonly string[]) => this.#strangers.heardCopy(all), this.#drops, this.#log),
    })
    this.#discovery.start()
  }

  async #stop(): Promise<void> {
    // In this order: first nothing new begins, then what is under way ends, then the connections go.
    this.#dialing.stop()
    this.#ports?.stop()
    this.#strangers.stop()
    this.#names.stop()
    this.#watchdog.stop()
    this.#moving.stop()
    this.#rates.stop()
    this.#shunned.stop()
    this.#beats.stop()
    this.#connections.stop()
    this.#forgetting.stop()
    this.#halfOpen.stop()
    await settledWithin(stopTimeouts_ms.start, this.#starting)
    await settledWithin(stopTimeouts_ms.gossip, this.#gossip?.flushed())
    this.#gossip?.stop()
    this.#requests.stop()
    this.#serving.stop()
    await settledWithin(stopTimeouts_ms.stack, Promise.all([this.#stopDiscovery(), this.#stopStack()]))
    this.#connections.cutAll()
    await settledWithin(stopTimeouts_ms.book, this.#book.close())
  }

  async #stopDiscovery(): Promise<void> {
    await this.#discovery?.stop()
  }

  async #stopStack(): Promise<void> {
    if (this.#stack !== undefined) await stopStack(this.#stack)
  }
}

export { generateClusterKey } from './clusterkey.js'
export type { BookFile } from './book.js'
export type { FirstContact, LinkFailure, Network, NetworkOptions, NetworkPeer } from './contract.js'
export type { NetworkListener } from './listener.js'
export type { RequestOptions } from './requests.js'
export type { Reply } from './serving.js'
