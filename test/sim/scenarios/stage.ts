// Where every scenario begins and ends: a cluster that agrees, with instances that stand and some that were removed; and what must be true of it afterwards.
import type { Answer } from '../engine.js'
import { World } from '../world.js'
import { type Bounds, type Figures, type Outcome, exceeded } from './outcome.js'

export interface StageOptions {
  readonly nodes: number
  readonly seed: number
  /** Of the order of a tenth of the time, for tests that run often. */
  readonly quick: boolean
  /** The membership plane alone: heads without content, so nothing is written, removed or lost. */
  readonly plane?: boolean
  /** Told once in each second of the world's time. */
  readonly onSecond?: (now_ms: number) => void
}

export interface Scenario {
  readonly name: string
  /** What happens, in a line. */
  readonly what: string
  readonly run: (options: StageOptions) => Outcome
  /** It says nothing without content. */
  readonly needsContent?: true
  /** It tries out all that there is anyway: another seed changes little. */
  readonly chance?: 'little'
}

/** Before that, the farewells of those whom nobody has to hear any more come to an end. */
const settling_ms = 5000
/** The time in which heartbeats are counted, with nothing going on. */
const quiet_ms = 5000
const step_ms = 50
/** Instances that are removed in the middle of the trouble. */
const removedCount = 6

export class Stage {
  readonly world: World
  readonly names: readonly string[]
  /** Acknowledged registrations by id. */
  readonly #written = new Map<string, Answer>()
  /** Removed, and known to be so everywhere, since a moment. */
  readonly #removed = new Map<string, number>()
  readonly #removedMeanwhile: { readonly id: string; readonly by: string; readonly answer: Answer }[] = []
  readonly #figures: Record<string, unknown> = {}
  readonly #wrong: string[] = []

  readonly #plane: boolean

  constructor({ nodes, seed, plane = false, onSecond }: StageOptions) {
    this.#plane = plane
    const link = { delay_ms: 1, jitter_ms: seed % 3 }
    this.world = new World({ seed, link, plane, ...(onSecond !== undefined && { onSecond }) })
    this.names = Array.from({ length: nodes }, (_, i) => nameOf(i))
    if (plane) this.world.startPrepared(this.names)
    else for (const name of this.names) this.world.start(name)
    if (this.untilAlive(60_000) === Number.POSITIVE_INFINITY) this.wrong('a healthy cluster did not find together')
    if (!plane) this.#furnish()
    this.#countHeartbeats()
  }

