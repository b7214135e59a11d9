// A cluster of cores in virtual time: one seed, one story. Links delay, lose, double and reorder; nodes crash, vanish, pause and come back.
import { createHash } from 'node:crypto'
import type { CheckResult, Command, Crypto, Effect, Input, Moment, RegistryEvent } from '../../src/core/effects.js'
import { RegistryError } from '../../src/core/errors.js'
import { type Registration, parseRegistration } from '../../src/core/model.js'
import { Registry } from '../../src/core/registry/registry.js'
import { Disk } from './disk.js'
import { EventQueue } from './queue.js'
import { Random } from './random.js'

export interface LinkOptions {
  /** One way, milliseconds. */
  delay_ms: number
  /** Added at random, so that messages overtake each other. */
  jitter_ms: number
  /** Share of gossip and heartbeats lost on this hop; streams are reliable. */
  loss: number
  /** Share of gossip that arrives twice. */
  doubled: number
  /** Nothing passes, and nobody is told. */
  cut: boolean
}

export interface WorldOptions {
  readonly seed: number
  readonly link?: Partial<LinkOptions>
  /** Gossip off: only streams. */
  readonly gossip?: boolean
  /** How long a synced write takes. */
  readonly fsync_ms?: number
}

export interface StartOptions {
  readonly nodeId?: string
  readonly url?: string
  /** Added to this node's wall clock. */
  readonly wallOffset_ms?: number
}

const epoch_ms = Date.UTC(2026, 0, 1)

/** One machine: its disk stays, its registry comes and goes. */
export class SimNode {
  registry: Registry | undefined
  disk = new Disk()
  /** Raised at each start; what belongs to an earlier life is dropped. */
  life = 0
  wasStarted = false
  wallOffset_ms = 0
  pausedUntil = 0
  readonly connected = new Set<string>()
  readonly events: { readonly at: number; readonly event: RegistryEvent }[] = []
  readonly backlog: Input[] = []
  wakeScheduledFor = Number.POSITIVE_INFINITY

  constructor(readonly name: string) {}

  get live(): Registry {
    if (this.registry === undefined) throw new Error(`${this.name} is down`)
    return this.registry
  }
}

export class World {
  readonly random: Random
  readonly nodes = new Map<string, SimNode>()
  readonly trace: string[] = []
  now = 0
  readonly #queue = new EventQueue()
  readonly #options: WorldOptions
  readonly #links = new Map<string, Partial<LinkOptions>>()
  readonly #services = new Map<string, CheckResult['status']>()
  readonly #tickets = new Map<string, (result: { ok: boolean; value?: string; error?: RegistryError }) => void>()
  readonly #requests = new Map<
    string,
    { asker: SimNode; askerLife: number; answerer: SimNode; id: number; lastAt: number; closed: boolean }
  >()
  #ticket = 0
  #request = 0
  /** Frames by kind, for costs. */
  readonly sent = { gossip: 0, beat: 0, request: 0, bytes: 0 }

  constructor(options: WorldOptions) {
    this.#options = options
    this.random = new Random(options.seed)
  }

  // ---- nodes

  /** Starts a node, for the first time or again. */
  start(name: string, options: StartOptions = {}): SimNode {
    const node = this.nodes.get(name) ?? new SimNode(name)
    this.nodes.set(name, node)
    node.life += 1
    node.wallOffset_ms = options.wallOffset_ms ?? node.wallOffset_ms
    const { documents, notes, generation, lastUp } = node.disk.load()
    const at = this.#moment(node)
    node.registry = new Registry(
      {
        self: name,
        boot: this.random.hex(16),
        crypto: cheapCrypto(name),
        node: {
          id: options.nodeId ?? `node-${name}`,
          url: options.url ?? `http://${name}:58231`,
          addresses: [`/dns4/${name}/tcp/1`],
        },
        freshKey: !node.wasStarted,
        generation,
        documents,
        notes,
        ...(lastUp !== undefined && { lastUp }),
      },
      at,
    )
    node.wasStarted = true
    this.say(name, 'starts')
    this.#run(node, node.registry.begin())
    this.#scheduleWake(node)
    const life = node.life
    this.#after(5, () => this.#connectAll(node, life))
    return node
  }

