// A random life of a cluster from one seed, and the memory of what its callers were told.
import type { InstanceRow } from '../../src/core/views.js'
import type { Disk } from './disk.js'
import type { Answer } from './engine.js'
import { lie } from './liar.js'
import { Random } from './random.js'
import { Spoken } from './spoken.js'
import { World } from './world.js'

/** One answered or unanswered act on an instance. `n`: what it wrote, or removed; unknown where it had to wait for a join. */
interface Act {
  readonly kind: 'put' | 'remove'
  readonly owner: string
  readonly id: string
  readonly n: number | undefined
  readonly url: string
  /** What stood where a removal was asked for, that it saw. */
  readonly saw?: readonly InstanceRow[]
  /** When it was asked for, in the time of the world. */
  readonly at: number
  readonly answer: Answer
}

const names = 'abcdefg'
const slugs = ['s0', 's1', 's2']

export class History {
  readonly world: World
  readonly members: string[]
  /** Who was shown again, and had said nothing. */
  readonly spoken: Spoken
  readonly #acts: Act[] = []
  readonly #saved = new Map<string, Set<string>>()
  #serial = 0

  readonly #backups = new Map<string, Disk>()

  /** @param wild stores get lost, backups come back, the living are forgotten, disks fail and clocks jump */
  constructor(
    readonly seed: number,
    readonly wild = false,
  ) {
    const link = linkFor(seed)
    this.spoken = new Spoken(link.delay_ms + link.jitter_ms)
    const { watch } = this.spoken
    const world = new World({ seed, link, gossip: seed % 5 !== 0, fsync_ms: 1 + (seed % 4), watch })
    this.world = world
    this.members = [...names.slice(0, 2 + world.random.below(6))]
    world.startAll(...this.members)
    world.run(world.random.below(3000))
    if (this.#hasLiar) this.#letLie()
  }

  /** In a tenth of the lives one member says of another, to all and to the end, that it lives; gossip works in these. */
  get #hasLiar(): boolean {
    return this.seed % 10 === 3 && this.members.length >= 3
  }

