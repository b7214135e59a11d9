/**
 * The demonstration itself, step by step: each is done to real daemons, then told in one sentence. What it tells was seen
 * through their own API.
 */
import { pause } from '../../client/pause.js'
import type { DemoDaemon, DemoDaemons } from './daemons.js'
import type { Screen } from './screen.js'
import { DemoService } from './services.js'
import { drawTable } from './table.js'
import { deadline_ms, type Sight, Watch } from './watch.js'

const names = ['a', 'b', 'c'] as const
const slugs = ['web', 'mail'] as const
/** For people to read a sentence and look at the table. */
const reading_ms = 2500

export class Script {
  readonly #screen: Screen
  readonly #daemons: DemoDaemons
  readonly #watch: Watch
  readonly #nodes = new Map<string, DemoDaemon>()
  readonly #services: DemoService[] = []
  #hasEnded = false

  constructor(screen: Screen, daemons: DemoDaemons) {
    this.#screen = screen
    this.#daemons = daemons
    this.#watch = new Watch(() => this.#draw())
  }

  async play(): Promise<void> {
    await this.#form()
    await this.#register()
    await this.#killOne()
    await this.#removeOne()
    await this.#restart()
    await this.#say(
      'That is all: no server, no leader, no shared disk. Each of the three answered from its own memory.',
    )
    this.#screen.release(true)
  }

  /** Any number of times. */
  end(): void {
    this.#hasEnded = true
    this.#watch.end()
    for (const service of this.#services) service.stop()
  }

  // ---- the steps

  async #form(): Promise<void> {
    this.#screen.say(
      'Starting three daemons on this machine, as if they were three machines: a, then b and c, which join a.',
    )
    const begun = performance.now()
    const a = await this.#start('a')
    await Promise.all([this.#start('b', a), this.#start('c', a)])
    await this.#untilAllAlive()
    const took = since(begun)
    await this.#say(`They found each other: three processes up, and each believes the two others alive, after ${took}.`)
  }

  async #register(): Promise<void> {
    for (const name of names) for (const slug of slugs) this.#services.push(new DemoService(slug, name))
    await Promise.all(this.#services.map((service) => service.start()))
    const ids = this.#services.map(({ id }) => id)
    const took_ms = await this.#watch.time(
      'all six instances in all three lookups',
      async () => void (await Promise.all(this.#services.map((service) => this.#registerAtHome(service)))),
      () => this.#watch.all((sight) => ids.every((id) => sight.get(id) === 'Healthy')),
    )
    await this.#say(
      `Registered six instances, a web and a mail at each node: checked, and Healthy in all three lookups, after ${ms(took_ms)}.`,
    )
  }

  async #killOne(): Promise<void> {
    const lost = this.#services.filter(({ node }) => node === 'b').map(({ id }) => id)
    const { answers, failures } = this.#watch
    const took_ms = await this.#watch.time(
      'the instances of b out of the lookups of a and c',
      async () => this.#crash('b'),
      () => this.#watch.all((sight) => !lost.some((id) => sight.has(id))),
    )
    const [answered, failed] = [this.#watch.answers - answers, this.#watch.failures - failures]
    await this.#say(
      `Killed node b with kill -9, and its services with it: its 2 instances were out of both other lookups after ${ms(took_ms)}.`,
    )
    await this.#say(`Meanwhile a and c were asked ${answered + failed} times: ${answered} answers, ${failed} failures.`)
  }

  async #removeOne(): Promise<void> {
    const begun = performance.now()
    await this.#node('a').client.deregister('mail-b')
    const took = since(begun)
    await this.#say(
      `Deregistered mail-b at a, although its own node b is down and cannot be asked: done after ${took}.`,
    )
  }

  async #restart(): Promise<void> {
    for (const service of this.#services) if (service.node === 'b') await service.start()
    let up_ms = 0
    const took_ms = await this.#watch.time(
      'the return of b with web-b and without mail-b',
      async () => {
        const begun = performance.now()
        await this.#start('b', this.#node('a'))
        up_ms = performance.now() - begun
      },
      () => this.#watch.names.includes('b') && this.#watch.all((sight) => sight.get('web-b') === 'Healthy'),
    )
    await this.#say(
      `Started b again on the disk that it had: ${ms(up_ms)} to load, and ${ms(took_ms - up_ms)} later web-b was back in all three lookups.`,
    )
    await this.#untilAllAlive()
    await this.#untilAllEqual()
    if (!this.#watch.all((sight) => !sight.has('mail-b'))) throw new Error('mail-b came back with its node')
    await this.#say('And mail-b stays gone: b has it on its disk, but what was removed does not come back.')
  }

  // ---- what they are made of

  async #start(name: string, seed?: DemoDaemon): Promise<DemoDaemon> {
    const daemon = await this.#daemons.start(name, seed)
    if (this.#hasEnded) throw new Error('the demonstration is over')
    this.#nodes.set(name, daemon)
    this.#watch.add(daemon)
    return daemon
  }

  async #registerAtHome({ id, slug, url, node }: DemoService): Promise<void> {
    await this.#node(node).client.register({ id, slug, url })
  }

  /** A machine is lost: the daemon, and all that ran beside it. */
  async #crash(name: string): Promise<void> {
    this.#watch.drop(name)
    const killed = this.#node(name).kill()
    for (const service of this.#services) if (service.node === name) service.stop()
    await killed
  }

  #node(name: string): DemoDaemon {
    return this.#nodes.get(name) as DemoDaemon
  }

  /** Each is ready, and counts all three. */
  #untilAllAlive(): Promise<void> {
    return this.#until('three living members everywhere', async () => {
      const selves = await Promise.all(names.map((name) => this.#node(name).client.self()))
      return selves.every(({ ready, alive }) => ready.ready && alive === names.length)
    })
  }

  #untilAllEqual(): Promise<void> {
    return this.#until('the same register everywhere', async () => {
      const digests = await Promise.all(names.map(async (name) => (await this.#node(name).client.digest()).digest))
      return new Set(digests).size === 1
    })
  }

  async #until(what: string, condition: () => Promise<boolean>): Promise<void> {
    for (const deadline = performance.now() + deadline_ms; !(await condition()); await pause(20)) {
      if (performance.now() > deadline) throw new Error(`${what} did not happen in time`)
    }
  }

  async #say(sentence: string): Promise<void> {
    this.#screen.say(sentence)
    if (this.#screen.isLive) await pause(reading_ms)
  }

  #draw(): void {
    if (this.#hasEnded) return
    const columns = names.map((name): { name: string; sight: Sight | undefined; isRunning: boolean } => ({
      name,
      sight: this.#watch.sight(name),
      isRunning: this.#nodes.get(name)?.isRunning ?? false,
    }))
    this.#screen.show(drawTable(this.#services, columns, this.#screen.paint))
  }
}

function ms(duration_ms: number): string {
  return duration_ms < 10_000 ? `${Math.round(duration_ms)} ms` : `${(duration_ms / 1000).toFixed(1)} s`
}

function since(begun: number): string {
  return ms(performance.now() - begun)
}
