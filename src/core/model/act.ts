/**
 * What may be done to an instance that is registered already: the words of callers, read into values. Nothing is done here.
 *
 *     maintenance   hide it from lookups, or, without a reason, show it again
 *     patch         change weight, tags, metadata, without a registration
 *     status        what the service says of itself
 *     renew         it lives for one ttl from now on
 *     suspect       somebody was refused: look at it now
 */
import { durationOf, parseDuration } from './duration.js'
import { quote } from './errors.js'
import { boundedText, malformed } from './fields.js'
import { type InstanceStatus, instanceStatuses, modelLimits, parseMaintenance, parseTags } from './model.js'
import { type Traits, parseTraits } from './traits.js'

/** What is not said stays; `null`, or an empty list, says that there is none. */
export interface Patch {
  readonly weight?: number | null
  readonly tags?: readonly string[]
  readonly metadata?: NonNullable<Traits['metadata']> | null
}

export interface StatusSaid {
  readonly status: InstanceStatus
  readonly details?: string
  /** How long it counts; absent: until it is told anew. */
  readonly for_ms?: number
}

export type Act =
  /** `by`: its program is about to stop, or is not; earlier versions take it for an operator. */
  | { readonly type: 'maintenance'; readonly reason?: string; readonly by?: 'program' }
  | ({ readonly type: 'patch' } & Patch)
  | ({ readonly type: 'status' } & StatusSaid)
  | { readonly type: 'renew' }
  /** `caller`: who asks, to count what each of them costs. */
  | { readonly type: 'suspect'; readonly caller?: string }

/** What a program asks for that is about to stop, and what takes that back. */
export const drain: Act & { type: 'maintenance' } = { type: 'maintenance', reason: 'draining', by: 'program' }
export const endDrain: Act & { type: 'maintenance' } = { type: 'maintenance', by: 'program' }

export const patchFields = ['weight', 'tags', 'metadata'] as const satisfies readonly (keyof Patch)[]
export const statusFields = ['status', 'details', 'for'] as const

const day_ms = 86_400_000

export const actLimits = {
  /** As JSON; metadata and tags of the largest size fit, however they are escaped. */
  bytes: 256 * 1024,
  details: 1024,
  for: { min_ms: 100, max_ms: 30 * day_ms },
} as const

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads the body of a call that changes what an instance says of itself. Fields that it does not know do not count.
 * @throws RegistryError `malformed`, naming the field
 */
export function parsePatch(input: unknown): Patch {
  const fields = parseFields(input, `give some of ${patchFields.join(', ')}`)
  const { weight, metadata } = parseTraits({ weight: fields['weight'], metadata: fields['metadata'] })
  const tags = fields['tags'] === undefined ? undefined : parseTags(fields['tags'])
  const patch = {
    ...(weight !== undefined && { weight }),
    ...(tags !== undefined && { tags }),
    ...(metadata !== undefined && { metadata }),
  }
  if (Object.keys(patch).length > 0) return patch
  throw malformed('the request body', `changes nothing; give some of ${patchFields.join(', ')}`)
}

/**
 * Reads the body of a call by which a service tells how it is; `for` is a duration.
 * @throws RegistryError `malformed`, naming the field
 */
export function parseStatus(input: unknown): StatusSaid {
  const fields = parseFields(input, 'such as {"status": "Degraded"}')
  const status = instanceStatuses.find((name) => name === fields['status'])
  if (status === undefined) throw malformed('status', notAStatus(fields['status']))
  const details = parseDetails(fields['details'])
  const isEndless = isNothing(fields['for'])
  const length = isEndless ? undefined : durationOf(parseDuration(fields['for'], 'for', actLimits.for))
  return { status, ...(details !== undefined && { details }), ...(length !== undefined && { for_ms: length }) }
}

/**
 * Reads an act as a peer passes it on: just as strictly as those of callers, since nobody vouches for the peer.
 * @throws RegistryError `malformed`, naming the field
 */
export function parseAct(input: unknown): Act {
  const fields = parseFields(input, 'such as {"type": "renew"}')
  switch (fields['type']) {
    case 'maintenance':
      return {
        type: 'maintenance',
        ...(fields['reason'] !== undefined && { reason: parseMaintenance(fields) }),
        ...(fields['by'] === 'program' && { by: 'program' }),
      }
    case 'patch':
      return { type: 'patch', ...parsePatch(fields) }
    case 'status':
      return { type: 'status', ...parseStatus({ ...fields, for: fields['for_ms'] }) }
    case 'renew':
      return { type: 'renew' }
    case 'suspect':
      return { type: 'suspect', ...parseCaller(fields['caller']) }
    default:
      throw malformed('type', `${quote(fields['type'])} is nothing that this version does to an instance`)
  }
}

function notAStatus(value: unknown): string {
  const known = instanceStatuses.join(', ')
  return isNothing(value) ? `missing; give one of ${known}` : `${quote(value)} is none; there are ${known}`
}

function parseDetails(value: unknown): string | undefined {
  if (isNothing(value)) return undefined
  if (typeof value !== 'string') throw malformed('details', 'must be a string')
  return boundedText(value, 'details', actLimits.details)
}

function parseCaller(value: unknown): { readonly caller?: string } {
  if (isNothing(value)) return {}
  if (typeof value === 'string' && value.length <= modelLimits.labelLength && value.isWellFormed())
    return { caller: value }
  throw malformed('caller', `must be a string of at most ${modelLimits.labelLength} characters`)
}

function parseFields(input: unknown, wayOut: string): Fields {
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Fields
  throw malformed('the request body', `must be a JSON object; ${wayOut}`)
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}
