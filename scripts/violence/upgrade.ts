// Upgrades a cluster daemon by daemon while callers write and look up at all of them, then takes it back, and holds it to what they were told.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, type RunningDaemon, until } from '../../test/daemon/cluster.js'
import { bySeeds } from '../bench/daemons.js'
import type { Row } from '../bench/report.js'
import { Callers } from './callers.js'
import { Ledger } from './ledger.js'
import { inStep } from './listing.js'

export interface UpgradeOptions {
  /** Starts daemons of the earlier version, and runs its commands. */
  readonly earlier: Cluster
  readonly later: Cluster
  readonly daemons: number
  /** How many of them are upgraded, and go back. */
  readonly upgraded: number
  /** How long callers go on after each step. */
  readonly soak_ms: number
  /** Told after each step. */
  readonly progress?: (step: string) => void
}

export interface Upgraded {
  /** From the word to leave until the other version takes writes. */
  readonly upgrades_ms: readonly number[]
  readonly returns_ms: readonly number[]
  readonly lookups_ms: readonly number[]
  readonly askedAgain: number
  readonly lookupsFailed: number
  /** What was acknowledged. */
  readonly writes: Pick<Ledger, 'registered' | 'reported' | 'removed' | 'defined'>
  /** Writes that were not acknowledged, by what was answered instead, and said again until they were. */
  readonly refusals: ReadonlyMap<string, number>
  /** From the end of the writes until all hold the same and say so. */
  readonly inStep_ms: readonly number[]
  /** How often a daemon that ran was seen hidden at another one. */
  readonly hidings: number
  readonly broken: readonly string[]
}

/** Between two lookups, writes and looks at who is shown as what, at each daemon. */
const [lookup_ms, write_ms, look_ms] = [50, 100, 250]
/** Before a write that was refused is said again. */
const again_ms = 50
/** Instances that each writer leaves registered. */
const kept = 8
const toldAtMost = 50
/** What only the later version answers, mostly by asking the others. */
const laterPaths = ['/v1/doctor', '/v1/survey', '/v1/history?id=n0-0', '/metrics', '/v1/prometheus/targets']
/** Why a message of another version would be dropped. */
const misunderstandings = /^(unreadable|bad signature|content is not)/
/** In this order: each is news at once. */
const statuses = ['Healthy', 'Degraded'] as const

export async function upgradeAll(options: UpgradeOptions): Promise<Upgraded> {
  return new Upgrading(options).run()
}

class Upgrading {
  readonly #options: UpgradeOptions
  readonly #names: readonly string[]
  readonly #running = new Map<string, RunningDaemon>()
  /** Those that run the later version. */
  readonly #isLater = new Set<string>()
  readonly #callers: Callers
  readonly #ledger = new Ledger()
  readonly #inStep_ms: number[] = []
  readonly #broken = new Set<string>()
  readonly #hidden = new Set<string>()
  #lookupsFailed = 0
  #hidings = 0
  #what = 'before the first step'
  /** Writers that are in the middle of something, and whether they are to begin another thing. */
  #writing = 0
  #isHeld = true
  #isOver = false