  /** One instance on each of at most twenty machines that stays, and one that is removed, by its owner or by another. */
  #furnish(): void {
    const homes = this.names.slice(0, 20)
    for (const home of homes) {
      this.write(home)
      for (const id of [`gone-${home}`, `going-${home}`])
        this.world.register(home, { id, slug: 'gone', url: `http://${id}.test:1` })
    }
    this.world.run(500)
    homes.forEach((home, i) => this.world.deregister(i % 2 === 0 ? home : this.anyOf(this.names), `gone-${home}`))
    this.untilEqual(60_000)
    for (const home of homes) this.#removed.set(`gone-${home}`, this.world.now)
  }

  #countHeartbeats(): void {
    const { world } = this
    const { sent, sentBytes } = world.wires
    world.run(settling_ms)
    const [beats, bytes] = [sent.beat, sentBytes.beat]
    world.run(quiet_ms)
    const share = this.names.length * (quiet_ms / 1000)
    this.measured({ beats: (sent.beat - beats) / share, beatBytes: (sentBytes.beat - bytes) / share })
  }

  // ---- choosing

  anyOf(names: readonly string[]): string {
    return this.world.random.pick(names)
  }

  /** So many different ones. */
  some(count: number, names: readonly string[] = this.names): string[] {
    const left = [...names]
    return Array.from({ length: count }, () => left.splice(this.world.random.below(left.length), 1)[0] as string)
  }

  /** All others. */
  without(names: readonly string[]): string[] {
    const out = new Set(names)
    return this.names.filter((name) => !out.has(name))
  }

  // ---- writing

  /** Registers an instance of an id of its own. */
  write(name: string): void {
    if (this.#plane) return
    const id = `i${this.#written.size}-${name}`
    this.#written.set(id, this.world.register(name, { id, slug: 'web', url: `http://${id}.test:80` }))
  }

  /** Writes this often a second, at machines in turn that run. */
  writeFor(names: readonly string[], perSecond: number, duration_ms: number): void {
    const begun = this.world.now
    for (let i = 0; i < (perSecond * duration_ms) / 1000; i++) {
      this.write(names[i % names.length] as string)
      this.world.runUntil(begun + ((i + 1) * 1000) / perSecond)
    }
  }

  /** In the middle of the trouble: some instances are removed at machines that run, whoever owns them. */
  removeMeanwhile(): void {
    if (this.#plane) return
    const running = this.world.running().map(({ name }) => name)
    for (const home of this.names.slice(0, removedCount)) {
      const by = this.anyOf(running)
      const id = `going-${home}`
      if (!this.world.instances(by).includes(id)) continue
      this.#removedMeanwhile.push({ id, by, answer: this.world.deregister(by, id) })
    }
  }

  // ---- rest

  /** @returns how long it took, `Infinity` where it did not come about in time */
  untilAlive(limit_ms: number): number {
    return this.#until(() => this.areAlive(), limit_ms)
  }

  untilEqual(limit_ms: number): number {
    return this.#until(() => this.areAlive() && this.world.digests().size === 1, limit_ms)
  }

  #until(condition: () => boolean, limit_ms: number): number {
    const begun = this.world.now
    while (!condition()) {
      if (this.world.now - begun >= limit_ms) return Number.POSITIVE_INFINITY
      this.world.run(step_ms)
    }
    return this.world.now - begun
  }

  /** Whether all that run believe all that run alive, and nobody else. */
  areAlive(): boolean {
    const running = this.world.running()
    return running.every(({ live }) => live.readiness().ready && live.read.alive === running.length)
  }

  // ---- the end

  measured(figures: Figures): void {
    Object.assign(this.#figures, figures)
  }

  /** Something that no figure says. */
  wrong(what: string): void {
    this.#wrong.push(what)
  }

  /** Nothing is cut, everybody runs; measures how long they take to agree, and looks whether anything is lost or back. */
  end(bounds: Bounds): Outcome {
    const { world } = this
    world.heal()
    for (const { name, registry } of world.machines.values()) if (registry === undefined) world.start(name)
    const alive_ms = this.untilAlive(120_000)
    const equal_ms = alive_ms + this.untilEqual(120_000)
    this.measured({ alive_ms, equal_ms, ...(!this.#plane && { lost: this.#lost() }) })
    const { lost = 0, ...others }: Bounds = { alive_ms: 60_000, equal_ms: 60_000, ...bounds }
    const all: Bounds = this.#plane ? others : { ...others, lost }
    const broken = [...exceeded(this.#figures as Figures, all), ...this.#cameBack(), ...this.#wrong]
    return { figures: this.#figures as Figures, broken, story: broken.length === 0 ? '' : world.story(25) }
  }

  #lost(): number {
    const shown = this.world.running().map(({ name }) => new Set(this.world.instances(name)))
    const acknowledged = [...this.#written].filter(([, { result }]) => result?.ok === true)
    return acknowledged.filter(([id]) => !shown.every((ids) => ids.has(id))).length
  }

  /** What was removed and is shown: by anybody ever after all knew of it, by its remover since the answer, by anybody in the end. */
  #cameBack(): string[] {
    const { world } = this
    const acknowledged = this.#removedMeanwhile.filter(({ answer }) => answer.result?.ok === true)
    const known = new Map(acknowledged.map(({ id, by, answer }) => [`${by}/${id}`, answer.at ?? 0]))
    const again = [...world.machines.values()].flatMap(({ name, events }) =>
      events.flatMap(({ at, event }) => {
        if (event.type !== 'instance' || event.change !== 'shown') return []
        const since = this.#removed.get(event.id) ?? known.get(`${name}/${event.id}`) ?? at
        return at > since ? [`${event.id} was removed, and ${name} showed it again at ${at} ms`] : []
      }),
    )
    const gone = new Set([...this.#removed.keys(), ...acknowledged.map(({ id }) => id)])
    const still = world
      .running()
      .flatMap(({ name }) =>
        world.instances(name).flatMap((id) => (gone.has(id) ? [`${id} was removed, and ${name} shows it`] : [])),
      )
    return [...again, ...still]
  }
}

function nameOf(i: number): string {
  return `n${String(i).padStart(3, '0')}`
}
