// Kills services at random while callers pick, and notes whoever was given a dead one, or missed a living one.
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningDaemon } from '../../test/daemon/cluster.js'
import { get, Line } from '../bench/line.js'
import type { Row } from '../bench/report.js'
import { startService } from '../bench/services/process.js'
import { type Life, notePick, storyOf } from './life.js'

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
  /** What breaks a rule, in words, with what the daemons said of it. */
  readonly broken: readonly string[]
}

/** Services that share a name: so few that their crashes seldom count as a loop, which would keep the next ones from being picked. */
const sharing = 5
const [callPause_ms, lookPause_ms, killPause_ms] = [5, 100, 150]

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
      if (life.lastPick_ms > this.#options.dead_ms)
        this.#break(life, `picked ${Math.round(life.lastPick_ms)} ms after its death`)
    }
    for (const [key, missing_ms] of this.#longest) {
      if (missing_ms > this.#options.missing_ms)
        this.#breakAt(key, `alive, and missing for ${Math.round(missing_ms)} ms`)
    }
    return {
      kills: kills.length,
      picks: this.#picks,
      lastPick_ms: kills.map(({ lastPick_ms }) => lastPick_ms),
      missing_ms: [...this.#longest.values()],
      broken: this.#broken,
    }
  }

  #break(life: Life, what: string): void {
    this.#broken.push(`${life.id} was ${what}${storyOf(life, this.#daemons)}`)
  }

  #breakAt(key: string, what: string): void {
    const [id = '', name = ''] = key.split(' at ')
    this.#break(this.#lives.get(id) as Life, `${what} at ${name}`)
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
    const [id, slug] = [`life-${i}`, `service-${Math.floor(i / sharing)}`]
    const process = await startService({ daemon: this.#daemonOf(i).url, as: { id, slug } })
    const now = performance.now()
    for (const { name } of this.#daemons) this.#missingSince.set(`${id} at ${name}`, now)
    this.#lives.set(id, { ...{ id, slug, process }, diedAt: undefined, lastPick_ms: 0, lastPick: undefined })
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
      if (life !== undefined) notePick(life, { asked, at: daemon.name, status: picked.status }, this.#living())
    }
    line.close()
  }

  /** Sees again and again whether all that live are in the lookups of a daemon. */
  async #look(daemon: RunningDaemon): Promise<void> {
    const line = await Line.to(daemon.url)
    while (!this.#isOver) {
      await sleep(lookPause_ms)
      for (const slug of new Set(this.#living().map((life) => life.slug))) {
        const here = this.#living().filter((life) => life.slug === slug)
        const asked = performance.now()
        const { status, body } = await line.ask(get(`/v1/lookup/${slug}`))
        const { instances = [] } =
          status === 200 ? (JSON.parse(body.toString()) as { instances: { id: string }[] }) : {}
        const listed = new Set(instances.map(({ id }) => id))
        for (const { id, diedAt } of here) {
          if (diedAt === undefined) this.#note(`${id} at ${daemon.name}`, listed.has(id), asked)
        }
      }
    }
    line.close()
  }

  /** Until the last question that was answered without it: how late the next one came is not the daemon's doing. */
  #note(key: string, isListed: boolean, asked: number): void {
    if (isListed) this.#missingSince.delete(key)
    else if (!this.#missingSince.has(key)) this.#missingSince.set(key, asked)
    const since = this.#missingSince.get(key) ?? asked
    this.#longest.set(key, Math.max(this.#longest.get(key) ?? 0, asked - since))
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
