/**
 * How the nodes of one test speak to each other: everything arrives, a millisecond later, in the order in which it was said.
 */
import type { Effect } from '../core/effects.js'
import type { Host } from './host.js'
import type { EventQueue } from './queue.js'

const delay_ms = 1
/** How often a node looks for those with whom it has no connection. */
const search_ms = 1000

interface Request {
  readonly asker: Host
  readonly life: number
  readonly answerer: Host
  readonly id: number
}

export class Wires {
  readonly #time: EventQueue
  /** By peer id. */
  readonly #hosts = new Map<string, Host>()
  readonly #connected = new Map<Host, Set<Host>>()
  readonly #requests = new Map<number, Request>()
  #lastRequest = 0

  constructor(time: EventQueue) {
    this.#time = time
  }

  /** A node begins; all others can be found from now on. */
  begun(host: Host): void {
    this.#hosts.set(host.peer, host)
    this.#connected.set(host, new Set())
    const { life } = host
    const search = (): void => {
      if (host.life !== life) return
      for (const other of this.#hosts.values()) if (host.wants(other.peer)) this.dial(host, other.peer)
      this.#time.after(search_ms, search)
    }
    this.#time.after(delay_ms, search)
  }

  /** It is gone: its connections are reset. */
  ended(host: Host): void {
    for (const other of this.#of(host)) this.#disconnect(host, other)
  }

  peersOf(host: Host): readonly string[] {
    return [...this.#of(host)].map(({ peer }) => peer)
  }

  #of(host: Host): Set<Host> {
    return this.#connected.get(host) ?? new Set()
  }

  /** The one of that name that it is connected with. */
  reached(host: Host, peer: string): Host | undefined {
    return this.#peer(host, peer)
  }

  #peer(host: Host, peer: string): Host | undefined {
    const other = this.#hosts.get(peer)
    return other !== undefined && this.#of(host).has(other) ? other : undefined
  }

  dial(host: Host, peer: string): void {
    const other = this.#hosts.get(peer)
    if (other === undefined || other === host || this.#of(host).has(other)) return
    if (!other.isUp) return host.feedLater(2 * delay_ms, { type: 'refused', peer, isVacant: true })
    this.#of(host).add(other)
    this.#of(other).add(host)
    host.feedLater(0, { type: 'connected', peer })
    other.feedLater(delay_ms, { type: 'connected', peer: host.peer })
  }

  hangUp(host: Host, peer: string): void {
    const other = this.#peer(host, peer)
    if (other !== undefined) this.#disconnect(host, other)
  }

  #disconnect(host: Host, other: Host): void {
    this.#of(host).delete(other)
    this.#of(other).delete(host)
    host.feedLater(0, { type: 'disconnected', peer: other.peer })
    other.feedLater(delay_ms, { type: 'disconnected', peer: host.peer })
    for (const [key, { asker, answerer }] of this.#requests)
      if ([host, other].includes(asker) && [host, other].includes(answerer)) this.#close(key, false)
    const { life } = other
    this.#time.after(2 * delay_ms, () => {
      if (other.life === life && other.wants(host.peer)) this.dial(other, host.peer)
    })
  }

  /** To all that are connected, directly or through others. */
  gossip(author: Host, bytes: Uint8Array): void {
    const reached = new Set([author])
    for (const host of reached) for (const other of this.#of(host)) reached.add(other)
    reached.delete(author)
    for (const host of reached) host.feedLater(delay_ms, { type: 'gossip', author: author.peer, bytes })
  }

  beat(host: Host, peer: string, bytes: Uint8Array): void {
    this.#peer(host, peer)?.feedLater(delay_ms, { type: 'beat', from: host.peer, bytes })
  }

  ask(host: Host, { id, to, bytes, timeout_ms }: Effect & { type: 'request' }): void {
    const answerer = this.#peer(host, to)
    if (answerer === undefined) return host.feedLater(delay_ms, { type: 'closed', id, ok: false })
    const key = (this.#lastRequest += 1)
    this.#requests.set(key, { asker: host, life: host.life, answerer, id })
    this.#time.after(timeout_ms, () => this.#close(key, false))
    answerer.feedLater(delay_ms, { type: 'request', from: host.peer, id: key, bytes })
  }

  answer(answerer: Host, { id: key, bytes, last, isPaced }: Effect & { type: 'reply' }): void {
    const request = this.#requests.get(key)
    if (isPaced === true) answerer.feedLater(delay_ms, { type: 'gone', id: key, ok: request !== undefined })
    if (request === undefined) return
    const { asker, life, id } = request
    if (asker.life === life) asker.feedLater(delay_ms, { type: 'response', id, bytes })
    if (last) this.#close(key, true)
  }

  #close(key: number, ok: boolean): void {
    const request = this.#requests.get(key)
    if (request === undefined) return
    this.#requests.delete(key)
    const { asker, life, id } = request
    if (asker.life === life) asker.feedLater(delay_ms, { type: 'closed', id, ok })
  }
}
