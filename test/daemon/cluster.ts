// Real daemons in real processes, started and asked as a user would: the built CLI, its one line on stdout, HTTP.
import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Diagnosis } from '../../src/core/doctor/findings.js'
import type { Survey } from '../../src/core/survey/views.js'
import type {
  DigestView,
  InstanceView,
  LookupResult,
  MemberView,
  NodeView,
  PeersView,
  SelfView,
} from '../../src/core/views.js'
import { main } from './one-file.js'
import type { Answer, Place } from './place.js'

/** Generous: the suite also runs on machines that are busy with something else. */
const deadline_ms = 60_000

/** Between two looks at one daemon, and at many: each look at twelve of them takes a while of a processor that they need. */
const [pause_ms, longPause_ms] = [20, 200]

/** The longer something has taken, the later it is looked at again: each look costs whoever is asked, and who asks. */
function pauseAfter_ms(waited_ms: number, shortest_ms: number): number {
  return Math.max(shortest_ms, Math.min(longPause_ms, waited_ms / 10))
}

/** Resolves once something holds. @returns how long that took, milliseconds */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  limit_ms = deadline_ms,
  between_ms = pause_ms,
): Promise<number> {
  const begun = performance.now()
  let last: unknown
  for (;;) {
    try {
      if (await condition()) return performance.now() - begun
      last = undefined
    } catch (error) {
      last = error
    }
    const waited_ms = performance.now() - begun
    if (waited_ms > limit_ms) throw new Error(`never happened: ${what}`, { cause: last })
    await new Promise((resolve) => setTimeout(resolve, pauseAfter_ms(waited_ms, between_ms)))
  }
}

export interface StartOptions {
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly dataDir?: string
  /** Where it runs; where the whole cluster does unless given. */
  readonly place?: Place
  /** The address for peers; loopback unless given. */
  readonly address?: string
}

/** One daemon process. */
export class RunningDaemon {
  readonly stderr: string[] = []
  stdout = ''

  constructor(
    readonly name: string,
    readonly process: ChildProcess,
    readonly place: Place,
  ) {
    process.stdout?.on('data', (bytes: Buffer) => (this.stdout += bytes.toString()))
    process.stderr?.on('data', (bytes: Buffer) => this.stderr.push(bytes.toString()))
  }

