// Random lives of programs and of the daemons that they are registered at, with what each node has to list of them by then.
import { expect } from 'vitest'
import type { Act } from '../../src/core/model/act.js'
import type { Answer } from './engine.js'
import { Random } from './random.js'
import { agree, cluster, done, urlOf } from './stories/cluster.js'
import type { World } from './world.js'

const steps = 60
const names = ['a', 'b', 'c'] as const
type Name = (typeof names)[number]

const grace_ms = 4000
const ttl_ms = 5000
/** Without a word for so long a session is lost, though its line stands. */
const wordless_ms = 10_000
const illness_ms = 8000
/** A daemon that was started again waits so long for its programs. */
const restored_ms = 30_000
/** The home looks at its clock, signs, publishes; the others hear of it, by sync where gossip was lost with a connection. */
const slack_ms = 3000
/** A regular check, three that confirm it. */
const confirmed_ms = 15_000

const kinds = ['session', 'session', 'session', 'ttl', 'persistent'] as const

/** A program that has registered the instance of a slug, at one node. */
interface Program {
  readonly kind: (typeof kinds)[number]
  readonly slug: string
  readonly home: Name
  secret: string
  id: string
  line: number
  /** When what it registered must be gone at the latest; absent while it stands. */
  goneBy: number | undefined
  /** It stood when its daemon was killed: whoever had ended may be restored as well, since a loss is not written down. */
  isSure: boolean
  /** It does not speak; its line stands. */
  isSilent: boolean
}

/** What is to be listed of a slug. */
interface Expected {
  /** Whoever may hold it, the last one last; several where nobody can say by now. */
  holders: readonly Program[]
  /** Since when it has to be listed, where its holder stands; absent: it may have left, for a reason that this test does not follow. */
  listedBy: number | undefined
  /** From then on it must not be listed. */
  hiddenBy: number | undefined
  /** Nobody registered it since it was removed; from then on no node that was reached lists it. */
  removedBy: number | undefined
  /** It may be in maintenance, which outlives the starts of programs: only what is registered for good ends it. */
  mayBeHidden: boolean
  deregisterAfter: boolean
  isIll: boolean
  /** It was never registered before. */
  isNew: boolean
}

/** What keeps a node from the others, or did until just now. */
type Trouble = { readonly type: 'down' | 'cut' | 'paused' | 'healing'; readonly name: Name; readonly until: number }

export class Life {
  readonly #world: World
  readonly #random: Random
  readonly #programs: Program[] = []
  readonly #bySlug = new Map<string, Expected>()
  #trouble: Trouble | undefined
  #lines = 0
  /** What was done, and what befell the nodes; a line each. */
  readonly story: string[] = []

  constructor(seed: number) {
    this.#world = cluster('abc', { seed })
    this.#random = new Random(seed)
  }

  run(): void {
    for (let step = 0; step < steps; step += 1) {
      this.#act()
      this.#pass(300 + this.#random.below(900))
    }
    if (this.#trouble !== undefined) {
      while (this.#world.now < this.#trouble.until) this.#pass(500)
      this.#endTrouble(this.#trouble)
    }
    this.#pass(slack_ms)
  }

  #pass(duration_ms: number): void {
    this.#world.run(duration_ms)
    this.#speak()
    this.#look()
  }

