/**
 * What a program can do about its own registration while it runs. It registers nothing, and takes nothing out of the register for good.
 */
import { refuseUnknown } from '../config/nearest.js'
import { parseAcks } from '../core/model/acks.js'
import { durationOf, parseDuration } from '../core/model/duration.js'
import { RegistryError } from '../core/model/errors.js'
import { everybody_ms, restOf_ms } from '../core/everybody.js'
import type { InstanceStatus } from '../core/model/model.js'
import type { Held } from '../core/views.js'
import { mayPass } from './failures.js'
import { pause, untilAborted } from './pause.js'
import type {
  CallOptions,
  Registry,
  SelfOptions,
  SelfRegistration,
  ServiceRegistration,
  WriteOptions,
} from './register.js'

const machineNow = (): number => performance.now()

const longestDelay_ms = 3_600_000

/** What of a register it takes. */
export interface SelfParts {
  readonly register: Pick<Registry, 'setStatus'>
  /** Says of an instance that its program is about to stop, or that it goes on. */
  readonly drain: (id: string, isOn: boolean, options?: WriteOptions) => Promise<Held | undefined>
  /** How many nodes live. */
  readonly alive: () => number | Promise<number>
  /** Its status as it is known last, if it is. */
  readonly statusNow: () => InstanceStatus | undefined
  /** How time passes; by default, that of this machine. */
  readonly pause?: typeof pause
  readonly now?: () => number
}

/** @throws RegistryError `malformed`, naming the option */
export function readSelfOptions(given: SelfOptions = {}): {
  readonly signal: AbortSignal | undefined
  readonly delay_ms: number
} {
  refuseUnknown(given, ['drainDelay', 'signal'], 'option')
  return { signal: given.signal, delay_ms: delayOf(given.drainDelay, 'drainDelay') }
}

/** Where it may have to be registered anew, it is told what to say then. */
export interface Rememberable extends SelfRegistration {
  /** @param isHeard its daemon knows that already; if not it is said once it can be */
  rememberDrain?(isDraining: boolean, isHeard: boolean): void
}

export function selfRegistered(
  registered: Rememberable,
  delay_ms: number,
  { register, statusNow, drain, alive, pause: wait = pause, now = machineNow }: SelfParts,
): ServiceRegistration {
  const { id, end } = registered
  let status: InstanceStatus | undefined
  let isDraining = false
  const setDraining = (isOn: boolean, options?: WriteOptions): Promise<Held | undefined> => {
    isDraining = isOn
    registered.rememberDrain?.(isOn, true)
    return drain(id, isOn, options).catch((error: unknown) => {
      if (mayPass(error) && isDraining === isOn) registered.rememberDrain?.(isOn, false)
      if (error instanceof RegistryError && error.code === 'not-found') return undefined // nobody picks what is gone
      throw error
    })
  }
  /** Where nobody can say, they may be any number. */
  const living = async (signal: AbortSignal | undefined): Promise<number> =>
    untilAborted(signal, async () => alive()).catch((error: unknown) => {
      if (error instanceof RegistryError) return Number.POSITIVE_INFINITY
      throw error
    })
  return {
    id,
    get session() {
      return registered.session
    },
    get status() {
      return (status = statusNow() ?? status)
    },
    async setStatus(status, options) {
      await register.setStatus(id, status, options)
      if (isDraining && status === 'Healthy') await setDraining(false, { signal: options?.signal })
    },
    async drain(given = {}) {
      refuseUnknown(given, ['delay', 'ackTimeout', 'signal'], 'option')
      const { delay, ackTimeout = everybody_ms, signal } = given
      const pause_ms = delay === undefined ? delay_ms : delayOf(delay, 'delay')
      const patience_ms = parseAcks({ acks: 'all', ackTimeout })?.patience_ms
      const begun = now()
      const held = await setDraining(true, { acks: 'all', ackTimeout, signal })
      const elapsed_ms = now() - begun
      const rest_ms =
        held === undefined ? 0 : restOf_ms({ ...held, alive: await living(signal) }, elapsed_ms, patience_ms)
      await wait(rest_ms + pause_ms, signal)
      signal?.throwIfAborted()
    },
    end,
    [Symbol.asyncDispose]: () => end(),
  }
}

/** Drained, and so long afterwards. @throws RegistryError `malformed`, naming the option */
export async function drainedFor<T>(
  given: { readonly delay?: string | number } & CallOptions,
  begin: (options: CallOptions) => Promise<T>,
): Promise<T> {
  refuseUnknown(given, ['delay', 'signal'], 'option')
  const { delay, signal } = given
  const pause_ms = delayOf(delay, 'delay')
  const drained = await begin({ signal })
  await pause(pause_ms, signal)
  signal?.throwIfAborted()
  return drained
}

function delayOf(given: string | number | undefined, field: string): number {
  if (given === undefined) return 0
  return durationOf(parseDuration(given, field, { min_ms: 0, max_ms: longestDelay_ms })) ?? 0
}

/** Asked for when somebody wants to know, at most once in so long; what was known serves meanwhile. */
const fresh_ms = 1000

/** The status of an instance as a daemon tells it. */
export function statusAsked(ask: () => Promise<InstanceStatus | undefined>): () => InstanceStatus | undefined {
  let askedAt = Number.NEGATIVE_INFINITY
  let known: InstanceStatus | undefined
  return () => {
    const now = performance.now()
    if (now - askedAt < fresh_ms) return known
    askedAt = now
    void ask().then(
      (status) => (known = status ?? known),
      () => undefined, // the next one asks again
    )
    return known
  }
}
