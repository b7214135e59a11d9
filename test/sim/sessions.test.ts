// Random lives of programs and their daemons: nothing outlives its session by more than its grace, nothing that stands is missing.
import { expect, test } from 'vitest'
import { Random } from './random.js'
import { agree, cluster, done, urlOf } from './stories/cluster.js'
import type { World } from './world.js'

const seeds = Number(process.env['SESSION_SEEDS'] ?? 12)
const steps = 60
const names = ['a', 'b', 'c'] as const
const grace_ms = 4000
/** A daemon that was started again waits so long for its programs. */
const restored_ms = 30_000
/** The home looks at its clock, signs, publishes; the others hear of it, by sync where gossip was lost with a connection. */
const slack_ms = 3000

interface Program {
  readonly secret: string
  readonly slug: string
  readonly home: string
  id: string
  line: number
  /** When it must be gone from all at the latest; absent while its session stands. */
  goneBy: number | undefined
  /** Since when it has to be listed by all. */
  listedBy: number
}

class Life {
  readonly #world: World
  readonly #random: Random
  readonly #programs: Program[] = []
  #lines = 0

  constructor(seed: number) {
    this.#world = cluster('abc', { seed })
    this.#random = new Random(seed)
  }

  run(): void {
    for (let step = 0; step < steps; step += 1) {
      this.#act()
      this.#world.run(300 + this.#random.below(900))
      this.#speak()
      this.#look()
    }
  }

  #act(): void {
    const chance = this.#random.below(100)
    if (chance < 35) return this.#begin()
    if (chance < 60) return this.#lose()
    if (chance < 75) return this.#comeBack()
    if (chance < 85) return this.#end()
    if (chance < 92) return this.#restartDaemon()
  }

  #begin(): void {
    const home = this.#one(names) as string
    const secret = `s${this.#programs.length}`
    const line = (this.#lines += 1)
    const id = done(
      this.#world,
      this.#world.command(home, { type: 'open-session', secret, line, grace_ms, isNew: true }),
      20_000,
    ) as string
    const slug = `x${this.#programs.length}`
    const said = { id: slug, slug, url: urlOf(slug), lifetime: 'session' as const, session: secret }
    done(this.#world, this.#world.register(home, said))
    this.#programs.push({ secret, slug, home, id, line, goneBy: undefined, listedBy: this.#world.now + slack_ms })
  }

  #lose(): void {
    const program = this.#one(this.#programs.filter(({ goneBy }) => goneBy === undefined))
    if (program === undefined) return
    done(
      this.#world,
      this.#world.command(program.home, { type: 'lose-session', id: program.id, line: program.line }),
      20_000,
    )
    program.goneBy = this.#world.now + grace_ms + slack_ms
  }

  /** In time it is as if nothing had happened; too late it is told so. */
  #comeBack(): void {
    const program = this.#one(this.#programs.filter(({ goneBy }) => goneBy !== undefined))
    if (program === undefined) return
    const line = (this.#lines += 1)
    const answer = this.#world.command(program.home, {
      type: 'open-session',
      secret: program.secret,
      line,
      isNew: false,
    })
    this.#world.until(() => answer.result !== undefined, 20_000, 'an answer')
    if (answer.result?.error !== undefined) {
      expect(answer.result.error.code).toBe('not-found')
      return
    }
    const isThere = this.#world.machine(program.home).live.read.slugOf(program.slug) !== undefined
    Object.assign(program, { line, goneBy: isThere ? undefined : program.goneBy, listedBy: this.#world.now + slack_ms })
  }

  #end(): void {
    const program = this.#one(this.#programs.filter(({ goneBy }) => goneBy === undefined))
    if (program === undefined) return
    const { home, id, secret } = program
    done(this.#world, this.#world.command(home, { type: 'end-session', id, secret }), 20_000)
    program.goneBy = this.#world.now + slack_ms
  }

  #restartDaemon(): void {
    const name = this.#one(names) as string
    this.#world.run(1200) // the notes of its sessions go to disk within a second
    this.#world.crash(name)
    this.#world.run(this.#random.below(2000))
    this.#world.start(name)
    agree(this.#world)
    const { now } = this.#world
    for (const program of this.#programs) {
      if (program.home !== name) continue
      // Whoever had ended, or was lost, may be restored as well: an earlier end was on disk, a loss was not.
      program.goneBy = now + restored_ms + slack_ms
    }
  }

  #speak(): void {
    for (const { home, id, secret, goneBy } of this.#programs) {
      if (goneBy === undefined) this.#world.command(home, { type: 'hear-session', id, secret })
    }
  }

  #look(): void {
    const { now } = this.#world
    for (const { slug, goneBy, listedBy } of this.#programs) {
      const shown = names.filter((name) => (this.#world.lookup(name, slug) ?? []).length > 0).join('')
      if (goneBy !== undefined && now > goneBy) expect(`${slug} ${shown}`).toBe(`${slug} `)
      if (goneBy === undefined && now > listedBy) expect(`${slug} ${shown}`).toBe(`${slug} abc`)
    }
  }

  #one<T>(all: readonly T[]): T | undefined {
    return all[this.#random.below(Math.max(1, all.length))]
  }
}

test.each(Array.from({ length: seeds }, (_, seed) => seed + 1))('seed %i', (seed) => {
  new Life(seed).run()
})
