/**
 * What a program can do about its own registration while it runs. It registers nothing, and takes nothing out of the register for good.
 */
import { refuseUnknown } from '../config/nearest.js'
import { durationOf, parseDuration } from '../core/duration.js'
import { RegistryError } from '../core/errors.js'
import type { InstanceStatus } from '../core/model.js'
import { pause } from './pause.js'
import type { Registry, SelfOptions, SelfRegistration, ServiceRegistration } from './register.js'

/** So long all living nodes are waited for. */
const everybody_ms = 2000
const longestDelay_ms = 3_600_000

/** What of a register it takes. */
export interface SelfParts {
  readonly register: Pick<Registry, 'setStatus' | 'setMaintenance'>
  /** The status that is known last, if any. */
  readonly statusOf: (id: string) => InstanceStatus | undefined
  /** How the delay passes; by default, in the time of this machine. */
  readonly pause?: typeof pause
}

/** @throws RegistryError `malformed`, naming the option */
export function readSelfOptions(given: SelfOptions = {}): {
  readonly signal: AbortSignal | undefined
  readonly delay_ms: number
} {
  refuseUnknown(given, ['drainDelay', 'signal'], 'option')
  return { signal: given.signal, delay_ms: delayOf(given.drainDelay, 'drainDelay') }
}

export function selfRegistered(
  registered: SelfRegistration,
  delay_ms: number,
  { register, statusOf, pause: wait = pause }: SelfParts,
): ServiceRegistration {
  const { id, end } = registered
  let status: InstanceStatus | undefined
  return {
    id,
    get session() {
      return registered.session
    },
    get status() {
      return (status = statusOf(id) ?? status)
    },
    setStatus: (status, options) => register.setStatus(id, status, options),
    async drain(given = {}) {
      refuseUnknown(given, ['delay', 'signal'], 'option')
      const { delay, signal } = given
      const pause_ms = delay === undefined ? delay_ms : delayOf(delay, 'delay')
      const toAll = { acks: 'all', ackTimeout: everybody_ms, ...(signal !== undefined && { signal }) } as const
      await register.setMaintenance(id, 'draining', toAll).catch((error: unknown) => {
        if (!(error instanceof RegistryError && error.code === 'not-found')) throw error // nobody picks what is gone
      })
      await wait(pause_ms, signal)
      signal?.throwIfAborted()
    },
    end,
    [Symbol.asyncDispose]: () => end(),
  }
}

function delayOf(given: string | number | undefined, field: string): number {
  if (given === undefined) return 0
  return durationOf(parseDuration(given, field, { min_ms: 0, max_ms: longestDelay_ms })) ?? 0
}

/** Asked for when somebody wants to know, at most once in so long; what was known serves meanwhile. */
const fresh_ms = 1000

/** The status of instances as a daemon tells it. */
export class KnownStatuses {
  readonly #ask: (id: string) => Promise<InstanceStatus | undefined>
  readonly #known = new Map<string, { askedAt: number; status: InstanceStatus | undefined }>()

  constructor(ask: (id: string) => Promise<InstanceStatus | undefined>) {
    this.#ask = ask
  }

  of(id: string): InstanceStatus | undefined {
    const known = this.#known.get(id) ?? { askedAt: Number.NEGATIVE_INFINITY, status: undefined }
    this.#known.set(id, known)
    const now = performance.now()
    if (now - known.askedAt < fresh_ms) return known.status
    known.askedAt = now
    void this.#ask(id).then(
      (status) => (known.status = status ?? known.status),
      () => undefined, // the next one asks again
    )
    return known.status
  }
}
