/**
 * One attempt to reach one peer: its addresses race, a head start apart; the first connection wins. It never tries again, and
 * it never knows who asked.
 */
import type { Connection } from '@libp2p/interface'
import type { DialOutcome } from '../../core/words/dial-words.js'
import { messageOf } from '../../core/model/errors.js'
import { hasReached } from './handshakes.js'

/** Enough for the handshake on a busy machine; a black hole costs this, once, beside the others. */
const addressTimeout_ms = 5_000
/** The head start of an address over the next: longer than a connection in one place takes, so that few are made twice. */
const headStart_ms = 250

export type DialFailure =
  /** Nobody listens, or who listens is cut off in the handshake or is another peer: evidence that the peer is gone. */
  | 'refused'
  /** No answer, no route, no such name: says nothing about the peer. */
  | 'unreachable'
  /** The address leads to ourselves. */
  | 'self'

export interface Attempt {
  /** In the order of trying. */
  readonly addresses: readonly string[]
  /** Those of them whose refusal is a verdict. */
  readonly deciders: readonly string[]
  open(address: string, signal: AbortSignal): Promise<Connection>
  /**
   * Called once, as soon as every decider has refused, while other addresses may still be tried.
   * @param isVacant each of them by the word of its machine that nobody listens there
   */
  onRefused(isVacant: boolean): void
}

export interface DialResult {
  readonly connection?: Connection
  /** What went wrong at each address. */
  readonly failures: ReadonlyMap<string, Failure>
}

export interface Failure {
  readonly kind: DialFailure
  /** What that says of the other end, where it says anything. */
  readonly outcome?: DialOutcome
  /** For people. */
  readonly message: string
}

/** What an attempt says of the other end, where all its addresses say the same. */
export function outcomeOf({ failures }: DialResult): DialOutcome | undefined {
  const outcomes = new Set([...failures.values()].map(({ outcome }) => outcome))
  return outcomes.size === 1 ? [...outcomes][0] : undefined
}

/** Settles when an address has answered or all have failed. Never rejects. */
export function dial(attempt: Attempt, stop: AbortSignal): Promise<DialResult> {
  return new Promise((resolve) => new Race(attempt, stop, resolve).next())
}

class Race {
  readonly #attempt: Attempt
  readonly #stop: AbortSignal
  readonly #resolve: (result: DialResult) => void
  readonly #running = new Set<AbortController>()
  readonly #failures = new Map<string, Failure>()
  #started = 0
  #over = false
  #judged = false
  #timer: NodeJS.Timeout | undefined

  constructor(attempt: Attempt, stop: AbortSignal, resolve: (result: DialResult) => void) {
    this.#attempt = attempt
    this.#stop = stop
    this.#resolve = resolve
    stop.addEventListener('abort', this.#onStop)
  }

  readonly #onStop = () => this.#finish(undefined)

  next(): void {
    clearTimeout(this.#timer)
    const address = this.#attempt.addresses[this.#started]
    if (this.#stop.aborted || (address === undefined && this.#running.size === 0)) return this.#finish(undefined)
    if (this.#over || address === undefined) return
    this.#started += 1
    void this.#try(address)
    this.#timer = setTimeout(() => this.next(), headStart_ms)
  }

  async #try(address: string): Promise<void> {
    const controller = new AbortController()
    this.#running.add(controller)
    const timer = setTimeout(() => controller.abort(), addressTimeout_ms)
    try {
      const connection = await this.#attempt.open(address, controller.signal)
      // The socket stays bound to its signal for life: from here on nobody may abort it.
      this.#running.delete(controller)
      if (this.#over) connection.abort(new Error('another address was faster'))
      else this.#finish(connection)
    } catch (error) {
      this.#failed(address, describe(error, controller.signal.aborted))
    } finally {
      clearTimeout(timer)
      this.#running.delete(controller)
      if (!this.#over) this.next()
    }
  }

  #failed(address: string, failure: Failure): void {
    if (this.#over) return
    this.#failures.set(address, failure)
    const { deciders } = this.#attempt
    if (this.#judged || deciders.length === 0) return
    if (!deciders.every((decider) => this.#failures.get(decider)?.kind === 'refused')) return
    this.#judged = true
    this.#attempt.onRefused(deciders.every((decider) => this.#failures.get(decider)?.outcome === 'refused'))
  }

  #finish(connection: Connection | undefined): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    this.#stop.removeEventListener('abort', this.#onStop)
    for (const controller of this.#running) controller.abort()
    this.#resolve({ failures: this.#failures, ...(connection === undefined ? {} : { connection }) })
  }
}

/** Characters of what an error says. */
const longestMessage = 200

const refusals = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])
/** Of libp2p, about ourselves: a limit of ours, an end of ours. */
const ownErrors = new Set(['ConnectionDeniedError', 'ConnectionInterceptedError', 'NotStartedError'])

/** What says that the machine is off, or the line cut; no route at all is our own network's affair. */
const silences = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN'])

/** @param isLate our patience ended first */
function describe(error: unknown, isLate: boolean): Failure {
  const outcome = isLate ? (hasReached(error) ? 'silent' : 'no-answer') : outcomeOfError(error)
  const kind = isLate ? 'unreachable' : failureOf(error)
  const message = outcome === 'no-answer' && isLate ? `no answer in ${addressTimeout_ms / 1000} s` : briefly(error)
  return { kind, message, ...(outcome !== undefined && { outcome }) }
}

function outcomeOfError(error: unknown): DialOutcome | undefined {
  const { code, errors } = error as { code?: unknown; errors?: unknown }
  if (Array.isArray(errors) && errors.length > 0) {
    const outcomes = new Set(errors.map(outcomeOfError))
    return outcomes.size === 1 ? [...outcomes][0] : undefined
  }
  // The machine itself says that nobody listens there.
  if (code === 'ECONNREFUSED') return 'refused'
  return silences.has(String(code)) ? 'no-answer' : undefined
}

/** Errors of the socket carry a code; what libp2p throws after the socket is open carries none, and is of the handshake. */
function failureOf(error: unknown): DialFailure {
  const { code, name, message, errors } = error as {
    code?: unknown
    name?: unknown
    message?: unknown
    errors?: unknown
  }
  if (Array.isArray(errors) && errors.length > 0) {
    return errors.every((each) => failureOf(each) === 'refused') ? 'refused' : 'unreachable'
  }
  if (typeof code === 'string' && code.startsWith('E')) return refusals.has(code) ? 'refused' : 'unreachable'
  if (name === 'InvalidPeerIdError' && /self/.test(String(message))) return 'self'
  if (ownErrors.has(String(name))) return 'unreachable'
  return name === 'TimeoutError' || name === 'AbortError' ? 'unreachable' : 'refused'
}

/** Whoever tells of it names the address, which errors name up to three times; none is cut within a word, such as an id. */
function briefly(error: unknown): string {
  const said = messageOf(error)
    .replace(/^(?:\/\S+: )*(?:connection error \S+: )?/, '')
    .replace(/^(connect E[A-Z]+) \S+$/, '$1')
  return said.length <= longestMessage ? said : `${said.slice(0, longestMessage).replace(/\s+\S*$/, '')} …`
}
