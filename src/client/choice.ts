/**
 * Spreads calls over the instances of a service: hands them out in turn. It asks for them now and then, and never calls one.
 */
import { RegistryError } from '../core/errors.js'
import { worthPicking } from '../core/lookup/preference.js'
import { Rotation } from '../core/lookup/rotation.js'
import { type InstanceView, type LookupResult, atPort } from '../core/views.js'
import { untilAborted } from './pause.js'
import type { PickOptions } from './register.js'

/**
 * Older than `fresh`: asked again, while what is known still serves. Nobody asked for longer than `paused`: the first one waits for
 * the answer, since much may have gone meanwhile. Older than `kept`: not served any more, whatever fails.
 */
export const age_ms = { fresh: 1000, paused: 5000, kept: 30_000 } as const
/** Slugs that are remembered; beyond it the one that was first asked for is forgotten. */
const slugLimit = 1000

interface Choice {
  readonly instances: readonly InstanceView[]
  /** Theirs, in order. */
  readonly ids: readonly string[]
}

/** What was listed, and what is worth picking of it. */
interface Known extends Choice {
  readonly listed: LookupResult
  readonly loadedAt: number
}

/** Told why, when picks come from what was known before because no daemon answers; and with nothing, when one does again. */
type OnOutage = (why: Error | undefined) => void

class Service {
  readonly #load: () => Promise<LookupResult>
  readonly #now: () => number
  readonly #onOutage: OnOutage
  /** Many programs begin at once after a power cut: not all of them with the same instance. */
  readonly #turns = new Rotation(Math.floor(Math.random() * 2 ** 32))
  #known: Known | undefined
  /** When the last answer came, or failed to. */
  #askedAt = Number.NEGATIVE_INFINITY
  /** While nobody answers: when somebody last picked nevertheless. */
  #madeDoAt = Number.NEGATIVE_INFINITY
  #loading: Promise<Known> | undefined
  #isOutage = false

  constructor(load: () => Promise<LookupResult>, now: () => number, onOutage: OnOutage) {
    this.#load = load
    this.#now = now
    this.#onOutage = onOutage
  }

  /** @param port of those alone that have one of this name */
  async pick(port: string | undefined): Promise<InstanceView | undefined> {
    if (!this.#serves()) await this.#refresh().catch((error: unknown) => this.#fallBack(error))
    // Read anew: of many that waited for one answer, each takes its own turn.
    const known = this.#known
    const { instances, ids } = known === undefined ? none : port === undefined ? known : choiceOf(known.listed, port)
    return instances[ids.length === 0 ? 0 : this.#turns.next('', ids)]
  }

  /** Whether what is known will do; where it is no more fresh it is asked anew behind the scenes. */
  #serves(): boolean {
    const now = this.#now()
    // That nobody answers is found out by one wait, not by one for each pick.
    if (!this.#isKept() || now - Math.max(this.#askedAt, this.#madeDoAt) > age_ms.paused) return false
    if (this.#isOutage) this.#madeDoAt = now
    if (now - this.#askedAt > age_ms.fresh) this.#refresh().catch(() => undefined) // the next one finds out, or has to wait
    return true
  }

  #isKept(): boolean {
    return this.#known !== undefined && this.#now() - this.#known.loadedAt <= age_ms.kept
  }

  #fallBack(error: unknown): void {
    if (!this.#isKept()) throw error
  }

  /** Once at a time, whoever asks. */
  #refresh(): Promise<Known> {
    this.#loading ??= this.#reload()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#loading = undefined
        this.#askedAt = this.#now()
      })
    return this.#loading
  }

  /** A daemon that refuses has answered: what this caller was told before is not his any more. */
  #failed(error: unknown): never {
    if (!isOutage(error)) this.#known = undefined
    else if (this.#isKept() && !this.#isOutage) {
      this.#isOutage = true
      this.#onOutage(error)
    }
    throw error
  }

  async #reload(): Promise<Known> {
    const listed = await this.#load()
    this.#known = { ...choiceOf(listed), listed, loadedAt: this.#now() }
    if (this.#isOutage) this.#onOutage(undefined)
    this.#isOutage = false
    return this.#known
  }
}

const none: Choice = { instances: [], ids: [] }

/** Those worth picking, in order. @param port where they are called at their ports of this name, as far as they have one */
function choiceOf({ instances, degraded }: LookupResult, port?: string): Choice {
  const able = port === undefined ? instances : instances.flatMap((view) => atPort(view, port) ?? [])
  const worth = worthPicking(able, (view) => view, degraded)
  const inOrder = [...worth].sort((a, b) => (a.id < b.id ? -1 : 1))
  return { instances: inOrder, ids: inOrder.map(({ id }) => id) }
}

/** Nobody answers, or not now: another answer may come. */
function isOutage(error: unknown): error is RegistryError {
  return error instanceof RegistryError && (error.code === 'unavailable' || error.code === 'internal')
}

export interface ChoicesOptions {
  readonly lookup: (slug: string) => Promise<LookupResult | undefined>
  readonly onOutage?: ((slug: string, why: Error | undefined) => void) | undefined
  /** Milliseconds on a clock that never steps. */
  readonly now?: () => number
}

export class Choices {
  readonly #services = new Map<string, Service>()
  readonly #lookup: (slug: string) => Promise<LookupResult | undefined>
  readonly #onOutage: (slug: string, why: Error | undefined) => void
  readonly #now: () => number

  constructor({ lookup, onOutage = () => undefined, now = () => performance.now() }: ChoicesOptions) {
    this.#lookup = lookup
    this.#onOutage = onOutage
    this.#now = now
  }

  /** @throws the signal's reason where that aborts first */
  pick(slug: string, { port, signal }: PickOptions = {}): Promise<InstanceView | undefined> {
    const service = this.#services.get(slug) ?? this.#serviceOf(slug)
    this.#services.set(slug, service)
    if (this.#services.size > slugLimit) this.#services.delete(this.#services.keys().next().value as string)
    return untilAborted(signal, () => service.pick(port))
  }

  #serviceOf(slug: string): Service {
    return new Service(
      () => this.#load(slug),
      this.#now,
      (why) => this.#onOutage(slug, why),
    )
  }

  /** An unknown slug is a service with no instances: one may come. */
  async #load(slug: string): Promise<LookupResult> {
    const found = await this.#lookup(slug)
    if (found === undefined) return { slug, instances: [], degraded: false }
    // The moment was that of the answer: whoever picks is told what holds for a while.
    return { ...found, instances: found.instances.map(({ lastHeartbeat: _, ...instance }) => instance) }
  }
}
