/**
 * One node of a test: the real core, run in virtual time on a disk in memory. It decides nothing.
 */
import { packageVersion, protocolVersion } from '../config/version.js'
import type { Command, Effect, Input, Moment, RegistryEvent, Settled } from '../core/effects.js'
import { RegistryError } from '../core/model/errors.js'
import type { NodeRecord } from '../core/model/model.js'
import { Registry } from '../core/registry.js'
import { News } from '../daemon/news.js'
import { createService } from '../daemon/service.js'
import { SessionLines } from '../daemon/sessions.js'
import { SlugWatches } from '../daemon/slug-watches.js'
import { telling } from '../daemon/telling.js'
import type { RegistryService } from '../http/service.js'
import type { Answering, Asked } from '../daemon/questions.js'
import { hash, unguardedCrypto } from './crypto.js'
import { Disk } from './disk.js'

/** What a node needs of the world that it stands in. */
export interface Ground {
  /** Milliseconds on a clock that never steps. */
  readonly now: () => number
  /** Unix milliseconds. */
  readonly wall: () => number
  readonly push: (at: number, run: () => void) => void
  /** Lets time pass until that is so, or nothing more can be hoped for. */
  readonly passUntil: (isSo: () => boolean) => void
  /** Somebody outside can see something that he could not see before. */
  readonly onSeen: () => void
  /** What a check of an instance there finds now. */
  readonly isDown: (url: string) => boolean
  readonly wires: {
    readonly begun: (host: Host) => void
    readonly ended: (host: Host) => void
    readonly peersOf: (host: Host) => readonly string[]
    readonly dial: (host: Host, peer: string) => void
    readonly hangUp: (host: Host, peer: string) => void
    readonly gossip: (host: Host, bytes: Uint8Array) => void
    readonly beat: (host: Host, peer: string, bytes: Uint8Array) => void
    readonly reached: (host: Host, peer: string) => Host | undefined
    readonly ask: (host: Host, effect: Effect & { type: 'request' }) => void
    readonly answer: (host: Host, effect: Effect & { type: 'reply' }) => void
  }
}

/** One life of a node, from a start to its end. */
interface Life {
  readonly registry: Registry
  readonly service: RegistryService
  readonly news: News
  readonly recorder: ReturnType<typeof telling>['recorder']
  readonly sessions: SessionLines
  readonly watches: SlugWatches
  /** How it answers each kind of question that is for people. */
  readonly answerings: Map<string, Answering>
  readonly over: AbortController
}

export class Host {
  readonly peer: string
  readonly #ground: Ground
  readonly #node: Omit<NodeRecord, 'addresses'>
  readonly #disk = new Disk()
  readonly #callers = new Map<number, (result: Settled) => void>()
  /** Connections to instances that are kept open, by instance. */
  readonly #lines = new Map<string, Effect & { type: 'keep-open' }>()
  #links = { wanted: new Set<string>(), spared: new Set<string>() }
  #lastTicket = 0
  #wakeAt = Number.POSITIVE_INFINITY
  #present: Life | undefined
  /** Raised at each start, at each end; what belongs to an earlier one is dropped. */
  life = 0

  constructor(node: Omit<NodeRecord, 'addresses'>, ground: Ground) {
    this.#node = { ...node, software: packageVersion, protocol: protocolVersion }
    this.#ground = ground
    this.peer = `peer_${node.id}`
  }

  get nodeId(): string {
    return this.#node.id
  }

