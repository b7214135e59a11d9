// Takes a machine away for good, its disk with it, while callers write there: what they were told that two hold the other nodes hold.
import { setTimeout as sleep } from 'node:timers/promises'
import { allEqual, type RunningDaemon, until } from '../../test/daemon/cluster.js'
import type { Row } from '../bench/report.js'
import type { CrashOptions } from './crashes.js'

export interface CopiesOptions extends Pick<CrashOptions, 'writes' | 'start'> {
  /** Machines that are taken away, one after the other, beside those that stay. */
  readonly rounds: number
  /** In the moment of an answer all are killed, those that stay as well, which then start again. */
  readonly isTogether?: boolean
  /** Told now and then how far it is. */
  readonly progress?: (round: number) => void
}

export interface Copies {
  readonly rounds: number
  /** How long each write took of which two were said to hold it. */
  readonly held_ms: readonly number[]
  /** Of which only the machine itself was said to hold them. */
  readonly alone: number
  /** Of which nobody was told whether they were done. */
  readonly unknown: number
  /** What breaks the promise, a line each. */
  readonly broken: readonly string[]
}

const staying = ['s0', 's1'] as const
const callers = { alone: 4, together: 12 }
/** Writes of each machine that two hold before it may go. */
const least = 10
/** A machine is there for at most so long beyond these; the instant at which it goes is chance. */
const beyond_ms = 1000

/** What became of an instance, as two hold it: it was registered, or removed. */
type Said = 'registered' | 'removed'

export async function takeAway(options: CopiesOptions): Promise<Copies> {
  return new Taking(options).run()
}

class Taking {
  readonly #options: CopiesOptions
  #staying: RunningDaemon[] = []
  readonly #said = new Map<string, Said>()
  readonly #held_ms: number[] = []
  readonly #broken: string[] = []
  #alone = 0
  #unknown = 0
  /** Called with the next answer that tells of two. */
  #onHeld: (() => void) | undefined

  constructor(options: CopiesOptions) {
    this.#options = options
  }

  async run(): Promise<Copies> {
    const { rounds, progress, start } = this.#options
    await this.#startStaying()
    for (let round = 0; round < rounds; round++) {
      const daemon = await start(`gone${round}`, this.#staying)
      await until(`${daemon.name} takes writes`, () => daemon.isReady())
      const count = this.#options.isTogether === true ? callers.together : callers.alone
      const writing = Array.from({ length: count }, (_, caller) => this.#write(daemon, `${round}-${caller}`, count))
      const before = this.#held_ms.length
      await until(`two hold what ${daemon.name} takes`, async () => this.#held_ms.length >= before + least)
      await sleep(Math.random() * beyond_ms)
      if (this.#options.isTogether === true) await this.#killAll(daemon)
      else await daemon.kill('SIGKILL')
      await Promise.all(writing)
      progress?.(round + 1)
    }
    await allEqual(this.#staying)
    for (const daemon of this.#staying) this.#broken.push(...(await this.#audit(daemon)))
    const [held_ms, alone, unknown, broken] = [this.#held_ms, this.#alone, this.#unknown, this.#broken]
    return { rounds, held_ms, alone, unknown, broken }
  }

  async #startStaying(): Promise<void> {
    this.#staying = []
    for (const name of staying) this.#staying.push(await this.#options.start(name, this.#staying))
  }

  async #killAll(daemon: RunningDaemon): Promise<void> {
    const all = [daemon, ...this.#staying]
    await new Promise<void>((resolve) => {
      this.#onHeld = () => {
        for (const { process } of all) process.kill('SIGKILL') // none waits for the end of another
        resolve()
      }
    })
    for (const one of all) await until(`${one.name} is over`, async () => one.isOver)
    this.#onHeld = undefined
    await this.#startStaying()
  }

  /** Registers, and now and then removes, until the machine is gone. */
  async #write(daemon: RunningDaemon, prefix: string, count: number): Promise<void> {
    const pause_ms = (1000 * count) / this.#options.writes
    const mine: string[] = []
    for (let i = 0; !daemon.isOver; i++) {
      const begun = performance.now()
      const old = i % 4 === 3 ? mine.shift() : undefined
      const id = old ?? `${prefix}-${i}`
      this.#said.delete(id)
      const holders = await (old === undefined ? register(daemon, id) : remove(daemon, id)).catch(() => undefined)
      if (holders === undefined) this.#unknown += 1
      else if (holders < 2) this.#alone += 1
      else {
        this.#onHeld?.()
        this.#held_ms.push(performance.now() - begun)
        this.#said.set(id, old === undefined ? 'registered' : 'removed')
        if (old === undefined) mine.push(id)
      }
      await sleep(Math.max(0, pause_ms - (performance.now() - begun)))
    }
  }

  /** What one that stayed does not hold as it was said: of a machine that is gone nothing is looked up, and all is remembered. */
  async #audit(daemon: RunningDaemon): Promise<string[]> {
    const response = await fetch(`${daemon.url}/v1/instances`)
    const { instances } = (await response.json()) as { instances: { readonly id: string; readonly reason?: string }[] }
    const listed = new Set(instances.flatMap(({ id, reason }) => (reason === 'removed' ? [] : [id])))
    return [...this.#said].flatMap(([id, said]) => {
      if (listed.has(id) === (said === 'registered')) return []
      return [`at ${daemon.name}: ${id} was ${said}, as two held, and ${said === 'removed' ? 'is back' : 'is lost'}`]
    })
  }
}

const acks = 'acks=2&ackTimeout=5s'

/** @returns how many hold it, here and below */
async function register({ url }: RunningDaemon, id: string): Promise<number> {
  const body = JSON.stringify({ id, slug: 'copied', url: `http://127.0.0.1:9/${id}`, check: 'none' })
  const headers = { 'content-type': 'application/json' }
  return holdersOf(await fetch(`${url}/v1/instances?${acks}`, { method: 'PUT', headers, body }))
}

async function remove({ url }: RunningDaemon, id: string): Promise<number> {
  return holdersOf(await fetch(`${url}/v1/instances?id=${id}&${acks}`, { method: 'DELETE' }))
}

async function holdersOf(response: Response): Promise<number> {
  const said = (await response.json()) as { readonly acks?: number }
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(said)}`)
  return said.acks ?? 1
}

export function rowsOf({ rounds, held_ms, alone, unknown, broken }: Copies): Row[] {
  return [
    { what: 'machines taken away for good', unit: '', value: String(rounds) },
    { what: 'writes that two were said to hold', unit: '', value: String(held_ms.length) },
    { what: 'each of them', unit: 'ms', samples: held_ms },
    { what: 'writes that one alone was said to hold', unit: '', value: String(alone) },
    { what: 'asked around a death, and not answered', unit: '', value: String(unknown) },
    { what: 'lost, or back', unit: '', value: String(broken.length) },
  ]
}
