/**
 * What lives with a program's session: registered with it, said anew wherever its daemon has forgotten it, taken out with the last. It
 * never gives up: what it cannot have now it asks for again.
 */
import { callOptions } from '../config/call-options.js'
import { parseDuration } from '../core/model/duration.js'
import { RegistryError } from '../core/model/errors.js'
import { lifetimeLimits } from '../core/model/lifetime.js'
import { type Calls, backoff_ms } from './call.js'
import { patience_ms } from './failures.js'
import { queryString } from './paths.js'
import { pause, untilAborted } from './pause.js'
import { type CallOptions, type RegistrationRequest, withItsProgram } from './register.js'
import type { Rememberable } from './self-registration.js'
import { SessionLife, sessionPause_ms } from './session-life.js'
import { type Opened, isOver } from './session-line.js'
import { told } from './telling.js'

/** What is told of a session as it goes: a sentence when it breaks, nothing when it stands again and its daemon knows all of it. */
export type SessionListener = (trouble: Error | undefined) => void

interface Living {
  registration: RegistrationRequest
  /** The secret of the session that it was said to live with last: another one knows nothing of it. */
  saidTo: string | undefined
  /** While it is said again. */
  saying?: Promise<unknown> | undefined
  /** While it is taken out: it is not said again. */
  leaving?: Promise<void> | undefined
}

export class Session {
  readonly #calls: Calls
  readonly #listener: SessionListener
  readonly #living = new Map<string, Living>()
  /** Registrations under way: they need it as well. */
  #underWay = 0
  #life: SessionLife | undefined
  /** The line on which the rest is being said. */
  #sayingOn: AbortSignal | undefined
  #isTroubled = false

  constructor(calls: Calls, listener: SessionListener = () => undefined) {
    this.#calls = calls
    this.#listener = listener
  }

