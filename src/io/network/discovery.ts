/**
 * Finds peers on the local network by mDNS. It reports every answer with its fresh addresses and never dials:
 * libp2p's own discovery speaks once of each peer, so that one which comes back on another port would stay unknown.
 */
import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import type { PeerId } from '../../core/model/model.js'
import type { MdnsView } from '../../core/views.js'
import { Heed } from './heed.js'
import { Multicast, type Voice } from './multicast.js'
import { answer, question, read, serviceTag, type Speaker } from './words.js'

/** Every question is answered by everybody to everybody, so a cluster that has found itself asks less. */
const eagerFor_ms = 120_000
const eagerPause_ms = 10_000
const calmPause_ms = 60_000
/** What was said is not said again so soon on the same interface, whoever asks: RFC 6762, 6. */
const answerPause_ms = 1000

export interface DiscoveryOptions {
  readonly self: PeerId
  readonly cluster: string
  readonly random: () => number
  readonly log: Logger
  /** What this daemon tells others, best first. */
  addresses(): readonly string[]
  /** @param from whose packet said so: anybody's */
  onFound(peer: PeerId, addresses: readonly string[], from: string): void
  /** A packet is not read: too many come. */
  onExcess(): void
  /** Somebody else answers with our key. */
  onCopy(addresses: readonly string[]): void
}

export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #tag: string
  readonly #speaker: Speaker
  readonly #multicast: Multicast
  /** Those that have just answered, with the timer that ends that. */
  readonly #resting = new Map<Voice, NodeJS.Timeout>()
  /** Those of them that were asked meanwhile. */
  readonly #owing = new Set<Voice>()
  #started = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: DiscoveryOptions) {
    this.#options = options
    this.#tag = serviceTag(options.cluster)
    this.#speaker = { peer: options.self, name: randomBytes(16).toString('hex') }
    const heed = new Heed(options.onExcess)
    this.#multicast = new Multicast({
      log: options.log,
      onPacket: (bytes, from, address) => heed.give(address, () => this.#heard(bytes, from, address)),
      onUp: (voice) => this.#ask([voice]),
    })
  }

  start(): void {
    this.#multicast.start()
    this.#started = performance.now()
    this.#askLater()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    for (const timer of this.#resting.values()) clearTimeout(timer)
    await this.#multicast.stop()
  }

  /** How mDNS does on each interface. */
  view(): MdnsView[] {
    return this.#multicast.voices().map((voice) => voice.view())
  }

  #heard(bytes: Uint8Array, from: Voice, address: string): void {
    const heard = read(bytes, this.#tag, this.#speaker)
    if (heard?.type === 'question') this.#answer(from)
    if (heard?.type === 'answer') this.#options.onFound(heard.peer, heard.addresses, withoutZone(address))
    if (heard?.type === 'copy') this.#options.onCopy(heard.addresses)
  }

  /** At once, unless it was said a moment ago: then once more for all who ask meanwhile, since they may not have heard it. */
  #answer(voice: Voice): void {
    if (this.#resting.has(voice)) return void this.#owing.add(voice)
    const bytes = answer(this.#tag, this.#speaker, this.#options.addresses())
    if (bytes !== undefined) voice.send(bytes)
    const rested = setTimeout(() => {
      this.#resting.delete(voice)
      if (this.#owing.delete(voice)) this.#answer(voice)
    }, answerPause_ms)
    this.#resting.set(voice, rested)
  }

  #askLater(): void {
    const pause_ms = performance.now() - this.#started < eagerFor_ms ? eagerPause_ms : calmPause_ms
    this.#timer = setTimeout(
      () => {
        this.#ask(this.#multicast.voices())
        this.#askLater()
      },
      pause_ms * (0.75 + 0.5 * this.#options.random()),
    )
  }

  #ask(voices: readonly Voice[]): void {
    for (const voice of voices) voice.send(question(this.#tag))
  }
}

/** As addresses are told. */
function withoutZone(address: string): string {
  return address.split('%')[0] as string
}
