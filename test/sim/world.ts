// A cluster of cores in virtual time: one seed, one story. Links delay, lose, double and reorder; machines crash, vanish, pause and come back.
import type { CheckResult, Command, Input, Moment, RegistryEvent } from '../../src/core/effects.js'
import { RegistryError } from '../../src/core/model/errors.js'
import { type Registration, parseRegistration } from '../../src/core/model/model.js'
import type { SignedHead } from '../../src/core/wire/head.js'
import { type Answer, Engine, type Watch } from './engine.js'
import { Machine, type StartOptions } from './machine.js'
import { firstHead } from './plane.js'
import { EventQueue } from '../../src/testing/queue.js'
import { Random } from './random.js'
import { recordWorld } from './recording/recording.js'
import { Trace } from './trace.js'
import { type LinkOptions, Wires } from './wires.js'

export interface WorldOptions {
  readonly seed: number
  readonly link?: Partial<LinkOptions>
  /** Gossip off: only streams. */
  readonly gossip?: boolean
  /** How long a synced write takes. */
  readonly fsync_ms?: number
  /** Daemons of the membership plane alone: heads without content, and nothing to look up. */
  readonly plane?: boolean
  /** Told once in each second of its time, for those who wait for a long story. */
  readonly onSecond?: (now_ms: number) => void
  readonly watch?: Watch
}

const day_ms = 24 * 3600_000
/** Less than the horizon: nobody is away for long. */
const daysAtOnce = 20
/** Until a daemon trusts its clock, and has noted that it is up. */
const settled_ms = 11 * 60_000

export class World {
  readonly random: Random
  readonly machines = new Map<string, Machine>()
  readonly wires: Wires
  readonly #trace = new Trace()
  readonly #time = new EventQueue()
  readonly #options: WorldOptions
  readonly #engine: Engine
  /** In a world of the membership plane: what a daemon knows when it starts. */
  readonly #heads: SignedHead[] = []

