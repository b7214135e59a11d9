/**
 * A program's session at its daemon: opened when something is to live with it, held for as long as anything does, opened again by
 * itself wherever it breaks. It never gives up: what it cannot have now it asks for again.
 */
import { RegistryError } from '../core/errors.js'
import { type Calls, backoff_ms, parseAnswer } from './call.js'
import { isUnreachable, patience_ms, refusal, unreachable } from './failures.js'
import { pause, untilAborted } from './pause.js'
import type { CallOptions, RegistrationRequest, SelfRegistration } from './register.js'
import { Silence } from './silence.js'
import { readEvents } from './sse.js'

/** A write into a dead cable succeeds for minutes, so that the program speaks, and listens for as much. */
const word_ms = 3000
const silence_ms = 10_000
/** So long one daemon that is away is waited for, where others could be asked. */
const faith_ms = 15_000
const pause_ms = { first: 50, longest: 2000 } as const

/** What is told of a session as it goes: a sentence when it breaks, nothing when it stands again. */
export type SessionListener = (trouble: Error | undefined) => void

interface Opened {
  readonly server: string
  readonly id: string
  readonly secret: string
}

export class Session {
  readonly #calls: Calls
  readonly #listener: SessionListener
  readonly #living = new Map<string, RegistrationRequest>()
  /** That of what was registered first: later ones may make it longer. */
  #grace: RegistrationRequest['grace']
  #over = new AbortController()
  #opened: Opened | undefined
  #holding: Promise<void> | undefined
  #firstOpening: Opening | undefined
  #isTroubled = false

  constructor(calls: Calls, listener: SessionListener = () => undefined) {
    this.#calls = calls
    this.#listener = listener
  }

  /** Whether anything is to live with it. */
  get isUsed(): boolean {
    return this.#living.size > 0
  }

  /** Registers something that lives with it from now on. @throws RegistryError */
  async registerSelf(registration: RegistrationRequest, { signal }: CallOptions = {}): Promise<SelfRegistration> {
    const id = await untilAborted(signal, () => this.#register(registration, signal))
    const end: SelfRegistration['end'] = (options) =>
      untilAborted(options?.signal, () => this.#deregister(id, options?.signal))
    const standing = (): string | undefined => this.#opened?.id
    return {
      id,
      get session() {
        return standing()
      },
      end,
      [Symbol.asyncDispose]: () => end(),
    }
  }

  async #register(registration: RegistrationRequest, signal?: AbortSignal): Promise<string> {
    if (!this.isUsed) this.#grace = registration.grace ?? undefined
    for (let attempt = 1; ; attempt += 1) {
      const { secret } = await this.#stand()
      try {
        const { id } = await this.#put(registration, secret, signal)
        this.#living.set(id, { ...registration, id })
        return id
      } catch (error) {
        if (!this.isUsed) await this.end()
        // It may have ended between the two.
        if (
          attempt >= this.#calls.attempts ||
          !(error instanceof RegistryError) ||
          !error.message.startsWith('session:')
        )
          throw error
      }
    }
  }

  #put(registration: RegistrationRequest, secret: string, signal?: AbortSignal): Promise<{ readonly id: string }> {
    const body = { ...registration, lifetime: 'session', session: secret }
    return this.#calls.call('PUT', '/v1/instances', { body, signal })
  }

  /** Removes one of those that live with it; the last one ends it. */
  async #deregister(id: string, signal?: AbortSignal): Promise<void> {
    if (!this.#living.delete(id)) return
    if (!this.isUsed) return this.end()
    await this.#calls.call('DELETE', `/v1/instances?${new URLSearchParams({ id }).toString()}`, { signal })
  }

