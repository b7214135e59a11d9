// An hour of a cluster to which something happens every minute: whether memory, heap or descriptors of those that live through it grow.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { allEqual, allList, type RunningDaemon, until } from '../../test/daemon/cluster.js'
import { bySeeds, closeCluster, openCluster } from '../bench/daemons.js'
import { residentMiB } from '../bench/machine.js'
import type { Row } from '../bench/report.js'

export interface HourOptions {
  readonly daemons: number
  readonly minutes: number
  /** Between two faults. */
  readonly every_ms: number
  readonly progress?: (minute: number, fault: string) => void
}

/** One daemon at one moment. */
interface Look {
  readonly at_min: number
  readonly heap_MiB: number
  readonly resident_MiB: number
  readonly descriptors: number
}

export interface Hour {
  readonly faults: ReadonlyMap<string, number>
  /** Of those to which nothing was done, each from the first look to the last. */
  readonly looks: ReadonlyMap<string, readonly Look[]>
  /** From the end of a fault until all list all. */
  readonly healed_ms: readonly number[]
  readonly broken: readonly string[]
}

const preload = pathToFileURL(join(import.meta.dirname, 'told-heap.js')).href
/** How long one stands still. */
const stop_ms = 8000
/** Registrations of one burst, and how many of a daemon's are left. */
const [burst, kept] = [100, 20]
/** The first part of the time is not looked at: caches fill. */
const warm = 0.25
/** Growth from the end of that part to the end of the time which is called a leak: of the heap, of descriptors. */
const [heapGrowth, descriptorGrowth] = [1.3, 64]

export async function liveThrough(options: HourOptions): Promise<Hour> {
  return new Living(options).run()
}

class Living {
  readonly #options: HourOptions
  readonly #cluster = openCluster()
  readonly #daemons = new Map<string, RunningDaemon>()
  readonly #looks = new Map<string, Look[]>()
  readonly #faults = new Map<string, number>()
  readonly #healed_ms: number[] = []
  readonly #broken: string[] = []
  readonly #mine = new Map<string, string[]>()
  #serial = 0

  constructor(options: HourOptions) {
    this.#options = options
  }

  async run(): Promise<Hour> {
    const { daemons, minutes, every_ms, progress } = this.#options
    const names = Array.from({ length: daemons }, (_, i) => `n${i}`)
    for (const name of names) await this.#start(name)
    await this.#healed(names)
    const begun = performance.now()
    const end = begun + minutes * 60_000
    // To the first half nothing is done but what all feel: they are the ones that are looked at.
    const spared = names.slice(0, Math.ceil(daemons / 2))
    for (let i = 0; performance.now() < end; i++) {
      const next = performance.now() + every_ms
      const name = names[spared.length + (i % (daemons - spared.length))] as string
      const fault = await this.#befall(name, i)
      this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1)
      await this.#healed(names)
      for (const one of spared) await this.#look(one, (performance.now() - begun) / 60_000)
      progress?.(Math.floor((performance.now() - begun) / 60_000), `${fault} ${name}`)
      await sleep(Math.max(0, next - performance.now()))
    }
    await allEqual([...this.#daemons.values()])
    for (const one of spared) this.#judge(one)
    await closeCluster(this.#cluster)
    return { faults: this.#faults, looks: this.#looks, healed_ms: this.#healed_ms, broken: this.#broken }
  }

  #heapFile(name: string): string {
    return join(tmpdir(), `violence-${process.pid}-${name}.json`)
  }

  async #start(name: string): Promise<void> {
    const others = [...this.#daemons.values()].filter((daemon) => daemon.name !== name && !daemon.isOver).slice(0, 3)
    const env = { NODE_OPTIONS: `--import=${preload}`, VIOLENCE_HEAP: this.#heapFile(name) }
    const daemon = await this.#cluster.start(name, { args: bySeeds(others), env })
    this.#daemons.set(name, daemon)
    await until(`${name} is ready`, () => daemon.isReady())
  }

  async #befall(name: string, i: number): Promise<string> {
    const daemon = this.#daemons.get(name) as RunningDaemon
    await this.#churn(daemon)
    switch (i % 4) {
      case 0:
        await daemon.kill('SIGKILL')
        await this.#start(name)
        return 'kill -9'
      case 1:
        daemon.process.kill('SIGSTOP')
        await sleep(stop_ms)
        daemon.process.kill('SIGCONT')
        return 'SIGSTOP for 8 s'
      case 2:
        await daemon.kill('SIGTERM')
        await this.#start(name)
        return 'SIGTERM'
      default:
        await daemon.ask('/v1/leave', 'POST', { restart: true })
        await until(`${name} ends`, async () => daemon.isOver)
        await this.#start(name)
        return 'a restart'
    }
  }

  /** Registrations come and go at it, and at one of those that are spared. */
  async #churn(daemon: RunningDaemon): Promise<void> {
    for (const one of [daemon, this.#daemons.get('n0') as RunningDaemon]) {
      const mine = this.#mine.get(one.name) ?? []
      this.#mine.set(one.name, mine)
      for (let i = 0; i < burst; i++) {
        const id = `${one.name}-${(this.#serial += 1)}`
        mine.push(await one.register({ id, slug: `s${i % 7}`, url: `http://127.0.0.1:9/${id}`, check: 'none' }))
        if (mine.length > kept) await one.deregister(mine.shift() as string)
      }
    }
  }

  async #healed(names: readonly string[]): Promise<void> {
    try {
      this.#healed_ms.push(await allList([...this.#daemons.values()], names))
    } catch (error) {
      this.#broken.push(String(error))
    }
  }

  async #look(name: string, at_min: number): Promise<void> {
    const pid = this.#daemons.get(name)?.process.pid as number
    const file = this.#heapFile(name)
    rmSync(file, { force: true })
    process.kill(pid, 'SIGUSR2')
    let heapUsed = 0
    await until(`${name} tells its heap`, async () => {
      ;({ heapUsed } = JSON.parse(readFileSync(file, 'utf8')) as { heapUsed: number })
      return true
    })
    rmSync(file, { force: true })
    const looks = this.#looks.get(name) ?? []
    this.#looks.set(name, looks)
    const descriptors = readdirSync(`/proc/${pid}/fd`).length
    looks.push({ at_min, heap_MiB: heapUsed / 2 ** 20, resident_MiB: residentMiB(pid), descriptors })
  }

