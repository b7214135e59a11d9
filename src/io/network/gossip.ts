/**
 * Best effort to everybody, by one gossipsub topic. It also tells whether the streams of that to a peer are alive. It promises
 * nothing: what is lost here is found again by the exchange with single peers.
 */
import { TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import type { GossipSub, GossipsubOpts, Message } from '@chainsafe/libp2p-gossipsub'
import type { Connection, PeerId as Libp2pPeerId, Stream, Topology } from '@libp2p/interface'
import type { Logger } from 'pino'
import { assert } from '../../core/model/errors.js'
import type { PeerId } from '../../core/model/model.js'
import { equalBytes } from '../../core/wire/codec.js'
import type { Allowances } from './allowances.js'
import { Budget } from './budget.js'
import type { Drops } from './drops.js'
import { readInTurns } from './intake.js'
import { Queues } from './queues.js'
import type { Rates } from './rates.js'
import type { Intake } from './sips.js'
import { WholeFrames } from './whole-frames.js'

/** The largest message; far below what a receiver takes, who otherwise drops the sender from its router without a word. */
export const gossipBytes = 64 * 1024
const inboundBytes = 1024 * 1024
const outboundBufferBytes = 8 * 1024 * 1024
const topicBytesPerPeer = 16 * 1024
/** Of what came of messages that are not complete, of all peers. */
const heldBytes = 32 * 1024 * 1024
/**
 * What one message to a peer may name. An honest one has a word of each kind for our one topic, two where one was not sent before; such a
 * word names up to five thousand messages, which is as many as are offered at all. To read as many takes a millisecond or two.
 */
const decodeRpcLimits = {
  ...{ maxSubscriptions: 32, maxMessages: 5000, maxControlMessages: 2, maxPeerInfos: 16 },
  ...{ maxIhaveMessageIDs: 5000, maxIwantMessageIDs: 5000, maxIdontwantMessageIDs: 512 },
}
/** So many messages that are only named cost as much as one. */
const namedPerMessage = 16
/** So much of one peer waits before it is slowed: each costs half a millisecond. */
const rpcsWaiting = 64

export function gossipOptions(topic: string): Partial<GossipsubOpts> {
  return {
    globalSignaturePolicy: 'StrictSign',
    emitSelf: false,
    // The first node of a cluster has nobody to publish to.
    allowPublishToZeroTopicPeers: true,
    fallbackToFloodsub: false,
    floodPublish: true,
    // Up to this size a word that the message is not wanted costs as much as the message.
    idontwantMinDataSize: 4096,
    // Also because the other way adds control messages of one peer to the message of all.
    batchPublish: true,
    doPX: false,
    // An author tells all whom it is connected with; the mesh is for the others, and for links that are cut. Each peer more in it
    // costs everybody one more copy of every message.
    D: 4,
    Dlo: 3,
    Dhi: 8,
    Dout: 1,
    tagMeshPeers: false,
    allowedTopics: [topic],
    maxTopicBytesPerPeer: topicBytesPerPeer,
    maxInboundDataLength: inboundBytes,
    maxOutboundBufferSize: outboundBufferBytes,
    decodeRpcLimits,
    // A duplicate is then known before its signature is checked.
    fastMsgIdFn: ({ from, seqno }) =>
      Buffer.concat([from ?? [], seqno ?? []].map((part) => Buffer.from(part))).toString('hex'),
    // Many members behind one address are normal here, and a member that stalled for seconds is not an attacker.
    scoreParams: {
      IPColocationFactorWeight: 0,
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyWeight: -1,
      // Of each that ever came, for as long after it went.
      retainScore: 60_000,
    },
  }
}

export interface GossipOptions {
  readonly topic: string
  /** Share of messages to drop, both ways. */
  readonly faults: number
  readonly random: () => number
  readonly drops: Drops
  readonly rates: Rates
  readonly allowances: Allowances
  readonly log: Logger
  onMessage(author: PeerId, bytes: Uint8Array): void
}

/** Where libp2p keeps who wants to be told of connections. */
export interface Topologies {
  getTopologies(protocol: string): Topology[]
}

/** What gossipsub knows of its peers and does not tell through its own type. */
interface RouterState {
  readonly streamsOutbound: ReadonlyMap<PeerId, unknown>
  readonly topics: ReadonlyMap<string, ReadonlySet<PeerId>>
  readonly streamsInbound: ReadonlyMap<PeerId, { readonly rawStream: Stream }>
}

/** What one peer sends at once, and the method by which gossipsub takes it: private, and pinned with its version. */
interface Rpc {
  /** It cannot be read: so long it was. */
  readonly malformed?: number
  readonly subscriptions?: readonly unknown[]
  readonly messages?: readonly { readonly from?: Uint8Array }[]
  readonly control?: Readonly<Partial<Record<'ihave' | 'iwant' | 'idontwant', readonly Naming[]>>> | undefined
}
interface Naming {
  readonly messageIDs?: readonly Uint8Array[]
}
interface Receiving {
  createInboundStream: (from: Libp2pPeerId, stream: Stream) => void
  decodeRpc: (bytes: Uint8Array) => Rpc
  handleReceivedRpc: (from: Libp2pPeerId, rpc: Rpc) => Promise<void>
}

export class Gossip {
  readonly #options: GossipOptions
  readonly #router: GossipSub
  readonly #registrar: Topologies
  readonly #held = new Budget(heldBytes)
  /** How what peers send is slowed, by its stream. */
  readonly #intakes = new WeakMap<Stream, Intake>()
  readonly #publishing = new Set<Promise<void>>()
  readonly #queues: Queues<{ readonly from: Libp2pPeerId; readonly rpc: Rpc }>

  constructor(router: GossipSub, registrar: Topologies, options: GossipOptions) {
    this.#options = options
    this.#router = router
    this.#registrar = registrar
    this.#router.topicValidators.set(options.topic, (from, message) => this.#validate(from, message))
    const receiving = router as unknown as Receiving
    const receive = receiving.handleReceivedRpc.bind(router)
    this.#queues = new Queues({
      allowanceOf: (peer) => options.allowances.ofMember(peer),
      run: ({ from, rpc }) => void receive(from, rpc).catch(() => {}),
      most: rpcsWaiting,
      onMany: (peer) => this.#intakeOf(peer)?.pause(),
      onNone: (peer) => this.#intakeOf(peer)?.resume(),
    })
    const createInbound = receiving.createInboundStream.bind(router)
    receiving.createInboundStream = (from, stream) => {
      this.#gather(stream)
      createInbound(from, stream)
    }
    const decode = receiving.decodeRpc.bind(router)
    receiving.decodeRpc = (bytes) => {
      try {
        return decode(bytes)
      } catch {
        options.drops.count('gossip-malformed')
        return { malformed: bytes.length } // whose it is is known further on
      }
    }
    receiving.handleReceivedRpc = (from, rpc) => {
      this.#take(from, rpc)
      return Promise.resolve()
    }
    this.#router.addEventListener('message', ({ detail }) => this.#receive(detail))
  }

  /** To be called once the node runs; a subscription does not survive a stop. */
  start(): void {
    this.#router.subscribe(this.#options.topic)
  }

  broadcast(bytes: Uint8Array): void {
    assert(bytes.length <= gossipBytes, `a gossip message has at most ${gossipBytes} bytes`)
    if (this.#isDropped()) return
    const publishing = this.#publish(bytes).finally(() => this.#publishing.delete(publishing))
    this.#publishing.add(publishing)
  }

  stop(): void {
    this.#queues.stop()
  }

  /** Settles when everything broadcast so far is signed and on its way, so that a last word is not cut off. */
  async flushed(): Promise<void> {
    await Promise.all(this.#publishing)
  }

  /** Whether messages can go out to this peer, and whether it wants them. */
  health(peer: PeerId): { readonly outbound: boolean; readonly subscribed: boolean } {
    const { streamsOutbound, topics } = this.#router as unknown as RouterState
    return { outbound: streamsOutbound.has(peer), subscribed: topics.get(this.#options.topic)?.has(peer) === true }
  }

  /**
   * Opens the outbound stream that is missing. Gossipsub does so only when it is told of a connection, never when a
   * stream dies on a living one; here it is told once more.
   */
  reopen(connection: Connection): void {
    for (const protocol of this.#router.protocols) {
      for (const topology of this.#registrar.getTopologies(protocol)) {
        void Promise.resolve(topology.onConnect?.(connection.remotePeer, connection)).catch(() => {})
      }
    }
  }

  async #publish(bytes: Uint8Array): Promise<void> {
    try {
      await this.#router.publish(this.#options.topic, bytes)
    } catch (error) {
      this.#options.drops.count('gossip-failed')
      this.#options.log.debug({ error: String(error) }, 'a gossip message could not be published')
    }
  }

  /** Whoever sends faster than it can be taken in waits at its own end. */
  #take(from: Libp2pPeerId, rpc: Rpc): void {
    const peer = from.toString()
    const intake = this.#intakeOf(peer)
    if (this.#isWithinRates(from, rpc)) return singly(rpc).forEach((one) => this.#queues.add(peer, { from, rpc: one }))
    this.#options.drops.count('gossip-excess')
    intake?.rest()
  }

  /** Its decoder keeps each piece of half a message by itself: here it is given whole ones. */
  #gather(stream: Stream): void {
    const fail = (): void => {
      this.#options.drops.count('frame-malformed')
      stream.abort(new Error('too much of a message of gossip that is not complete'))
    }
    const held = this.#held.open(fail)
    stream.addEventListener('close', () => held.end())
    const add = stream.addEventListener.bind(stream)
    stream.addEventListener = ((...[type, listener, options]: Parameters<typeof add>): void => {
      if (type !== 'message' || typeof listener !== 'function') return add(type, listener, options)
      const frames = new WholeFrames(lengthOfRpc)
      add('message', (event) => {
        for (const data of frames.take(event.data.subarray())) listener({ data } as never)
        held.set(frames.held)
        if ((frames.length ?? 0) > inboundBytes + varintBytes) fail()
      })
    }) as typeof add
  }

  /** What has come while it was paused would else be read in one turn, all of it. */
  #intakeOf(peer: PeerId): Intake | undefined {
    const stream = this.#streamOf(peer)
    if (stream === undefined) return undefined
    const intake = this.#intakes.get(stream) ?? readInTurns(stream, this.#options.allowances.ofMember(peer))
    this.#intakes.set(stream, intake)
    return intake
  }

  #streamOf(peer: PeerId): Stream | undefined {
    return (this.#router as unknown as RouterState).streamsInbound.get(peer)?.rawStream
  }

  /**
   * Before any signature is looked at, which is what costs: whoever says something itself pays for it as the author, whoever passes it
   * on as a neighbour. What claims to come from others is charged to them only once that is proven.
   */
  #isWithinRates(from: Libp2pPeerId, rpc: Rpc): boolean {
    const { rates } = this.#options
    const peer = from.toString()
    const messages = rpc.messages ?? []
    const named = namedIn(rpc)
    if (!rates.take('gossip', peer, Math.max(1, messages.length + Math.ceil(named / namedPerMessage)))) return false
    const own = from.toMultihash().bytes
    const said = messages.filter((one) => one.from !== undefined && equalBytes(one.from, own)).length
    return said === 0 || rates.take('own', peer, said)
  }

  #validate(from: Libp2pPeerId, message: Message): TopicValidatorResult {
    if (message.data.length > gossipBytes) {
      this.#options.drops.count('gossip-oversize')
      return TopicValidatorResult.Reject
    }
    return this.#isDropped() || this.#isExcess(from, message)
      ? TopicValidatorResult.Ignore
      : TopicValidatorResult.Accept
  }

  /** Others passed it on, and its author has proven that it is its own. */
  #isExcess(from: Libp2pPeerId, message: Message): boolean {
    if (message.type !== 'signed' || message.from.equals(from)) return false
    if (this.#options.rates.take('author', message.from.toString())) return false
    this.#options.drops.count('gossip-excess')
    return true
  }

  #receive(message: Message): void {
    if (message.type !== 'signed' || message.topic !== this.#options.topic) return
    // A copy: the bytes are a window on all that came with them, and who keeps them would keep that.
    this.#options.onMessage(message.from.toString(), message.data.slice())
  }

  #isDropped(): boolean {
    const { faults, random, drops } = this.#options
    if (faults <= 0 || random() >= faults) return false
    drops.count('gossip-fault')
    return true
  }
}

