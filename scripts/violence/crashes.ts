// Kills daemons with -9 while callers write at them, and holds all of them to what was acknowledged.
import { setTimeout as sleep } from 'node:timers/promises'
import { allEqual, type RunningDaemon, until } from '../../test/daemon/cluster.js'
import type { Row } from '../bench/report.js'
import { Ledger } from './ledger.js'

export interface CrashOptions {
  /** Daemons: with one of them nobody can give anything back. They are killed in turn. */
  readonly daemons: number
  readonly kills: number
  /** Of all callers together, a second. */
  readonly writes: number
  /** Starts a daemon, for the first time or again on its own disk, which finds those that run. */
  readonly start: (name: string, running: readonly RunningDaemon[]) => Promise<RunningDaemon>
  /** Told now and then how far it is. */
  readonly progress?: (killed: number) => void
}

export interface Crashes {
  readonly kills: number
  readonly registered: number
  readonly removed: number
  readonly defined: number
  /** Of which nobody was told whether they were done. */
  readonly unknown: number
  /** From the start of a process to the moment at which it takes writes. */
  readonly ready_ms: readonly number[]
  /** From the last start to equal documents everywhere. */
  readonly inStep_ms: number
  /** What breaks a promise, a line each. */
  readonly broken: readonly string[]
}

/** Callers of each daemon, and how many instances each of them leaves registered at most. */
const [callers, kept] = [2, 40]
/** A daemon lives so long once it takes writes; the instant of its death is chance. */
const life_ms = 500
/** How often a caller looks whether its daemon is up again. */
const down_ms = 20
/** Lines of what is wrong that are kept: one fault may break ten thousand. */
const toldAtMost = 50

export async function killDaemons(options: CrashOptions): Promise<Crashes> {
  return new Violence(options).run()
}

class Violence {
  readonly #options: CrashOptions
  readonly #running = new Map<string, RunningDaemon>()
  readonly #ledgers = new Map<string, Ledger>()
  readonly #ready_ms: number[] = []
  readonly #broken: string[] = []
  #isOver = false

  constructor(options: CrashOptions) {
    this.#options = options
  }

  async run(): Promise<Crashes> {
    const { daemons, kills, progress } = this.#options
    const names = Array.from({ length: daemons }, (_, i) => `n${i}`)
    for (const name of names) {
      this.#ledgers.set(name, new Ledger())
      await this.#start(name)
    }
    const writing = names.flatMap((name) => Array.from({ length: callers }, (_, i) => this.#write(name, i)))
    for (let killed = 0; killed < kills; killed++) {
      const name = names[killed % daemons] as string
      await sleep(Math.random() * life_ms)
      await this.#running.get(name)?.kill('SIGKILL')
      await this.#start(name)
      await this.#audit(name, name)
      progress?.(killed + 1)
    }
    this.#isOver = true
    await Promise.all(writing)
    const inStep_ms = await allEqual([...this.#running.values()])
    for (const reader of names) for (const writer of names) await this.#audit(reader, writer)
    return this.#sums(kills, inStep_ms)
  }

  async #start(name: string): Promise<void> {
    const others = [...this.#running.values()].filter((daemon) => daemon.name !== name && !daemon.isOver)
    const begun = performance.now()
    const daemon = await this.#options.start(name, others)
    this.#running.set(name, daemon)
    await until(`${name} takes writes`, () => daemon.isReady())
    this.#ready_ms.push(performance.now() - begun)
  }

  /** One caller of one daemon, which does the next thing once it knows of the last. */
  async #write(name: string, caller: number): Promise<void> {
    const { daemons, writes } = this.#options
    const pause_ms = (1000 * daemons * callers) / writes
    const ledger = this.#ledgers.get(name) as Ledger
    const mine: string[] = []
    for (let i = 0; !this.#isOver; i++) {
      const begun = performance.now()
      const daemon = this.#running.get(name) as RunningDaemon
      if (daemon.isOver) {
        await sleep(down_ms)
        continue
      }
      const id = `${name}-${caller}-${i}`
      if (i % 10 === 9) await ledger.define(id, daemon)
      else if (mine.length >= kept || (mine.length > 0 && i % 3 === 2)) {
        const [oldest = ''] = mine.splice(Math.floor(Math.random() * mine.length), 1)
        await ledger.remove(oldest, daemon)
      } else {
        mine.push(id)
        await ledger.register(id, daemon)
      }
      await sleep(Math.max(0, pause_ms - (performance.now() - begun)))
    }
  }

  /** Whether one daemon shows what was acknowledged by another one, or by itself. */
  async #audit(reader: string, writer: string): Promise<void> {
    const daemon = this.#running.get(reader) as RunningDaemon
    const wrong = await (this.#ledgers.get(writer) as Ledger).audit(daemon)
    for (const line of wrong) if (this.#broken.length < toldAtMost) this.#broken.push(`at ${reader}: ${line}`)
  }

  #sums(kills: number, inStep_ms: number): Crashes {
    const ledgers = [...this.#ledgers.values()]
    const sum = (of: (ledger: Ledger) => number): number => ledgers.reduce((all, ledger) => all + of(ledger), 0)
    return {
      kills,
      registered: sum(({ registered }) => registered),
      removed: sum(({ removed }) => removed),
      defined: sum(({ defined }) => defined),
      unknown: sum(({ unknown }) => unknown),
      ready_ms: this.#ready_ms,
      inStep_ms,
      broken: this.#broken,
    }
  }
}

export function rowsOf(what: string, crashes: Crashes): Row[] {
  const { kills, registered, removed, defined, unknown, ready_ms, inStep_ms, broken } = crashes
  return [
    { what: `${what}: kills with -9`, unit: '', value: String(kills) },
    { what: `${what}: acknowledged registrations`, unit: '', value: String(registered) },
    { what: `${what}: acknowledged removals`, unit: '', value: String(removed) },
    { what: `${what}: acknowledged definitions`, unit: '', value: String(defined) },
    { what: `${what}: asked around a kill, and not answered`, unit: '', value: String(unknown) },
    { what: `${what}: a process starts → it takes writes`, unit: 'ms', samples: ready_ms },
    { what: `${what}: the last start → equal everywhere`, unit: 'ms', value: String(Math.round(inStep_ms)) },
    { what: `${what}: lost, or back`, unit: '', value: String(broken.length) },
  ]
}
