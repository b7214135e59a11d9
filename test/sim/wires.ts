// The wires between simulated machines: links with delay, loss, doubling and cuts; connections over them; gossip, frames and streams over those.
import type { Effect, Input } from '../../src/core/effects.js'
import { encodeBeat } from '../../src/core/wire/beat.js'
import { pause_ms } from '../../src/io/network/schedule.js'
import { type Machine, noLinks } from './machine.js'
import { Copies } from './copies.js'
import type { Random } from './random.js'

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

/** What the wires need of the world around them. */
export interface Ground {
  readonly random: Random
  readonly machines: ReadonlyMap<string, Machine>
  readonly link: Partial<LinkOptions>
  now(): number
  after(delay_ms: number, run: () => void): void
  feed(machine: Machine, input: Input): void
}

/** One message of any kind on its way, as tests see it. */
export interface Sent {
  readonly kind: 'gossip' | 'beat' | 'request' | 'reply'
  readonly from: string
  readonly to: string
  readonly bytes: Uint8Array
  /** Of gossip: whose it is, whoever passes it on. */
  readonly author?: string
}

/** Over which link gossip goes from one machine to another. */
interface Route {
  readonly from: Machine
  readonly to: Machine
  /** Of the receiver: machines are numbered in the order in which the wires came to know them. */
  readonly number: number
  readonly link: LinkOptions
}

interface Request {
  readonly asker: Machine
  readonly askerLife: number
  readonly answerer: Machine
  readonly id: number
  lastAt: number
  closed: boolean
}

/** Of all machines, how many a search for strangers looks at, and how many of those it dials. */
const strangersSeen = 16
const strangersAtOnce = 4
/** Of two daemons with one key each is sent away after so long, and comes again; and after so long once they have had time to find out. */
const turn_ms = { first: 2000, later: 30_000 } as const
const firstTurns = 32
/** Who takes nothing of an answer for so long is cut off. */
const taking_ms = 15_000

/** The first bytes of the frames that say what a daemon is able to. */
const [able] = encodeBeat({ type: 'able' })
const [passing] = encodeBeat({ type: 'passing' })

export class Wires {
  readonly #ground: Ground
  /** What is special about single links, by sender and receiver. */
  readonly #links = new Map<string, Map<string, LinkOptions>>()
  /** What was last made of something special, for the next link that is like it: a partition of a thousand cuts half a million. */
  #lastSpecial: LinkOptions | undefined
  /** Where gossip goes from each machine, until its links or connections change. */
  readonly #routes = new Map<Machine, readonly Route[]>()
  readonly #numbers = new Map<Machine, number>()
  readonly #requests = new Map<number, Request>()
  #lastRequest = 0
  readonly #toldAt = new Map<string, number>()
  /** How often one of two daemons with one key was sent away, by who did and the key. */
  readonly #turns = new Map<string, number>()
  #copies = { among: 0, any: false }
  /** Some link carries gossip twice. */
  #mayDouble: boolean
  gossipOn = true
  /** While set, no link loses anything. */
  lossless = false
  /** Messages and bytes by kind, for costs; gossip counts at each receiver. */
  readonly sent = { gossip: 0, beat: 0, request: 0, reply: 0 }
  readonly sentBytes = { gossip: 0, beat: 0, request: 0, reply: 0 }
  /** Looks at each message before it goes; false loses it, a number delays it by so many milliseconds more. */
  tap: ((message: Sent) => boolean | number | void) | undefined

  /** What a link is like of which nothing was said. */
  readonly #plain: LinkOptions

  constructor(ground: Ground) {
    this.#ground = ground
    this.#plain = { delay_ms: 1, jitter_ms: 0, loss: 0, doubled: 0, cut: false, ...ground.link }
    this.#mayDouble = this.#plain.doubled > 0
  }

  /** Requests that wait for an answer; bounded in a healthy world. */
  get openRequests(): number {
    return this.#requests.size
  }

  // ---- links

  set(from: string, to: string, options: Partial<LinkOptions>): void {
    const links = this.#links.get(from) ?? new Map<string, LinkOptions>()
    const link = { ...(links.get(to) ?? this.#plain), ...options }
    if (this.#lastSpecial === undefined || !isAlike(link, this.#lastSpecial)) this.#lastSpecial = link
    this.#links.set(from, links.set(to, this.#lastSpecial))
    this.#routes.clear()
    if (options.doubled !== undefined && options.doubled > 0) this.#mayDouble = true
  }

  /** Nothing is cut any more, and what was set for single links is as for all. */
  heal(): void {
    this.#links.clear()
    this.#routes.clear()
  }

  #link(from: string, to: string): LinkOptions {
    return this.#links.get(from)?.get(to) ?? this.#plain
  }

  #routesOf(from: Machine): readonly Route[] {
    const known = this.#routes.get(from)
    if (known !== undefined) return known
    const routes = Array.from(from.connected, (name): Route => {
      const to = this.#ground.machines.get(name) as Machine
      return { from, to, number: this.#numberOf(to), link: this.#link(from.name, name) }
    })
    this.#routes.set(from, routes)
    return routes
  }

  #numberOf(machine: Machine): number {
    const number = this.#numbers.get(machine) ?? this.#numbers.size
    this.#numbers.set(machine, number)
    return number
  }

  #connectionsChanged(a: Machine, b: Machine): void {
    this.#routes.delete(a)
    this.#routes.delete(b)
  }

