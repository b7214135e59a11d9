// The property of backups: whatever is restored, wherever it starts, however often alone, the last acknowledged act on each id is what all
// show in the end, where each act was done by a node that had seen the one before.
import { test } from 'vitest'
import { type Head, decodeHead } from '../../src/core/wire/head.js'
import type { Disk } from './disk.js'
import type { Answer } from './engine.js'
import { forEachSeed, seeds } from './lives.js'
import { Random } from './random.js'
import { agree } from './stories/cluster.js'
import { World } from './world.js'

const count = Math.ceil(seeds / 2)
const names = ['a', 'b', 'c', 'd']

class Life {
  readonly world: World
  readonly #random: Random
  readonly #backups = new Map<string, Disk[]>()
  /** What was acknowledged last of each id: its url, or its version where it is a definition; undefined where it was removed. */
  readonly #acts = new Map<string, string | undefined>()
  #serial = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.world = new World({ seed })
    this.world.startAll(...names)
    agree(this.world)
  }

  live(steps: number): string[] {
    for (let i = 0; i < steps; i++) this.#step()
    const { world } = this
    world.heal()
    for (const name of names) if (world.machine(name).registry === undefined) world.start(name)
    agree(world)
    world.run(2000)
    agree(world)
    return this.#wrong()
  }

  #step(): void {
    const { world } = this
    const name = this.#random.pick(names)
    const isUp = world.machine(name).registry !== undefined
    const dice = this.#random.below(isUp ? 100 : 130)
    if (dice < 50) for (let i = this.#random.below(3); i >= 0; i--) this.#act(this.#random.pick(world.running()).name)
    else if (dice < 58) this.#backUp(name)
    else if (dice < 72) this.#restore(name)
    else if (dice < 84 && isUp) {
      world.crash(name)
      this.#start(name)
    } else if (dice < 88 && world.running().length > 2) world.crash(name)
    else if (dice < 92) {
      const left = names.filter(() => this.#random.chance(0.5))
      world.partition(
        left,
        names.filter((one) => !left.includes(one)),
      )
    } else if (dice < 97) world.heal()
    else if (!isUp) this.#start(name)
    world.run(this.#random.pick([10, 300, 3000, 20_000]))
  }

  #start(name: string): void {
    this.world.start(name)
    this.world.until(() => this.world.machine(name).live.readiness().ready, 20_000, 'readiness', 100)
  }

  #backUp(name: string): void {
    this.#backups.set(name, [...(this.#backups.get(name) ?? []), this.world.machine(name).disk.copy()].slice(-2))
    this.world.say(name, 'is backed up')
  }

  /** Out of reach of some of the others, or of all. */
  #restore(name: string): void {
    const backup = this.#random.pick(this.#backups.get(name) ?? [])
    if (backup === undefined || !this.#isHeldElsewhere(name)) return
    const { world } = this
    world.crash(name)
    world.machine(name).disk = backup.copy()
    const isAlone = this.#random.chance(0.7)
    const cut = names.filter((other) => other !== name && (isAlone || this.#random.chance(0.5)))
    for (const other of cut) world.cut(name, other)
    world.say(name, `is restored, out of reach of ${cut.join()}`)
    for (let i = this.#random.below(3); i >= 0; i--) {
      this.#start(name)
      this.#act(name)
      world.run(this.#random.pick([10, 3000]))
      if (i > 0) world.crash(name)
    }
  }

  /** What a disk alone holds goes with it. */
  #isHeldElsewhere(name: string): boolean {
    const disks = [...this.world.machines.values()].filter((machine) => machine.name !== name).map(({ disk }) => disk)
    return names.every((owner) => {
      const head = headOn(this.world.machine(name).disk, owner)
      return disks.some((disk) => {
        const other = headOn(disk, owner)
        return head === undefined || (other?.boot === head.boot && other.version >= head.version)
      })
    })
  }

  /** Something new, or on something whose last act is seen here. */
  #act(name: string): void {
    if (!this.world.machine(name).live.readiness().ready) return
    const shown = this.#shown(name)
    const seen = [...this.#acts]
      .filter(([id, value]) => value !== undefined && shown.get(id) === value)
      .map(([id]) => id)
    const isOld = seen.length > 0 && this.#random.chance(0.6)
    const id = isOld ? this.#random.pick(seen) : `${this.#random.chance(0.7) ? 'i' : 'd'}${(this.#serial += 1)}`
    const isRemoval = isOld && this.#random.chance(0.5)
    const value = isRemoval ? undefined : `http://${id}.test:${1000 + (this.#serial += 1)}`
    const answer = this.#ask(name, id, value)
    this.world.until(() => answer.result !== undefined, 10_000, 'an answer')
    if (answer.result?.ok === true) this.#acts.set(id, value)
    else this.#acts.delete(id) // it may have been done
    this.world.say(name, `${isRemoval ? 'removes' : 'writes'} ${id} ${value ?? ''}: ${String(answer.result?.ok)}`)
  }

  #ask(name: string, id: string, value: string | undefined): Answer {
    const { world } = this
    if (id.startsWith('i'))
      return value === undefined ? world.deregister(name, id) : world.register(name, { id, slug: 's', url: value })
    return value === undefined ? world.undefine(name, id) : world.define(name, id, value)
  }

  #shown(name: string): Map<string, string> {
    const { read } = this.world.machine(name).live
    const instances = read.instances(this.world.moment(name)).map(({ id, url }): [string, string] => [id, url])
    return new Map([...instances, ...read.definitions().map(({ id, body }): [string, string] => [id, String(body)])])
  }

  #wrong(): string[] {
    return names.flatMap((name) => {
      const shown = this.#shown(name)
      return [...this.#acts].flatMap(([id, value]) =>
        shown.get(id) === value ? [] : [`${name} shows ${id} as ${shown.get(id)}, acknowledged was ${value}`],
      )
    })
  }
}

function headOn(disk: Disk, owner: string): Head | undefined {
  const { snapshot, updates } = disk.load().documents.find((document) => document.owner === owner) ?? { updates: [] }
  const bytes = updates.at(-1)?.head ?? snapshot?.head
  return bytes && decodeHead(bytes)?.head
}

test(
  `${count} lives with backups end with all that was acknowledged, and nothing that was removed`,
  { timeout: 3_600_000 },
  () =>
    forEachSeed(count, (seed) => {
      const life = new Life(seed)
      return { live: () => life.live(25), story: () => life.world.story(60) }
    }),
)