  startAll(...names: string[]): SimNode[] {
    return names.map((name) => this.start(name))
  }

  node(name: string): SimNode {
    const node = this.nodes.get(name)
    if (node === undefined) throw new Error(`no node ${name}`)
    return node
  }

  /** `kill -9`: its connections are reset, its disk keeps what the machine had taken. */
  crash(name: string): void {
    const node = this.node(name)
    this.#end(node)
    for (const peer of [...node.connected]) this.#disconnect(node.name, peer)
    this.say(name, 'crashes')
  }

  /** The machine loses power: nobody is told, and unsynced writes are gone. */
  vanish(name: string): void {
    const node = this.node(name)
    this.#end(node)
    node.disk.powerCut(this.random)
    this.say(name, 'vanishes')
  }

  /** A goodbye, then the end. */
  leave(name: string): void {
    this.command(name, { type: 'leave' })
    this.run(100)
    this.crash(name)
  }

  #end(node: SimNode): void {
    node.registry = undefined
    node.life += 1
    node.backlog.length = 0
    node.wakeScheduledFor = Number.POSITIVE_INFINITY
  }

  /** SIGSTOP: time passes it by; what arrives meanwhile is delivered on waking. */
  pause(name: string, duration_ms: number): void {
    const node = this.node(name)
    node.pausedUntil = this.now + duration_ms
    const life = node.life
    this.say(name, `pauses for ${duration_ms} ms`)
    this.#after(duration_ms, () => {
      if (node.life !== life) return
      for (const input of node.backlog.splice(0)) this.#feed(node, input)
      this.#feed(node, { type: 'wake' })
    })
  }

  // ---- links

  link(from: string, to: string, options: Partial<LinkOptions>): void {
    this.#links.set(`${from}>${to}`, { ...this.#links.get(`${from}>${to}`), ...options })
  }

  /** Cuts both ways between every two nodes of different groups. */
  partition(...groups: string[][]): void {
    groups.forEach((group, i) => {
      for (const other of groups.slice(i + 1)) for (const a of group) for (const b of other) this.cut(a, b, true)
    })
    this.say('world', `is cut into ${groups.map((group) => group.join('')).join(' | ')}`)
  }

  cut(a: string, b: string, cut: boolean): void {
    this.link(a, b, { cut })
    this.link(b, a, { cut })
  }

  heal(): void {
    for (const options of this.#links.values()) options.cut = false
    this.say('world', 'is whole again')
  }

  #link(from: string, to: string): LinkOptions {
    const defaults = { delay_ms: 1, jitter_ms: 0, loss: 0, doubled: 0, cut: false }
    return { ...defaults, ...this.#options.link, ...this.#links.get(`${from}>${to}`) }
  }

  #delay(from: string, to: string): number {
    const { delay_ms, jitter_ms } = this.#link(from, to)
    return delay_ms + jitter_ms * this.random.next()
  }

  // ---- connections: every running node keeps one to every other

  #connectAll(node: SimNode, life: number): void {
    if (node.life !== life) return
    for (const other of this.nodes.values()) this.#tryConnect(node, other)
    this.#after(1000 + this.random.below(200), () => this.#connectAll(node, life))
  }

  #tryConnect(a: SimNode, b: SimNode): boolean {
    if (a === b || a.connected.has(b.name) || a.registry === undefined || b.registry === undefined) return false
    if (this.#link(a.name, b.name).cut || this.#link(b.name, a.name).cut) return false
    a.connected.add(b.name)
    b.connected.add(a.name)
    this.#feedLater(a, 0, { type: 'connected', peer: b.name })
    this.#feedLater(b, this.#delay(a.name, b.name), { type: 'connected', peer: a.name })
    return true
  }

  #disconnect(gone: string, peer: string): void {
    this.node(gone).connected.delete(peer)
    const other = this.node(peer)
    other.connected.delete(gone)
    this.#feedLater(this.node(gone), 0, { type: 'disconnected', peer })
    if (!this.#link(gone, peer).cut)
      this.#feedLater(other, this.#delay(gone, peer), { type: 'disconnected', peer: gone })
    for (const request of this.#requests.values()) {
      const between = [request.asker.name, request.answerer.name]
      if (between.includes(gone) && between.includes(peer)) this.#closeRequest(request, false, 1)
    }
  }

  #dial(node: SimNode, peer: string): void {
    const other = this.nodes.get(peer)
    if (other === undefined || node.connected.has(peer) || this.#link(node.name, peer).cut) return
    if (other.registry === undefined && !this.#vanished(other)) {
      this.#feedLater(node, 2 * this.#delay(node.name, peer), { type: 'refused', peer })
    } else {
      this.#tryConnect(node, other)
    }
  }

  /** A machine without power refuses nothing. */
  #vanished(node: SimNode): boolean {
    return node.connected.size > 0
  }

  // ---- what callers do

  /** Sends a command; the promise-free answer is there once time has passed. */
  command(
    name: string,
    command: Command,
  ): { result?: { ok: boolean; value?: string; error?: RegistryError }; at?: number } {
    const answer: { result?: { ok: boolean; value?: string; error?: RegistryError }; at?: number } = {}
    const ticket = (this.#ticket += 1)
    this.#tickets.set(`${name}/${ticket}`, (result) => {
      answer.result = result
      answer.at = this.now
    })
    this.#feed(this.node(name), { type: 'command', ticket, command })
    return answer
  }

  register(name: string, registration: Partial<Registration> & { url: string }): ReturnType<World['command']> {
    return this.command(name, { type: 'register', registration: parseRegistration(registration) })
  }

  deregister(name: string, id: string): ReturnType<World['command']> {
    return this.command(name, { type: 'deregister', id })
  }

  /** What a health check of this url will find; `Healthy` unless said. */
  service(url: string, status: CheckResult['status']): void {
    this.#services.set(url, status)
  }

  /** Urls that `name` shows for a slug, sorted; undefined where it does not know the slug. */
  lookup(name: string, slug: string): string[] | undefined {
    const node = this.node(name)
    try {
      return node.live.read
        .lookup(slug, this.#moment(node))
        .instances.map(({ url }) => url)
        .sort()
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'not-found') return undefined
      throw error
    }
  }

  /** Ids that `name` shows. */
  instances(name: string): string[] {
    const node = this.node(name)
    return node.live.read.instances(this.#moment(node)).map(({ id }) => id)
  }

  /** What `name` believes of the others: `b:alive c:dead`. */
  beliefs(name: string): string {
    const node = this.node(name)
    const others = node.live.read.members(this.#moment(node)).filter(({ self }) => !self)
    return others.map(({ peer, state }) => `${peer}:${state}`).join(' ')
  }

  moment(name: string): Moment {
    return this.#moment(this.node(name))
  }

  running(): SimNode[] {
    return [...this.nodes.values()].filter(({ registry }) => registry !== undefined)
  }

  /** The digests of all running nodes; one entry where they are equal. */
  digests(): Set<string> {
    return new Set(this.running().map((node) => node.live.read.digest().digest))
  }

  // ---- time

  run(duration_ms: number): void {
    this.runUntil(this.now + duration_ms)
  }

  runUntil(end: number): void {
    for (;;) {
      const next = this.#queue.nextAt()
      if (next === undefined || next > end) break
      this.now = next
      this.#queue.pop()?.()
    }
    this.now = end
  }

  /** Runs until something holds; throws with the trace where it does not in time. @returns how long it took */
  until(condition: () => boolean, limit_ms: number, what = 'it'): number {
    const begun = this.now
    while (!condition()) {
      if (this.now - begun >= limit_ms) {
        throw new Error(`${what} did not happen within ${limit_ms} ms (seed ${this.#options.seed})\n${this.story()}`)
      }
      this.run(5)
    }
    return this.now - begun
  }

  /** The last lines of the trace. */
  story(lines = 60): string {
    return this.trace.slice(-lines).join('\n')
  }

  say(who: string, what: string): void {
    this.trace.push(`${(this.now / 1000).toFixed(3).padStart(9)} ${who} ${what}`)
  }

  #after(delay_ms: number, run: () => void): void {
    this.#queue.push(this.now + delay_ms, run)
  }

  #moment(node: SimNode): Moment {
    return { now: this.now, wall: epoch_ms + this.now + node.wallOffset_ms }
  }

  #scheduleWake(node: SimNode): void {
    const { registry, life } = node
    if (registry === undefined || registry.wakeAt >= node.wakeScheduledFor) return
    const at = Math.max(registry.wakeAt, this.now)
    node.wakeScheduledFor = at
    this.#queue.push(at, () => {
      if (node.life !== life || node.wakeScheduledFor !== at) return
      node.wakeScheduledFor = Number.POSITIVE_INFINITY
      if (this.now < node.pausedUntil) return
      this.#feed(node, { type: 'wake' })
    })
  }

  // ---- inputs and effects

  #feedLater(node: SimNode, delay_ms: number, input: Input): void {
    const { life } = node
    this.#after(delay_ms, () => {
      if (node.life === life) this.#feed(node, input)
    })
  }

  #feed(node: SimNode, input: Input): void {
    if (node.registry === undefined) return
    if (this.now < node.pausedUntil) {
      if (input.type !== 'wake') node.backlog.push(input)
      return
    }
    this.#run(node, node.registry.handle(input, this.#moment(node)))
    this.#scheduleWake(node)
  }

  #run(node: SimNode, effects: readonly Effect[]): void {
    for (const effect of effects) this.#perform(node, effect)
  }

  #perform(node: SimNode, effect: Effect): void {
    switch (effect.type) {
      case 'broadcast':
        this.sent.gossip += 1
        return this.#options.gossip === false ? undefined : this.#gossip(node, effect.bytes)
      case 'beat':
        return this.#beat(node, effect.to, effect.bytes)
      case 'request':
        return this.#ask(node, effect)
      case 'reply':
        return this.#answer(node, effect)
      case 'dial':
        return this.#after(1, () => node.registry && this.#dial(node, effect.peer))
      case 'redial':
        if (node.connected.has(effect.peer)) this.#disconnect(node.name, effect.peer)
        return
      case 'learn':
        return
      case 'store':
        return this.#store(node, effect)
      case 'up':
        return node.disk.noteUp(effect.wall)
      case 'check': {
        const status = this.#services.get(effect.url) ?? 'Healthy'
        return this.#feedLater(node, 2, { type: 'checked', id: effect.id, n: effect.n, result: { status } })
      }
      case 'settle': {
        const key = `${node.name}/${effect.ticket}`
        this.#tickets.get(key)?.(effect.result)
        this.#tickets.delete(key)
        return
      }
      case 'notify':
        node.events.push({ at: this.now, event: effect.event })
        return this.say(node.name, JSON.stringify(effect.event))
    }
  }

  #store(node: SimNode, effect: Effect & { type: 'store' }): void {
    const { life } = node
    const { failure } = node.disk
    if (failure !== undefined) return this.#feedLater(node, 1, { type: 'stored', id: effect.id, error: failure })
    if (!effect.sync) {
      node.disk.write(effect.ops, false)
      return this.#feedLater(node, 0, { type: 'stored', id: effect.id })
    }
    this.#after(this.#options.fsync_ms ?? 1, () => {
      if (node.life !== life) return
      node.disk.write(effect.ops, true)
      this.#feed(node, { type: 'stored', id: effect.id })
    })
  }

  /** Floods over the connections, as gossipsub does; each node hears it once. */
  #gossip(author: SimNode, bytes: Uint8Array): void {
    const seen = new Set([author.name])
    const pass = (from: SimNode): void => {
      for (const name of from.connected) {
        const link = this.#link(from.name, name)
        if (link.cut || this.random.chance(link.loss)) continue
        this.#after(this.#delay(from.name, name), () => {
          const to = this.node(name)
          if (to.registry === undefined || !to.connected.has(from.name)) return
          const isFirst = !seen.has(name)
          seen.add(name)
          this.sent.bytes += bytes.length
          if (!isFirst && !this.random.chance(link.doubled)) return
          this.#feed(to, { type: 'gossip', author: author.name, bytes })
          if (isFirst) pass(to)
        })
      }
    }
    pass(author)
  }

  #beat(node: SimNode, to: string, bytes: Uint8Array): void {
    const link = this.#link(node.name, to)
    this.sent.beat += 1
    this.sent.bytes += bytes.length
    if (!node.connected.has(to) || link.cut || this.random.chance(link.loss)) return
    this.#feedLater(this.node(to), this.#delay(node.name, to), { type: 'beat', from: node.name, bytes })
  }

  #ask(node: SimNode, { id, to, bytes, timeout_ms }: Effect & { type: 'request' }): void {
    this.sent.request += 1
    this.sent.bytes += bytes.length
    const key = String((this.#request += 1))
    const answerer = this.nodes.get(to)
    const { life } = node
    if (answerer === undefined || !node.connected.has(to))
      return this.#feedLater(node, 1, { type: 'closed', id, ok: false })
    const request = { asker: node, askerLife: life, answerer, id, lastAt: 0, closed: false }
    this.#requests.set(key, request)
    this.#after(timeout_ms, () => this.#closeRequest(request, false, 0))
    if (this.#link(node.name, to).cut) return
    this.#feedLater(answerer, this.#delay(node.name, to), { type: 'request', from: node.name, id: Number(key), bytes })
  }

  #answer(node: SimNode, { id, bytes, last }: Effect & { type: 'reply' }): void {
    const request = this.#requests.get(String(id))
    if (request === undefined || request.closed) return
    this.sent.bytes += bytes.length
    const { asker } = request
    if (this.#link(node.name, asker.name).cut || !node.connected.has(asker.name)) return
    request.lastAt = Math.max(request.lastAt, this.now + this.#delay(node.name, asker.name)) // streams keep their order
    this.#after(request.lastAt - this.now, () => {
      if (request.closed || asker.life !== request.askerLife) return
      this.#feed(asker, { type: 'response', id: request.id, bytes })
      if (last) this.#closeRequest(request, true, 0)
    })
  }

  #closeRequest(
    request: { asker: SimNode; askerLife: number; id: number; closed: boolean },
    ok: boolean,
    delay_ms: number,
  ): void {
    if (request.closed) return
    request.closed = true
    for (const [key, known] of this.#requests) if (known === request) this.#requests.delete(key)
    if (request.asker.life === request.askerLife)
      this.#feedLater(request.asker, delay_ms, { type: 'closed', id: request.id, ok })
  }
}

/** Signatures that anybody could forge, and nobody in here does. */
export function cheapCrypto(self: string): Crypto {
  const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
  const signature = (owner: string, bytes: Uint8Array): Uint8Array => {
    const half = createHash('sha256').update(owner).update(bytes).digest()
    return Buffer.concat([half, half])
  }
  return {
    hash,
    sign: (bytes) => signature(self, bytes),
    verify: (owner, bytes, given) => Buffer.compare(signature(owner, bytes), given) === 0,
  }
}