  /** Registers something that lives with it from now on. @throws RegistryError */
  async registerSelf(said: RegistrationRequest, { signal }: CallOptions = {}): Promise<Rememberable> {
    const registration = withItsProgram(said)
    if (registration.lifetime !== 'session') return this.#registerApart(registration, signal)
    const id = await untilAborted(signal, () => this.#register(registration, signal))
    const end: Rememberable['end'] = async (options) =>
      untilAborted(callOptions(options).signal, () => this.#deregister(id))
    const present = (): string | undefined => this.#life?.present?.opened.id
    return {
      id,
      get session() {
        return present()
      },
      end,
      rememberDrain: (draining, isHeard) => {
        const one = this.#living.get(id)
        if (one === undefined) return
        one.registration = { ...one.registration, draining }
        if (isHeard) return
        one.saidTo = undefined
        this.#sayRest()
      },
      [Symbol.asyncDispose]: () => end(),
    }
  }

  /** It has a life of its own. */
  async #registerApart(body: RegistrationRequest, signal?: AbortSignal): Promise<Rememberable> {
    const { id } = await this.#calls.call<{ id: string }>('PUT', '/v1/instances', { body, signal })
    const end: Rememberable['end'] = async (options) => this.#removeAt(id, callOptions(options).signal)
    return { id, end, [Symbol.asyncDispose]: () => end() }
  }

  async #register(registration: RegistrationRequest, signal?: AbortSignal): Promise<string> {
    const { grace } = registration
    // It is said to open the session, which others wait for as well.
    if (grace !== undefined && grace !== null) parseDuration(grace, 'grace', lifetimeLimits.grace)
    this.#underWay += 1
    try {
      return await this.#registerIn(registration, signal)
    } finally {
      this.#underWay -= 1
      if (!this.#isUsedBeside()) await this.#endUnused()
    }
  }

  async #registerIn(registration: RegistrationRequest, signal?: AbortSignal): Promise<string> {
    for (let attempt = 1; ;) {
      const life = this.#lifeFor(registration)
      const opened = await life.standing(signal)
      if (opened === undefined) continue // it was ended meanwhile
      try {
        const { id } = await this.#put(registration, opened)
        if (signal?.aborted === true && !this.#living.has(id)) {
          await this.#removeAt(id).catch(() => undefined) // nobody waits for it any more: it goes with the session at the latest
          signal.throwIfAborted()
        }
        this.#living.set(id, { registration: { ...registration, id }, saidTo: opened.secret })
        this.#sayRest()
        return id
      } catch (error) {
        attempt += 1
        if (attempt > this.#calls.attempts || !isOver(error)) throw error
        life.doubt(opened, error as Error)
      }
    }
  }

  /** The grace of what was registered first is that of the session; later ones may make it longer. */
  #lifeFor({ grace }: RegistrationRequest): SessionLife {
    if (this.#life?.isOver === false) return this.#life
    this.#life = new SessionLife({
      calls: this.#calls,
      grace,
      isReliedOn: () => this.#living.size > 0,
      onStanding: () => this.#sayRest(),
      onTrouble: (why) => this.#tell(why),
    })
    return this.#life
  }

  /** Its daemon alone knows the secret. */
  #put(registration: RegistrationRequest, { server, secret }: Opened, signal?: AbortSignal): Promise<{ id: string }> {
    const body = { ...registration, lifetime: 'session', session: secret }
    return this.#calls.call('PUT', '/v1/instances', { at: server, body, signal })
  }

  // ---- said again

  /** Says what the session that stands was not told, until it was; what is refused is said again later. */
  #sayRest(): void {
    const present = this.#life?.present
    if (present === undefined || this.#sayingOn === present.line) return
    this.#sayingOn = present.line
    void this.#sayAll(present.opened, present.line)
  }

  async #sayAll(opened: Opened, line: AbortSignal): Promise<void> {
    for (let failures = 0; !line.aborted;) {
      const unsaid = [...this.#living.values()].filter((one) => one.saidTo !== opened.secret && !one.leaving)
      if (unsaid.length === 0) {
        this.#sayingOn = undefined
        return this.#tell(undefined)
      }
      const refusals: unknown[] = []
      for (const one of unsaid) await this.#sayAgain(one, opened, line).catch((error) => refusals.push(error))
      const [refusal] = refusals
      if (refusal === undefined || line.aborted) continue
      if (isOver(refusal)) return this.#life?.doubt(opened, refusal as Error)
      failures += 1
      this.#tell(refusal as Error)
      await pause(Math.max(patience_ms(refusal) ?? 0, backoff_ms(failures, sessionPause_ms)), line)
    }
  }

  async #sayAgain(one: Living, opened: Opened, line: AbortSignal): Promise<void> {
    if (line.aborted || one.leaving !== undefined) return
    const { registration } = one
    one.saying = this.#put(registration, opened, line)
    try {
      await one.saying
      if (one.registration === registration) one.saidTo = opened.secret // else it has something else to say by now
    } finally {
      one.saying = undefined
    }
  }

  #tell(trouble: Error | undefined): void {
    if (this.#isTroubled === (trouble !== undefined) || (trouble !== undefined && this.#living.size === 0)) return
    this.#isTroubled = trouble !== undefined
    told(() => this.#listener(trouble))
  }

  // ---- taken out

  /** Whether anything is to live with it, beside what is being taken out, or is this one. */
  #isUsedBeside(but?: Living): boolean {
    return this.#underWay > 0 || [...this.#living.values()].some((one) => one !== but && one.leaving === undefined)
  }

  /** Removes one of those that live with it, for whoever asks for it; the last one ends it. What is refused can be asked again. */
  async #deregister(id: string): Promise<void> {
    const one = this.#living.get(id)
    if (one === undefined) return
    const isLast = !this.#isUsedBeside(one)
    one.leaving ??= (isLast ? this.#end() : this.#remove(id, one)).finally(() => (one.leaving = undefined))
    await one.leaving
  }

  async #remove(id: string, one: Living): Promise<void> {
    await one.saying?.catch(() => undefined)
    await this.#removeAt(id)
    if (this.#living.get(id) === one) this.#living.delete(id)
  }

  /** What somebody else has removed has ended as well. */
  async #removeAt(id: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#calls.call('DELETE', `/v1/instances${queryString({ id })}`, { signal })
    } catch (error) {
      if (!(error instanceof RegistryError && error.code === 'not-found')) throw error
    }
  }

  async #end(): Promise<void> {
    const ended = [...this.#living]
    await this.#life?.end()
    for (const [id, one] of ended) if (this.#living.get(id) === one) this.#living.delete(id)
    if (this.#living.size === 0) this.#isTroubled = false
  }

  /** Nothing was registered: whoever wanted it has an error of its own. */
  async #endUnused(): Promise<void> {
    const life = this.#life
    if (life?.isOver !== false) return
    await life.end().catch(() => life.abandon())
  }
}
