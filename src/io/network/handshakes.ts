/**
 * Tells connections that were made, but came to nothing in the handshake, from those that were never made. Libp2p gives both ends
 * the same errors, and the end that was called none at all.
 */
import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { messageOf } from '../../core/model/errors.js'
import { readEndpoint } from './addresses.js'

export const handshakeFailed = 'but the handshake failed'
/** What to think of first: a cluster key that differs shows as noise on both sides. */
export const isKeyTheSame = 'is the cluster key the same?'
/** Who has no room for one more connection says nothing at all; so does one without a key that reads what is protected by ours. */
const endedAtOnce = 'it ended the connection before its first word, as a daemon does that is full'

/** Of a connection of `@libp2p/tcp`, private and pinned with its version. */
interface Outgoing {
  readonly socket?: { readonly bytesRead: number }
}

/** Its machine takes connections for it: a cluster key that differs mostly shows in what is said. */
export const nobodySpeaks = 'but nobody speaks there: is its process frozen (suspended, or stuck)?'

/** The parts of libp2p that this reaches into. */
export interface HandshakeParts {
  readonly transportManager: { dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection> }
  readonly upgrader: {
    upgradeInbound(connection: { readonly remoteAddr: Multiaddr }, options: unknown): Promise<void>
    upgradeOutbound(connection: Outgoing, options: { readonly signal?: AbortSignal }): Promise<Connection>
  }
}

export interface HandshakeListener {
  /** Somebody reached us from this host, said something, and did not come in. */
  onFailed(host: string): void
  /** A connection led to our own key: to ourselves, or to a copy of us. `where`: a host, or host and port where we dialled. */
  onOwnKey(direction: 'inbound' | 'outbound', where: string): void
}

export class Handshakes {
  readonly #parts: HandshakeParts
  readonly #listener: HandshakeListener
  /** Of dials that have got through to somebody. */
  readonly #reached = new WeakMap<AbortSignal, Outgoing>()
  readonly #hasKey: boolean

  /** @param hasKey whether this cluster has a key */
  constructor(parts: HandshakeParts, hasKey: boolean, listener: HandshakeListener) {
    this.#parts = parts
    this.#hasKey = hasKey
    this.#listener = listener
    const { upgrader } = parts
    const outbound = upgrader.upgradeOutbound.bind(upgrader)
    upgrader.upgradeOutbound = (connection, options) => {
      if (options.signal !== undefined) this.#reached.set(options.signal, connection)
      return outbound(connection, options)
    }
    const inbound = upgrader.upgradeInbound.bind(upgrader)
    upgrader.upgradeInbound = async (connection, options) => {
      try {
        await inbound(connection, options)
      } catch (error) {
        this.#inboundFailed(connection.remoteAddr.toString(), error)
        throw error
      }
    }
  }

  /** Rejects as libp2p does, but says so where somebody was reached. */
  async dial(address: string, signal: AbortSignal): Promise<Connection> {
    try {
      return await this.#parts.transportManager.dial(multiaddr(address), { signal })
    } catch (error) {
      if (isOwnKey(error)) this.#listener.onOwnKey('outbound', placeOf(address))
      const reached = this.#reached.get(signal)
      // A reset that comes before we know of the connection is of somebody who took it, too: where nobody listens it is refused.
      if (reached === undefined && !isReset(error)) throw error
      throw afterReaching(address, error, this.#suspicion(signal, reached))
    }
  }

  /** What to think of first, of whom was reached. */
  #suspicion({ aborted }: AbortSignal, reached: Outgoing | undefined): string {
    if (aborted) return nobodySpeaks
    const isCut = reached === undefined || reached.socket?.bytesRead === 0
    if (!isCut) return `${handshakeFailed}: ${isKeyTheSame}`
    return `${handshakeFailed}: ${this.#hasKey ? `${isKeyTheSame} Or ` : ''}${endedAtOnce}`
  }

  /** Who connects and says nothing is no peer: a health check, or a scan of ports. */
  #inboundFailed(address: string, error: unknown): void {
    const host = readEndpoint(address)?.host
    if (host === undefined) return
    if (isOwnKey(error)) return this.#listener.onOwnKey('inbound', host)
    const { name, message } = error as Error
    if (name === 'EncryptionFailedError' && !/reading 0\//.test(message)) this.#listener.onFailed(host)
  }
}

function isReset(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'ECONNRESET' || messageOf(error).includes('ECONNRESET')
}

function isOwnKey(error: unknown): boolean {
  return error instanceof Error && error.name === 'InvalidPeerIdError' && error.message.includes('self')
}

/**
 * What it is by name and code stays; who answered as another peer, or as ourselves, has been spoken with.
 * @param suspicion what to think of it first
 */
function afterReaching(address: string, error: unknown, suspicion: string): unknown {
  const { name, code } = error as { readonly name?: string; readonly code?: unknown }
  if (name === 'InvalidPeerIdError' || name === 'UnexpectedPeerError') return error
  // That we gave up says no more than that nobody spoke.
  const why = suspicion === nobodySpeaks ? '' : ` (${messageOf(error)})`
  const message = `reached ${placeOf(address)}, ${suspicion}${why}`
  return Object.assign(new Error(message, { cause: error }), { name, code, hasReached: true })
}

/** Whether a dial came through to a machine that took the connection. */
export function hasReached(error: unknown): boolean {
  return (error as { readonly hasReached?: unknown } | undefined)?.hasReached === true
}

/** `HOST:PORT`, for people. */
export function placeOf(address: string): string {
  const endpoint = readEndpoint(address)
  if (endpoint === undefined) return address
  const { host, port } = endpoint
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/**
 * What is said of one who did not speak in time, while others show that our key differs from theirs: with another key what is said may
 * also come to nothing at all, so that it is no sign of a process that is frozen.
 */
export function withKeyInDoubt(error: string): string {
  return error.replaceAll(
    nobodySpeaks,
    `but nothing came of it in time, and elsewhere the handshake failed: ${isKeyTheSame}`,
  )
}
