/**
 * What is said of calls: for all that are made by one `fetch`, or of a single one. It is read once, with errors that name the option.
 */
import { pickOfOptions } from '../../config/pick-query.js'
import { refuseUnknown } from '../../config/nearest.js'
import { RegistryError } from '../../core/model/errors.js'
import { durationOf, parseDuration } from '../../core/model/duration.js'
import type { PickQuery } from '../../core/lookup/chooser.js'
import { pickFields } from '../../core/lookup/query.js'
import type { Choosing } from '../choosing.js'

/** How calls are made; a duration is milliseconds, or such as `'500ms'`, `'5s'`, `'1m'`. */
export interface FetchOptions extends Omit<Choosing, 'exclude'> {
  /** How many instances are asked at most, for one call. Default: 3. */
  readonly attempts?: number | undefined
  /**
   * How long one is waited for before another one is asked, where that may be. Default: three times what 99 of 100 calls of that
   * service take; 1 s until that is known.
   */
  readonly attemptTimeout?: number | string | undefined
  /** For a whole call, until the headers of its answer are there. Default: 30 s. */
  readonly timeout?: number | string | undefined
  /** Between two attempts, where the first one was answered or lost; doubles each time, half of it is chance. Default: 25 ms. */
  readonly backoff?: number | string | undefined
  /** Of all calls, the share that may be made again: so that trying again never doubles an overload. Default: 0.2, and 10 a second at least. */
  readonly retryShare?: number | undefined
}

/** What fetch takes, with what is said of this call alone. */
export interface CallInit extends RequestInit {
  /** Asking twice comes to the same: whatever its method, it may be asked again elsewhere. So does an `Idempotency-Key` header. */
  readonly idempotent?: boolean
  /** Of the strategy `'hash'`: what the choice follows; refused where neither this nor `createFetch` says it. */
  readonly key?: string
}

export interface Manner {
  readonly query: PickQuery | undefined
  readonly attempts: number
  /** Undefined: as the service does. */
  readonly attemptTimeout_ms: number | undefined
  readonly timeout_ms: number
  readonly backoff_ms: number
  readonly retryShare: number
}

const ownOptions = ['attempts', 'attemptTimeout', 'timeout', 'backoff', 'retryShare'] as const
const optionNames = [...pickFields.filter((name) => name !== 'exclude'), ...ownOptions]

/** @throws RegistryError `malformed`, naming the option */
export function mannerOf(options: FetchOptions = {}): Manner {
  refuseUnknown(options, optionNames, 'option')
  const { attempts = 3, attemptTimeout, timeout = 30_000, backoff = 25, retryShare = 0.2, ...asked } = options
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 100)
    throw malformed('attempts', 'must be a whole number from 1 to 100; 1 asks once')
  if (typeof retryShare !== 'number' || !(retryShare >= 0 && retryShare <= 10))
    throw malformed('retryShare', 'must be a number from 0 to 10')
  const isKeyed = asked.strategy === 'hash' && asked.key === undefined
  return {
    // Whom a hash follows may be said with each call.
    query: pickOfOptions(isKeyed ? { ...asked, key: '' } : asked),
    attempts,
    attemptTimeout_ms: attemptTimeout === undefined ? undefined : readDuration(attemptTimeout, 'attemptTimeout', 1),
    timeout_ms: readDuration(timeout, 'timeout', 1),
    backoff_ms: readDuration(backoff, 'backoff', 0),
    retryShare,
  }
}

/**
 * What is for all calls of one `fetch` would be passed over in silence where it is said of one. Not for `fetch` itself: whatever takes one
 * may give it options of its own by these names.
 * @throws RegistryError `malformed`, naming the option
 */
export function refuseManner(init: object | undefined): void {
  const name = optionNames.find((option) => option !== 'key' && init !== undefined && init !== null && option in init)
  if (name !== undefined)
    throw malformed(name, 'is not said of a single call; give it to createFetch, and call by that')
}

/** Timers know no longer time. */
const max_ms = 2 ** 31 - 1

function readDuration(value: unknown, name: string, min_ms: number): number {
  return durationOf(parseDuration(value, name, { min_ms, max_ms })) as number
}

function malformed(name: string, why: string): RegistryError {
  return new RegistryError('malformed', `${name}: ${why}`)
}
