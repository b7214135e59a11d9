/**
 * Tells connections that were made, but came to nothing in the handshake, from those that were never made. Libp2p gives both
 * ends the same errors, and the end that was called none at all.
 */
import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { messageOf } from '../../core/model/errors.js'
import { readEndpoint } from './addresses.js'
import { settledWithin } from './deadline.js'
import { FirstWords, type Hearing, sayNo, speechOf } from './first-words.js'

export const handshakeFailed = 'but the handshake failed'
/** What to think of first: a cluster key that differs shows as noise on both sides. */
export const isKeyTheSame = 'is the cluster key the same?'
/** Every daemon that keeps us out says so: see `first-words.ts`. */
const withoutWord =
  'but it ended the connection without a word, as a proxy does with nobody behind it, or a daemon that stops'
/** It has our key, and as many connections as it takes. */
const noRoom = `${handshakeFailed}: it has no room for one more connection`

/** It was understood, so that it has our key; then it went away, or this daemon gave it up. */
export const brokenOff = 'but the handshake broke off'
/** Such as a web server, or the port of the HTTP API. */
export const noDaemon = 'but what speaks there is no Rollcall daemon: is the port right?'
/** Its machine, and its cluster, but not its identity. */
export const anotherPeer = 'but another peer is there'

/** Its machine takes connections for it: a cluster key that differs mostly shows in what is said. */
export const nobodySpeaks = 'but nobody speaks there: is its process frozen (suspended, or stuck)?'

/** The parts of libp2p that this reaches into. */
export interface HandshakeParts {
  readonly transportManager: { dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection> }
  readonly upgrader: {
    upgradeInbound(connection: Hearing & { readonly remoteAddr: Multiaddr }, options: unknown): Promise<void>
    upgradeOutbound(connection: Hearing, options: { readonly signal?: AbortSignal }): Promise<Connection>
  }
  /** Where this cluster has a key. */
  readonly connectionProtector?: { protect(connection: Hearing, options: unknown): Promise<Hearing> }
}

/** For the first word of who is to be told no. */
const sayingNo_ms = 1000

export interface HandshakeListener {
  /** Somebody reached us from this host, with another cluster key. */
  onOtherKey(host: string): void
  /** Somebody reached us from this host who is no daemon: a health check, or a scan of ports. */
  onNoDaemon(host: string): void
  /** A connection led to our own key: to ourselves, or to a copy of us. `where`: a host, or host and port where we dialled. */
  onOwnKey(direction: 'inbound' | 'outbound', where: string): void
}

export class Handshakes {
  readonly #parts: HandshakeParts
  readonly #listener: HandshakeListener
  /** Of dials that have got through to somebody. */
  readonly #reached = new WeakMap<AbortSignal, FirstWords>()
  /** While the handshake of the connection lasts. */
  readonly #words = new WeakMap<Hearing, FirstWords>()
  readonly #hasKey: boolean

  constructor(parts: HandshakeParts, listener: HandshakeListener) {
    this.#parts = parts
    this.#listener = listener
    const { upgrader, connectionProtector: protector } = parts
    this.#hasKey = protector !== undefined
    const outbound = upgrader.upgradeOutbound.bind(upgrader)
    upgrader.upgradeOutbound = (connection, options) =>
      this.#during(connection, false, (words) => {
        if (options.signal !== undefined) this.#reached.set(options.signal, words)
        return outbound(connection, options)
      })
    const inbound = upgrader.upgradeInbound.bind(upgrader)
    upgrader.upgradeInbound = (connection, options) =>
      this.#during(connection, true, async (words) => {
        try {
          await inbound(connection, options)
        } catch (error) {
          if (isOfNoRoom(error)) await this.#sayNo(connection, words)
          this.#inboundFailed(connection.remoteAddr.toString(), words, error)
          throw error
        }
      })
    if (protector === undefined) return
    const protect = protector.protect.bind(protector)
    protector.protect = async (connection, options) => {
      const deciphered = await protect(connection, options)
      this.#words.get(connection)?.readAs(deciphered)
      return deciphered
    }
  }

  async #during<Result>(
    connection: Hearing,
    isCalled: boolean,
    handshake: (words: FirstWords) => Promise<Result>,
  ): Promise<Result> {
    const words = new FirstWords(connection, { isPlain: !this.#hasKey, isCalled })
    this.#words.set(connection, words)
    try {
      return await handshake(words)
    } finally {
      words.end()
    }
  }

  /** Libp2p has said nothing yet, and ends the connection after this. */
  async #sayNo(connection: Hearing, words: FirstWords): Promise<void> {
    const { connectionProtector: protector } = this.#parts
    const options = { signal: AbortSignal.timeout(sayingNo_ms) }
    const line = protector === undefined ? connection : await protector.protect(connection, options).catch(() => {})
    if (line === undefined) return
    await settledWithin(sayingNo_ms, words.begun)
    sayNo(line)
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
      throw afterReaching(address, error, this.#suspicion(signal, reached, error))
    }
  }

  /** What to think of first, of whom was reached. */
  #suspicion({ aborted }: AbortSignal, words: FirstWords | undefined, error: unknown): string {
    const heard = words?.heard
    const speech = heard === undefined ? 'nothing' : speechOf(heard)
    if (speech === 'other-key') return `${handshakeFailed}: ${isKeyTheSame}`
    if (speech === 'none-of-us') return noDaemon
    if (speech === 'no-room') return noRoom
    if (aborted) return nobodySpeaks
    if (speech === 'our-key') return isOfAnother(error) ? anotherPeer : brokenOff
    return withoutWord
  }

  /** Who goes away before it has said anything wrong is no news: it has stopped, crashed, or given up. */
  #inboundFailed(address: string, words: FirstWords, error: unknown): void {
    const host = readEndpoint(address)?.host
    if (host === undefined) return
    if (isOwnKey(error)) return this.#listener.onOwnKey('inbound', host)
    const speech = speechOf(words.heard)
    if (speech === 'other-key') this.#listener.onOtherKey(host)
    if (speech === 'none-of-us') this.#listener.onNoDaemon(host)
  }
}

/** Of libp2p, about who comes in. */
function isOfNoRoom(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConnectionDeniedError'
}

function isReset(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'ECONNRESET' || messageOf(error).includes('ECONNRESET')
}

function isOwnKey(error: unknown): boolean {
  return error instanceof Error && error.name === 'InvalidPeerIdError' && error.message.includes('self')
}

/** Of noise, whose errors libp2p gives another name. */
function isOfAnother(error: unknown): boolean {
  return messageOf(error).includes('does not match expected remote identity key')
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

/** Whether it was said of a place where somebody has told that we are not let in, which trying on does not mend by itself. */
export function isWord(error: string): boolean {
  return [handshakeFailed, noDaemon, anotherPeer].some((words) => error.includes(words))
}

/** Whether what was said of a dial, or of who came, is that the cluster keys may differ. */
export function doubtsKey(error: string): boolean {
  return error.includes(isKeyTheSame)
}

/** Whether it was said of somebody who was reached; such an error names the place. */
export function isOfSomebody(error: string): boolean {
  return isWord(error) || [withoutWord, brokenOff, nobodySpeaks].some((words) => error.includes(words))
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