  constructor(options: WorldOptions) {
    this.#options = options
    this.random = new Random(options.seed)
    const recording = recordWorld()
    this.#engine = new Engine({
      time: this.#time,
      random: this.random,
      wires: () => this.wires,
      fsync_ms: options.fsync_ms ?? 1,
      say: (who, what) => this.say(who, what),
      ...(recording !== undefined && { recording }),
      ...(options.watch !== undefined && { watch: options.watch }),
    })
    this.wires = new Wires({
      random: this.random,
      machines: this.machines,
      link: options.link ?? {},
      now: () => this.now,
      after: (delay_ms, run) => this.#engine.after(delay_ms, run),
      feed: (machine, input) => this.#engine.feed(machine, input),
    })
    this.wires.gossipOn = options.gossip ?? true
    if (options.onSecond !== undefined) this.#tellTime(options.onSecond)
  }

  #tellTime(onSecond: (now_ms: number) => void): void {
    onSecond(this.now)
    this.#engine.after(1000, () => this.#tellTime(onSecond))
  }

  // ---- machines

  machine(name: string): Machine {
    const machine = this.machines.get(name)
    if (machine === undefined) throw new Error(`no machine ${name}`)
    return machine
  }

  /** A second machine with a copy of the first one's key and disk. */
  clone(name: string, copyName: string): Machine {
    const original = this.machine(name)
    const copy = new Machine(copyName, original.self)
    copy.disk = original.disk.copy()
    copy.wasStarted = original.wasStarted
    this.machines.set(copyName, copy)
    return copy
  }

  /** From now on its monotonic clock runs at this rate; 1 is right. */
  setClockRate(name: string, rate: number): void {
    const machine = this.machine(name)
    machine.clock.setRate(rate, this.now)
    machine.wakeScheduledFor = Number.POSITIVE_INFINITY
    this.#engine.scheduleWake(machine)
  }

  /** Starts a machine's daemon, for the first time or again. */
  start(name: string, options: StartOptions = {}): Machine {
    const machine = this.machines.get(name) ?? new Machine(name, name)
    this.machines.set(name, machine)
    this.wires.reset(machine)
    machine.life += 1
    machine.vanished = false
    machine.pausedUntil = 0
    const start = { boot: this.random.hex(16), ...(this.#options.plane === true && { plane: this.#heads }), ...options }
    const registry = machine.makeRegistry(start, this.#engine.moment(machine))
    if (machine.plane !== undefined && machine.plane.generation > 1) this.#heads.push(machine.plane.signed)
    this.say(name, 'starts')
    this.#engine.run(machine, registry.begin())
    this.#engine.scheduleWake(machine)
    this.#engine.feedLater(machine, 3, { type: 'listening', addresses: [`/dns4/${name}/tcp/1`] })
    const { life } = machine
    this.#engine.after(5, () => this.#keepDialling(machine, life))
    return machine
  }

  /** The addresses of a machine have changed: callers know its node by another url from now on. */
  move(name: string, url: string): void {
    const machine = this.machine(name)
    this.#engine.feed(machine, { type: 'listening', addresses: [`/dns4/${name}/tcp/1`], url })
  }

  /** Starts these with one another's heads known: as if they had met before. Only in a world of the membership plane. */
  startPrepared(names: readonly string[]): void {
    const boots = new Map(names.map((name) => [name, this.random.hex(16)]))
    for (const [name, boot] of boots) this.#heads.push(firstHead(name, boot, 1))
    for (const [name, boot] of boots) {
      this.start(name, { boot })
      this.run(1000 / boots.size) // daemons beat at different moments
    }
  }

  startAll(...names: string[]): Machine[] {
    return names.map((name) => this.start(name))
  }

  /** `kill -9`: its connections are reset, its disk keeps what the machine had taken. */
  crash(name: string): void {
    const machine = this.machine(name)
    this.wires.reset(machine)
    this.#end(machine)
    this.say(name, 'crashes')
  }

  /** The machine loses power: nobody is told, and unsynced writes are gone. */
  vanish(name: string): void {
    const machine = this.machine(name)
    this.#end(machine)
    machine.vanished = true
    machine.disk.powerCut(this.random)
    this.say(name, 'vanishes')
  }

  /** A goodbye, then the end. */
  leave(name: string): void {
    this.command(name, { type: 'leave' })
    this.run(100)
    this.crash(name)
  }

  #end(machine: Machine): void {
    for (const ops of machine.writing) if (this.random.chance(0.5)) machine.disk.write(ops, true) // on disk, but nobody was told
    machine.writing.clear()
    machine.registry = undefined
    machine.life += 1
    machine.backlog.length = 0
    machine.wakeScheduledFor = Number.POSITIVE_INFINITY
  }

  /** SIGSTOP: time passes it by; what arrives meanwhile is delivered on waking. */
  pause(name: string, duration_ms: number): void {
    const machine = this.machine(name)
    machine.pausedUntil = this.now + duration_ms
    const { life } = machine
    this.say(name, `pauses for ${duration_ms} ms`)
    this.#engine.after(duration_ms, () => {
      if (machine.life !== life) return
      for (const input of machine.backlog.splice(0)) this.#engine.feed(machine, input)
      this.#engine.feed(machine, { type: 'wake' })
    })
  }

  #keepDialling(machine: Machine, life: number): void {
    if (machine.life !== life) return
    this.wires.dialWanted(machine)
    this.wires.dialStrangers(machine)
    this.#engine.after(1000 + this.random.below(200), () => this.#keepDialling(machine, life))
  }

  // ---- links

  /** Cuts both ways between every two machines of different groups. */
  partition(...groups: string[][]): void {
    groups.forEach((group, i) => {
      for (const other of groups.slice(i + 1)) for (const a of group) for (const b of other) this.cut(a, b)
    })
    this.say('world', `is cut into ${groups.map((group) => group.join('')).join(' | ')}`)
  }

  cut(a: string, b: string): void {
    this.wires.set(a, b, { cut: true })
    this.wires.set(b, a, { cut: true })
  }

  heal(): void {
    this.wires.heal()
    this.say('world', 'is whole again')
  }

  // ---- what callers do

  /** Sends a command; its answer fills in once time has passed. */
  command(name: string, command: Command): Answer {
    return this.#engine.command(this.machine(name), command)
  }

  register(name: string, registration: Partial<Registration> & { url: string }): Answer {
    return this.command(name, { type: 'register', registration: parseRegistration(registration, 'own') })
  }

  deregister(name: string, id: string): Answer {
    return this.command(name, { type: 'deregister', id })
  }

  define(name: string, id: string, body: unknown = {}): Answer {
    return this.command(name, { type: 'save-definition', definition: { id, body } })
  }

  undefine(name: string, id: string): Answer {
    return this.command(name, { type: 'remove-definition', id })
  }

  /** What a health check of this url will find, of one kind where that is said; `Healthy` unless said. `silent`: no answer, ever. */
  service(url: string, status: CheckResult['status'] | 'silent', check?: string): void {
    this.#engine.services.set(check === undefined ? url : `${check} ${url}`, status)
  }

  /** Tells a registry something by hand. */
  feed(name: string, input: Input): void {
    this.#engine.feed(this.machine(name), input)
  }

  // ---- what callers see

  /** Urls that `name` shows for a slug, sorted; undefined where it does not know the slug. */
  lookup(name: string, slug: string): string[] | undefined {
    const machine = this.machine(name)
    try {
      const { instances } = machine.live.read.lookup(slug, this.#engine.moment(machine))
      return instances.map(({ url }) => url).sort()
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'not-found') return undefined
      throw error
    }
  }

  /** Ids that `name` shows. */
  instances(name: string): string[] {
    const machine = this.machine(name)
    return machine.live.read.instances(this.#engine.moment(machine)).map(({ id }) => id)
  }

  /** Ids of the definitions that `name` shows. */
  definitions(name: string): string[] {
    return this.machine(name)
      .live.read.definitions()
      .map(({ id }) => id)
  }

  /** What `name` believes of the others: `b:alive c:dead`. */
  beliefs(name: string): string {
    const machine = this.machine(name)
    const others = machine.live.read.members(this.#engine.moment(machine)).filter(({ self }) => !self)
    return others.map(({ peer, state }) => `${peer}:${state}`).join(' ')
  }

  moment(name: string): Moment {
    return this.#engine.moment(this.machine(name))
  }

  running(): Machine[] {
    return [...this.machines.values()].filter(({ registry }) => registry !== undefined)
  }

  /** The digests of all running daemons; one entry where they are equal. */
  digests(): Set<string> {
    return new Set(this.running().map((machine) => machine.live.read.digest().digest))
  }

  // ---- time

  get now(): number {
    return this.#time.now
  }

  run(duration_ms: number): void {
    this.runUntil(this.now + duration_ms)
  }

  runUntil(end: number): void {
    this.#time.runUntil(end)
  }

  /** Runs until something holds; throws with the trace where it does not in time. @returns how long it took */
  until(condition: () => boolean, limit_ms: number, what = 'it', step_ms = 5): number {
    const begun = this.now
    while (!condition()) {
      if (this.now - begun >= limit_ms) {
        throw new Error(
          `${what} did not happen within ${limit_ms} ms (seed ${this.#options.seed})\n${this.story()}\n${this.states()}`,
        )
      }
      this.run(step_ms)
    }
    return this.now - begun
  }

  /**
   * Days go by on every wall clock, those of machines that are off included. Daemons that run are started again now and
   * then, as over weeks they are: within one run they would take such a jump of their clock for the fault that it is.
   */
  passDays(days: number): void {
    for (let left = days; left > 0; left -= daysAtOnce) {
      const running = this.running().map(({ name }) => name)
      for (const name of running) this.crash(name)
      for (const machine of this.machines.values()) machine.wallOffset_ms += Math.min(left, daysAtOnce) * day_ms
      for (const name of running) this.machine(name).disk.live(Math.min(left, daysAtOnce) * day_ms)
      for (const name of running) this.start(name)
      this.run(settled_ms)
    }
    this.say('world', `is ${days} days older`)
  }

  /** Everything that happened, a line each. */
  get trace(): string[] {
    return this.#trace.lines()
  }

  /** The last lines of the trace. */
  story(lines = 30): string {
    return this.#trace.last(lines).join('\n')
  }

  /** How every running daemon is inside, a line each. */
  states(): string {
    return this.running()
      .map(({ name, live }) => `${name}: ${JSON.stringify(live)}`)
      .join('\n')
  }

  say(who: string, what: string | RegistryEvent): void {
    this.#trace.add({ at: this.now, who, what })
  }
}
