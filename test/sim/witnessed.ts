// A random life in which every act is done at a node that has seen the act before: then the last acknowledged one is what all must show.
import { decodeSyncRequest } from '../../src/core/wire/sync.js'
import type { Disk } from './disk.js'
import type { Answer } from './engine.js'
import { mutate, noise } from './mutation.js'
import { Random } from './random.js'
import { agree, cluster } from './stories/cluster.js'
import type { Sent } from './wires.js'
import type { World } from './world.js'

const steps = 45
const ids = ['i0', 'i1', 'i2', 'i3'] as const
/** A caller waits so long; what was not answered by then may have been done or not, until somebody acts on it again. */
const patience_ms = 6000
const year_ms = 365 * 24 * 3600_000
/** Of all machines together, less than the horizon: whoever is away for longer begins anew. */
const daysOffAtMost = 20
/** Recorded messages that a hostile member changes, and says again. */
const heardAtMost = 200

/** What an id was last said to be: its url, with `(maintenance)` behind it where it is in it; `gone`. */
type Told = string

/** The last act on an id. */
interface Last {
  readonly told: Told
  /** Where its record is, or was; and where it was asked for: who has heard of both of them since has seen it. */
  readonly writers: ReadonlyMap<string, string>
  /** Somebody was not answered: it is this one or an earlier one. */
  readonly isSure: boolean
}

export class WitnessedLife {
  readonly #world: World
  readonly #random: Random
  readonly #names: readonly string[]
  readonly #last = new Map<string, Last>()
  readonly #backups = new Map<string, Disk>()
  /** Who has lost what he had seen, or was forgotten, since all last agreed: of such a one nobody can say what he has seen. */
  readonly #clouded = new Set<string>()
  readonly #heard: Sent[] = []
  readonly #isHostile: boolean
  readonly #hasBadDisks: boolean
  #daysOff = 0
  #serial = 0
  /** What was done, a line each. */
  readonly story: string[] = []
  acts = 0

