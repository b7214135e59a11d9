// Five daemons of one cluster, each on a machine of its own behind one switch, with something registered at each.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Cluster, shipped, type RunningDaemon, until, untilAll } from '../../test/daemon/cluster.js'
import { Lan, type Machine } from '../../test/daemon/lan.js'
import { loopback, type Place } from '../../test/daemon/place.js'

const names = ['m1', 'm2', 'm3', 'm4', 'm5'] as const
export const httpPort = 58231

export interface Starting {
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Commands of a shell that sees file systems of its own, before it becomes the daemon. */
  readonly prepare?: (dataDir: string) => string
  readonly dataDir?: string
}

/** All that are not closed yet. */
const opened = new Set<Machines>()

export async function closeAll(): Promise<void> {
  await Promise.all([...opened].map((machines) => machines.close()))
}

export class Machines {
  readonly lan: Lan
  readonly cluster = new Cluster(loopback(), shipped)
  readonly #machines = new Map<string, Machine>()
  readonly #daemons = new Map<string, RunningDaemon>()
  readonly #services: ChildProcess[] = []
  #key = ''

  private constructor(lan: Lan) {
    this.lan = lan
  }

  /** @param sick starts in its own way from the first */
  static async open(sick: string, starting: Starting = {}): Promise<Machines> {
    const machines = new Machines(await Lan.open())
    opened.add(machines)
    try {
      await machines.#open(sick, starting)
      return machines
    } catch (error) {
      await machines.close()
      throw error
    }
  }

  async #open(sick: string, starting: Starting): Promise<void> {
    this.#key = await this.makeKey('right')
    for (const name of names) {
      this.#machines.set(name, await this.lan.add(name))
      this.#serve(name)
    }
    const [first, ...rest] = names
    await this.start(first)
    await Promise.all(rest.map((name) => this.start(name, name === sick ? starting : {})))
    await this.#settle()
  }

  /** @returns a file with a new key */
  async makeKey(name: string): Promise<string> {
    const file = join(await this.cluster.dataDir('keys'), name)
    const { code, stdout, stderr } = await this.cluster.cli('keygen')
    if (code !== 0) throw new Error(stderr)
    await writeFile(file, stdout, { mode: 0o600 })
    return file
  }

  daemon(name: string): RunningDaemon {
    return this.#daemons.get(name) as RunningDaemon
  }

  machine(name: string): Machine {
    return this.#machines.get(name) as Machine
  }

  others(name: string): string[] {
    return names.filter((other) => other !== name)
  }

  /** Starts it, for the first time or again. */
  async start(name: string, starting: Starting = {}): Promise<void> {
    const daemon = await this.spawn(name, starting)
    await until(`${name} serves`, async () => {
      if (daemon.isOver) throw new Error(`${name} ended: ${daemon.log}`)
      return daemon.isUp
    })
  }

  async spawn(name: string, { args = [], env = {}, prepare, dataDir }: Starting = {}): Promise<RunningDaemon> {
    const { place, address } = this.machine(name)
    const directory = dataDir ?? (await this.cluster.dataDir(name))
    const seeds = [...this.#daemons.values()].filter((other) => other.name !== name && other.isUp).slice(0, 2)
    const daemon = await this.cluster.spawn(name, {
      ...{ address, env, dataDir: directory },
      place: prepare === undefined ? place : prepared(place, prepare(directory)),
      args: [
        ...['--no-mdns', '--http', `${address}:${httpPort}`, '--insecure-http', '--cluster-key', this.#key],
        ...seeds.flatMap((seed) => ['--join', seed.address]),
        ...args,
      ],
    })
    this.#daemons.set(name, daemon)
    return daemon
  }

  async close(): Promise<void> {
    opened.delete(this)
    for (const service of this.#services) service.kill('SIGKILL')
    for (const daemon of this.#daemons.values()) daemon.process.kill('SIGCONT')
    await this.cluster.close()
    await this.lan.close()
  }

  /** What is registered there is called there. */
  #serve(name: string): void {
    const { place } = this.machine(name)
    const program = `require('node:http').createServer((_, answer) => answer.end('well')).listen(8080)`
    const child = place.spawn(process.execPath, ['--eval', program], {})
    this.#services.push(child)
  }

  async #settle(): Promise<void> {
    for (const name of names) {
      const url = `http://${this.machine(name).address}:8080`
      await this.daemon(name).register({ id: `shop-${name}`, slug: 'shop', url, check: 'http:/' })
      if (name !== 'm1')
        await this.daemon(name).register({ id: `stock-${name}`, slug: `stock-${name}`, url, check: 'tcp' })
    }
    await untilAll('all are well, and nothing is found wrong', async () => {
      for (const name of names) {
        const listed = await this.daemon(name).instances('?slug=shop')
        if (listed.length < names.length || listed.some(({ status }) => status !== 'Healthy')) return false
      }
      const wrong = (await this.daemon('m1').found()).filter((line) => !line.startsWith('note'))
      if (wrong.length > 0) throw new Error(`found wrong before anything was done: ${wrong.join('; ')}`)
      return true
    })
  }
}

function prepared(place: Place, prepare: string): Place {
  return {
    ...place,
    spawn: (command, args, env) =>
      place.spawn('unshare', ['-m', 'sh', '-c', `${prepare}; exec "$@"`, 'sh', command, ...args], env),
  }
}

/** Runs to its end, and says what it printed. */
export async function outputOf(child: ChildProcess): Promise<string> {
  let said = ''
  child.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()))
  child.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()))
  await once(child, 'close')
  return said
}
