/**
 * Keeps one program in the register: from the moment it is well until it is to end, through restarts of the daemon. What
 * somebody else removed or moved stays as he left it. It never touches the program.
 */
import type { Client, ServiceRegistration } from '../../client.js'
import type { CheckResult } from '../../core/effects.js'
import type { Registration } from '../../core/model/model.js'
import { shownUrl } from '../../core/model/url.js'
import type { InstanceRow, SelfView } from '../../core/views.js'
import { pause, within } from '../../client/pause.js'
import { messageOf } from '../../core/model/errors.js'

/** How often it is asked whether the program is well, until it is. */
const eager_ms = 100
/** How often it is made sure that the instance is still there. */
const interval_ms = 2000
/** When to say that the program has not answered yet. */
const patience_ms = 10_000
/** What the stop signal of a program waits for a daemon, at most. */
const hiding_ms = 1000
/** What the end of a program waits for a daemon, in all: service managers have little patience. */
const withdrawal_ms = 3000
const retry_ms = 200

/** Where a program may be found, and as what. */
export type Place = Registration & { readonly id: string; readonly slug: string }

export interface ListingParts {
  readonly client: Client
  /** Of one instance, best first: registered is the first at which the program answers. */
  readonly registrations: readonly Place[]
  /** The health check that the daemon will make. */
  readonly check: (place: Place) => Promise<CheckResult>
  readonly say: (message: string) => void
}

/** `ours`: registered, as far as is known. `lost`: somebody removed it or registered it elsewhere, which is respected. */
type State = 'unlisted' | 'ours' | 'lost'

/** A run of a daemon: another one may have forgotten what this one was told. */
type DaemonRun = Pick<SelfView, 'peer' | 'generation'>

export class Listing {
  readonly #parts: ListingParts
  readonly #ending = new AbortController()
  #state: State = 'unlisted'
  /** Holds it in the register, once it was registered. */
  #self: ServiceRegistration | undefined
  /** That it was said to be registered in. */
  #session: string | undefined
  #registeredAt: DaemonRun | undefined
  #trouble: string | undefined
  #step: Promise<void> = Promise.resolve()
  #withdrawal: Promise<string | undefined> | undefined
  #place: Place

  constructor(parts: ListingParts) {
    this.#parts = parts
    this.#place = parts.registrations[0] as Place
  }

  /** Works in the background until `hide` or `withdraw`. */
  start(): void {
    void this.#keep()
  }

  /**
   * Takes the instance out of every lookup while the program still runs.
   * @returns whether callers can have known of it, and now no longer do
   */
  async hide(): Promise<boolean> {
    try {
      await inTime(hiding_ms, this.#hide())
      return this.#state === 'ours'
    } catch (error) {
      this.#report(error, 'it could not be marked as stopping')
      return false
    }
  }

  async #hide(): Promise<void> {
    await this.#end()
    if (this.#state === 'ours') await this.#self?.drain({ ackTimeout: hiding_ms / 2 })
  }

  /**
   * Removes the instance; tries for a few seconds where the daemon is away. Any number of times: once done it is done.
   * @returns what remains, for people, where it could not be removed
   */
  withdraw(): Promise<string | undefined> {
    this.#withdrawal ??= this.#withdraw().finally(() => (this.#withdrawal = undefined))
    return this.#withdrawal
  }

  async #withdraw(): Promise<string | undefined> {
    const deadline = performance.now() + withdrawal_ms
    await inTime(withdrawal_ms / 2, this.#end()).catch(() => undefined) // what hangs there will hang here
    for (; ; await pause(retry_ms)) {
      try {
        if (this.#state === 'ours') await inTime(deadline - performance.now(), this.#remove())
        this.#state = 'unlisted'
        return undefined
      } catch (error) {
        if (performance.now() + retry_ms < deadline) continue
        const rest = `its daemon takes ${this.#id} off the lists by itself, moments after this command has ended`
        void this.#self?.end().catch(() => undefined)
        return `could not deregister (${messageOf(error)}); ${rest}`
      }
    }
  }

  async #remove(): Promise<void> {
    const row = await this.#ownRow((await this.#parts.client.self()).peer)
    await this.#self?.end()
    if (row !== undefined && this.#self === undefined) await this.#parts.client.deregister(this.#id)
  }

  /** No further step begins; the one that is under way may have registered something. */
  async #end(): Promise<void> {
    this.#ending.abort()
    await this.#step
  }

  async #keep(): Promise<void> {
    await this.#untilWell()
    while (!this.#ending.signal.aborted && this.#state !== 'lost') {
      this.#step = this.#lookAfter().catch((error: unknown) => this.#report(error, this.#meanwhile))
      await this.#step
      await pause(this.#trouble === undefined ? interval_ms : interval_ms / 4, this.#ending.signal)
    }
  }

  /** A service that does not answer yet is not listed: its first callers would be refused. */
  async #untilWell(): Promise<void> {
    const { registrations, say } = this.#parts
    const begun = performance.now()
    for (let said = false; !this.#ending.signal.aborted; await pause(eager_ms, this.#ending.signal)) {
      const found = await this.#findWell()
      if (found.place !== undefined) return this.#settleAt(found.place)
      if (said || performance.now() - begun < patience_ms) continue
      said = true
      say(`not registered yet: ${found.why}; the program has to answer at ${shownUrl(registrations[0]?.url ?? '')}`)
    }
  }

