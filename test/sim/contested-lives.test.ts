// The property of contests: a data directory was copied, once or twice, all of them run and are written to until all but one have gone
// mute; whatever was acknowledged last of each id, by any of them or by another node, is what all show once one alone is left, where each
// act was done by a node that had seen the one before.
import { test } from 'vitest'
import type { Answer } from './engine.js'
import { forEachSeed, seeds } from './lives.js'
import { Random } from './random.js'
import { agree } from './stories/cluster.js'
import { World } from './world.js'

const count = Math.ceil(seeds / 2)
const others = ['b', 'c']
const digits = ['1', '2', '3']

/** What was acknowledged last of an id; undefined where it was removed. */
type Value = string | undefined

class Life {
  readonly world: World
  readonly #random: Random
  readonly #isOfThree: boolean
  /** Those of them that run. */
  #copies: string[]
  /** The last act on each id, and who has seen it. */
  readonly #acts = new Map<string, { readonly value: Value; readonly seenBy: Set<string> }>()
  #serial = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.#isOfThree = seed % 4 === 0
    this.#copies = this.#isOfThree ? ['a', 'a2', 'a3'] : ['a', 'a2']
    this.world = new World({ seed, link: { jitter_ms: [0, 20, 200][seed % 3] ?? 0 } })
    this.world.startAll('a', ...others)
    agree(this.world)
    for (let i = 0; i < 6; i++) this.#act('a', true)
    this.world.run(1000)
  }

  /** @returns what is wrong in the end, a line each */
  live(): string[] {
    const { world } = this
    world.crash('a')
    for (const name of this.#copies) if (name !== 'a') world.clone('a', name)
    for (const [name, digit] of this.#boots()) world.start(name, { boot: digit.repeat(16) })
    for (const name of this.#copies) if (this.#random.chance(0.3)) world.cut(name, this.#random.pick(others))
    for (let i = 0; i < 300 && this.#speaking().length > 1; i++) {
      for (let n = this.#random.below(3); n >= 0; n--) this.#actSomewhere()
      world.run(this.#random.pick([0, 10, 100, 500, 2000]))
    }
    for (let n = this.#random.below(6); n >= 0; n--) {
      world.run(this.#random.pick([0, 100, 3000]))
      this.#actSomewhere()
    }
    world.run(this.#random.pick([0, 100, 5000]))
    world.heal()
    while (this.#copies.length > 1) this.#endOne()
    agree(world)
    world.run(2000)
    agree(world)
    return [...this.#copies, ...others].flatMap((name) => this.#wrongAt(name))
  }

  /** In what order they go mute is drawn by lot. */
  #boots(): [name: string, digit: string][] {
    const left = digits.slice(0, this.#copies.length)
    return this.#copies.map((name) => [name, left.splice(this.#random.below(left.length), 1)[0] as string])
  }

  /** The one that speaks, once somebody holds what it took: what it told nobody is in its directory alone. */
  #endOne(): void {
    const { world } = this
    const isSettled = (): boolean =>
      this.#speaking().length === 1 &&
      new Set([...this.#speaking(), ...others].map((name) => this.#digest(name))).size === 1
    world.until(isSettled, 300_000, 'one alone speaks, and is heard', 100)
    const [last] = this.#speaking()
    if (this.#random.chance(0.3)) world.leave(last as string)
    else world.crash(last as string)
    this.#copies = this.#copies.filter((name) => name !== last)
    world.until(() => this.#speaking().length > 0, 1_000_000, 'another one comes back', 100)
  }

  /** Those that have not gone mute. */
  #speaking(): string[] {
    return this.#copies.filter((name) => this.#phase(name) !== 'muted')
  }

  #phase(name: string): string {
    return this.world.machine(name).live.toJSON().phase
  }

  #digest(name: string): string {
    return this.world.machine(name).live.read.digest().digest
  }

  #actSomewhere(): void {
    this.#look()
    this.#act(this.#random.pick([...this.#copies, ...this.#copies, ...others]))
  }

  /** Something new, or on something whose last act is seen here. */
  #act(name: string, isNew = false): void {
    if (!this.world.machine(name).live.readiness().ready) return
    this.#look()
    const seen = [...this.#acts].filter(([, { seenBy }]) => seenBy.has(name)).map(([id]) => id)
    const id = !isNew && seen.length > 0 && this.#random.chance(0.75) ? this.#random.pick(seen) : this.#newId()
    const last = this.#acts.get(id)?.value
    const [value, answer] = this.#ask(name, id, last)
    this.world.until(() => answer.result !== undefined, 10_000, 'an answer')
    this.world.say(name, `${id}: ${last} → ${value}: ${answer.result?.ok ?? answer.result?.error?.message}`)
    if (answer.result?.ok === true) this.#acts.set(id, { value, seenBy: new Set([name]) })
    else this.#acts.delete(id) // it may have been done
  }

  #newId(): string {
    return `${this.#random.chance(0.7) ? 'i' : 'd'}${(this.#serial += 1)}`
  }

  #ask(name: string, id: string, last: Value): [Value, Answer] {
    const { world } = this
    const value = `http://${id}.test:${1000 + (this.#serial += 1)}`
    // Where lines of three are merged, what one of them keeps out is kept out: that one has ended it may not be known.
    const dice = last === undefined ? 0 : this.#random.below(this.#isOfThree ? 7 : 10)
    if (id.startsWith('d'))
      return dice < 5 ? [value, world.define(name, id, value)] : [undefined, world.undefine(name, id)]
    if (dice < 4) return [value, world.register(name, { id, slug: 's', url: value })]
    if (dice < 7) return [undefined, world.deregister(name, id)]
    const [url = '', reason] = (last ?? '').split(' ')
    const then = reason === undefined ? `r${this.#serial}` : undefined
    const act = { type: 'maintenance', ...(then !== undefined && { reason: then }) } as const
    return [then === undefined ? url : `${url} ${then}`, world.command(name, { type: 'act', id, act })]
  }

  /** Who has seen the last act on each id by now; of a removal nobody can be said to, but whoever did it. */
  #look(): void {
    for (const name of [...this.#copies, ...others]) {
      const machine = this.world.machines.get(name)
      if (machine?.registry === undefined) continue
      const shown = this.#shown(name)
      for (const [id, { value, seenBy }] of this.#acts)
        if (value !== undefined && shown.get(id) === value) seenBy.add(name)
    }
  }

  #shown(name: string): Map<string, string> {
    const { read } = this.world.machine(name).live
    const rows = read
      .rows(this.world.moment(name))
      .filter(({ visible, maintenance }) => visible || maintenance !== undefined)
    const instances = rows.map(({ id, url, maintenance }): [string, string] => [
      id,
      maintenance === undefined ? url : `${url} ${maintenance}`,
    ])
    return new Map([...instances, ...read.definitions().map(({ id, body }): [string, string] => [id, String(body)])])
  }

  #wrongAt(name: string): string[] {
    const shown = this.#shown(name)
    return [...this.#acts].flatMap(([id, { value }]) =>
      shown.get(id) === value ? [] : [`${name} shows ${id} as ${shown.get(id)}, acknowledged was ${value}`],
    )
  }
}

test(`${count} contests end with all that was acknowledged, and nothing that was removed`, { timeout: 3_600_000 }, () =>
  forEachSeed(count, (seed) => {
    const life = new Life(seed)
    return { live: () => life.live(), story: () => life.world.story(200) }
  }),
)
