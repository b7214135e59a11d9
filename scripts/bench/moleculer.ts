// Nodes of Moleculer, a service each, as its package comes from the registry of npm: what a service's death is compared with. On loopback alone.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { progress } from './progress.js'
import type { Row } from './report.js'
import { Ear } from './watch.js'

const version = '0.14.36'
const firstPort = 20_200

/** Between two kills, at most, where each is seen soon; all within this where each takes a heartbeat's time-out. */
const spread_ms = 10_000

const transporters = {
  /** Without a server: gossip each 2 s, and connections that close. It has no heartbeat. */
  tcp: 'TCP transporter',
  /** As with NATS, Redis or MQTT between the nodes: 10 s, given up after 30. A hub of ours in place of these passes on at once. */
  hub: 'heartbeat of 10 s',
} as const

type Transporter = keyof typeof transporters

/**
 * A node with a service of its own, which says whose services can be called there, and whose no more. Finding others by UDP is off:
 * nothing is sent to anybody who is not told here.
 */
const program = `
const { ServiceBroker } = require('moleculer')
const [nodeID, transporter, told] = process.argv.slice(1)
const overHub = () => {
  const handlers = new Map()
  const socket = require('node:net').connect({ host: '127.0.0.1', port: Number(told) }).setNoDelay(true)
  let rest = ''
  socket.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\\n')
    rest = lines.pop()
    for (const line of lines) {
      const [topic, data] = line.split(' ')
      handlers.get(topic)?.(Buffer.from(data, 'base64'))
    }
  })
  global.bus = {
    on: (topic, handler) => handlers.set(topic, handler),
    off: (topic) => handlers.delete(topic),
    emit: (topic, data) => socket.write(topic + ' ' + Buffer.from(data).toString('base64') + '\\n'),
  }
  return 'Fake'
}
const overTcp = () => ({ type: 'TCP', options: { udpDiscovery: false, useHostname: false, urls: told } })
const broker = new ServiceBroker({ nodeID, logger: false, transporter: transporter === 'hub' ? overHub() : overTcp() })
broker.createService({ name: nodeID, actions: { ping: () => nodeID } })
const here = new Set()
const look = () => {
  for (const { name } of broker.registry.actions.list({})) {
    if (!name.endsWith('.ping')) continue
    const isHere = broker.registry.actions.isAvailable(name)
    if (isHere === here.has(name)) continue
    if (isHere) here.add(name)
    else here.delete(name)
    console.log((isHere ? 'here ' : 'gone ') + name)
  }
}
broker.start().then(() => setInterval(look, 10))`

/** @returns where it is now, or why it is not, in words */
export async function installMoleculer(): Promise<{ readonly directory: string } | { readonly why: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-moleculer-'))
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-save']
  try {
    await promisify(execFile)('npm', ['install', ...quiet, '--prefix', directory, `moleculer@${version}`])
    return { directory }
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    return { why: (error as Error).message.split('\n')[0] ?? 'no npm' }
  }
}

/**
 * Half of the nodes are killed, each of the others says when it knew.
 * @param directory where it is installed
 */
export async function benchMoleculer(directory: string, count: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const transporter of ['tcp', 'hub'] as const) {
    progress(`services: Moleculer, ${transporters[transporter]}, ${count} nodes`)
    const nodes = new Nodes(directory, transporter)
    try {
      await nodes.start(count)
      const samples = await nodes.killHalf()
      const what = `services: Moleculer ${version}, ${transporters[transporter]}, ${count} nodes, kill -9 → not called, each other`
      rows.push({ what, unit: 'ms', samples })
    } finally {
      nodes.close()
    }
  }
  return rows
}

interface Node {
  readonly name: string
  readonly process: ChildProcess
  readonly ear: Ear
}

class Nodes {
  readonly #directory: string
  readonly #transporter: Transporter
  readonly #nodes: Node[] = []
  #hub: Server | undefined

  constructor(directory: string, transporter: Transporter) {
    this.#directory = directory
    this.#transporter = transporter
  }

  async start(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, i) => `m${i}`)
    const told =
      this.#transporter === 'tcp'
        ? names.map((name, i) => `127.0.0.1:${firstPort + i}/${name}`).join(',')
        : String(await this.#openHub())
    for (const name of names) {
      const args = ['-e', program, '--', name, this.#transporter, told]
      const child = spawn(process.execPath, args, { cwd: this.#directory, stdio: ['ignore', 'pipe', 'inherit'] })
      const ear = new Ear()
      child.stdout.setEncoding('utf8').on('data', (text: string) => ear.take(text))
      this.#nodes.push({ name, process: child, ear })
    }
    await Promise.all(
      this.#nodes.flatMap(({ ear }) => names.map((name) => ear.when(`${name} is here`, 0, says('here', name)))),
    )
    await sleep(spread_ms)
  }

  /** Whatever one says goes to all. */
  async #openHub(): Promise<number> {
    const sockets = new Set<Socket>()
    this.#hub = createServer((socket) => {
      sockets.add(socket.setNoDelay(true))
      let rest = ''
      socket.setEncoding('utf8').on('data', (text: string) => {
        const end = (rest + text).lastIndexOf('\n') + 1
        const whole = (rest + text).slice(0, end)
        rest = (rest + text).slice(end)
        if (whole !== '') for (const one of sockets) one.write(whole)
      })
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }).listen(0, '127.0.0.1')
    await once(this.#hub, 'listening')
    return (this.#hub.address() as AddressInfo).port
  }

  async killHalf(): Promise<number[]> {
    const victims = this.#nodes.slice(0, Math.floor(this.#nodes.length / 2))
    const others = this.#nodes.slice(victims.length)
    const times = await Promise.all(
      victims.map(async (victim, i) => {
        await sleep(((i + Math.random()) * spread_ms) / victims.length)
        const at = performance.now()
        victim.process.kill('SIGKILL')
        const seen = others.map(({ ear }) => ear.when(`${victim.name} is gone`, at, says('gone', victim.name)))
        return (await Promise.all(seen)).map((time) => time - at)
      }),
    )
    return times.flat()
  }

  close(): void {
    for (const { process } of this.#nodes) process.kill('SIGKILL')
    this.#hub?.close()
  }
}

function says(what: 'here' | 'gone', name: string): (text: string) => boolean {
  return (text) => text === `${what} ${name}.ping`
}