  constructor(readonly seed: number) {
    this.#random = new Random(seed)
    this.#names = [...'abcde'.slice(0, 3 + this.#random.below(3))]
    this.#world = cluster(this.#names.join(''), { seed, link: { jitter_ms: [0, 5, 60][seed % 3] ?? 0 } })
    this.#isHostile = seed % 10 === 3
    this.#hasBadDisks = seed % 10 === 7
    if (this.#isHostile)
      this.#world.wires.tap = (sent) =>
        void (this.#heard.length < heardAtMost
          ? this.#heard.push({ ...sent, bytes: sent.bytes.slice() })
          : (this.#heard[this.#random.below(heardAtMost)] = { ...sent, bytes: sent.bytes.slice() }))
  }

  /** @returns what is wrong, a line each */
  run(): string[] {
    for (const id of ids) this.#act(id)
    for (let step = 0; step < steps; step += 1) {
      if (this.#random.chance(0.55)) this.#act(this.#random.pick(ids))
      else this.#befall()
      if (this.#isHostile) this.#molest()
      this.#world.run(this.#random.below(1500))
    }
    this.#rest()
    return this.#wrong()
  }

  // ---- what callers do

  #act(id: string): void {
    const last = this.#last.get(id)
    const knowing = this.#names.filter((name) => last === undefined || this.#hasSeen(name, id, last))
    if (knowing.length === 0) return
    const name = this.#random.pick(knowing)
    const isThere = last !== undefined && last.told !== 'gone'
    const dice = this.#random.below(10)
    if (!isThere || dice < 4) {
      const url = `http://${id}.test:${1000 + (this.#serial += 1)}`
      return this.#note(id, name, url, this.#world.register(name, { id, slug: 's', url, check: 'none' } as never))
    }
    if (dice < 7) return this.#note(id, name, 'gone', this.#world.deregister(name, id))
    const url = last.told.split(' ')[0] ?? ''
    const isHidden = last.told !== url
    const act = { type: 'maintenance', ...(!isHidden && { reason: 'so' }) } as const
    this.#note(id, name, isHidden ? url : `${url} (maintenance)`, this.#world.command(name, { type: 'act', id, act }))
  }

  #note(id: string, name: string, told: Told, answer: Answer): void {
    const home = this.#rows(name, id).find(({ visible, maintenance }) => visible || maintenance !== undefined)?.owner
    for (let waited_ms = 0; answer.result === undefined && waited_ms < patience_ms; waited_ms += 5) this.#world.run(5)
    const ok = answer.result?.ok === true
    this.story.push(
      `${this.#world.now} ${id} at ${name}: ${told}: ${ok ? 'done' : (answer.result?.error?.message ?? 'no answer')}`,
    )
    this.acts += 1
    const writers = new Map<string, string>()
    for (const writer of [name, home ?? name]) {
      const live = this.#world.machine(writer).registry
      const own = live?.read.digest().documents.find(({ owner }) => owner === writer)
      writers.set(writer, own === undefined ? 'nowhere' : `${own.generation} ${own.version}`)
    }
    const before = this.#last.get(id)
    this.#last.set(id, { told: ok ? told : (before?.told ?? 'gone'), writers, isSure: ok })
  }

  #hasSeen(name: string, id: string, { told, writers, isSure }: Last): boolean {
    const { registry, pausedUntil, disk } = this.#world.machine(name)
    if (registry === undefined || pausedUntil > this.#world.now || disk.failure !== undefined) return false
    if (!isSure || !registry.readiness().ready || this.#clouded.has(name) || this.#toldAt(name, id) !== told)
      return false
    const { documents } = registry.read.digest()
    return [...writers].every(([writer, then]) => {
      const [generation = Infinity, version = Infinity] = then.split(' ').map(Number)
      const held = documents.find(({ owner }) => owner === writer)
      if (held === undefined || this.#clouded.has(writer)) return false
      return held.generation > generation || (held.generation === generation && held.version >= version)
    })
  }

  #rows(name: string, id: string) {
    const { live } = this.#world.machine(name)
    return live.read.rows(this.#world.moment(name)).filter((row) => row.id === id)
  }

  #toldAt(name: string, id: string): Told {
    const row = this.#rows(name, id).find(
      ({ visible, maintenance, reason }) => visible || (maintenance !== undefined && reason === 'maintenance'),
    )
    if (row === undefined) return 'gone'
    return row.maintenance === undefined ? row.url : `${row.url} (maintenance)`
  }

  // ---- what befalls the nodes

  #befall(): void {
    const world = this.#world
    const name = this.#random.pick(this.#names)
    const machine = world.machine(name)
    if (machine.registry === undefined) return this.#start(name)
    const dice = this.#random.below(this.#hasBadDisks ? 24 : 20)
    if (dice < 3) return this.#say(name, 'is killed', () => world.crash(name))
    if (dice < 5) return this.#say(name, 'loses power', () => world.vanish(name))
    if (dice < 6) return world.pause(name, this.#random.below(6000))
    if (dice < 8) {
      const left = this.#names.filter(() => this.#random.chance(0.5))
      const right = this.#names.filter((one) => !left.includes(one))
      if (left.length > 0 && right.length > 0)
        this.#say('world', `is cut: ${left.join('')} ${right.join('')}`, () => world.partition(left, right))
      return
    }
    if (dice < 10) return this.#say('world', 'is healed', () => world.heal())
    if (dice < 12) return this.#rest()
    if (dice < 13) {
      const years = this.#random.pick([-30, -3, -1, 1, 2, 20])
      return this.#say(name, `its clock goes ${years} years`, () => void (machine.wallOffset_ms += years * year_ms))
    }
    if (dice < 15) return this.#say(name, 'is backed up', () => void this.#backups.set(name, machine.disk.copy()))
    if (dice < 17) return this.#restore(this.#random.chance(0.5) ? name : ([...this.#backups.keys()][0] ?? name))
    if (dice < 18) return this.#daysPass()
    if (dice < 19) return this.#forget(name)
    if (dice < 20) return this.#say(name, 'leaves', () => world.leave(name))
    if (machine.disk.failure !== undefined) return this.#repair(name)
    machine.disk.failure = this.#random.pick(['EIO', 'deaf'])
    this.story.push(`${world.now} ${name}: disk ${machine.disk.failure}`)
  }

  /** What a deaf disk was given it never answers: no daemon gets over that without another start. */
  #repair(name: string): void {
    const { disk, registry } = this.#world.machine(name)
    const wasDeaf = disk.failure === 'deaf'
    disk.failure = undefined
    this.story.push(`${this.#world.now} ${name}: disk works`)
    if (wasDeaf && registry !== undefined)
      this.#say(name, 'is killed, its disk was deaf', () => this.#world.crash(name))
  }

  #say(name: string, what: string, run: () => void): void {
    this.story.push(`${this.#world.now} ${name}: ${what}`)
    run()
  }

  #start(name: string): void {
    this.#say(name, 'starts', () => void this.#world.start(name))
  }

