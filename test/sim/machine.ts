// One simulated machine: its disk and its clock stay, its registry comes and goes.
import type { Effect, Input, Moment, RegistryEvent, StoreOp } from '../../src/core/effects.js'
import { Registry } from '../../src/core/registry.js'
import type { SignedHead } from '../../src/core/wire/head.js'
import { Clock } from './clock.js'
import { cheapCrypto } from './crypto.js'
import { Disk } from './disk.js'
import { PlaneDaemon } from './plane.js'

export interface StartOptions {
  readonly nodeId?: string
  readonly url?: string
  /** Its key goes with this run. */
  readonly transient?: true
  /** How much heap its copies of others may take. */
  readonly copies_bytes?: number
  /** 16 hex digits; random where not given. */
  readonly boot?: string
  /** The membership plane alone, with these heads known. */
  readonly plane?: Iterable<SignedHead>
}

export const noLinks = { wanted: new Set<string>(), spared: new Set<string>() } as const

export class Machine {
  registry: Registry | undefined
  /** What it is made of, where it is the membership plane alone. */
  plane: PlaneDaemon | undefined
  disk = new Disk()
  /** Raised at each start and each end; what belongs to an earlier life is dropped. */
  life = 0
  wasStarted = false
  /** Its monotonic clock. */
  readonly clock = new Clock()
  /** Added to this machine's wall clock, which runs so much faster than its monotonic one. */
  wallOffset_ms = 0
  wallRate = 1
  pausedUntil = 0
  /** It ended without a word: it refuses no dials either. */
  vanished = false
  /** Whom its daemon wants to be connected with, and who need not be; all others are strangers to it. */
  links: { readonly wanted: ReadonlySet<string>; readonly spared: ReadonlySet<string> } = noLinks
  /** Dials of each peer that failed in a row, and when the next one is due. */
  readonly dials = new Map<string, { failures: number; dueAt: number }>()
  /** Where its search for strangers stands. */
  strangerTurn = 0
  /** Names of the machines that it has a connection with. */
  readonly connected = new Set<string>()
  /** Peers whose end of the connection is gone while this end does not know it yet. */
  readonly halfOpen = new Set<string>()
  readonly events: { readonly at: number; readonly event: RegistryEvent }[] = []
  readonly backlog: Input[] = []
  /** The connections to instances that its daemon wants to be kept, by instance. */
  readonly lines = new Map<string, Effect & { type: 'keep-open' }>()
  /** Synced writes on their way to the disk. */
  readonly writing = new Set<readonly StoreOp[]>()
  wakeScheduledFor = Number.POSITIVE_INFINITY

  /** @param self the peer id; two machines with one peer id are clones */
  constructor(
    readonly name: string,
    readonly self: string,
  ) {}

  get live(): Registry {
    if (this.registry === undefined) throw new Error(`${this.name} is down`)
    return this.registry
  }

  /** A new registry from what is on disk. */
  makeRegistry({ boot = '', nodeId, url, transient, copies_bytes, plane }: StartOptions, at: Moment): Registry {
    if (plane !== undefined) return (this.registry = this.#makePlane(boot, plane, at).asRegistry())
    const { documents, notes, secrets, generation, lastUp } = this.disk.load()
    this.lines.clear()
    const node = {
      id: nodeId ?? `node-${this.name}`,
      protocol: 1,
      url: url ?? `http://${this.name}:58231`,
      ...(transient && { transient }),
    }
    const stored = {
      ...{ generation, documents, notes },
      ...(secrets !== undefined && { secrets }),
      ...(lastUp !== undefined && { lastUp }),
      ...(copies_bytes !== undefined && { copies_bytes }),
    }
    const freshKey = !this.wasStarted
    this.registry = new Registry(
      { self: this.self, boot, crypto: cheapCrypto(this.self), node, freshKey, ...stored },
      at,
    )
    this.wasStarted = true
    return this.registry
  }

  #makePlane(boot: string, known: Iterable<SignedHead>, at: Moment): PlaneDaemon {
    this.disk.write([{ type: 'generation', generation: this.disk.generation + 1 }], true)
    this.plane = new PlaneDaemon({ self: this.self, boot, generation: this.disk.generation, known }, at)
    return this.plane
  }

  /** The events of one type. */
  eventsOf<T extends RegistryEvent['type']>(type: T): (RegistryEvent & { type: T })[] {
    return this.events.map(({ event }) => event).filter((event) => event.type === type) as (RegistryEvent & {
      type: T
    })[]
  }
}