  #isLost(link: LinkOptions): boolean {
    return link.cut || this.#ground.random.chance(this.lossless ? 0 : link.loss)
  }

  #delay({ delay_ms, jitter_ms }: LinkOptions): number {
    return delay_ms + jitter_ms * this.#ground.random.next()
  }

  /** @returns how much later it arrives because of the tap; undefined where it is lost */
  #count(kind: Sent['kind'], from: Machine, to: Machine, bytes: Uint8Array, author?: string): number | undefined {
    this.sent[kind] += 1
    this.sentBytes[kind] += bytes.length
    if (this.tap === undefined) return 0
    const verdict = this.tap({ kind, from: from.name, to: to.name, bytes, ...(author !== undefined && { author }) })
    return verdict === false ? undefined : typeof verdict === 'number' ? verdict : 0
  }

  #later(machine: Machine, delay_ms: number, input: Input): void {
    const { life } = machine
    this.#ground.after(delay_ms, () => {
      if (machine.life === life) this.#ground.feed(machine, input)
    })
  }

  // ---- connections: where a daemon wants them

  /** As the network does: again and again, after ever longer pauses. */
  dialWanted(machine: Machine): void {
    if (this.#ground.now() < machine.pausedUntil) return
    for (const self of machine.links.wanted) this.#dialInTurn(machine, self)
  }

  /** Everybody is on one local network, so each finds all others; a few of those whom it does not know at a time. */
  dialStrangers(machine: Machine): void {
    if (this.#ground.now() < machine.pausedUntil) return
    const { wanted, spared } = machine.links
    const all = [...this.#ground.machines.values()]
    let dialled = 0
    for (let i = 0; i < Math.min(all.length, strangersSeen) && dialled < strangersAtOnce; i++) {
      const { self } = all[machine.strangerTurn++ % all.length] as Machine
      if (self === machine.self || wanted.has(self) || spared.has(self)) continue
      if (this.#dialInTurn(machine, self)) dialled += 1
    }
  }

  /** @returns whether it was its turn */
  #dialInTurn(machine: Machine, self: string): boolean {
    const now = this.#ground.now()
    const turn = machine.dials.get(self) ?? { failures: 0, dueAt: now }
    if (machine.registry === undefined || now < turn.dueAt || this.#peer(machine, self) !== undefined) return false
    machine.dials.set(self, turn)
    this.dial(machine, self)
    turn.dueAt =
      now + pause_ms(turn.failures, machine.links.wanted.has(self)) * (0.75 + 0.5 * this.#ground.random.next())
    turn.failures += 1
    return true
  }

  /** The machine that is asked as this peer: of two with one key the one that is connected for longer. */
  #peer(machine: Machine, self: string): Machine | undefined {
    return this.#ends(machine, self)[0]
  }

  /** The machines at the other ends of our connections with one peer, the oldest connection first. */
  #ends(machine: Machine, self: string): readonly Machine[] {
    const { machines } = this.#ground
    if (!this.#hasCopies()) {
      const only = machine.connected.has(self) ? machines.get(self) : undefined
      return only === undefined ? [] : [only]
    }
    const all = Array.from(machine.connected, (name) => machines.get(name) as Machine)
    return all.filter((other) => other.self === self)
  }

  /** Whether any two machines have one key; else each is found by it. */
  #hasCopies(): boolean {
    const { machines } = this.#ground
    if (this.#copies.among !== machines.size) {
      const isCopy = (name: string): boolean => machines.get(name)?.self !== name
      this.#copies = { among: machines.size, any: [...machines.keys()].some(isCopy) }
    }
    return this.#copies.any
  }

  #connect(a: Machine, b: Machine): void {
    if (a.self === b.self || a.registry === undefined || b.registry === undefined) return
    if (a.connected.has(b.name)) return
    if (this.#link(a.name, b.name).cut || this.#link(b.name, a.name).cut) return
    const now = this.#ground.now()
    if (a.pausedUntil > now || b.pausedUntil > now) return // nobody shakes hands
    const [hasB, hasA] = [this.#peer(a, b.self) !== undefined, this.#peer(b, a.self) !== undefined]
    a.connected.add(b.name)
    b.connected.add(a.name)
    this.#connectionsChanged(a, b)
    a.dials.delete(b.self)
    b.dials.delete(a.self)
    this.#noticeClosed(a, b.self)
    this.#noticeClosed(b, a.self)
    if (hasB) this.#takeTurns(a, b.self)
    else this.#tell(a, 0, { type: 'connected', peer: b.self })
    if (hasA) this.#takeTurns(b, a.self)
    else this.#tell(b, this.#delay(this.#link(a.name, b.name)), { type: 'connected', peer: a.self })
  }

  /** As the network does: of two daemons with one key each has a connection, and the one that has it for longer is sent away. */
  #takeTurns(machine: Machine, self: string): void {
    const { life } = machine
    const key = `${machine.name}/${life}/${self}`
    const turns = this.#turns.get(key) ?? 0
    this.#turns.set(key, turns + 1)
    // At exact times its disputes would be told to the same one for ever.
    const pause_ms = (turns < firstTurns ? turn_ms.first : turn_ms.later) * (0.75 + 0.5 * this.#ground.random.next())
    this.#ground.after(pause_ms, () => {
      const [older, newer] = machine.life === life ? this.#ends(machine, self) : []
      if (older !== undefined && newer !== undefined) this.disconnect(machine, older)
    })
  }

  /** A machine hears of its connections with one peer in the order in which they came and went. */
  #tell(machine: Machine, delay_ms: number, input: Input & { type: 'connected' | 'disconnected' }): void {
    const key = `${machine.name}/${machine.life}/${input.peer}`
    const at = Math.max(this.#ground.now() + delay_ms, this.#toldAt.get(key) ?? 0)
    this.#toldAt.set(key, at)
    this.#later(machine, at - this.#ground.now(), input)
  }

  /** The machine learns that the far end of a connection has long been gone. */
  #noticeClosed(machine: Machine, peer: string): void {
    if (machine.halfOpen.delete(peer)) this.#tell(machine, 0, { type: 'disconnected', peer })
  }

  /** `from` closes its connection; the other end hears of it where the link still carries. */
  disconnect(from: Machine, other: Machine): void {
    from.connected.delete(other.name)
    other.connected.delete(from.name)
    this.#connectionsChanged(from, other)
    if (this.#peer(from, other.self) === undefined) this.#tell(from, 0, { type: 'disconnected', peer: other.self })
    const link = this.#link(from.name, other.name)
    const isLast = this.#peer(other, from.self) === undefined
    if (isLast && link.cut) other.halfOpen.add(from.self)
    else if (isLast) this.#tell(other, this.#delay(link), { type: 'disconnected', peer: from.self })
    for (const [key, request] of this.#requests) {
      const between = [request.asker, request.answerer]
      if (between.includes(from) && between.includes(other)) this.#close(key, false, 1)
    }
  }

  /** A machine that starts has no connections; those who believe otherwise learn it now. */
  reset(machine: Machine): void {
    for (const name of machine.connected) {
      const other = this.#ground.machines.get(name) as Machine
      this.disconnect(machine, other)
    }
    machine.halfOpen.clear()
    machine.dials.clear()
    machine.links = noLinks
  }

  dial(machine: Machine, self: string): void {
    if (machine.registry === undefined || this.#peer(machine, self) !== undefined) return
    const others = [...this.#ground.machines.values()].filter((other) => other.self === self)
    const within = others.filter((other) => !this.#link(machine.name, other.name).cut)
    for (const other of within) this.#connect(machine, other)
    const isRefused = within.length > 0 && within.every(({ registry, vanished }) => registry === undefined && !vanished)
    if (isRefused && within.length === others.length) {
      this.#later(machine, 2 * this.#delay(this.#link(machine.name, within[0]?.name ?? '')), {
        type: 'refused',
        peer: self,
        isVacant: true,
      })
    }
  }

  hangUp(machine: Machine, self: string): void {
    for (const other of this.#ends(machine, self)) this.disconnect(machine, other)
  }

  redial(machine: Machine, self: string): void {
    this.#noticeClosed(machine, self)
    for (const other of this.#ends(machine, self)) this.disconnect(machine, other)
  }

  // ---- messages

  /** Floods over the connections, as gossipsub does; each machine hears it once, and nobody hears himself. */
  gossip(author: Machine, bytes: Uint8Array): void {
    if (!this.gossipOn) return
    const seen: boolean[] = []
    seen[this.#numberOf(author)] = true
    const arrive = ({ from, to, number, link }: Route): boolean => {
      if (to.registry === undefined || !to.connected.has(from.name) || to.self === author.self) return false
      const isFirst = seen[number] !== true
      seen[number] = true
      if (!isFirst && !this.#ground.random.chance(link.doubled)) return true
      this.#ground.feed(to, { type: 'gossip', author: author.self, bytes })
      if (isFirst) pass(to)
      return true
    }
    const copies = new Copies(this.#ground, arrive)
    const pass = (from: Machine): void => {
      for (const route of this.#routesOf(from)) {
        const { to, number, link } = route
        const more_ms = this.#count('gossip', from, to, bytes, author.name)
        if (!this.#mayDouble && seen[number] === true) continue // nobody would look at it
        if (more_ms === undefined || this.#isLost(link)) continue
        const delay_ms = this.#delay(link) + more_ms
        if (link.doubled > 0) this.#ground.after(delay_ms, () => void arrive(route))
        else copies.send(route, delay_ms)
      }
    }
    pass(author)
  }

  beat(machine: Machine, self: string, bytes: Uint8Array): void {
    for (const to of this.#ends(machine, self)) this.#beatTo(machine, to, bytes)
  }

  #beatTo(machine: Machine, to: Machine, bytes: Uint8Array): void {
    const more_ms = this.#count('beat', machine, to, bytes)
    const link = this.#link(machine.name, to.name)
    // The same from all, with each connection: to draw lots for it would only lead every life on record another way.
    const isAble = bytes[0] === able || bytes[0] === passing
    if (more_ms === undefined || (isAble ? link.cut : this.#isLost(link))) return
    this.#later(to, (isAble ? link.delay_ms : this.#delay(link)) + more_ms, { type: 'beat', from: machine.self, bytes })
  }

  ask(machine: Machine, { id, to, bytes, timeout_ms }: Effect & { type: 'request' }): void {
    const answerer = this.#peer(machine, to)
    if (answerer === undefined) return this.#later(machine, 1, { type: 'closed', id, ok: false })
    const key = (this.#lastRequest += 1)
    this.#requests.set(key, {
      asker: machine,
      askerLife: machine.life,
      answerer,
      id,
      lastAt: 0,
      closed: false,
    })
    this.#ground.after(timeout_ms, () => this.#close(key, false, 0))
    const more_ms = this.#count('request', machine, answerer, bytes)
    const link = this.#link(machine.name, answerer.name)
    if (more_ms === undefined || link.cut) return
    this.#later(answerer, this.#delay(link) + more_ms, { type: 'request', from: machine.self, id: key, bytes })
  }

  answer(machine: Machine, { id, bytes: said, last, isPaced, afterWrites }: Effect & { type: 'reply' }): void {
    const bytes = afterWrites === true && machine.disk.failure !== undefined ? new Uint8Array() : said
    const request = this.#requests.get(id)
    if (request === undefined) return this.#gone(machine, id, isPaced, 0, false)
    const { asker } = request
    const more_ms = this.#count('reply', machine, asker, bytes)
    const link = this.#link(machine.name, asker.name)
    const isLost = more_ms === undefined || link.cut || !machine.connected.has(asker.name)
    if (isLost) return this.#gone(machine, id, isPaced, taking_ms, false)
    this.#gone(machine, id, isPaced, link.delay_ms, true)
    const now = this.#ground.now()
    request.lastAt = Math.max(request.lastAt, now + this.#delay(link) + more_ms) // streams keep their order
    this.#ground.after(request.lastAt - now, () => {
      if (request.closed || asker.life !== request.askerLife) return
      this.#ground.feed(asker, { type: 'response', id: request.id, bytes })
      if (last) this.#close(id, true, 0)
    })
  }

  /** What becomes of a piece of an answer is told to whoever gave it: its socket took it, or cut off whoever did not read. */
  #gone(machine: Machine, id: number, isPaced: true | undefined, delay_ms: number, ok: boolean): void {
    const isOurs = id <= this.#lastRequest // what a test asks by hand it also reads by hand
    if (isPaced === true && isOurs) this.#later(machine, delay_ms, { type: 'gone', id, ok })
  }

  #close(key: number, ok: boolean, delay_ms: number): void {
    const request = this.#requests.get(key)
    if (request === undefined) return
    this.#requests.delete(key)
    request.closed = true
    if (request.asker.life === request.askerLife)
      this.#later(request.asker, delay_ms, { type: 'closed', id: request.id, ok })
  }
}

function isAlike(a: LinkOptions, b: LinkOptions): boolean {
  return (
    a.delay_ms === b.delay_ms &&
    a.jitter_ms === b.jitter_ms &&
    a.loss === b.loss &&
    a.doubled === b.doubled &&
    a.cut === b.cut
  )
}
