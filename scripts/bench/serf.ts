// Serf agents as HashiCorp ships them, with the settings for a local network, watched through their own logs: what Rollcall is compared with.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { Ear } from './watch.js'

const run = promisify(execFile)
const firstPort = 20_100

export function isSerfInstalled(): boolean {
  return spawnSync('serf', ['version'], { stdio: 'ignore' }).status === 0
}

interface Agent {
  readonly name: string
  readonly process: ChildProcess
  readonly rpc: string
  readonly ear: Ear
}

const running = new Set<ChildProcess>()
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')))

export class Serfs {
  readonly title = 'serf'
  readonly #agents = new Map<string, Agent>()

  get names(): readonly string[] {
    return [...this.#agents.keys()]
  }

  async growTo(count: number): Promise<number> {
    const begun = performance.now()
    for (let i = this.#agents.size; i < count; i++) this.#start(`s${i}`, i)
    const all = this.names
    await Promise.all(
      [...this.#agents.values()].flatMap(({ ear }) =>
        all.map((name) => ear.when(`${name} joins`, 0, says('EventMemberJoin', name))),
      ),
    )
    return performance.now() - begun
  }

  #start(name: string, i: number): void {
    const [bind, rpc] = [`127.0.0.1:${firstPort + 2 * i}`, `127.0.0.1:${firstPort + 2 * i + 1}`]
    const join = i === 0 ? [] : [`-retry-join=127.0.0.1:${firstPort}`, '-retry-interval=1s']
    const child = spawn('serf', ['agent', `-node=${name}`, `-bind=${bind}`, `-rpc-addr=${rpc}`, ...join], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    running.add(child)
    child.once('exit', () => running.delete(child))
    const ear = this.#agents.get(name)?.ear ?? new Ear()
    child.stdout.setEncoding('utf8').on('data', (text: string) => ear.take(text))
    this.#agents.set(name, { name, process: child, rpc, ear })
  }

  pids(): number[] {
    return [...this.#agents.values()].map(({ process }) => process.pid as number)
  }

  /** A tag: the closest thing to a registration that Serf spreads to all. */
  async change(name: string, what: string): Promise<number[]> {
    const at = performance.now()
    await run('serf', ['tags', `-rpc-addr=${this.#agent(name).rpc}`, '-set', `change=${what}`])
    return this.#whenOthersSay(name, 'EventMemberUpdate', at)
  }

  async strike(name: string, signal: 'SIGKILL' | 'SIGSTOP'): Promise<number[]> {
    const at = performance.now()
    this.#agent(name).process.kill(signal)
    return this.#whenOthersSay(name, 'EventMemberFailed', at)
  }

  async revive(name: string): Promise<void> {
    const at = performance.now()
    const { process } = this.#agent(name)
    if (process.signalCode === null) process.kill('SIGCONT')
    else this.#start(name, Number(name.slice(1)))
    if (name === 's0') await this.#rejoin(name) // nobody to join at its own start: the others do not look for it
    await this.#whenOthersSay(name, 'EventMemberJoin', at)
  }

  async #rejoin(name: string): Promise<void> {
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        await run('serf', ['join', `-rpc-addr=${this.#agent(name).rpc}`, `127.0.0.1:${firstPort + 2}`])
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
    throw new Error(`${name} could not join again`)
  }

  async #whenOthersSay(name: string, event: string, since: number): Promise<number[]> {
    const others = [...this.#agents.values()].filter((agent) => agent.name !== name)
    const times = await Promise.all(others.map(({ ear }) => ear.when(`${event} ${name}`, since, says(event, name))))
    return times.map((at) => at - since)
  }

  #agent(name: string): Agent {
    const agent = this.#agents.get(name)
    if (agent === undefined) throw new Error(`${name} was not started`)
    return agent
  }

  async close(): Promise<void> {
    const exits = [...this.#agents.values()].map(async ({ process }) => {
      if (process.exitCode !== null || process.signalCode !== null) return
      const exit = once(process, 'exit')
      process.kill('SIGKILL')
      await exit
    })
    await Promise.all(exits)
  }
}

function says(event: string, name: string): (line: string) => boolean {
  return (line) =>
    line.includes(`${event}: ${name}`) && !/[\w-]/.test(line[line.indexOf(`: ${name}`) + name.length + 2] ?? '')
}