  /** It may have begun to listen between two looks: a lesser place counts only where the better ones still do not answer after it. */
  async #findWell(): Promise<{ readonly place?: Place; readonly why?: string | undefined }> {
    const { registrations, check } = this.#parts
    let why: string | undefined
    for (const [at, place] of registrations.entries()) {
      const { status, details = status } = await check(place)
      why ??= details
      if (status !== 'Healthy' && status !== 'Degraded') continue
      for (const better of registrations.slice(0, at)) {
        if ((await check(better)).status === 'Healthy') return { place: better }
      }
      return { place }
    }
    return { why }
  }

  #settleAt(place: Place): void {
    const [best] = this.#parts.registrations
    this.#place = place
    if (best === undefined || best.url === place.url) return
    const wayOut = `let it listen on every address, or say --host`
    this.#parts.say(
      `the program answers at ${shownUrl(place.url)} and not at ${shownUrl(best.url)}: callers elsewhere do not reach it; ${wayOut}`,
    )
  }

  async #lookAfter(): Promise<void> {
    if (this.#state === 'unlisted') return this.#register()
    if (await this.#isShown()) return this.#isFine()
    const run = await this.#daemonRun()
    if ((await this.#ownRow(run.peer)) !== undefined) return this.#isFine()
    if (run.peer !== this.#registeredAt?.peer || run.generation !== this.#registeredAt.generation)
      return this.#register()
    this.#state = 'lost'
    await this.#self?.end().catch(() => undefined) // or it would be registered again with the next session
    this.#parts.say(`${this.#id} was removed, or registered elsewhere, by somebody: the program runs on, unlisted`)
  }

  async #register(): Promise<void> {
    const run = await this.#daemonRun()
    this.#state = 'ours' // also where the answer is lost
    this.#self = await this.#parts.client.registerSelf(this.#place)
    this.#session = this.#self.session
    const again = this.#registeredAt === undefined ? '' : ' again'
    this.#registeredAt = run
    this.#trouble = undefined
    this.#parts.say(`registered${again} as ${this.#id}, ${shownUrl(this.#place.url)}`)
  }

  /** What costs the daemon least to answer. */
  async #isShown(): Promise<boolean> {
    const { instances } = await this.#parts.client.instances({ slug: this.#place.slug })
    return instances.some(({ id, url }) => id === this.#id && url === this.#place.url)
  }

  /** What this daemon holds of it, visible or not. */
  async #ownRow(peer: string): Promise<InstanceRow | undefined> {
    const { instances } = await this.#parts.client.instanceRows({ id: this.#id })
    const mine = instances.filter(({ owner, url }) => owner === peer && url === this.#place.url)
    return mine.find(({ reason }) => reason !== 'removed' && reason !== 'superseded')
  }

  /** @throws where the daemon takes no writes yet */
  async #daemonRun(): Promise<DaemonRun> {
    const { peer, generation, ready } = await this.#parts.client.self()
    if (!ready.ready) throw new Error(`the daemon is not ready yet: ${ready.reasons.join('; ')}`)
    return { peer, generation }
  }

  #isFine(): void {
    const session = this.#self?.session
    if (session !== undefined && session !== this.#session) {
      this.#session = session
      this.#parts.say(`registered again as ${this.#id}, ${shownUrl(this.#place.url)}`)
      this.#trouble = undefined
    }
    if (this.#trouble !== undefined) this.#parts.say('the daemon is back')
    this.#trouble = undefined
  }

  get #meanwhile(): string {
    return this.#state === 'ours'
      ? 'the program runs on, and is registered again if need be'
      : 'the program runs on, and is registered as soon as that is mended'
  }

  /** Says a trouble once, however long it lasts. */
  #report(error: unknown, meanwhile: string): void {
    const message = messageOf(error)
    if (message === this.#trouble) return
    this.#trouble = message
    this.#parts.say(`${message}; ${meanwhile}`)
  }

  get #id(): string {
    return this.#place.id
  }
}

function inTime<T>(duration_ms: number, task: Promise<T>): Promise<T> {
  return within(duration_ms, task, 'the daemon does not answer in time')
}
