/**
 * The world of one test: its time, its nodes, what listens where. Time passes where somebody says so, or where a call needs it.
 */
import { durationOf, parseDuration } from '../core/model/duration.js'
import { RegistryError, quote } from '../core/model/errors.js'
import type { NodeRecord } from '../core/model/model.js'
import { Host } from './host.js'
import { EventQueue } from './queue.js'
import type { Programs } from './programs.js'
import type { Services } from './services.js'
import { turn } from './turn.js'
import { Wires } from './wires.js'

/** So long a write takes, so that those who watch have been told of it when it is answered. */
const write_ms = 25
/** More a call never waits for by itself. */
const patience_ms = 60_000
const longest_ms = 30 * 86_400_000

export class World {
  readonly services: Services
  readonly #time = new EventQueue()
  readonly #begun = Date.now()
  readonly #hosts = new Map<string, Host>()
  /** Those that live with each. */
  readonly #programs = new Map<Host, Programs>()
  readonly #wires = new Wires(this.#time)
  /** Time passes at this very moment. */
  #isPassing = false
  #isSeen = false
  #advancing: Promise<void> = Promise.resolve()

  constructor(services: Services) {
    this.services = services
  }

  get now(): number {
    return this.#time.now
  }

  // ---- time

  /** @throws RegistryError `malformed` */
  advance(duration: number | string): Promise<void> {
    const length_ms = durationFrom(duration, 'duration')
    const before = this.#advancing.catch(() => undefined) // whoever asked for that is told
    this.#advancing = before.then(() => this.#advance(length_ms))
    return this.#advancing
  }

  /** Whoever sees something of what happens acts before the next thing does. */
  async #advance(length_ms: number): Promise<void> {
    await turn()
    const end = this.#time.now + length_ms
    while (this.#step(end)) {
      if (!this.#isSeen) continue
      this.#isSeen = false
      await turn()
    }
    this.#time.runUntil(end)
    await turn()
  }

  #step(end: number): boolean {
    this.#isPassing = true
    try {
      return this.#time.runNext(end)
    } finally {
      this.#isPassing = false
    }
  }

  /** A call waits for something; in time that passes already it does so with all others. */
  passUntil(isSo: () => boolean): void {
    if (this.#isPassing) return
    const limit = this.#time.now + patience_ms
    while (!isSo() && this.#step(limit));
    this.pass(write_ms)
  }

  pass(length_ms: number): void {
    if (this.#isPassing) return
    const end = this.#time.now + length_ms
    while (this.#step(end));
    this.#time.runUntil(end)
  }

  after(delay_ms: number, run: () => void): void {
    this.#time.after(delay_ms, () => {
      this.#isSeen = true
      run()
    })
  }

  // ---- nodes

  /** @throws RegistryError `conflict` */
  begin(node: Omit<NodeRecord, 'addresses'>, programs: Programs): Host {
    if (this.#hosts.has(node.id))
      throw new RegistryError('conflict', `nodeId: there is a node ${quote(node.id)} in this test; give another name`)
    const host = new Host(node, {
      now: () => this.#time.now,
      wall: () => this.#begun + this.#time.now,
      push: (at, run) => this.#time.push(at, run),
      passUntil: (isSo) => this.passUntil(isSo),
      onSeen: () => void (this.#isSeen = true),
      isDown: (url) => this.services.isDown(url),
      wires: this.#wires,
    })
    this.#hosts.set(node.id, host)
    this.#programs.set(host, programs)
    this.#start(host)
    return host
  }

  /** Until it takes writes, holding what all hold. */
  #start(host: Host): void {
    host.start()
    const digests = (): Set<string> => new Set(this.#living().map(({ live }) => live.registry.read.digest().digest))
    this.passUntil(() => host.live.registry.readiness().ready && digests().size === 1)
  }

  #living(): Host[] {
    return [...this.#hosts.values()].filter(({ isUp }) => isUp)
  }

  /** @throws RegistryError `not-found` where nothing has that name; `unavailable` where it is down already */
  kill(name: string): void {
    const url = this.#urlOf(name)
    if (url === undefined) this.#host(name).kill()
    else {
      this.services.setDown(url, true)
      for (const programs of this.#programs.values()) programs.killed(name)
      this.#changed(name)
    }
    this.pass(write_ms)
  }

  /** @throws RegistryError `not-found` where nothing has that name */
  async restart(name: string): Promise<void> {
    const url = this.#urlOf(name)
    if (url !== undefined) {
      this.services.setDown(url, false)
      return this.#changed(name)
    }
    const host = this.#host(name)
    if (host.isUp) return
    this.#start(host)
    await this.#programs.get(host)?.reopen()
  }

  /** Whoever keeps a connection to it notices; else the first caller does, and says so. */
  #changed(id: string): void {
    for (const host of this.#living()) host.placesChanged()
    const home = this.#living().find(({ live, peer }) => live.registry.read.homeOf(id) === peer)
    void home?.command({ type: 'act', id, act: { type: 'suspect' } })
  }

  #urlOf(id: string): string | undefined {
    const urls = this.#living().map(({ live }) => live.registry.read.record(id)?.url)
    return urls.find((url) => url !== undefined)
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name)
    if (host !== undefined) return host
    const names = [...this.#hosts.keys()].join(', ')
    throw new RegistryError('not-found', `id: ${quote(name)} is neither an instance nor a node of this test (${names})`)
  }
}

/** @throws RegistryError `malformed`, naming the field */
export function durationFrom(given: number | string, field: string): number {
  return durationOf(parseDuration(given, field, { min_ms: 0, max_ms: longest_ms })) ?? 0
}
