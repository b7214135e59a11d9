// Callers, one at each daemon, who look up services of one instance each while daemons come and go, and what failed of that.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RunningDaemon, until } from '../../test/daemon/cluster.js'
import { get, Line } from '../bench/line.js'

export interface CallersParts {
  readonly names: readonly string[]
  readonly daemon: (name: string) => RunningDaemon
  /** Between two lookups of one caller. */
  readonly pause_ms: number
  /** Told of each lookup that failed. */
  readonly onFailed: (what: string) => void
}

/** Services of which each has one instance: it is missing nowhere while its daemon restarts, since it runs. */
const servicesEach = 2

export class Callers {
  readonly #parts: CallersParts
  readonly #server: Server = createServer((_, response) => response.end('ok'))
  readonly #slugs: string[] = []
  readonly #lines = new Map<string, Line>()
  #calling: Promise<unknown> = Promise.resolve()
  #isOver = false

  /** Daemons that are being restarted: nobody asks them before they say that they are ready. */
  readonly away = new Set<string>()
  /** From the question to the answer, the second attempt included. */
  readonly lookups_ms: number[] = []
  /** How often a connection ended with its daemon, so that another one was asked. */
  askedAgain = 0

  constructor(parts: CallersParts) {
    this.#parts = parts
  }

  /** Registers what is looked up, and begins once all daemons show it. */
  async begin(): Promise<void> {
    const { names, daemon } = this.#parts
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    for (const name of names)
      for (let i = 0; i < servicesEach; i++) {
        const slug = `${name}-${i}`
        await daemon(name).register({ slug, id: slug, url: `${url}/${slug}` })
        this.#slugs.push(slug)
      }
    for (const name of names)
      await until(`${name} shows all, healthy`, async () => {
        const shown = await daemon(name).instances()
        return shown.filter(({ status }) => status === 'Healthy').length === this.#slugs.length
      })
    this.#calling = Promise.all(names.map((name) => this.#call(name)))
  }

  /** Resolves once nobody asks any more; what was asked and not yet answered does not count. */
  async end(): Promise<void> {
    this.#isOver = true
    for (const line of this.#lines.values()) line.close()
    await this.#calling
    this.#server.closeAllConnections()
    this.#server.close()
  }

  /** One caller, which asks its own daemon, and another one where that is away. */
  async #call(own: string): Promise<void> {
    const { names, pause_ms, onFailed } = this.#parts
    for (let i = 0; ; i++) {
      const slug = this.#slugs[Math.floor(Math.random() * this.#slugs.length)] as string
      const others = names.filter((name) => name !== own && !this.away.has(name))
      const other = others[i % others.length] as string
      const begun = performance.now()
      const isAlone = this.away.has(own)
      const isAnswered = !isAlone && (await this.#look(own, slug, own))
      if (!isAnswered && !this.#isOver) {
        if (!isAlone) this.askedAgain += 1
        const isAnsweredThere = await this.#look(other, slug, own)
        if (!isAnsweredThere && !this.#isOver) onFailed(`${own} and ${other} did not answer at all`)
      }
      if (this.#isOver) return
      this.lookups_ms.push(performance.now() - begun)
      await sleep(pause_ms)
    }
  }

  /** @returns whether it was answered, whatever with */
  async #look(at: string, slug: string, caller: string): Promise<boolean> {
    const key = `${caller} at ${at}`
    try {
      let line = this.#lines.get(key)
      if (line?.isOpen !== true) this.#lines.set(key, (line = await Line.to(this.#parts.daemon(at).url)))
      const { status, body } = await line.ask(get(`/v1/lookup/${slug}`))
      const { instances = [] } = JSON.parse(body.toString()) as { instances?: readonly unknown[] }
      if (status !== 200 || instances.length !== 1)
        this.#parts.onFailed(`${slug} at ${at}: ${status} ${body.toString()}`)
      return true
    } catch {
      this.#lines.get(key)?.close()
      this.#lines.delete(key)
      return false
    }
  }
}