  /** Ends it; what lives with it is removed at once. Where its daemon is away, that removes it after its grace. */
  async end(): Promise<void> {
    const opened = this.#opened
    this.#living.clear()
    this.#over.abort()
    this.#opened = undefined
    const holding = this.#holding
    this.#holding = undefined
    this.#firstOpening = undefined
    if (opened !== undefined)
      await this.#say('DELETE', opened).catch((error: unknown) => {
        if (!isUnreachable(error) && !isOver(error)) throw error
      })
    await holding
  }

  /** @throws RegistryError where it cannot be opened at first; later it is waited for */
  async #stand(): Promise<Opened> {
    if (this.#holding === undefined) {
      this.#over = new AbortController()
      this.#firstOpening = opening()
      this.#holding = this.#hold(this.#over.signal)
    }
    await this.#firstOpening?.promise
    const patience = performance.now() + this.#calls.timeout_ms
    while (this.#opened === undefined && performance.now() < patience) await pause(pause_ms.first, this.#over.signal)
    if (this.#opened !== undefined) return this.#opened
    throw unreachable(this.#calls.servers.current, new Error('the session does not stand'))
  }

  async #hold(over: AbortSignal): Promise<void> {
    let failures = 0
    let known: Opened | undefined
    let brokeAt = 0
    while (!over.aborted) {
      try {
        for await (const opened of this.#line(known, over)) {
          failures = 0
          const isAnew = opened.secret !== known?.secret
          known = opened
          this.#opened = opened
          if (isAnew) await this.#registerAgain(opened, over)
          this.#firstOpening?.resolve()
          this.#tell(undefined)
        }
        throw unreachable(known?.server ?? this.#calls.servers.current, 'the line of the session was closed')
      } catch (error) {
        if (over.aborted) return
        if (failures === 0) brokeAt = performance.now()
        failures += 1
        const isForGood = isOver(error)
        if (isForGood || (known !== undefined && this.#mayGoElsewhere(brokeAt))) {
          if (!isForGood) this.#calls.servers.failed(known?.server ?? '')
          known = undefined
        }
        this.#opened = undefined
        if (this.#living.size === 0 && known === undefined && !isForGood) return this.#fail(error)
        this.#tell(error as Error)
        await pause(isForGood ? 0 : Math.max(patience_ms(error) ?? 0, backoff_ms(failures, pause_ms)), over)
      }
    }
  }

  #mayGoElsewhere(brokeAt: number): boolean {
    return this.#calls.servers.all.length > 1 && performance.now() - brokeAt > faith_ms
  }

  /** It never stood, and nobody relies on it: whoever wanted it is told. */
  #fail(error: unknown): void {
    this.#firstOpening?.reject(error)
    this.#firstOpening = undefined
    this.#holding = undefined
  }

  #tell(trouble: Error | undefined): void {
    if (this.#isTroubled === (trouble !== undefined)) return
    this.#isTroubled = trouble !== undefined
    this.#listener(trouble)
  }

  /** The daemon knows nothing of what was before: what is to live is said anew. */
  async #registerAgain({ secret }: Opened, over: AbortSignal): Promise<void> {
    for (const registration of this.#living.values()) await this.#put(registration, secret, over)
  }

  /** One connection, for as long as it stands. Gives what was opened, once. */
  async *#line(known: Opened | undefined, over: AbortSignal): AsyncGenerator<Opened> {
    const server = known?.server ?? this.#calls.servers.current
    const abort = new AbortController()
    const onOver = (): void => abort.abort()
    over.addEventListener('abort', onOver, { once: true })
    const silence = new Silence(abort)
    silence.endAfter(silence_ms)
    const speech: { timer?: ReturnType<typeof setInterval> } = {}
    try {
      const body = await this.#open(server, known?.secret, abort.signal)
      for await (const { type, data } of readEvents(body, abort.signal, {
        onBytes: () => silence.endAfter(silence_ms),
      })) {
        if (type !== 'opened') continue
        const { id, secret } = JSON.parse(data) as { id: string; secret: string }
        const opened = { server, id, secret }
        speech.timer = setInterval(() => void this.#speak(opened, abort), word_ms)
        yield opened
      }
    } catch (error) {
      throw error instanceof RegistryError ? error : unreachable(server, error)
    } finally {
      clearInterval(speech.timer)
      silence.end()
      over.removeEventListener('abort', onOver)
      abort.abort()
    }
  }

  async #open(server: string, secret: string | undefined, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = { accept: 'text/event-stream', 'content-type': 'application/json' }
    const init = { signal, headers, body: JSON.stringify(secret === undefined ? { grace: this.#grace } : { secret }) }
    const response = await this.#calls.send(server, 'POST', '/v1/sessions', init)
    if (response.status === 200 && response.body !== null) return response.body
    const answer = parseAnswer(await response.text(), server, response.status)
    throw refusal(response, answer, `${server} answered ${response.status} to POST /v1/sessions`)
  }

  /** Where it is over, or counts for lost, the line is of no use; whoever does not answer is noticed by his silence. */
  async #speak(opened: Opened, line: AbortController): Promise<void> {
    await this.#say('PUT', opened, line.signal).catch((error: unknown) => {
      if (isOver(error) || (error instanceof RegistryError && error.code === 'conflict')) line.abort()
    })
  }

  async #say(method: 'PUT' | 'DELETE', { server, id, secret }: Opened, signal?: AbortSignal): Promise<void> {
    const limit = AbortSignal.timeout(this.#calls.timeout_ms)
    const said: { readonly body?: string; readonly headers: Record<string, string> } =
      method === 'DELETE' // a body of which gets lost on many ways
        ? { headers: { 'x-rollcall-session': secret } }
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ secret }) }
    const init = { ...said, signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) }
    const path = `/v1/sessions/${encodeURIComponent(id)}`
    let response: Response
    try {
      response = await this.#calls.send(server, method, path, init)
    } catch (error) {
      throw unreachable(server, error)
    }
    const text = await response.text()
    if (response.status >= 300) {
      throw refusal(
        response,
        parseAnswer(text, server, response.status),
        `${server} answered ${response.status} to ${method} ${path}`,
      )
    }
  }
}

interface Opening {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (why: unknown) => void
}

function opening(): Opening {
  let [resolve, reject]: [() => void, (why: unknown) => void] = [() => undefined, () => undefined]
  const promise = new Promise<void>((onDone, onFailure) => ([resolve, reject] = [onDone, onFailure]))
  promise.catch(() => undefined) // whoever waits is told
  return { promise, resolve, reject }
}

/** The daemon knows no such session any more, or it is another token's. */
function isOver(error: unknown): boolean {
  return error instanceof RegistryError && (error.code === 'not-found' || error.code === 'forbidden')
}