  get #ready(): RegExpExecArray | null {
    return /^rollcall ready http=(\S+) peer=(\S+) listen=(\S+?)(?: dns=(\S+))?\n$/.exec(this.stdout)
  }

  get isUp(): boolean {
    return this.#ready !== null
  }

  get isOver(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null
  }

  /** `HOST:PORT` */
  get dns(): string | undefined {
    return this.#ready?.[4]
  }

  get url(): string {
    return this.#ready?.[1] as string
  }

  get peerId(): string {
    return this.#ready?.[2] as string
  }

  /** The first multiaddr that it told. */
  get address(): string {
    return this.#ready?.[3]?.split(',')[0] as string
  }

  get log(): string {
    return this.stderr.join('')
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.isOver) return
    const exit = once(this.process, 'exit')
    this.process.kill(signal)
    await exit
  }

  async ask(path: string, method = 'GET', body?: unknown): Promise<Answer> {
    const json =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    return this.place.fetch(`${this.url}${path}`, { method, ...json })
  }

  async #json<T>(path: string, method = 'GET', body?: unknown): Promise<T> {
    const answer = await this.ask(path, method, body)
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`)
    return JSON.parse(answer.body === '' ? 'null' : answer.body) as T
  }

  async register(registration: Record<string, unknown>): Promise<string> {
    return (await this.#json<{ id: string }>('/registry-svc/instance', 'PUT', registration)).id
  }

  async deregister(id: string): Promise<void> {
    await this.#json(`/registry-svc/instance/${encodeURIComponent(id)}`, 'DELETE')
  }

  /** A status that its program says it has. */
  async report(id: string, status: string): Promise<void> {
    await this.#json(`/v1/instances/${encodeURIComponent(id)}/status`, 'PUT', { status })
  }

  async saveDefinition(definition: Record<string, unknown>): Promise<void> {
    await this.#json('/registry-svc/definition', 'PUT', { definition })
  }

  async definitions(): Promise<{ id: string }[]> {
    return (await this.#json<{ definitions: { id: string }[] }>('/registry-svc/definitions')).definitions
  }

  async instances(query = ''): Promise<InstanceView[]> {
    return (await this.#json<{ instances: InstanceView[] }>(`/registry-svc/instances${query}`)).instances
  }

  async nodes(): Promise<NodeView[]> {
    return (await this.#json<{ nodes: NodeView[] }>('/registry-svc/nodes', 'POST')).nodes
  }

  /** Urls shown for a slug, sorted; undefined where it is not known. */
  async lookup(slug: string): Promise<string[] | undefined> {
    const answer = await this.ask(`/v1/lookup/${slug}`)
    if (answer.status === 404) return undefined
    return (JSON.parse(answer.body) as LookupResult).instances.map(({ url }) => url).sort()
  }

  members(): Promise<MemberView[]> {
    return this.#json<{ members: MemberView[] }>('/v1/members').then(({ members }) => members)
  }

  peers(): Promise<PeersView> {
    return this.#json<PeersView>('/v1/peers')
  }

  self(): Promise<SelfView> {
    return this.#json<SelfView>('/v1/self')
  }

  digest(): Promise<DigestView> {
    return this.#json<DigestView>('/v1/digest')
  }

  /** What is found there, in short: `error node-gone c`. */
  async found(): Promise<string[]> {
    const { findings } = await this.#json<Diagnosis>('/v1/doctor')
    return findings.map(({ severity, id, about }) => `${severity} ${id} ${about.join(' ')}`)
  }

  survey(): Promise<Survey> {
    return this.#json<Survey>('/v1/survey')
  }

  async isReady(): Promise<boolean> {
    return (await this.ask('/readyz')).status === 200
  }
}

/** What is shipped, as it was built last. */
export const shipped = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** Starts daemons, remembers their data directories, ends all that is left. */
export class Cluster {
  readonly #place: Place
  readonly #program: string
  readonly #running: RunningDaemon[] = []
  readonly #dataDirs = new Map<string, string>()

  /** @param program that is started: quicker than what is shipped, unless given */
  constructor(place: Place, program = main) {
    this.#place = place
    this.#program = program
  }

  async dataDir(name: string): Promise<string> {
    const known = this.#dataDirs.get(name)
    if (known !== undefined) return known
    const made = await mkdtemp(join(tmpdir(), `rollcall-${name}-`))
    this.#dataDirs.set(name, made)
    return made
  }

  /** Starts a daemon without waiting for it. */
  async spawn(name: string, options: StartOptions = {}): Promise<RunningDaemon> {
    const { args = [], env = {}, place = this.#place, address = '127.0.0.1' } = options
    const directory = options.dataDir ?? (await this.dataDir(name))
    const common = [
      '--data-dir',
      directory,
      '--http',
      '127.0.0.1:0',
      '--listen',
      `/ip4/${address}/tcp/0`,
      '--node-id',
      name,
    ]
    const { PATH, HOME } = process.env
    const child = place.spawn(process.execPath, [this.#program, 'start', ...common, ...args], { PATH, HOME, ...env })
    const daemon = new RunningDaemon(name, child, place)
    this.#running.push(daemon)
    return daemon
  }

  async start(name: string, options: StartOptions = {}): Promise<RunningDaemon> {
    const daemon = await this.spawn(name, options)
    await until(`${name} serves`, async () => {
      if (daemon.isOver) throw new Error(`${name} ended: ${daemon.log}`)
      return daemon.isUp
    })
    return daemon
  }

  /** Runs the CLI to its end. */
  async cli(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const { PATH, HOME } = process.env
    const child = this.#place.spawn(process.execPath, [this.#program, ...args], { PATH, HOME })
    const output = { stdout: '', stderr: '' }
    child.stdout?.on('data', (bytes: Buffer) => (output.stdout += bytes.toString()))
    child.stderr?.on('data', (bytes: Buffer) => (output.stderr += bytes.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, ...output }
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((daemon) => daemon.kill('SIGKILL')))
    await Promise.all([...this.#dataDirs.values()].map((path) => rm(path, { recursive: true, force: true })))
    await this.#place.close()
  }
}

/** Resolves once something holds of many daemons. */
export function untilAll(what: string, condition: () => Promise<boolean>): Promise<number> {
  return until(what, condition, deadline_ms, longPause_ms)
}

/** Waits until every daemon lists exactly these nodes. */
export function allList(daemons: readonly RunningDaemon[], ids: readonly string[]): Promise<number> {
  const expected = [...ids].sort().join()
  return untilAll(`all list ${expected}`, async () => {
    for (const daemon of daemons) {
      const listed = (await daemon.nodes()).map(({ id }) => id).sort()
      if (listed.join() !== expected) return false
    }
    return true
  })
}

/** Waits until all hold the same documents, byte for byte. */
export function allEqual(daemons: readonly RunningDaemon[]): Promise<number> {
  return untilAll('all hold the same', async () => {
    const digests = await Promise.all(daemons.map(async (daemon) => (await daemon.digest()).digest))
    return new Set(digests).size === 1
  })
}
