// Restarts all daemons of a cluster, one after the other, while callers look up at each of them, and counts the lookups that failed.
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { allEqual, until } from '../../test/daemon/cluster.js'
import { Fleet } from '../bench/fleet.js'
import { get, Line } from '../bench/line.js'
import type { Row } from '../bench/report.js'

export interface RollingOptions {
  readonly daemons: number
  /** Between two lookups of one caller; each daemon has one. */
  readonly pause_ms: number
  /** Told after each restart. */
  readonly progress?: (restarted: number) => void
}

export interface Rolled {
  readonly restarts: number
  /** From the question to the answer, the second attempt included. */
  readonly lookups_ms: readonly number[]
  /** Whose connection ended with its daemon, so that the caller asked another one. */
  readonly askedAgain: number
  /** From the word to leave until it takes writes again. */
  readonly restarts_ms: readonly number[]
  readonly inStep_ms: number
  readonly broken: readonly string[]
}

/** Services of which each has one instance: it is missing nowhere while its daemon restarts, since it runs. */
const servicesEach = 2
const toldAtMost = 50

export async function rollOver(options: RollingOptions): Promise<Rolled> {
  const rolling = new Rolling(options)
  try {
    return await rolling.run()
  } finally {
    await rolling.close()
  }
}

class Rolling {
  readonly #options: RollingOptions
  readonly #fleet = new Fleet({ watched: false })
  readonly #server: Server = createServer((_, response) => response.end('ok'))
  readonly #slugs: string[] = []
  readonly #lines = new Map<string, Line>()
  /** Those that are being restarted: nobody asks them before they say that they are ready. */
  readonly #away = new Set<string>()
  readonly #lookups_ms: number[] = []
  readonly #restarts_ms: number[] = []
  readonly #broken: string[] = []
  #what = 'before the first restart'
  #askedAgain = 0
  #isOver = false

  constructor(options: RollingOptions) {
    this.#options = options
  }

  async run(): Promise<Rolled> {
    const { daemons, progress } = this.#options
    await this.#fleet.growTo(daemons)
    await this.#registerAll()
    const calling = this.#fleet.names.map((name) => this.#call(name))
    for (const [i, name] of this.#fleet.names.entries()) {
      await this.#restart(name)
      progress?.(i + 1)
    }
    await sleep(1000)
    this.#isOver = true
    await Promise.all(calling)
    const inStep_ms = await allEqual(this.#fleet.names.map((name) => this.#fleet.daemon(name)))
    return {
      restarts: daemons,
      lookups_ms: this.#lookups_ms,
      askedAgain: this.#askedAgain,
      restarts_ms: this.#restarts_ms,
      inStep_ms,
      broken: this.#broken,
    }
  }

  async close(): Promise<void> {
    for (const line of this.#lines.values()) line.close()
    this.#server.closeAllConnections()
    this.#server.close()
    await this.#fleet.close()
  }

  async #registerAll(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    for (const name of this.#fleet.names)
      for (let i = 0; i < servicesEach; i++) {
        const slug = `${name}-${i}`
        await this.#fleet.register(name, slug, url)
        this.#slugs.push(slug)
      }
    for (const name of this.#fleet.names)
      await until(`${name} shows all, healthy`, async () => {
        const shown = await this.#fleet.daemon(name).instances()
        return shown.filter(({ status }) => status === 'Healthy').length === this.#slugs.length
      })
  }

  async #restart(name: string): Promise<void> {
    const begun = performance.now()
    const before = this.#fleet.daemon(name)
    this.#what = `while ${name} restarts`
    await before.ask('/v1/leave', 'POST', { restart: true })
    this.#away.add(name)
    await until(`${name} ends`, async () => before.isOver)
    await this.#fleet.start(name)
    await until(`${name} is ready`, () => this.#fleet.daemon(name).isReady())
    this.#restarts_ms.push(performance.now() - begun)
    this.#away.delete(name)
    await this.#fleet.allList()
  }

  /** One caller, which asks its own daemon, and another one where that is away. */
  async #call(own: string): Promise<void> {
    const { names } = this.#fleet
    for (let i = 0; !this.#isOver; i++) {
      const slug = this.#slugs[Math.floor(Math.random() * this.#slugs.length)] as string
      const others = names.filter((name) => name !== own && !this.#away.has(name))
      const other = others[i % others.length] as string
      const begun = performance.now()
      if (this.#away.has(own)) await this.#look(other, slug, own)
      else if (!(await this.#look(own, slug, own))) {
        this.#askedAgain += 1
        if (!(await this.#look(other, slug, own))) this.#note(`${own} and ${other} did not answer at all`)
      }
      this.#lookups_ms.push(performance.now() - begun)
      await sleep(this.#options.pause_ms)
    }
  }

  /** @returns whether it was answered, whatever with */
  async #look(at: string, slug: string, caller: string): Promise<boolean> {
    const key = `${caller} at ${at}`
    try {
      let line = this.#lines.get(key)
      if (line?.isOpen !== true) this.#lines.set(key, (line = await Line.to(this.#fleet.daemon(at).url)))
      const { status, body } = await line.ask(get(`/v1/lookup/${slug}`))
      const { instances = [] } = JSON.parse(body.toString()) as { instances?: readonly unknown[] }
      if (status !== 200 || instances.length !== 1) this.#note(`${slug} at ${at}: ${status} ${body.toString()}`)
      return true
    } catch {
      this.#lines.get(key)?.close()
      this.#lines.delete(key)
      return false
    }
  }

  #note(what: string): void {
    if (this.#broken.length < toldAtMost) this.#broken.push(`${this.#what}: ${what}`)
  }
}

export function rowsOf({ restarts, lookups_ms, askedAgain, restarts_ms, inStep_ms, broken }: Rolled): Row[] {
  return [
    { what: 'daemons restarted, one after the other', unit: '', value: String(restarts) },
    { what: 'told to leave → ready again', unit: 'ms', samples: restarts_ms },
    { what: 'lookups', unit: 'ms', samples: lookups_ms },
    { what: 'lookups asked again, of another daemon', unit: '', value: String(askedAgain) },
    { what: 'lookups that failed', unit: '', value: String(broken.length) },
    { what: 'the last restart → equal everywhere', unit: 'ms', value: String(Math.round(inStep_ms)) },
  ]
}
