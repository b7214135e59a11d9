/**
 * Spreads calls over the instances of a service: hands them out in turn. It asks for them now and then, and never calls one.
 */
import { RegistryError } from '../core/errors.js'
import { worthPicking } from '../core/lookup/preference.js'
import { Rotation } from '../core/lookup/rotation.js'
import type { InstanceView, LookupResult } from '../core/views.js'

/** Older than `fresh`: asked again, while what is known still serves. Older than `kept`: not served any more. */
export const age_ms = { fresh: 1000, kept: 30_000 } as const
/** Slugs that are remembered; beyond it the one that was first asked for is forgotten. */
const slugLimit = 1000

interface Known {
  readonly instances: readonly InstanceView[]
  /** Theirs, in order. */
  readonly ids: readonly string[]
  readonly loadedAt: number
}

class Service {
  readonly #load: () => Promise<readonly InstanceView[]>
  readonly #now: () => number
  /** Many programs begin at once after a power cut: not all of them with the same instance. */
  readonly #turns = new Rotation(Math.floor(Math.random() * 2 ** 32))
  #known: Known | undefined
  /** When the last answer came, whatever it was. */
  #askedAt = Number.NEGATIVE_INFINITY
  #loading: Promise<Known> | undefined

  constructor(load: () => Promise<readonly InstanceView[]>, now: () => number) {
    this.#load = load
    this.#now = now
  }

  async pick(): Promise<InstanceView | undefined> {
    if (this.#usable() === undefined) await this.#refresh()
    // Read anew: of many that waited for one answer, each takes its own turn.
    const { instances = [], ids = [] } = this.#known ?? {}
    return instances[ids.length === 0 ? 0 : this.#turns.next('', ids)]
  }

  #usable(): Known | undefined {
    const now = this.#now()
    if (this.#known === undefined || now - this.#known.loadedAt > age_ms.kept) return undefined
    if (now - this.#askedAt > age_ms.fresh) this.#refresh().catch(() => undefined) // the next one finds out, or has to wait
    return this.#known
  }

  /** Once at a time, whoever asks. */
  #refresh(): Promise<Known> {
    this.#loading ??= this.#reload().finally(() => {
      this.#loading = undefined
      this.#askedAt = this.#now()
    })
    return this.#loading
  }

  async #reload(): Promise<Known> {
    const instances = await this.#load()
    this.#known = { instances, ids: instances.map(({ id }) => id), loadedAt: this.#now() }
    return this.#known
  }
}

export class Choices {
  readonly #services = new Map<string, Service>()
  readonly #lookup: (slug: string) => Promise<LookupResult>
  readonly #now: () => number

  constructor(lookup: (slug: string) => Promise<LookupResult>, now = (): number => performance.now()) {
    this.#lookup = lookup
    this.#now = now
  }

  pick(slug: string): Promise<InstanceView | undefined> {
    const service = this.#services.get(slug) ?? new Service(() => this.#load(slug), this.#now)
    this.#services.set(slug, service)
    if (this.#services.size > slugLimit) this.#services.delete(this.#services.keys().next().value as string)
    return service.pick()
  }

  /** An unknown slug is a service with no instances: one may come. */
  async #load(slug: string): Promise<readonly InstanceView[]> {
    try {
      const { instances, degraded } = await this.#lookup(slug)
      const best = worthPicking(instances, ({ status }) => status, degraded)
      return [...best].sort((a, b) => (a.id < b.id ? -1 : 1))
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'not-found') return []
      throw error
    }
  }
}
