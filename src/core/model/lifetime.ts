/**
 * How long a registration lives: until somebody removes it, with the program that registered it, or for as long as it is renewed.
 * The record carries it; its home node enforces it. Nothing here counts time.
 *
 *     persistent   until it is removed
 *     session      until its session ends; after that for `grace`
 *     ttl          until `ttl` passes without a renewal; after that for `grace`
 *
 * Each of them may end earlier: `deregisterAfter` it was last well, or after its home node was last seen alive.
 */
import { type Duration, durationOf, parseDuration } from './duration.js'
import { quote } from './errors.js'
import { malformed } from './fields.js'

export const lifetimes = ['persistent', 'session', 'ttl'] as const
export type Lifetime = (typeof lifetimes)[number]

/** As a record carries it: what is persistent says nothing of it. */
export interface LifetimeFacts {
  readonly lifetime?: Exclude<Lifetime, 'persistent'>
  readonly ttl?: Duration
  /** How long it stays in the register after its end, for its session to be opened again, or for a late renewal. */
  readonly grace?: Duration
  readonly deregisterAfter?: Duration
}

/** As a caller says it; `null` says that there is none, what is not said stays. */
export interface LifetimeSaid {
  readonly lifetime?: Lifetime
  readonly ttl?: Duration
  readonly grace?: Duration | null
  readonly deregisterAfter?: Duration | null
  /** The secret of the session that it is to live with; a record carries the public id of that instead. */
  readonly session?: string
  /** Its program is about to stop: it is registered, and picked by nobody. Not said: as it was in the same session. */
  readonly draining?: boolean
}

export const lifetimeFields = ['lifetime', 'ttl', 'grace', 'deregisterAfter', 'session', 'draining'] as const

const day_ms = 86_400_000

export const lifetimeLimits = {
  ttl: { min_ms: 500, max_ms: 30 * day_ms },
  grace: { min_ms: 0, max_ms: day_ms },
  deregisterAfter: { min_ms: 1000, max_ms: 30 * day_ms },
  sessionLength: 128,
} as const

export const defaultGrace_ms = 5000

/**
 * A write into a dead cable succeeds for minutes, so that a program and its daemon say to each other every `word_ms` that they are there,
 * and count as gone after `silence_ms` without a word.
 */
export const sessionPace = { word_ms: 3000, silence_ms: 10_000 } as const

/**
 * Reads what a caller says of a lifetime.
 * @throws RegistryError `malformed`, naming the field
 */
export function parseLifetime(fields: Readonly<Record<string, unknown>>): LifetimeSaid {
  const ttl = isSaid(fields['ttl']) ? parseDuration(fields['ttl'], 'ttl', lifetimeLimits.ttl) : undefined
  const session = parseSession(fields['session'])
  const lifetime = parseName(fields['lifetime']) ?? impliedBy(ttl, session)
  if (lifetime !== 'ttl' && ttl !== undefined)
    throw malformed(
      'ttl',
      `does not go with ${session === undefined ? `lifetime ${lifetime ?? ''}` : 'a session'}; give one of them`,
    )
  if (lifetime !== 'session' && session !== undefined)
    throw malformed('session', `does not go with lifetime ${lifetime ?? ''}; give one of them`)
  if (lifetime === 'ttl' && ttl === undefined)
    throw malformed('ttl', 'missing; give how long it lives unless it is renewed, such as 10s')
  return {
    ...(lifetime !== undefined && { lifetime }),
    ...(ttl !== undefined && { ttl }),
    ...parseEnd(fields, 'grace'),
    ...parseEnd(fields, 'deregisterAfter'),
    ...(session !== undefined && { session }),
    ...parseDraining(fields['draining']),
  }
}

function impliedBy(ttl: Duration | undefined, session: string | undefined): Lifetime | undefined {
  if (ttl !== undefined && session === undefined) return 'ttl'
  return session === undefined ? undefined : 'session'
}

