// How soon a cluster of twenty notices a death, a silence and a registration, and what its members cost at rest; the same steps with Serf where it is installed.
import { setTimeout as sleep } from 'node:timers/promises'
import { Fleet } from './fleet.js'
import { cpuTime_ms, loopbackBytes, residentMiB } from './machine.js'
import { progress } from './progress.js'
import { figuresOf, round, type Row, table } from './report.js'
import { Serfs, isSerfInstalled } from './serf.js'
import { acceptAll } from './services/listener.js'

export interface MembershipOptions {
  readonly kills: number
  readonly stops: number
  readonly registrations: number
  /** Cluster sizes; all but the rows at rest are measured at the first. */
  readonly sizes: readonly number[]
  /** Nothing but our daemons speaks on this loopback interface: its counters are theirs. */
  readonly ownNetwork: boolean
}

const rest_ms = 15_000
const watched_ms = 30_000

/** What both kinds of cluster are asked to do. */
interface Subject {
  readonly title: string
  readonly names: readonly string[]
  growTo(count: number): Promise<number>
  pids(): number[]
  /** Changes something at one. @returns when each of the others knew, after the call */
  change(name: string, what: string): Promise<number[]>
  /** Ends or stops one. @returns how long each of the others took to know */
  strike(name: string, signal: 'SIGKILL' | 'SIGSTOP'): Promise<number[]>
  /** Brings it back, until all know. */
  revive(name: string): Promise<void>
  close(): Promise<void>
}

export async function benchMembership(options: MembershipOptions): Promise<Row[]> {
  const { url, close } = await acceptAll()
  try {
    const rows = await measure(new Rollcalls(url), options)
    if (isSerfInstalled()) rows.push(...(await measure(new Serfs(), fewer(options))))
    else progress('serf: not installed, left out')
    return rows
  } finally {
    close()
  }
}

/** Each strike of Serf takes many seconds. */
function fewer(options: MembershipOptions): MembershipOptions {
  const { kills, stops, registrations } = options
  return {
    ...options,
    kills: Math.min(kills, 10),
    stops: Math.min(stops, 4),
    registrations: Math.min(registrations, 30),
  }
}

async function measure(subject: Subject, options: MembershipOptions): Promise<Row[]> {
  const [size = 20, ...larger] = options.sizes
  try {
    progress(`${subject.title}: ${size} start`)
    const started_ms = await subject.growTo(size)
    const rows: Row[] = []
    const take = (...more: readonly Row[]): void => {
      rows.push(...more)
      for (const line of table(more.map(figuresOf)).split('\n').slice(1)) progress(line)
    }
    take(row(subject, `${size} start, four at a time → all know all`, [started_ms]))
    take(...(await atRest(subject, options)))
    take(await changes(subject, options.registrations))
    take(...(await strikes(subject, 'SIGKILL', options.kills)))
    take(...(await strikes(subject, 'SIGSTOP', options.stops)))
    for (const count of larger) {
      progress(`${subject.title}: growing to ${count}`)
      await subject.growTo(count)
      take(...(await atRest(subject, options)))
    }
    return rows
  } finally {
    await subject.close()
  }
}

function row({ title }: Subject, what: string, samples: readonly number[]): Row {
  return { what: `${title}: ${what}`, unit: 'ms', samples }
}

async function atRest(subject: Subject, { ownNetwork }: MembershipOptions): Promise<Row[]> {
  progress(`${subject.title}: ${subject.names.length} at rest for ${(rest_ms + watched_ms) / 1000} s`)
  await sleep(rest_ms)
  const pids = subject.pids()
  const [begun, bytes, before] = [performance.now(), loopbackBytes(), pids.map(cpuTime_ms)]
  await sleep(watched_ms)
  const [took_ms, sent] = [performance.now() - begun, loopbackBytes() - bytes]
  const shares = pids.map((pid, i) => ((cpuTime_ms(pid) - (before[i] as number)) / took_ms) * 100)
  const title = `${subject.title}: ${pids.length} at rest:`
  const rows: Row[] = [
    { what: `${title} CPU of each`, unit: '% of a core', samples: shares },
    { what: `${title} resident memory of each`, unit: 'MiB', samples: pids.map(residentMiB) },
  ]
  if (!ownNetwork) return rows
  const perSecond = round(sent / pids.length / (took_ms / 1000) / 1000)
  return [...rows, { what: `${title} sent by each, headers included`, unit: 'kB/s', value: perSecond }]
}

async function changes(subject: Subject, count: number): Promise<Row> {
  progress(`${subject.title}: ${count} changes are looked for at all others`)
  const last: number[] = []
  for (let i = 0; i < count; i++) {
    await sleep(anyInstant_ms(100))
    const name = subject.names[i % subject.names.length] as string
    last.push(Math.max(...(await subject.change(name, `seen-${i}`))))
  }
  return row(subject, 'a change at one → known to the last of the others', last)
}

async function strikes(subject: Subject, signal: 'SIGKILL' | 'SIGSTOP', count: number): Promise<Row[]> {
  progress(`${subject.title}: ${count} times ${signal}`)
  const each: number[] = []
  const last: number[] = []
  for (let i = 0; i < count; i++) {
    const name = subject.names[i % subject.names.length] as string
    await sleep(anyInstant_ms(1000))
    const times = await subject.strike(name, signal)
    each.push(...times)
    last.push(Math.max(...times))
    await subject.revive(name)
  }
  return [
    row(subject, `${signal} → hidden, each of the others`, each),
    row(subject, `${signal} → hidden, the last of the others`, last),
  ]
}

/** What is measured must not keep step with heartbeats. */
function anyInstant_ms(within_ms: number): number {
  return 5 + Math.random() * within_ms
}

/** Our daemons: a change is a registration; hidden is an instance out of the lookups. */
class Rollcalls implements Subject {
  readonly title = 'rollcall'
  readonly #fleet = new Fleet()
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  get names(): readonly string[] {
    return this.#fleet.names
  }

  growTo(count: number): Promise<number> {
    return this.#fleet.growTo(count)
  }

  pids(): number[] {
    return this.#fleet.pids()
  }

  async change(name: string, what: string): Promise<number[]> {
    const at = performance.now()
    await this.#fleet.register(name, what, this.#url)
    return (await this.#fleet.whenOthersSee(name, what, 'shown', at)).map((seen) => seen - at)
  }

  async strike(name: string, signal: 'SIGKILL' | 'SIGSTOP'): Promise<number[]> {
    const id = `home-${name}`
    await this.#fleet.register(name, id, this.#url)
    await this.#fleet.isBack(name, id)
    const at = performance.now()
    this.#fleet.daemon(name).process.kill(signal)
    return (await this.#fleet.whenOthersSee(name, id, 'hidden', at)).map((seen) => seen - at)
  }

  async revive(name: string): Promise<void> {
    if (this.#fleet.daemon(name).process.signalCode === null) this.#fleet.daemon(name).process.kill('SIGCONT')
    else await this.#fleet.start(name)
    await this.#fleet.isBack(name, `home-${name}`)
  }

  close(): Promise<void> {
    return this.#fleet.close()
  }
}
