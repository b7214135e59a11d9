// Two versions in one cluster: what the later one writes the earlier one lists, both stay in step, through restarts, moves and upgrades.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, type RunningDaemon, until } from '../../test/daemon/cluster.js'
import { inStep, listed, type Row, rowsOf } from './listing.js'
import { earlierSaid, laterSaid, urlAt as url } from './shapes.js'

/** A caller of a home node of another version is told so by then. */
const answer_ms = 5000
const settle_ms = 20_000

export interface Versions {
  /** Starts daemons of the earlier version. */
  readonly earlier: Cluster
  /** Starts daemons of this one. */
  readonly later: Cluster
  /** Whether the earlier one does what is asked of an instance through another node. */
  readonly isActing: boolean
}

/** What callers may ask of an instance, wherever its home is. */
const acts: readonly (readonly [method: string, path: string, body?: unknown])[] = [
  ['PUT', 'maintenance', { reason: 'so' }],
  ['PUT', 'status', { status: 'Degraded' }],
  ['PUT', 'renew'],
  ['POST', 'suspect'],
  ['PATCH', '', { weight: 7 }],
]

/** @returns what is wrong, a line each */
export async function mixVersions(versions: Versions): Promise<string[]> {
  return new Mixture(versions).run()
}

class Mixture {
  readonly #versions: Versions
  readonly #wrong: string[] = []
  /** Ends the session of a program by closing its line. */
  #hangUp = new AbortController()
  #secret = ''
  #earlier!: RunningDaemon
  #later!: RunningDaemon

  constructor(versions: Versions) {
    this.#versions = versions
  }

  async run(): Promise<string[]> {
    const { earlier, later } = this.#versions
    const steps: Readonly<Record<string, () => Promise<void>>> = {
      'they join': async () => {
        this.#earlier = await earlier.start('old', { args: ['--no-mdns'] })
        this.#later = await this.#start(later, 'new', this.#earlier)
        await this.#inStep()
      },
      'the later one knows the earlier one for what it is, and asks it nothing': async () => {
        await until('it is old', async () =>
          (await this.#later.survey()).nodes.some(({ id, how }) => id === 'old' && how === 'old'),
        )
        const { dropped } = await this.#earlier.self()
        if ('unreadable request' in dropped) throw new Error(`the earlier one was asked: ${JSON.stringify(dropped)}`)
      },
      'each lists what the other one registers': () => this.#register(),
      'acts on what the later one holds': () => this.#act(),
      'the earlier one lists nothing of a later one that drains': () => this.#drain(),
      ...(!this.#versions.isActing && {
        'acts on what the earlier one holds are refused in words': () => this.#actOnEarlier(),
      }),
      'the earlier one sees a session end': () => this.#endSession(),
      'what is removed at the other one is gone from both': () => this.#remove(),
      'what is registered at the other one moves': () => this.#move(),
      'the earlier one is killed and starts again': async () => {
        await this.#earlier.kill('SIGKILL')
        this.#earlier = await this.#start(earlier, 'old', this.#later)
        await this.#inStep()
      },
      'the later one is killed and starts again': async () => {
        await this.#later.kill('SIGKILL')
        this.#later = await this.#start(later, 'new', this.#earlier)
        await this.#inStep()
      },
      'the earlier one is upgraded, and goes back': async () => {
        for (const program of [later, earlier]) {
          await this.#earlier.kill('SIGTERM')
          this.#earlier = await this.#start(program, 'old', this.#later)
          await this.#inStep()
        }
      },
      'the later one goes back, and is upgraded again': async () => {
        for (const program of [earlier, later]) {
          await this.#later.kill('SIGTERM')
          this.#later = await this.#start(program, 'new', this.#earlier)
          await this.#inStep()
        }
      },
    }
    for (const [what, step] of Object.entries(steps)) {
      try {
        await step()
      } catch (error) {
        const cause = error instanceof Error && error.cause !== undefined ? ` (${String(error.cause)})` : ''
        this.#wrong.push(`${what}: ${String(error)}${cause}`)
      }
    }
    this.#hangUp.abort()
    return this.#wrong
  }

  /** The data directory is that of its name, whatever program it is. */
  async #start(program: Cluster, name: string, join: RunningDaemon): Promise<RunningDaemon> {
    const dataDir = await (name === 'old' ? this.#versions.earlier : this.#versions.later).dataDir(name)
    return program.start(name, { dataDir, args: ['--no-mdns', '--join', join.address] })
  }

  get #both(): readonly RunningDaemon[] {
    return [this.#earlier, this.#later]
  }

  /** They hold the same, list the same, and say so themselves. */
  async #inStep(): Promise<void> {
    await inStep(this.#both)
  }