  get #addresses(): readonly string[] {
    return [`/dns4/${this.nodeId}/tcp/1`]
  }

  get isUp(): boolean {
    return this.#present !== undefined
  }

  /** @throws RegistryError `unavailable` while it is down */
  get live(): Life {
    if (this.#present !== undefined) return this.#present
    throw new RegistryError('unavailable', `node ${this.nodeId} was killed; restart('${this.nodeId}') starts it again`)
  }

  /** Whether it means to be connected with that one; of whom it knows nothing, it does. */
  wants(peer: string): boolean {
    return peer !== this.peer && (this.#links.wanted.has(peer) || !this.#links.spared.has(peer))
  }

  // ---- beginning, end

  start(): void {
    this.life += 1
    this.#links = { wanted: new Set(), spared: new Set() }
    this.#lines.clear()
    this.#wakeAt = Number.POSITIVE_INFINITY
    const boot = Buffer.from(hash(Buffer.from(`${this.peer}/${this.life}`)))
      .toString('hex')
      .slice(0, 16)
    const registry = new Registry(
      {
        ...{ self: this.peer, boot, crypto: unguardedCrypto(this.peer), node: this.#node, freshKey: this.life === 1 },
        ...this.#disk.load(),
      },
      this.#moment(),
    )
    this.#present = this.#lifeOf(registry, boot)
    this.#ground.wires.begun(this)
    this.#perform(registry.begin())
    this.feed({ type: 'listening', addresses: this.#addresses })
  }

  #lifeOf(registry: Registry, boot: string): Life {
    const { now, wall } = this.#ground
    const { life } = this
    const news = new News({
      run: boot.slice(0, 8),
      instance: (id) => registry.read.visible(id, this.#moment()),
      nodeId: (peer) => registry.read.nodeId(peer),
      wall,
    })
    const watches = new SlugWatches({
      ...{ read: registry.read, position: () => news.position, now },
      after: (delay_ms, tell) => this.#after(delay_ms, life, () => (tell(), this.#ground.onSeen())),
    })
    const command = (one: Command): Promise<Settled> => this.command(one)
    const sessions = new SessionLines(command)
    const { id: nodeId, url } = this.#node
    const answerings = new Map<string, Answering>()
    const seen = {
      ...{ registry, engine: { command, now: () => this.#moment() } },
      labels: { look: () => undefined, of: () => undefined },
      network: {
        peerId: this.peer,
        peers: () => this.#ground.wires.peersOf(this).map((peer) => ({ peer, connected: true, streamsHealthy: true })),
        ...{ failures: () => [], mdns: () => undefined },
      },
    }
    const told = telling(new Date(wall()).toISOString(), {
      ...{
        self: this.peer,
        write: () => undefined,
        read: registry.read,
        now: () => this.#moment(),
        seen: { ...seen, self: () => service.self() },
        isPretended: true,
        churn: () => [],
        documents: () => [],
      },
      questions: {
        answer: (kind: string, answering: Answering) => void answerings.set(kind, answering),
        ask: (peer: string, question: Parameters<Answering>[0]) => this.#ask(peer, question),
      },
    })
    const service: RegistryService = createService({
      ...{ ...told, ...seen, dropped: () => registry.dropped() },
      ...{ news, watches, sessions, startedAt: now() },
      standing: () => ({ alone: false, behind: false }),
      self: () => ({
        nodeId,
        url,
        cluster: 'test',
        version: packageVersion,
        protocol: protocolVersion,
        listen: this.#addresses,
      }),
      leave: () =>
        Promise.reject(new RegistryError('malformed', 'leave: a test registry has no daemon; kill its node')),
    })
    return {
      registry,
      service,
      news,
      recorder: told.recorder,
      sessions,
      watches,
      answerings,
      over: new AbortController(),
    }
  }

  /** In no time: what is asked there is what is true there now. */
  async #ask(peer: string, question: Parameters<Answering>[0]): Promise<Asked> {
    const answering = this.#ground.wires.reached(this, peer)?.live.answerings.get(question.kind)
    if (answering === undefined) return { how: 'unreachable' }
    return { how: 'answered', answer: { ...(await answering(question, this.peer)) }, way_ms: 0 }
  }

  /** `kill -9`: without a word; its disk keeps what was written. */
  kill(): void {
    const { over, watches } = this.live
    this.#ground.wires.ended(this) // which tells it, too, in a life that is over
    this.#present = undefined
    this.life += 1
    watches.stop()
    over.abort()
    const error = new RegistryError(
      'unavailable',
      `node ${this.nodeId} was killed; the write may or may not be on disk`,
    )
    for (const settle of this.#callers.values()) settle({ ok: false, error })
    this.#callers.clear()
  }

  // ---- what happens

  /** Resolves with the answer, for which as much time passes as it needs; never rejects. */
  command(command: Command): Promise<Settled> {
    return new Promise((resolve) => {
      const { registry } = this.live
      let isSettled = false
      const ticket = (this.#lastTicket += 1)
      this.#callers.set(ticket, (result) => {
        isSettled = true
        this.#ground.onSeen()
        resolve(result)
      })
      this.feed({ type: 'command', ticket, command })
      this.#ground.passUntil(() => isSettled || this.#present?.registry !== registry)
    })
  }

  /** Nothing listens there any more, or again: who is connected notices. */
  placesChanged(): void {
    for (const [id, { n, url }] of [...this.#lines])
      if (this.#ground.isDown(url) && this.#lines.delete(id)) this.feed({ type: 'line', id, n, news: 'closed' })
  }

  feedLater(delay_ms: number, input: Input): void {
    this.#after(delay_ms, this.life, () => this.feed(input))
  }

  feed(input: Input): void {
    if (this.#present === undefined) return
    const { registry, recorder, watches } = this.#present
    this.#perform(registry.handle(input, this.#moment()))
    recorder.handled()
    watches.look()
    this.#scheduleWake(registry)
  }

  #after(delay_ms: number, life: number, run: () => void): () => void {
    let isOff = false
    this.#ground.push(this.#ground.now() + delay_ms, () => {
      if (!isOff && this.life === life) run()
    })
    return () => void (isOff = true)
  }

  #moment(): Moment {
    return { now: this.#ground.now(), wall: this.#ground.wall() }
  }

  #scheduleWake(registry: Registry): void {
    const at = Math.max(registry.wakeAt, this.#ground.now())
    if (at >= this.#wakeAt) return
    this.#wakeAt = at
    const { life } = this
    this.#ground.push(at, () => {
      if (this.life !== life || this.#wakeAt !== at) return
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.feed({ type: 'wake' })
    })
  }

  // ---- what it wants done

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) this.#performOne(effect)
  }

  #performOne(effect: Effect): void {
    const { wires } = this.#ground
    switch (effect.type) {
      case 'broadcast':
        return wires.gossip(this, effect.bytes)
      case 'beat':
        return wires.beat(this, effect.to, effect.bytes)
      case 'request':
        return wires.ask(this, effect)
      case 'reply':
        return wires.answer(this, effect)
      case 'dial':
        return wires.dial(this, effect.peer)
      case 'redial':
      case 'hang-up':
        return wires.hangUp(this, effect.peer)
      case 'links':
        this.#links = { wanted: new Set(effect.wanted), spared: new Set(effect.spared) }
        return
      case 'learn':
        return
      case 'store':
        this.#disk.write(effect.ops)
        return this.feedLater(0, { type: 'stored', id: effect.id })
      case 'up':
        return this.#disk.noteUp(effect.wall)
      case 'check':
        return this.#check(effect)
      case 'keep-open':
        this.#lines.set(effect.id, effect)
        return void this.#after(0, this.life, () => this.placesChanged())
      case 'let-go':
        return void this.#lines.delete(effect.id)
      case 'settle': {
        const settle = this.#callers.get(effect.ticket)
        this.#callers.delete(effect.ticket)
        return settle?.(effect.result)
      }
      case 'notify':
        return this.#tell(effect.event)
    }
  }

  #check({ id, n, url }: Effect & { type: 'check' }): void {
    const result = this.#ground.isDown(url)
      ? ({ status: 'Unreachable', details: 'connection refused' } as const)
      : ({ status: 'Healthy' } as const)
    this.feedLater(0, { type: 'checked', id, n, result })
  }

  #tell(event: RegistryEvent): void {
    this.#present?.sessions.heard(event)
    this.#present?.news.tell(event)
    this.#present?.recorder.heard(event)
    this.#ground.onSeen()
  }
}
