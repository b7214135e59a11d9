// A local network of its own: one network namespace a machine, joined by veth pairs and a bridge, with links that go down, lose packets, or end in another bridge.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { agentIn, canMakeNamespaces, type Place } from './place.js'

const subnet = '10.77.0'

/** Whether this user may make namespaces, links between them and rules for packets; tests that need them say so and skip. */
export function canMakeLan(): boolean {
  return canMakeCables() && may('iptables -L -n')
}

/** Whether this user may make namespaces and links between them; tests that need them say so and skip. */
export function canMakeCables(): boolean {
  return canMakeNamespaces() && may('ip link add name v0 type veth peer name v1 && ip link add name br0 type bridge')
}

function may(probe: string): boolean {
  return spawnSync('unshare', ['-n', 'sh', '-c', probe], { stdio: 'ignore' }).status === 0
}

export interface Machine {
  readonly name: string
  readonly address: string
  readonly place: Place
  /** Holds the namespace. */
  readonly pid: number
}

export interface MachineOptions {
  /** One in the subnet of all unless given. */
  readonly address?: string
  readonly prefix?: number
}

interface Host extends Machine {
  readonly prefix: number
  /** The switch's end of its cable. */
  readonly port: string
}

export class Lan {
  readonly #switch: ChildProcess
  readonly #hosts = new Map<string, Host>()

  private constructor(holder: ChildProcess) {
    this.#switch = holder
  }

  static async open(): Promise<Lan> {
    const holder = spawn('unshare', ['-n', 'sh', '-c', 'echo up; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(holder.stdout, 'data')
    const lan = new Lan(holder)
    for (const bridge of bridges) lan.#inSwitch('ip', 'link', 'add', 'name', bridge, 'type', 'bridge')
    for (const bridge of bridges) lan.#inSwitch('ip', 'link', 'set', bridge, 'up')
    return lan
  }

  /** Plugs one more machine in. */
  async add(name: string, options: MachineOptions = {}): Promise<Machine> {
    const { place, pid } = await agentIn()
    const number = this.#hosts.size + 1
    const [port, address] = [`port${number}`, options.address ?? `${subnet}.${number}`]
    const host = { name, address, place, pid, port, prefix: options.prefix ?? 24 }
    this.#hosts.set(name, host)
    this.#cable(host)
    return host
  }

  /** Takes the interface of a machine away, and makes the same one again: it then has the same name, address and MAC. */
  remake(name: string): void {
    const host = this.#host(name)
    const link = inside(host.pid, 'ip', '-json', 'link', 'show', 'eth0')
    const [{ address: mac }] = JSON.parse(link) as [{ address: string }]
    inside(host.pid, 'ip', 'link', 'delete', 'eth0')
    this.#cable(host, mac)
  }

  /** Runs a command on a machine. */
  on(name: string, ...command: string[]): void {
    inside(this.#host(name).pid, ...command)
  }

  #cable({ pid, port, address, prefix }: Host, mac?: string): void {
    const ends = [port, 'netns', String(this.#switch.pid), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)]
    run('ip', 'link', 'add', 'name', ...ends)
    if (mac !== undefined) inside(pid, 'ip', 'link', 'set', 'eth0', 'address', mac)
    this.#inSwitch('ip', 'link', 'set', port, 'master', bridges[0], 'up')
    inside(
      pid,
      'ip',
      'address',
      'add',
      `${address}/${prefix}`,
      'dev',
      'eth0',
      ...(address.includes(':') ? ['nodad'] : []),
    )
    inside(pid, 'ip', 'link', 'set', 'eth0', 'up')
  }

  /** Pulls the cable: nobody is told, packets just stop. */
  unplug(name: string): void {
    this.#inSwitch('ip', 'link', 'set', this.#host(name).port, 'nomaster')
  }

  plug(name: string): void {
    this.#inSwitch('ip', 'link', 'set', this.#host(name).port, 'master', bridges[0])
  }

  /** Moves these machines to a switch of their own. */
  split(names: readonly string[]): void {
    for (const name of names) this.#inSwitch('ip', 'link', 'set', this.#host(name).port, 'master', bridges[1])
  }

  heal(): void {
    for (const name of this.#hosts.keys()) this.plug(name)
  }

  /** Drops this share of the packets that reach a machine, of any kind. */
  lose(name: string, share: number): void {
    const { pid } = this.#host(name)
    inside(pid, 'iptables', '-F', 'INPUT')
    if (share === 0) return
    const random = ['-m', 'statistic', '--mode', 'random', '--probability', String(share)]
    inside(pid, 'iptables', '-A', 'INPUT', '-i', 'eth0', ...random, '-j', 'DROP')
  }

  /** The namespaces go with the processes that hold them, and the cables with the namespaces. */
  async close(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map(({ place }) => place.close()))
    const exit = once(this.#switch, 'exit')
    this.#switch.stdin?.end()
    await exit
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name)
    if (host === undefined) throw new Error(`no machine ${name} in this network`)
    return host
  }

  #inSwitch(...command: string[]): void {
    inside(this.#switch.pid as number, ...command)
  }
}

const bridges = ['br0', 'br1'] as const

/** @returns what it prints */
function inside(pid: number, ...command: string[]): string {
  return run('nsenter', `--net=/proc/${pid}/ns/net`, ...command)
}

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
  return stdout
}