  async #register(): Promise<void> {
    for (const said of earlierSaid) await call(this.#earlier, 'PUT', '/v1/instances', said)
    await call(this.#earlier, 'PUT', '/v1/instances/old-plain/maintenance', { reason: 'new disk' })
    await this.#earlier.saveDefinition({ id: 'old-definition', image: 'x' })
    for (const said of laterSaid) await call(this.#later, 'PUT', '/v1/instances', said)
    await this.#later.saveDefinition({ id: 'new-definition', image: 'x' })
    this.#secret = await openSession(this.#later, this.#hangUp.signal)
    for (const id of ['new-session', 'new-session-kept'])
      await call(this.#later, 'PUT', '/v1/instances', {
        ...{ id, slug: 'new', url: url(id.length), check: 'none', session: this.#secret, grace: '1s' },
      })
    await this.#inStep()
    const ids = [...earlierSaid, ...laterSaid, { id: 'new-session' }].map(({ id }) => id)
    for (const daemon of this.#both) {
      const rows = await listed(daemon)
      for (const id of ids) if (!rows.includes(`"${id}"`)) throw new Error(`${daemon.name} does not list ${id}`)
    }
  }

  async #act(): Promise<void> {
    const path = '/v1/instances'
    await call(this.#later, 'PUT', `${path}/new-plain/maintenance`, { reason: 'so' })
    await call(this.#later, 'PUT', `${path}/new-check-reported/status`, {
      status: 'Healthy',
      details: 'warm',
      for: '1h',
    })
    await call(this.#later, 'PUT', `${path}/new-check-none/status`, { status: 'Degraded', details: 'slow' })
    await call(this.#later, 'PUT', `${path}/new-ttl/renew`)
    await call(this.#later, 'PATCH', `${path}/new-traits`, { weight: 9, tags: ['z'], metadata: { team: 'red' } })
    await this.#inStep()
  }

  async #drain(): Promise<void> {
    const seen = async (): Promise<boolean> => {
      const { body } = await this.#earlier.ask('/registry-svc/instances?slug=new')
      return (JSON.parse(body) as { instances: Row[] }).instances.length > 0
    }
    for (const [method, isSeen] of [
      ['PUT', false],
      ['DELETE', true],
    ] as const) {
      await call(this.#later, method, '/v1/self/drain')
      await until('the earlier one follows', async () => (await seen()) === isSeen)
    }
    await this.#inStep()
  }

  async #actOnEarlier(): Promise<void> {
    const before = await this.#earlier.digest()
    for (const [method, path, body] of acts) {
      const begun = performance.now()
      const { status, body: said } = await this.#later.ask(
        `/v1/instances/old-tcp/${path}`.replace(/\/$/, ''),
        method,
        body,
      )
      const took_ms = performance.now() - begun
      if (status !== 503 || !/earlier version/.test(said) || took_ms > answer_ms)
        this.#wrong.push(`${method} ${path} of what the earlier one holds: ${status} ${said} after ${took_ms} ms`)
    }
    if ((await this.#earlier.digest()).digest !== before.digest)
      this.#wrong.push('an act that was refused has been done')
    await this.#inStep()
  }

  async #endSession(): Promise<void> {
    await call(this.#later, 'PUT', '/v1/instances', {
      ...{ id: 'new-session-kept', slug: 'new', url: url(16), check: 'none', lifetime: 'persistent' },
    })
    this.#hangUp.abort()
    await until('its instance is gone from both', async () => {
      const rows = await Promise.all(this.#both.map(listed))
      return rows.every((text) => !text.includes('"new-session"') && text.includes('"new-session-kept"'))
    })
    await this.#inStep()
  }

  async #remove(): Promise<void> {
    await this.#earlier.deregister('new-check-short')
    await this.#later.deregister('old-parts')
    await sleep(settle_ms / 20)
    await this.#inStep()
    for (const daemon of this.#both)
      for (const id of ['new-check-short', 'old-parts'])
        if ((await listed(daemon)).includes(`"${id}"`)) throw new Error(`${daemon.name} still lists ${id}`)
  }

  async #move(): Promise<void> {
    await call(this.#earlier, 'PUT', '/v1/instances', { id: 'new-traits', slug: 'new', url: url(24), check: 'none' })
    await call(this.#later, 'PUT', '/v1/instances', {
      id: 'old-http',
      slug: 'old',
      url: url(13),
      check: 'none',
      ttl: '1h',
    })
    await this.#inStep()
    const rows = await rowsOf(this.#later)
    const homes = ['new-traits', 'old-http'].map((id) => rows.find((row) => row.id === id)?.nodeId)
    if (homes.join() !== 'old,new') throw new Error(`they are at ${homes.join()}`)
  }
}

async function call(daemon: RunningDaemon, method: string, path: string, said?: unknown): Promise<void> {
  const { status, body } = await daemon.ask(path, method, said)
  if (status >= 300) throw new Error(`${method} ${path} at ${daemon.name}: ${status} ${body}`)
}

/** @returns its secret; it ends with `signal` */
async function openSession(daemon: RunningDaemon, signal: AbortSignal): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const { body } = await fetch(`${daemon.url}/v1/sessions`, { method: 'POST', headers, body: '{}', signal })
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  const { value } = await reader.read()
  const said = /data: (.*)\n/.exec(new TextDecoder().decode(value))?.[1] ?? ''
  const { id, secret } = JSON.parse(said) as { id: string; secret: string }
  const spoken = setInterval(() => {
    void fetch(`${daemon.url}/v1/sessions/${id}`, {
      ...{ method: 'PUT', headers, body: JSON.stringify({ secret }), signal },
    }).catch(() => undefined)
  }, 3000)
  signal.addEventListener('abort', () => clearInterval(spoken))
  return secret
}
