// Kills services at random while callers pick, and notes whoever was given a dead one, or missed a living one.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningDaemon } from '../../test/daemon/cluster.js'
import { get, Line } from '../bench/line.js'
import type { Row } from '../bench/report.js'
import { type ServiceProcess, startService } from '../bench/services/process.js'

export interface ViolenceOptions {
  /** Services in all: each is killed once. */
  readonly services: number
  /** That live at a time. */
  readonly atOnce: number
  readonly callers: number
  /** How long after its death a service may still be picked, milliseconds. */
  readonly dead_ms: number
  /** How long a living one may be missing from the lookups of a daemon: about what a program takes to connect anew. */
  readonly missing_ms: number
  /** Until the last record of a dead one must be gone. */
  readonly gone_ms: number
}

export interface Damage {
  readonly kills: number
  readonly picks: number
  /** For each kill: how long after it the last pick was asked for that was answered with it; 0 where there was none. */
  readonly lastPick_ms: readonly number[]
  /** For each service and daemon: the longest time for which it lived and was not listed. */
  readonly missing_ms: readonly number[]
  /** What breaks a rule, in words. */
  readonly broken: readonly string[]
}

/** Services that share a name: so few that their crashes seldom count as a loop, which would keep the next ones from being picked. */
const sharing = 5
const [callPause_ms, lookPause_ms, killPause_ms] = [5, 100, 150]

interface Life {
  readonly id: string
  readonly slug: string
  readonly home: RunningDaemon
  readonly process: ServiceProcess
  diedAt: number | undefined
  lastPick_ms: number
  /** What was known at that moment, in words. */
  lastPick: string | undefined
}

const timeOf = (at: number): string => new Date(performance.timeOrigin + at).toISOString().slice(11, 23)

export async function killServices(daemons: readonly RunningDaemon[], options: ViolenceOptions): Promise<Damage> {
  const violence = new Violence(daemons, options)
  return violence.run()
}

class Violence {
  readonly #daemons: readonly RunningDaemon[]
  readonly #options: ViolenceOptions
  readonly #lives = new Map<string, Life>()
  readonly #broken: string[] = []
  /** By daemon and id: since when it is missing there, while it is; and the longest such time. */
  readonly #missingSince = new Map<string, number>()
  readonly #longest = new Map<string, number>()
  #begun = 0
  #picks = 0
  #isOver = false

  constructor(daemons: readonly RunningDaemon[], options: ViolenceOptions) {
    this.#daemons = daemons
    this.#options = options
  }