  constructor(options: UpgradeOptions) {
    this.#options = options
    this.#names = Array.from({ length: options.daemons }, (_, i) => `n${i}`)
    this.#callers = new Callers({
      names: this.#names,
      daemon: (name) => this.#daemon(name),
      pause_ms: lookup_ms,
      onFailed: (what) => {
        this.#lookupsFailed += 1
        this.#note(what)
      },
    })
  }

  async run(): Promise<Upgraded> {
    const { earlier, later, upgraded } = this.#options
    const [first = '', ...others] = this.#names
    await this.#start(first, earlier)
    await Promise.all(others.map((name) => this.#start(name, earlier)))
    await this.#callers.begin()
    const busy = [...this.#names.map((name) => this.#write(name)), this.#watch()]
    try {
      await this.#soak()
      const [upgrades_ms, returns_ms]: [number[], number[]] = [[], []]
      const names = this.#names.slice(0, upgraded)
      for (const name of names) upgrades_ms.push(await this.#step(name, later))
      for (const name of names) returns_ms.push(await this.#step(name, earlier))
      return this.#sums(upgrades_ms, returns_ms)
    } finally {
      this.#isOver = true
      await Promise.all([...busy, this.#callers.end()])
    }
  }

  #daemon(name: string): RunningDaemon {
    return this.#running.get(name) as RunningDaemon
  }

  get #present(): readonly string[] {
    return this.#names.filter((name) => !this.#callers.away.has(name))
  }

  #note(what: string): void {
    if (this.#broken.size < toldAtMost) this.#broken.add(`${this.#what}: ${what}`)
  }

  /** On its own disk, whatever program it is. */
  async #start(name: string, program: Cluster): Promise<void> {
    const others = [...this.#running.values()].filter((daemon) => daemon.name !== name)
    const dataDir = await this.#options.earlier.dataDir(name)
    this.#running.set(name, await program.start(name, { dataDir, args: bySeeds(others) }))
    await until(`${name} is ready`, () => this.#daemon(name).isReady())
  }

  /** One daemon is told to leave, by the command that comes with the program that is started then. @returns how long that took */
  async #step(name: string, program: Cluster): Promise<number> {
    const isUpgrade = program === this.#options.later
    this.#what = isUpgrade ? `${name} is upgraded` : `${name} goes back`
    const begun = performance.now()
    const before = this.#daemon(name)
    const { code, stderr } = await program.cli('leave', '--restart', '--server', before.url)
    this.#callers.away.add(name)
    if (code !== 0) this.#note(`leave: ${stderr}`)
    await until(`${name} ends`, async () => before.isOver)
    if (isUpgrade) this.#isLater.add(name)
    else this.#isLater.delete(name)
    await this.#start(name, program)
    const took_ms = performance.now() - begun
    this.#callers.away.delete(name)
    await this.#soak()
    this.#options.progress?.(this.#what)
    return took_ms
  }

  /** Callers go on for a while; then writers pause until all daemons have been held to what they acknowledged. */
  async #soak(): Promise<void> {
    this.#isHeld = false
    await sleep(this.#options.soak_ms)
    this.#isHeld = true
    await until('writers pause', async () => this.#writing === 0)
    const begun = performance.now()
    const daemons = [...this.#running.values()]
    try {
      await inStep(daemons)
      await this.#tellVersions(daemons)
      await this.#understood(daemons)
    } catch (error) {
      this.#note(error instanceof Error && error.cause !== undefined ? `${error} (${error.cause})` : String(error))
    }
    this.#inStep_ms.push(performance.now() - begun)
    for (const daemon of daemons)
      for (const wrong of await this.#ledger.audit(daemon)) this.#note(`at ${daemon.name}: ${wrong}`)
    this.#isHeld = false
  }

  /** Those of the later version know who is of it, who is not, and who is no longer. */
  async #tellVersions(daemons: readonly RunningDaemon[]): Promise<void> {
    const wanted = this.#names.map((name) => `${name} ${this.#isLater.has(name)}`).join()
    for (const daemon of daemons.filter(({ name }) => this.#isLater.has(name)))
      await until(`${daemon.name} tells of each whether it is of the later version: ${wanted}`, async () => {
        const told = (await daemon.members()).map(({ nodeId, protocol }) => `${nodeId} ${protocol !== undefined}`)
        return told.sort().join() === wanted
      })
  }

  /** What the later version alone can be asked, and asks others for, bothers none of the earlier one. */
  async #understood(daemons: readonly RunningDaemon[]): Promise<void> {
    for (const daemon of daemons.filter(({ name }) => this.#isLater.has(name)))
      for (const path of laterPaths) {
        const { status, body } = await daemon.ask(path)
        if (status !== 200) this.#note(`${path} at ${daemon.name}: ${status} ${body}`)
      }
    for (const daemon of daemons) {
      const { dropped } = await daemon.self()
      for (const reason of Object.keys(dropped).filter((one) => misunderstandings.test(one)))
        this.#note(`${daemon.name} was told what it does not understand: ${reason}`)
    }
  }

  /** One caller, who registers at its daemon, does everything else at any, and says again what was refused. */
  async #write(name: string): Promise<void> {
    const ledger = this.#ledger
    const [unreported, reported]: [string[], string[]] = [[], []]
    for (let i = 0; !this.#isOver; i++) {
      await sleep(write_ms)
      if (this.#isHeld) continue
      this.#writing += 1
      const id = `${name}-w${i}`
      const turn = i % 5
      if (turn === 4) await this.#insist((at) => ledger.define(id, at))
      else if (turn >= 2 && unreported.length > 0) {
        const one = unreported.shift() as string
        for (const status of statuses) await this.#insist((at) => ledger.report(one, status, at))
        reported.push(one)
      } else if (turn >= 1 && reported.length > kept) {
        const oldest = reported.shift() as string
        await this.#insist((at) => ledger.remove(oldest, at))
      } else if (!this.#callers.away.has(name)) {
        await this.#insist((at) => ledger.register(id, at, 'reported'), name)
        unreported.push(id)
      }
      this.#writing -= 1
    }
  }

  /** As a caller does who tries again: at the daemon that it needs once that is back, or at any. */
  async #insist(act: (at: RunningDaemon) => Promise<boolean>, home?: string): Promise<void> {
    while (!this.#isOver) {
      const at = home === undefined || this.#callers.away.has(home) ? this.#anyOf(home) : home
      if (at !== undefined && (await act(this.#daemon(at)))) return
      await sleep(again_ms)
    }
  }

  /** One of those that are there, where it need not be a certain one. */
  #anyOf(home: string | undefined): string | undefined {
    return home === undefined ? this.#present[Math.floor(Math.random() * this.#present.length)] : undefined
  }

  /** Nobody is ever killed: whoever is shown dead is wronged. */
  async #watch(): Promise<void> {
    while (!this.#isOver) {
      for (const name of this.#present) await this.#lookAt(name)
      await sleep(look_ms)
    }
  }

  async #lookAt(name: string): Promise<void> {
    const members = await this.#daemon(name)
      .members()
      .catch(() => []) // it was just told to leave
    for (const { nodeId, state } of members) {
      const key = `${nodeId} at ${name}`
      if (state === 'dead') this.#note(`${name} shows ${nodeId} as dead`)
      if (state !== 'hidden') this.#hidden.delete(key)
      else if (!this.#hidden.has(key) && !this.#callers.away.has(nodeId ?? '')) {
        this.#hidden.add(key)
        this.#hidings += 1
      }
    }
  }

  #sums(upgrades_ms: readonly number[], returns_ms: readonly number[]): Upgraded {
    const { lookups_ms, askedAgain } = this.#callers
    return {
      ...{ upgrades_ms, returns_ms, lookups_ms, askedAgain, lookupsFailed: this.#lookupsFailed },
      ...{ writes: this.#ledger, refusals: this.#ledger.refusals, inStep_ms: this.#inStep_ms },
      ...{ hidings: this.#hidings, broken: [...this.#broken] },
    }
  }
}

export function rowsOf(upgraded: Upgraded): Row[] {
  const { upgrades_ms, returns_ms, lookups_ms, askedAgain, lookupsFailed, writes } = upgraded
  const counts: readonly (readonly [what: string, count: number])[] = [
    ['lookups asked again, of another daemon', askedAgain],
    ['lookups that failed', lookupsFailed],
    ['acknowledged registrations', writes.registered],
    ['acknowledged changes of status', writes.reported],
    ['acknowledged removals', writes.removed],
    ['acknowledged definitions', writes.defined],
    ...[...upgraded.refusals].map(([why, count]) => [`writes said again: ${why}`, count] as const),
    ['times that one which ran was hidden', upgraded.hidings],
    ['what broke', upgraded.broken.length],
  ]
  return [
    { what: 'told to leave → ready, as this version', unit: 'ms', samples: upgrades_ms },
    { what: 'told to leave → ready, as the earlier one', unit: 'ms', samples: returns_ms },
    { what: 'writes pause → equal everywhere, and said so', unit: 'ms', samples: upgraded.inStep_ms },
    { what: 'lookups', unit: 'ms', samples: lookups_ms },
    ...counts.map(([what, count]): Row => ({ what, unit: '', value: String(count) })),
  ]
}