  /** Only where another node holds all that this one has acknowledged: else nobody could know of it. */
  #restore(name: string): void {
    const world = this.#world
    const backup = this.#backups.get(name)
    const held = (by: string): string | undefined =>
      world
        .machine(by)
        .registry?.read.digest()
        .documents.find(({ owner }) => owner === name)?.digest
    const holders = this.#names.filter((by) => by !== name && !this.#clouded.has(by) && held(by) === held(name))
    if (backup === undefined || holders.length === 0) return
    this.#say(name, 'is restored', () => {
      world.crash(name)
      world.machine(name).disk = backup.copy()
      this.#clouded.add(name)
      if (this.#random.chance(0.7)) this.#start(name)
    })
  }

  #forget(name: string): void {
    const by = this.#random.pick(this.#names.filter((one) => one !== name))
    if (this.#world.machine(by).registry === undefined || !this.#world.machine(by).live.readiness().ready) return
    this.#clouded.add(name)
    this.#say(by, `forgets ${name}`, () => void this.#world.command(by, { type: 'remove-node', owner: name }))
  }

  #daysPass(): void {
    const days = 1 + this.#random.below(6)
    if (this.#daysOff + days > daysOffAtMost) return
    this.#daysOff += days
    this.#say('world', `is ${days} days older`, () => this.#world.passDays(days))
  }

  /** Everything whole and running, until all agree: from then on all have seen everything. */
  #rest(): void {
    const world = this.#world
    world.heal()
    for (const name of this.#names) {
      const { disk, registry } = world.machine(name)
      if (disk.failure !== undefined && registry !== undefined) world.crash(name)
      disk.failure = undefined
      if (world.machine(name).registry === undefined) this.#start(name)
    }
    world.run(15_000)
    agree(world, 120_000)
    world.run(6000)
    this.#clouded.clear()
    this.story.push(`${world.now} all agree`)
    for (const [id, last] of this.#last) {
      const told = this.#toldAt(this.#names[0] ?? 'a', id)
      if (!last.isSure) this.#last.set(id, { told, writers: new Map(), isSure: true })
    }
    const wrong = this.#wrong()
    if (wrong.length > 0) throw new Error(wrong.join('; '))
  }

  /** A member that says what others have said, as it stands or spoiled. Acts and removals anybody may ask for: it asks for none. */
  #molest(): void {
    for (let i = 0; i < 20 && this.#heard.length > 0; i++) {
      const { kind, bytes } = this.#random.pick(this.#heard)
      const name = this.#random.pick(this.#names)
      const others = this.#heard.map((sent) => sent.bytes)
      const said = this.#random.chance(0.3) ? bytes : mutate(bytes, others, this.#random)
      const from = 'mallory'
      if (kind === 'gossip') this.#world.feed(name, { type: 'gossip', author: from, bytes: said })
      if (kind === 'beat') this.#world.feed(name, { type: 'beat', from, bytes: said })
      if (kind === 'request' && !isOrder(said))
        this.#world.feed(name, { type: 'request', from, id: 1_000_000 + this.#random.below(1000), bytes: said })
      if (kind === 'reply')
        this.#world.feed(name, {
          type: 'response',
          id: 1_000_000,
          bytes: this.#random.chance(0.5) ? said : noise(60, this.#random),
        })
    }
  }

  // ---- what must be true

  #wrong(): string[] {
    return [...this.#last].flatMap(([id, { told }]) =>
      this.#names.flatMap((name) => {
        const shown = this.#toldAt(name, id)
        return shown === told ? [] : [`${id} at ${name} is ${shown}, and was last acknowledged as ${told}`]
      }),
    )
  }
}

function isOrder(bytes: Uint8Array): boolean {
  const type = decodeSyncRequest(bytes)?.type
  return type === 'remove' || type === 'act'
}
