/**
 * Spreads calls over the instances of a service: hands them out in turn. It keeps itself told of them while it is asked, and never
 * calls one.
 */
import { pickOfOptions, queryOfPick } from '../config/pick-query.js'
import { BoundedMap } from '../core/basics/bounded-map.js'
import { parseMaxAge } from '../core/lookup/freshness.js'
import { Chooser, type Listed, type PickQuery } from '../core/lookup/chooser.js'
import { type InstanceView, type LookupResult, atPort } from '../core/views.js'
import { CallCounts } from '../metrics/calls.js'
import { canStandAside } from './aside.js'
import type { Calls } from './call.js'
import { mayPass } from './failures.js'
import { callingOf, fetchingOf } from './fetching/calling.js'
import { type Fetching, type Source, slugLimit } from './fetching/fetching.js'
import { type Follow, Keeping } from './keeping.js'
import { followLists, watchingOf } from './lists.js'
import { untilAborted } from './pause.js'
import { readingOf } from './reading.js'
import type { Calling, LookupOptions, PickOptions, Registry } from './register.js'
import { Surroundings } from './surroundings.js'
import { told } from './telling.js'

/**
 * Of a list that no daemon tells by itself. Older than `fresh`: asked again, while what is known still serves. Nobody asked for longer
 * than `paused`: the first one waits for the answer, since much may have gone meanwhile. Older than `kept`: not served any more,
 * whatever fails, unless it was told until the daemon went, and was used ever since.
 */
export const age_ms = { fresh: 1000, paused: 5000, kept: 30_000 } as const

/** What was listed. */
interface Known extends Listed<InstanceView> {
  /** Something has that slug. */
  readonly isKnown: boolean
}

/** Told why, when picks come from what was known before because no daemon answers; and with nothing, when one does again. */
type OnOutage = (why: Error | undefined) => void

interface ServiceOptions {
  readonly load: () => Promise<LookupResult | undefined>
  readonly now: () => number
  readonly onOutage: OnOutage
  /** Absent: it is asked for, again and again. */
  readonly follow: Follow | undefined
  readonly open: { count: number }
}

class Service {
  readonly #load: () => Promise<LookupResult | undefined>
  readonly #now: () => number
  readonly #onOutage: OnOutage
  readonly #keeping: Keeping | undefined
  #known: Known | undefined
  /** When what is known was true, as far as anybody knows. */
  #trueAt = Number.NEGATIVE_INFINITY
  /** When the last answer came, or failed to. */
  #askedAt = Number.NEGATIVE_INFINITY
  /** While nobody answers: when somebody last picked nevertheless. */
  #madeDoAt = Number.NEGATIVE_INFINITY
  #loading: Promise<void> | undefined
  #isOutage = false

  constructor({ load, now, onOutage, follow, open }: ServiceOptions) {
    this.#load = load
    this.#now = now
    this.#onOutage = onOutage
    if (follow === undefined) return
    const onList = (list: LookupResult & { readonly unknown?: true }): void =>
      this.#learn(list.unknown === true ? undefined : list)
    this.#keeping = new Keeping({ follow, onList, onLost: () => this.#wasTrue(), open, now })
  }