function parseName(input: unknown): Lifetime | undefined {
  if (!isSaid(input)) return undefined
  const known = lifetimes.find((name) => name === input)
  if (known !== undefined) return known
  throw malformed('lifetime', `${quote(input)} is none; there are ${lifetimes.join(', ')}`)
}

function parseSession(input: unknown): string | undefined {
  if (!isSaid(input)) return undefined
  if (typeof input === 'string' && input.length <= lifetimeLimits.sessionLength && /^[\w-]+$/.test(input)) return input
  throw malformed('session', 'must be the secret that the call which opened it has answered')
}

function parseDraining(input: unknown): Pick<LifetimeSaid, 'draining'> {
  if (!isSaid(input)) return {}
  if (typeof input === 'boolean') return { draining: input }
  throw malformed('draining', 'must be true or false')
}

/** Nothing, in words of our own, says that there is no such end. */
function parseEnd<Name extends 'grace' | 'deregisterAfter'>(
  fields: Readonly<Record<string, unknown>>,
  name: Name,
): { readonly [name in Name]?: Duration | null } {
  const value = fields[name]
  if (value === undefined) return {}
  const said = isSaid(value) ? parseDuration(value, name, lifetimeLimits[name]) : null
  return { [name]: said } as { readonly [name in Name]?: Duration | null }
}

/** What a record carries of it, merged with what it carried before. */
export function mergeLifetime(current: LifetimeFacts, said: LifetimeSaid): LifetimeFacts {
  const lifetime = said.lifetime ?? current.lifetime ?? 'persistent'
  const ttl = said.ttl ?? current.ttl
  const grace = said.grace === undefined ? current.grace : said.grace
  const deregisterAfter = said.deregisterAfter === undefined ? current.deregisterAfter : said.deregisterAfter
  return {
    ...(lifetime !== 'persistent' && { lifetime }),
    ...(lifetime === 'ttl' && ttl !== undefined && { ttl }),
    ...(lifetime !== 'persistent' && isThere(grace) && durationOf(grace) !== defaultGrace_ms && { grace }),
    ...(isThere(deregisterAfter) && { deregisterAfter }),
  }
}

/** Reads the fields of a record; what cannot be read is not there, so that the instance can be called all the same. */
export function readLifetime(fields: Readonly<Record<string, unknown>>): LifetimeFacts {
  const lifetime = lifetimes.find((name) => name === fields['lifetime'])
  const read = (name: 'ttl' | 'grace' | 'deregisterAfter'): Duration | undefined => {
    const value = fields[name]
    return typeof value === 'string' && durationOf(value) !== undefined ? value : undefined
  }
  const [ttl, grace, deregisterAfter] = [read('ttl'), read('grace'), read('deregisterAfter')]
  return {
    ...((lifetime === 'session' || (lifetime === 'ttl' && ttl !== undefined)) && { lifetime }),
    ...(lifetime === 'ttl' && ttl !== undefined && { ttl }),
    ...(grace !== undefined && { grace }),
    ...(deregisterAfter !== undefined && { deregisterAfter }),
  }
}

/** How long a record stays after its session, or its ttl, is over. */
export function graceOf({ grace }: LifetimeFacts): number {
  return (grace === undefined ? undefined : durationOf(grace)) ?? defaultGrace_ms
}

/** How long a record lives, as operators read it. */
export function lifetimeShown({
  lifetime,
  ttl,
  grace,
  deregisterAfter,
  session,
}: LifetimeFacts & { readonly session?: string }): Omit<LifetimeFacts, 'lifetime'> & {
  readonly lifetime: Lifetime
  readonly session?: string
} {
  return {
    lifetime: lifetime ?? 'persistent',
    ...(ttl !== undefined && { ttl }),
    ...(grace !== undefined && { grace }),
    ...(deregisterAfter !== undefined && { deregisterAfter }),
    ...(session !== undefined && { session }),
  }
}

function isThere(text: Duration | null | undefined): text is Duration {
  return text !== undefined && text !== null
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}