/** Each message of it has a turn of its own, words about others come last: to check hundreds takes hundreds of milliseconds. */
function singly(rpc: Rpc): readonly Rpc[] {
  const { subscriptions = [], messages = [], control } = rpc
  if (messages.length < 2) return [rpc]
  const parts: Rpc[] = messages.map((one) => ({ messages: [one] }))
  if (subscriptions.length > 0) parts.unshift({ subscriptions, messages: [] })
  if (control !== undefined) parts.push({ messages: [], control })
  return parts
}

/** How many messages it names; what cannot be read may name one with every other byte. */
function namedIn({ control, malformed = 0 }: Rpc): number {
  const namings = [...(control?.ihave ?? []), ...(control?.iwant ?? []), ...(control?.idontwant ?? [])]
  return namings.reduce((sum, { messageIDs }) => sum + (messageIDs?.length ?? 0), malformed / 2)
}

/** As many as the length before a message has: no message of ours needs more. */
const varintBytes = 4

/** Of a message with its length before it, seven bits in a byte, the least first. */
function lengthOfRpc(bytes: Uint8Array, at: number): number | undefined {
  let length = 0
  for (let n = 0; n < varintBytes; n++) {
    const byte = bytes[at + n]
    if (byte === undefined) return undefined
    length += (byte & 127) * 2 ** (7 * n)
    if (byte < 128) return n + 1 + length
  }
  return Number.MAX_SAFE_INTEGER
}