  #act(): void {
    if (this.#trouble !== undefined && this.#world.now >= this.#trouble.until) return this.#endTrouble(this.#trouble)
    const acts: readonly (readonly [weight: number, run: () => void])[] = [
      [22, () => this.#begin(this.#oneUp(), `x${this.#bySlug.size}`)],
      [18, () => this.#lose()],
      [14, () => this.#comeBack()],
      [8, () => this.#end()],
      [7, () => this.#takeOver()],
      [6, () => this.#registerAgain()],
      [6, () => this.#deregister()],
      [6, () => this.#maintain()],
      [3, () => this.#renewElsewhere()],
      [4, () => this.#fallIll()],
      [8, () => this.#beginTrouble()],
      [2, () => this.#fence()],
      [
        1,
        () =>
          void (this.#world.machine(this.#one(names) ?? 'a').wallOffset_ms += (this.#random.next() - 0.5) * 7_200_000),
      ],
    ]
    let chance = this.#random.below(acts.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, run] of acts) {
      if (chance < weight) {
        return run()
      }
      chance -= weight
    }
  }

  #note(what: string): void {
    this.story.push(`${Math.round(this.#world.now)} ${what}`)
  }

  // ---- what programs do

  #begin(home: Name, slug: string): void {
    const kind = this.#one(kinds) ?? 'session'
    const program: Program = {
      ...{ kind, slug, home, secret: '', id: '', line: 0, goneBy: undefined, isSure: true, isSilent: false },
    }
    if (kind === 'session') this.#open(program)
    const deregisterAfter = this.#random.chance(0.25)
    const before = this.#bySlug.get(slug)
    this.#programs.push(program)
    this.#bySlug.set(slug, {
      holders: before === undefined ? [] : before.holders,
      ...{ listedBy: undefined, hiddenBy: undefined, removedBy: undefined, isIll: false, isNew: before === undefined },
      ...{ deregisterAfter, mayBeHidden: before?.mayBeHidden ?? false },
    })
    this.#register(program)
  }

  #open(program: Program): void {
    const secret = `s${(this.#lines += 1)}`
    const command = { type: 'open-session', secret, line: this.#lines, grace_ms, isNew: true } as const
    const id = done(this.#world, this.#world.command(program.home, command), 20_000) as string
    Object.assign(program, { secret, line: this.#lines, id, isSilent: false })
    this.#note(`${program.slug} has a session at ${program.home}`)
  }

  /** Where all see each other the last one to register holds it; else that is found out later. */
  #register(program: Program): void {
    const { slug, kind, home, secret } = program
    const expected = this.#expected(slug)
    const isFirst = this.#programs.filter((one) => one.slug === slug).length === 1 && expected.isNew
    this.#world.service(urlOf(slug), 'Healthy')
    this.#world.run(1) // what is being checked in this very millisecond counts as checked after it
    const lives =
      kind === 'session'
        ? { session: secret, grace: null }
        : kind === 'ttl'
          ? { ttl: `${ttl_ms}ms`, grace: `${grace_ms}ms` }
          : { grace: null }
    const deregisterAfter = expected.deregisterAfter ? `${illness_ms}ms` : null
    const said = { id: slug, slug, url: urlOf(slug), lifetime: kind, ...lives, deregisterAfter }
    done(this.#world, this.#world.register(home, said as never), 20_000)
    this.#note(`${slug} is registered at ${home}, ${kind}${deregisterAfter === null ? '' : ' unless ill'}`)
    program.goneBy = undefined
    program.isSure = true
    const others = expected.holders.filter((one) => one !== program)
    const wasHere = expected.listedBy !== undefined && expected.holders.every((one) => one.home === home)
    const isClear = this.#trouble === undefined || isFirst || wasHere
    const mayBeHidden = expected.mayBeHidden && kind !== 'persistent'
    Object.assign(expected, {
      holders: isClear ? [program] : [...others, program],
      listedBy: isClear && !mayBeHidden ? this.#world.now + slack_ms : undefined,
      ...{ hiddenBy: undefined, removedBy: undefined, isIll: false, isNew: false, mayBeHidden },
    })
  }

  #lose(): void {
    const program = this.#one(
      this.#programs.filter(({ goneBy, kind }) => goneBy === undefined && kind !== 'persistent'),
    )
    if (program === undefined || !this.#isUp(program.home)) return
    const { home, id, line, kind, slug } = program
    program.isSilent = kind === 'ttl' || this.#random.chance(0.3)
    if (!program.isSilent) done(this.#world, this.#world.command(home, { type: 'lose-session', id, line }), 20_000)
    const silence_ms = !program.isSilent ? 0 : kind === 'ttl' ? ttl_ms : wordless_ms
    program.goneBy = this.#world.now + silence_ms + grace_ms + slack_ms
    this.#note(`${slug} is lost at ${home}, ${kind}`)
    if (!this.#expected(slug).deregisterAfter && this.#random.chance(0.5))
      this.#world.service(urlOf(slug), 'Unreachable')
  }

  /** In time it is as if nothing had happened; too late it is told so, and begins anew. */
  #comeBack(): void {
    const program = this.#one(this.#programs.filter(({ goneBy }) => goneBy !== undefined))
    if (program === undefined || !this.#isUp(program.home)) return
    const { home, secret, slug, kind, id, isSilent } = program
    const isHeld = this.#expected(slug).holders.includes(program)
    if (kind !== 'session') return isHeld ? this.#register(program) : undefined
    const line = isSilent ? program.line : (this.#lines += 1)
    const again = { type: 'open-session', secret, line, isNew: false } as const
    const answer = this.#world.command(home, isSilent ? { type: 'hear-session', id, secret } : again)
    this.#world.until(() => answer.result !== undefined, 20_000, 'an answer')
    if (answer.result?.error !== undefined) {
      expect(answer.result.error.code).toBe('not-found')
      this.#open(program)
      if (isHeld) this.#register(program)
      else program.goneBy = undefined
      return
    }
    this.#world.service(urlOf(slug), 'Healthy')
    const isThere = this.#rows(home, slug).some((row) => row.session === program.id)
    const goneBy = program.isSure || isThere ? undefined : program.goneBy
    Object.assign(program, { line, goneBy, isSure: true, isSilent: false })
    this.#note(`${slug} is back at ${home}: ${goneBy === undefined}`)
    const expected = this.#expected(slug)
    if (isHeld && expected.listedBy !== undefined) expected.listedBy = this.#world.now + slack_ms
  }

  #end(): void {
    const program = this.#one(this.#programs.filter(({ goneBy, kind }) => goneBy === undefined && kind === 'session'))
    if (program === undefined || !this.#isUp(program.home)) return
    const { home, id, secret } = program
    done(this.#world, this.#world.command(home, { type: 'end-session', id, secret }), 20_000)
    program.goneBy = this.#world.now + slack_ms
    Object.assign(program, { isSure: false, isSilent: false })
    this.#note(`${program.slug} ends at ${home}`)
  }

  /** The same id by another program, here or elsewhere. */
  #takeOver(): void {
    const slug = this.#one([...this.#bySlug.keys()])
    if (slug !== undefined) this.#begin(this.#oneUp(), slug)
  }

  #registerAgain(): void {
    const program = this.#one(this.#programs.filter(({ goneBy }) => goneBy === undefined))
    if (program !== undefined && this.#isUp(program.home)) this.#register(program)
  }

  #speak(): void {
    for (const program of this.#programs) {
      const { home, id, secret, goneBy, kind, slug } = program
      if (goneBy !== undefined) continue
      if (kind === 'session') this.#world.command(home, { type: 'hear-session', id, secret })
      // Whoever has lost it to another one renews what is not his any more.
      if (kind === 'ttl' && this.#expected(slug).holders.includes(program))
        this.#world.command(home, { type: 'act', id: slug, act: { type: 'renew' } })
    }
  }

  // ---- what callers do

  #deregister(): void {
    const [slug, expected] = this.#one([...this.#bySlug]) ?? []
    const name = this.#oneUp()
    if (slug === undefined || expected === undefined) return
    const answer = this.#world.deregister(name, slug)
    this.#world.until(() => answer.result !== undefined, 5000, 'an answer')
    if (answer.result?.error !== undefined) return expect(answer.result.error.code).toBe('not-found')
    this.#note(`${slug} is deregistered at ${name}`)
    const removedBy = this.#world.now + slack_ms
    Object.assign(expected, { holders: [], listedBy: undefined, hiddenBy: undefined, removedBy })
    // What was registered where this one did not see it stands.
    if (this.#trouble !== undefined) expected.removedBy = undefined
  }

  #maintain(): void {
    const [slug, expected] = this.#one([...this.#bySlug]) ?? []
    if (slug === undefined || expected === undefined) return
    const isHidden = expected.hiddenBy === undefined
    const what: Act = isHidden ? { type: 'maintenance', reason: 'so' } : { type: 'maintenance' }
    const { error } = this.#asked(slug, what)
    this.#note(`${slug} is asked for ${isHidden ? 'maintenance' : 'service'}: ${error?.code ?? 'done'}`)
    if (error?.code === 'not-found') return
    const wasListed = expected.listedBy !== undefined || expected.hiddenBy !== undefined
    const isKnown = error === undefined && this.#trouble === undefined && wasListed
    const by = this.#world.now + slack_ms
    expected.mayBeHidden = isHidden || (expected.mayBeHidden && error !== undefined)
    expected.hiddenBy = isKnown && isHidden ? by : undefined
    expected.listedBy = isKnown && !isHidden ? by : undefined
  }

  /** Of what has no ttl it is a conflict. */
  #renewElsewhere(): void {
    const [slug, { holders, listedBy } = { holders: [], listedBy: undefined }] = this.#one([...this.#bySlug]) ?? []
    const holder = holders.at(-1)
    if (slug === undefined || holder === undefined || listedBy === undefined || this.#trouble !== undefined) return
    const { ok, error } = this.#asked(slug, { type: 'renew' })
    this.#note(`${slug} is renewed: ${ok}`)
    if (holder.goneBy === undefined && holder.kind === 'ttl') expect(`${slug} ${ok}`).toBe(`${slug} true`)
    if (holder.kind !== 'ttl' && !ok) expect(['conflict', 'not-found']).toContain(error?.code)
    if (ok && holder.goneBy !== undefined) holder.goneBy = this.#world.now + ttl_ms + grace_ms + slack_ms
  }

  #asked(id: string, act: Act): NonNullable<Answer['result']> {
    const answer = this.#world.command(this.#oneUp(), { type: 'act', id, act })
    this.#world.until(() => answer.result !== undefined, 5000, 'an answer')
    return answer.result as NonNullable<Answer['result']>
  }

  #fallIll(): void {
    const ill = [...this.#bySlug].filter(([, one]) => one.deregisterAfter && !one.isIll && one.holders.length > 0)
    const [slug, expected] = this.#one(ill) ?? []
    if (slug === undefined || expected === undefined) return
    this.#world.service(urlOf(slug), 'Unreachable')
    expected.isIll = true
    this.#note(`${slug} is ill`)
    expected.listedBy = undefined
    const goneBy = this.#world.now + confirmed_ms + illness_ms + slack_ms
    // A trouble meanwhile makes it last longer.
    if (this.#trouble === undefined && expected.holders.length === 1) expected.removedBy = goneBy
  }

  // ---- what befalls the nodes

  #beginTrouble(): void {
    if (this.#trouble !== undefined) return
    const name = this.#one(names) ?? 'a'
    const type = this.#one(['down', 'down', 'cut', 'cut', 'paused'] as const) ?? 'cut'
    const { now } = this.#world
    const length_ms = this.#random.below(type === 'paused' ? 12_000 : 15_000)
    this.#trouble = { type, name, until: now + length_ms }
    this.#note(`${name} is ${type} for ${length_ms}`)
    if (type === 'cut')
      this.#world.partition(
        [name],
        names.filter((other) => other !== name),
      )
    if (type === 'paused') this.#world.pause(name, length_ms)
    if (type === 'down') this.#world[this.#random.chance(0.5) ? 'crash' : 'vanish'](name)
    for (const expected of this.#bySlug.values()) this.#doubt(expected, name)
  }

  /** Its home away for so long, what asked for it is removed by others; an illness is counted anew, or from before a sleep. */
  #doubt(expected: Expected, name: Name): void {
    if (expected.isIll) expected.removedBy = undefined
    if (expected.deregisterAfter && expected.holders.some(({ home }) => home === name)) expected.listedBy = undefined
  }

  #endTrouble({ type, name, until }: Trouble): void {
    const { now } = this.#world
    if (type === 'down') this.#world.start(name)
    if (type === 'cut') this.#world.heal()
    for (const program of this.#programs) if (program.home === name) this.#aftermath(program, type, now)
    this.#heal(name, until)
  }

  #aftermath(program: Program, type: Trouble['type'], now: number): void {
    const { kind, goneBy } = program
    if (type === 'paused' && goneBy !== undefined) program.goneBy = goneBy + 12_000
    if (type !== 'down') return
    if (kind === 'ttl' && goneBy !== undefined) program.goneBy = now + ttl_ms + grace_ms + 2 * slack_ms
    if (kind !== 'session') return
    program.isSure = program.isSure && (goneBy === undefined || program.line === -1)
    Object.assign(program, { line: -1, isSilent: false })
    program.goneBy = now + restored_ms + 2 * slack_ms
  }

  /** Until all see each other again, and hold the same. */
  #heal(name: Name, until: number): void {
    this.#trouble = { type: 'healing', name, until }
    const isWhole = (): boolean => {
      const running = this.#world.running()
      const isSettled = running.every(({ live }) => live.readiness().ready && live.read.alive === running.length)
      return isSettled && this.#world.digests().size === 1
    }
    for (let waited_ms = 0; !isWhole(); waited_ms += 500) {
      if (waited_ms > 600_000) agree(this.#world, 1) // says how all are
      this.#pass(500)
    }
    this.#trouble = undefined
    const { now } = this.#world
    this.#note('all see each other')
    for (const expected of this.#bySlug.values()) {
      if (expected.listedBy !== undefined) expected.listedBy = Math.max(expected.listedBy, now + slack_ms)
      if (expected.removedBy !== undefined) expected.removedBy = Math.max(expected.removedBy, now + slack_ms)
      if (expected.hiddenBy !== undefined) expected.hiddenBy = Math.max(expected.hiddenBy, now + slack_ms)
    }
  }

  /** Forgotten while it lives, it begins anew: what was taken over or removed meanwhile goes, all else comes back. */
  #fence(): void {
    const name = this.#one(names) ?? 'a'
    const by = this.#one(names.filter((other) => other !== name)) ?? 'b'
    if (this.#trouble !== undefined) return
    done(this.#world, this.#world.command(by, { type: 'remove-node', owner: name }), 5000)
    this.#note(`${by} forgets ${name}`)
    for (const [slug, expected] of this.#bySlug) {
      const isAlone = this.#programs.filter((one) => one.slug === slug).every(({ home }) => home === name)
      if (!isAlone || this.#rows(by, slug).length > 0) expected.listedBy = undefined
      this.#doubt(expected, name)
    }
    this.#heal(name, this.#world.now)
  }

  // ---- what must be true

  #look(): void {
    for (const [slug, expected] of this.#bySlug) for (const name of names) this.#lookAt(slug, expected, name)
  }

  #lookAt(slug: string, { holders, listedBy, hiddenBy, removedBy }: Expected, name: Name): void {
    const { now } = this.#world
    const homes = this.#programs.filter((one) => one.slug === slug).map(({ home }) => home)
    if (!this.#isUp(name) || this.#world.machine(name).live.readiness().degraded) return
    const isListed = (this.#world.lookup(name, slug) ?? []).length > 0
    const told = (isDue: boolean): string => `${slug} at ${name} is ${isDue ? '' : 'not '}listed`
    const isOver = holders.every(({ goneBy }) => goneBy !== undefined && now > goneBy)
    const seesAll = homes.every((home) => this.#isTogether(name, home))
    const mustBeGone =
      (holders.length > 0 && isOver) ||
      (removedBy !== undefined && now > removedBy) ||
      (hiddenBy !== undefined && now > hiddenBy)
    if (mustBeGone && seesAll) expect(told(isListed)).toBe(told(false))
    const [holder] = holders
    const stands = holders.length === 1 && holder !== undefined && holder.goneBy === undefined
    if (stands && listedBy !== undefined && now > listedBy && this.#isTogether(name, holder.home))
      expect(told(isListed)).toBe(told(true))
  }

  /** Whether nothing has stood between these two since they last held the same. */
  #isTogether(a: Name, b: Name): boolean {
    const { type, name } = this.#trouble ?? {}
    if (type === undefined || (name !== a && name !== b)) return true
    return type === 'cut' && a === b
  }

  #isUp(name: Name): boolean {
    return this.#trouble?.name !== name || this.#trouble.type === 'cut'
  }

  #oneUp(): Name {
    return this.#one(names.filter((name) => this.#isUp(name))) ?? 'a'
  }

  #rows(name: Name, id: string) {
    const rows = this.#world.machine(name).live.read.rows(this.#world.moment(name))
    return rows.filter((row) => row.id === id && row.reason !== 'removed')
  }

  #expected(slug: string): Expected {
    return this.#bySlug.get(slug) as Expected
  }

  #one<T>(all: readonly T[]): T | undefined {
    return all[this.#random.below(Math.max(1, all.length))]
  }
}