  async run(): Promise<Damage> {
    const { callers } = this.#options
    const watching = [
      ...Array.from({ length: callers }, (_, i) => this.#call(this.#daemonOf(i))),
      ...this.#daemons.map((daemon) => this.#look(daemon)),
    ]
    const watched = Promise.all(watching)
    await Promise.race([this.#killAll(), watched])
    await sleep(Math.min(this.#options.dead_ms, 1000) + 500)
    this.#isOver = true
    await watched
    await this.#allGone()
    const kills = [...this.#lives.values()]
    for (const life of kills) {
      const { id, lastPick_ms } = life
      if (lastPick_ms > this.#options.dead_ms)
        this.#broken.push(`${id} was picked ${Math.round(lastPick_ms)} ms after its death${this.#storyOf(life)}`)
    }
    for (const [key, missing_ms] of this.#longest) {
      if (missing_ms > this.#options.missing_ms) this.#broken.push(`${key} lived and was missing for ${missing_ms} ms`)
    }
    return {
      kills: kills.length,
      picks: this.#picks,
      lastPick_ms: kills.map(({ lastPick_ms }) => lastPick_ms),
      missing_ms: [...this.#longest.values()],
      broken: this.#broken,
    }
  }

  #daemonOf(i: number): RunningDaemon {
    return this.#daemons[i % this.#daemons.length] as RunningDaemon
  }

  #living(): Life[] {
    return [...this.#lives.values()].filter(({ diedAt }) => diedAt === undefined)
  }

  async #killAll(): Promise<void> {
    const { services, atOnce } = this.#options
    await this.#startMore(atOnce)
    for (let killed = 0; killed < services; killed++) {
      await sleep(Math.random() * 2 * killPause_ms)
      const living = this.#living()
      const victim = living[Math.floor(Math.random() * living.length)] as Life
      victim.diedAt = victim.process.kill()
      await this.#startMore(1)
    }
  }

  async #startMore(count: number): Promise<void> {
    const first = this.#begun
    this.#begun = Math.min(first + count, this.#options.services)
    const starting = Array.from({ length: this.#begun - first }, (_, i) => this.#start(first + i))
    await Promise.all(starting)
  }

  async #start(i: number): Promise<void> {
    const [id, slug, home] = [`life-${i}`, `service-${Math.floor(i / sharing)}`, this.#daemonOf(i)]
    const process = await startService({ daemon: home.url, as: { id, slug } })
    const now = performance.now()
    for (const { name } of this.#daemons) this.#missingSince.set(`${id} at ${name}`, now)
    this.#lives.set(id, { ...{ id, slug, home, process }, diedAt: undefined, lastPick_ms: 0, lastPick: undefined })
  }

  /** One caller: picks now this, now that service. The time of a pick is that of its question. */
  async #call(daemon: RunningDaemon): Promise<void> {
    const line = await Line.to(daemon.url)
    while (!this.#isOver) {
      await sleep(callPause_ms)
      const lives = [...this.#lives.values()].slice(-2 * this.#options.atOnce)
      const slug = lives[Math.floor(Math.random() * lives.length)]?.slug
      if (slug === undefined) continue
      const asked = performance.now()
      const { body } = await line.ask(get(`/v1/pick/${slug}`))
      const { picked } = JSON.parse(body.toString()) as { picked?: { id: string; status: string } }
      if (picked === undefined) continue
      this.#picks++
      const life = this.#lives.get(picked.id)
      if (life?.diedAt === undefined || asked - life.diedAt <= life.lastPick_ms) continue
      life.lastPick_ms = asked - life.diedAt
      life.lastPick = `${timeOf(asked)} picked at ${daemon.name} as ${picked.status}; its port: ${this.#portOf(life)}`
    }
    line.close()
  }

  /** Who listens at the port of a dead one. */
  #portOf({ process: { port } }: Life): string {
    const holder = this.#living().find(({ process }) => process.port === port)
    return holder === undefined ? (listens(port) ? 'drawn by a stranger' : 'free') : `drawn by ${holder.id}`
  }

  /** What its home said of it, beside what happened. */
  #storyOf({ id, home, process, diedAt = 0, lastPick }: Life): string {
    const said = home.log
      .split('\n')
      .filter((line) => line.includes(`"${id}"`) || (process.session !== undefined && line.includes(process.session)))
    const told = said
      .map((line) => JSON.parse(line) as { time: string; msg: string })
      .map(({ time, msg }) => `${time.slice(11, 23)} ${home.name}: ${msg}`)
    return ['', `${timeOf(diedAt)} killed`, lastPick, ...told].join('\n    ')
  }

  /** Sees again and again whether all that live are in the lookups of a daemon. */
  async #look(daemon: RunningDaemon): Promise<void> {
    const line = await Line.to(daemon.url)
    while (!this.#isOver) {
      await sleep(lookPause_ms)
      for (const slug of new Set(this.#living().map((life) => life.slug))) {
        const here = this.#living().filter((life) => life.slug === slug)
        const { status, body } = await line.ask(get(`/v1/lookup/${slug}`))
        const { instances = [] } =
          status === 200 ? (JSON.parse(body.toString()) as { instances: { id: string }[] }) : {}
        const listed = new Set(instances.map(({ id }) => id))
        for (const { id, diedAt } of here) {
          if (diedAt === undefined) this.#note(`${id} at ${daemon.name}`, listed.has(id))
        }
      }
    }
    line.close()
  }

  #note(key: string, isListed: boolean): void {
    const now = performance.now()
    const since = this.#missingSince.get(key)
    if (since !== undefined) this.#longest.set(key, Math.max(this.#longest.get(key) ?? 0, now - since))
    if (isListed) this.#missingSince.delete(key)
    else if (since === undefined) this.#missingSince.set(key, now)
  }

  /** The records of the dead go by themselves. */
  async #allGone(): Promise<void> {
    const until = performance.now() + this.#options.gone_ms
    for (const daemon of this.#daemons) {
      for (;;) {
        const left = (await daemon.instances()).map(({ id }) => id).filter((id) => this.#lives.has(id))
        if (left.length === 0) break
        if (performance.now() > until) {
          this.#broken.push(`${daemon.name} still lists ${left.join(', ')}`)
          break
        }
        await sleep(lookPause_ms)
      }
    }
  }
}

function listens(port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`
  return readFileSync('/proc/net/tcp', 'latin1').includes(wanted)
}

export function rowsOf({ kills, picks, lastPick_ms, missing_ms }: Damage): Row[] {
  return [
    { what: 'services killed with -9', unit: '', value: String(kills) },
    { what: 'picks', unit: '', value: String(picks) },
    { what: 'the last pick of a dead one, after its death', unit: 'ms', samples: lastPick_ms },
    {
      what: 'kills after which nobody picked it',
      unit: '',
      value: String(lastPick_ms.filter((ms) => ms === 0).length),
    },
    { what: 'a living one not listed at a daemon, its start included', unit: 'ms', samples: missing_ms },
  ]
}