  /** What is listed now, or was a moment ago. The first one asks: that is sooner than to be told. */
  async listed(): Promise<Known | undefined> {
    if (!this.#serves()) await this.#refresh().catch((error: unknown) => this.#fallBack(error))
    if (this.#known !== undefined) this.#keeping?.use()
    return this.#known
  }

  end(): void {
    this.#keeping?.end()
  }

  /** Whether what is known will do; where it is no more fresh it is asked anew behind the scenes. */
  #serves(): boolean {
    if (this.#keeping?.stands === true && this.#known !== undefined) return true
    const now = this.#now()
    // That nobody answers is found out by one wait, not by one for each pick.
    if (!this.#isKept() || now - Math.max(this.#askedAt, this.#madeDoAt) > age_ms.paused) return false
    if (this.#isOutage) this.#madeDoAt = now
    if (now - this.#askedAt > age_ms.fresh) this.#refresh().catch(() => undefined) // the next one finds out, or has to wait
    return true
  }

  #isKept(): boolean {
    return this.#known !== undefined && (this.#keeping?.isHeld === true || this.#now() - this.#trueAt <= age_ms.kept)
  }

  #fallBack(error: unknown): void {
    if (!this.#isKept()) throw error
  }

  /** Once at a time, whoever asks. */
  #refresh(): Promise<void> {
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
    if (!mayPass(error)) this.#known = undefined
    else if (this.#isKept() && !this.#isOutage) {
      this.#isOutage = true
      told(() => this.#onOutage(error))
    }
    throw error
  }

  async #reload(): Promise<void> {
    const listed = await this.#load()
    // What was told meanwhile is newer, unless a refusal has taken it away since.
    if (this.#keeping?.stands !== true || this.#known === undefined) this.#learn(listed)
  }

  #learn(listed: LookupResult | undefined): void {
    this.#known = knownOf(listed)
    this.#wasTrue()
    if (this.#isOutage) told(() => this.#onOutage(undefined))
    this.#isOutage = false
  }

  #wasTrue(): void {
    this.#trueAt = this.#askedAt = this.#now()
  }
}

function knownOf(listed: LookupResult | undefined): Known {
  return { pools: listed === undefined ? [] : poolsOf(listed), isKnown: listed !== undefined }
}

function poolsOf({ instances, degraded }: LookupResult): Listed<InstanceView>['pools'] {
  return [{ listed: [...instances].sort((a, b) => (a.id < b.id ? -1 : 1)), inDoubt: degraded }]
}

export interface ChoicesOptions {
  readonly lookup: (slug: string, options?: LookupOptions) => Promise<LookupResult | undefined>
  readonly surroundings?: Pick<Surroundings, 'prepare' | 'here' | 'loadOf'> | undefined
  /** Absent: what is listed is asked for, again and again. */
  readonly follow?: ((slug: string, following: Parameters<Follow>[0]) => Promise<void>) | undefined
  readonly onOutage?: ((slug: string, why: Error | undefined) => void) | undefined
  /** Has an instance looked at. */
  readonly suspect?: (id: string) => Promise<unknown>
  /** Milliseconds on a clock that never steps. */
  readonly now?: () => number
}

const nowhere: NonNullable<ChoicesOptions['surroundings']> = {
  prepare: () => Promise.resolve(),
  here: () => ({}),
  loadOf: () => 0,
}

/** Those of a client: what it asks for is asked of its daemon. */
export function choicesOf(calls: Calls, options: Pick<ChoicesOptions, 'lookup' | 'onOutage' | 'suspect'>): Choices {
  const { call } = calls
  const surroundings = new Surroundings({
    selfNode: () => call('GET', '/registry-svc/node/self'),
    members: () => call('GET', '/v1/members'),
    now: () => performance.now(),
  })
  const follow: ChoicesOptions['follow'] = (slug, following) => followLists(calls, slug, following)
  // A browser has few connections to one server, and others need them.
  return new Choices({ ...options, surroundings, ...(canStandAside && { follow }) })
}

export class Choices {
  readonly #services = new BoundedMap<string, Service>(slugLimit)
  readonly #chooser: Chooser<InstanceView>
  readonly #lookup: ChoicesOptions['lookup']
  readonly #surroundings: NonNullable<ChoicesOptions['surroundings']>
  readonly #onOutage: (slug: string, why: Error | undefined) => void
  readonly #follow: ChoicesOptions['follow']
  readonly #open = { count: 0 }
  readonly #now: () => number
  readonly #suspect: NonNullable<ChoicesOptions['suspect']>
  /** What came of calls of the same instances. */
  #fetching: Fetching | undefined

  constructor({
    lookup,
    surroundings = nowhere,
    follow,
    onOutage = () => undefined,
    suspect = () => Promise.resolve(),
    now = () => performance.now(),
  }: ChoicesOptions) {
    this.#lookup = lookup
    this.#surroundings = surroundings
    this.#onOutage = onOutage
    this.#follow = follow
    this.#now = now
    this.#suspect = suspect
    // Many programs begin at once after a power cut: not all of them with the same instance.
    this.#chooser = new Chooser(
      readingOf(() => surroundings.here()),
      Math.floor(Math.random() * 2 ** 32),
    )
  }

  /** @throws the signal's reason where that aborts first; RegistryError `malformed`, naming the option */
  async pick(slug: string, options: PickOptions = {}): Promise<InstanceView | undefined> {
    const query = pickOfOptions(options)
    const maxAge = parseMaxAge(options.maxAge)
    return untilAborted(options.signal, () => this.#pick(slug, query, { maxAge, signal: options.signal }))
  }

  /** Its caller was not answered by it. */
  suspected(id: string): void {
    this.#fetching?.suspected(id)
  }

  /** How the daemon itself is asked. */
  queryOf(options: PickOptions): ReturnType<typeof queryOfPick> {
    return { ...queryOfPick(pickOfOptions(options) ?? {}), maxAge: parseMaxAge(options.maxAge) }
  }

  /** Calls of the same instances, and their lists. */
  calling(
    calls: Calls,
    by: typeof fetch = (input, init) => fetch(input, init),
    counts = new CallCounts(),
  ): Calling & Pick<Registry, 'watch' | 'waitFor'> {
    const source: Source = {
      listed: async (slug) => {
        const known = await this.#serviceOf(slug).listed()
        return known?.isKnown === true ? known : undefined
      },
      // How loaded others are a caller sees himself.
      prepare: ({ prefer }) => (prefer === undefined ? undefined : this.#surroundings.prepare({ prefer })),
      here: () => this.#surroundings.here(),
      suspect: (id) => void this.#suspect(id).catch(() => undefined), // only a hint
    }
    this.#fetching = fetchingOf(source, { fetch: by }, counts)
    return { ...callingOf(this.#fetching), ...watchingOf(calls, this.#lookup) }
  }

  /** The one that was not used for longest makes room. */
  #serviceOf(slug: string): Service {
    const service = this.#services.get(slug) ?? this.#begin(slug)
    const dropped = this.#services.set(slug, service)
    if (dropped !== undefined) {
      dropped[1].end()
      this.#chooser.forget(dropped[0])
    }
    return service
  }

  async #pick(
    slug: string,
    query: PickQuery | undefined,
    asked: Pick<LookupOptions, 'maxAge' | 'signal'>,
  ): Promise<InstanceView | undefined> {
    if (query !== undefined) await this.#surroundings.prepare(query)
    const service = this.#serviceOf(slug)
    // How old its own list is nobody but the daemon can say.
    const listed = asked.maxAge === undefined ? await service.listed() : knownOf(await this.#load(slug, asked))
    // Chosen last: of many that waited for one answer, each takes its own turn.
    const considered = listed && (this.#fetching?.considered(slug, listed) ?? listed)
    const picked = considered && this.#chooser.choose(slug, considered, query, this.#loadOf)
    if (!this.#services.has(slug)) this.#chooser.forget(slug) // it made room while it was asked for
    return picked === undefined || query?.port === undefined ? picked : atPort(picked, query.port)
  }

  readonly #loadOf = ({ nodeUrl }: InstanceView): number => this.#surroundings.loadOf(nodeUrl)

  #begin(slug: string): Service {
    const follow = this.#follow
    return new Service({
      load: () => this.#load(slug),
      now: this.#now,
      onOutage: (why) => this.#onOutage(slug, why),
      follow: follow && ((following) => follow(slug, following)),
      open: this.#open,
    })
  }

  /** An unknown slug is a service with no instances: one may come. */
  async #load(slug: string, options?: LookupOptions): Promise<LookupResult | undefined> {
    const found = await this.#lookup(slug, options)
    if (found === undefined) return undefined
    // The moment was that of the answer: whoever picks is told what holds for a while.
    return { ...found, instances: found.instances.map(({ lastHeartbeat: _, ...instance }) => instance) }
  }
}