  #letLie(): void {
    const random = new Random(this.seed)
    const liar = random.pick(this.members)
    const subject = random.pick(this.members.filter((name) => name !== liar))
    lie(this.world, [liar], subject, { ahead: random.below(12), toAll: true })
    this.world.say(liar, `will say that ${subject} lives`)
  }

  /** Lets a number of random things happen. */
  live(steps: number, writing = true): void {
    this.world.wires.lossless = false
    for (let i = 0; i < steps; i++) {
      this.#step(writing)
      this.world.run(this.world.random.below(400))
    }
  }

  /** Everything whole, everything running, and time to settle. @returns how long agreement took */
  rest(): number {
    const { world } = this
    world.heal()
    world.wires.lossless = true
    for (const name of this.members) {
      world.machine(name).disk.failure = undefined
      if (world.machine(name).registry === undefined) world.start(name)
    }
    world.run(10_000)
    const took_ms = world.until(() => this.#isQuiet(), 90_000, 'agreement')
    world.run(6000)
    return took_ms + 10_000
  }

  #isQuiet(): boolean {
    const { world } = this
    if (world.digests().size > 1) return false
    return world.running().every(({ name, live }) => {
      const alive = world
        .beliefs(name)
        .split(' ')
        .filter((belief) => belief.endsWith(':alive')).length
      return live.readiness().ready && alive === this.members.length - 1
    })
  }

  #step(writing: boolean): void {
    const { world } = this
    const { random } = world
    const name = random.pick(this.members)
    const { registry } = world.machine(name)
    if (registry === undefined) {
      if (random.chance(0.5)) world.start(name)
      return
    }
    if (this.wild && random.chance(0.12)) return this.#goWild(name)
    const dice = writing && random.chance(0.7) ? random.below(70) : 70 + random.below(30)
    if (dice < 35) this.register(name)
    else if (dice < 52) this.deregister(name)
    else if (dice < 64) this.define(name)
    else if (dice < 70) this.undefine(name)
    else if (dice < 75) world.crash(name)
    else if (dice < 80) world.vanish(name)
    else if (dice < 83) world.pause(name, random.below(6000))
    else if (dice < 87) this.#partition()
    else if (dice < 91) this.#cutOneWay()
    else if (dice < 97) world.heal()
    else world.wires.gossipOn = random.chance(0.7) || this.#hasLiar
  }

  #goWild(name: string): void {
    const { world } = this
    const { random } = world
    const machine = world.machine(name)
    const backup = this.#backups.get(name)
    switch (random.below(7)) {
      case 0:
        world.crash(name)
        machine.disk.loseStore()
        return world.say(name, 'has lost its store')
      case 1:
        this.#backups.set(name, machine.disk.copy())
        return world.say(name, 'is backed up')
      case 2:
        if (backup === undefined) return
        world.crash(name)
        machine.disk = backup.copy()
        return world.say(name, 'is restored')
      case 3:
      case 4: {
        const owner = random.pick(this.members)
        world.say(name, `forgets ${owner}`)
        world.command(name, { type: 'remove-node', owner })
        return
      }
      case 5:
        machine.disk.failure = machine.disk.failure === undefined ? 'EIO' : undefined
        return world.say(name, `has a disk that ${machine.disk.failure === undefined ? 'works' : 'fails'}`)
      default:
        machine.wallOffset_ms += (random.next() - 0.5) * 7_200_000
        return world.say(name, 'has another idea of the time')
    }
  }

  register(name: string, id = `i${this.world.random.below(12)}`): Answer {
    const { world } = this
    const url = `http://${id}.test:${1000 + world.random.below(3)}`
    if (world.random.chance(0.1)) world.service(url, world.random.pick(['Unreachable', 'Degraded', 'Healthy']))
    const answer = world.register(name, { id, slug: world.random.pick(slugs), url })
    const own = this.#rows(name, id).find(({ owner }) => owner === name)
    const n = this.#isServing(name) && own?.url === url ? own.n : undefined
    this.#acts.push({ kind: 'put', owner: name, id, n, url, at: world.now, answer })
    return answer
  }

  deregister(name: string, id = `i${this.world.random.below(12)}`): Answer {
    const standing = this.#isServing(name) ? this.#rows(name, id).filter(({ why }) => why !== 'removed') : []
    const n = this.#isServing(name) ? Math.max(0, ...standing.map((row) => row.n)) : undefined
    const answer = this.world.deregister(name, id)
    this.#acts.push({ kind: 'remove', owner: name, id, n, url: '', saw: standing, at: this.world.now, answer })
    return answer
  }

  #rows(name: string, id: string): InstanceRow[] {
    const { world } = this
    return world
      .machine(name)
      .live.read.rows(world.moment(name))
      .filter((row) => row.id === id)
  }

  #isServing(name: string): boolean {
    const { live, pausedUntil } = this.world.machine(name)
    return live.readiness().ready && pausedUntil <= this.world.now
  }

  define(name: string, id = `d${this.world.random.below(5)}`): Answer {
    const value = `v${(this.#serial += 1)}`
    this.#saved.set(id, (this.#saved.get(id) ?? new Set()).add(value))
    return this.world.define(name, id, value)
  }

  undefine(name: string, id = `d${this.world.random.below(5)}`): Answer {
    return this.world.undefine(name, id)
  }

  /** In a world at rest: one act after the other, each known to all before the next. @returns what must be shown from now on */
  calmly(): Map<string, string> {
    const { world } = this
    for (const id of [...this.shown().keys()]) {
      const name = world.random.pick(this.members)
      const isInstance = id.startsWith('i')
      if (world.random.chance(0.4)) this.#obey(isInstance ? this.deregister(name, id) : this.undefine(name, id))
      else if (world.random.chance(0.5)) this.#obey(isInstance ? this.register(name, id) : this.define(name, id))
    }
    return this.shown()
  }

  #obey(answer: Answer): void {
    this.world.until(() => answer.result !== undefined, 2000, 'an answer')
    if (answer.result?.ok !== true) throw new Error(`refused in a calm world: ${answer.result?.error?.message}`)
    this.world.until(() => this.world.digests().size === 1, 15_000, 'agreement on it')
  }

  /** What the first member shows: instances by id with their url, definitions by id with their body. */
  shown(): Map<string, string> {
    const { world } = this
    const { name } = world.machine(this.members[0] as string)
    const { read } = world.machine(name).live
    const instances = read.instances(world.moment(name)).map(({ id, url }): [string, string] => [id, url])
    return new Map([...instances, ...read.definitions().map(({ id, body }): [string, string] => [id, String(body)])])
  }

  #partition(): void {
    const { random } = this.world
    const left = this.members.filter(() => random.chance(0.5))
    const right = this.members.filter((name) => !left.includes(name))
    if (left.length > 0 && right.length > 0) this.world.partition(left, right)
  }

  #cutOneWay(): void {
    const { random } = this.world
    const from = random.pick(this.members)
    const to = random.pick(this.members)
    if (from === to) return
    this.world.wires.set(from, to, { cut: true })
    this.world.say('world', `loses ${from} → ${to}`)
  }

  /** What of the state contradicts what callers were told; one line each. */
  contradictions(): string[] {
    const wrong: string[] = []
    for (const id of new Set(this.#acts.map((act) => act.id))) {
      const acts = this.#acts.filter((act) => act.id === id)
      wrong.push(
        ...judge(
          id,
          acts,
          this.#rows(this.members[0] as string, id).find(({ visible }) => visible),
        ),
      )
    }
    for (const [id, value] of this.shown()) {
      if (id.startsWith('d') && this.#saved.get(id)?.has(value) !== true) wrong.push(`${id} is ${value}: never saved`)
    }
    return wrong
  }
}

/**
 * What is shown must be at least the best of what was acknowledged and not removed, and nothing that was removed. Of two that knew
 * nothing of each other the later one is the better one: here all clocks are right.
 * Acts of unknown number, and unanswered ones, may or may not have happened.
 */
function judge(id: string, acts: readonly Act[], shown: InstanceRow | undefined): string[] {
  const wrong: string[] = []
  const isAcknowledged = ({ answer }: Act): boolean => answer.result?.ok === true
  const isPossible = ({ answer }: Act): boolean => answer.result?.ok !== false
  const removes = acts.filter(({ kind }) => kind === 'remove')
  const puts = acts.filter(({ kind }) => kind === 'put')
  if (shown !== undefined && !puts.some((act) => isPossible(act) && act.url === shown.url)) {
    wrong.push(`${id} is ${shown.url}: never registered`)
  }
  // A record that was not seen there may have been made elsewhere without a word of this, before or after: it stands.
  const isBackOf = ({ saw = [] }: Act): boolean => saw.some(({ owner, n }) => owner === shown?.owner && n === shown.n)
  for (const { owner, n } of removes.filter((act) => isAcknowledged(act) && isBackOf(act)))
    wrong.push(`${id}#${shown?.n} of ${shown?.owner} is back: removed at ${owner}, up to ${n}`)
  const maybeRemoved = Math.max(0, ...removes.filter(isPossible).map(({ n }) => n ?? Number.POSITIVE_INFINITY))
  const standing = puts.filter((act) => isAcknowledged(act) && act.n !== undefined && act.n > maybeRemoved)
  const isShown = ({ owner, n, url }: Act): boolean =>
    owner === shown?.owner && (n ?? shown.n) === shown.n && url === shown.url
  const shownAt = Math.max(
    ...puts
      .filter((act) => isPossible(act) && isShown(act))
      .map(({ at, n }) => (n === undefined ? Number.POSITIVE_INFINITY : at)),
  )
  for (const { owner, n = 0, url } of standing) {
    // Registered again just as it stands, it is dated as before.
    const at = Math.min(
      ...puts.filter((act) => act.owner === owner && act.n === n && act.url === url).map((act) => act.at),
    )
    const isBeaten = shown !== undefined && (shown.n > n || (shown.n === n && (shown.owner === owner || shownAt >= at)))
    if (!isBeaten)
      wrong.push(
        `${id}: lost ${owner}#${n} ${url}, shown is ${shown?.owner}#${shown?.n}, asked for at ${at} and ${shownAt}`,
      )
  }
  return wrong
}

function linkFor(seed: number): { delay_ms: number; jitter_ms: number; loss: number; doubled: number } {
  return {
    delay_ms: 1 + (seed % 7),
    jitter_ms: [0, 5, 40, 150][seed % 4] as number,
    loss: [0, 0.02, 0.2][seed % 3] as number,
    doubled: seed % 2 === 0 ? 0 : 0.1,
  }
}