  #judge(name: string): void {
    const looks = this.#looks.get(name) ?? []
    const [first, last] = [looks[Math.floor(looks.length * warm)], looks.at(-1)]
    if (first === undefined || last === undefined) return
    if (last.heap_MiB > first.heap_MiB * heapGrowth)
      this.#broken.push(`${name}: its heap grew from ${round(first.heap_MiB)} to ${round(last.heap_MiB)} MiB`)
    if (last.descriptors > first.descriptors + descriptorGrowth)
      this.#broken.push(`${name}: its descriptors grew from ${first.descriptors} to ${last.descriptors}`)
  }
}

function round(value: number): string {
  return value.toFixed(1)
}

/** The least squares' slope, an hour. */
function slopeOf(looks: readonly Look[], of: (look: Look) => number): number {
  const after = looks.slice(Math.floor(looks.length * warm))
  const mean = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0) / values.length
  const [meanAt, meanOf] = [mean(after.map(({ at_min }) => at_min)), mean(after.map(of))]
  const above = after.reduce((all, look) => all + (look.at_min - meanAt) * (of(look) - meanOf), 0)
  const below = after.reduce((all, look) => all + (look.at_min - meanAt) ** 2, 0)
  return (60 * above) / below
}

export function rowsOf({ faults, looks, healed_ms, broken }: Hour): Row[] {
  const all = [...looks.values()]
  const figures = [
    ['heap after collection', 'MiB', (look: Look) => look.heap_MiB],
    ['resident memory', 'MiB', (look: Look) => look.resident_MiB],
    ['descriptors', '', (look: Look) => look.descriptors],
  ] as const
  return [
    ...[...faults].map(([fault, count]): Row => ({ what: fault, unit: 'times', value: String(count) })),
    { what: 'the end of a fault → all list all', unit: 'ms', samples: healed_ms },
    ...figures.flatMap(([what, unit, of]): Row[] => [
      { what, unit, samples: all.flatMap((one) => one.map(of)) },
      { what: `${what}: slope of each daemon, an hour`, unit, samples: all.map((one) => slopeOf(one, of)) },
    ]),
    { what: 'what broke', unit: '', value: String(broken.length) },
  ]
}
