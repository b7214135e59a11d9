/**
 * Instance records: of an id the latest registration wins, see `later.ts`. Its home node alone writes one.
 */
import type { Patch, patchFields } from '../model/act.js'
import { defaultCheck } from '../model/check.js'
import { heldBy, holdsOf, withHolds } from '../model/holds.js'
import { mergeLifetime } from '../model/lifetime.js'
import {
  type InstanceFacts,
  type InstanceRecord,
  type Registration,
  canonicalJson,
  readInstanceRecord,
} from '../model/model.js'
import { factsOf } from '../shown.js'
import { mergeTraits } from '../model/traits.js'
import { type Kind, type Rewriting, type Rewritten } from './claims.js'
import { compareRegistrations } from './later.js'
import { oneMore } from './numbers.js'

export const instances: Kind<InstanceRecord> = {
  maxLength: 64 * 1024,
  read: readInstanceRecord,
  write: ({ id: _, ...fields }) => canonicalJson(fields),
  compare: compareRegistrations,
  livesFrom: () => undefined,
  copy: () => undefined,
  merge(ours, theirs) {
    const order = compareRegistrations({ owner: '', value: ours }, { owner: '', value: theirs })
    if (!isSame(ours, theirs)) return order > 0 ? ours : theirs
    // One registration: as it is here, and out of the lookups where either says so.
    return withHolds({ ...ours, n: Math.max(ours.n, theirs.n) }, { ...holdsOf(theirs), ...holdsOf(ours) })
  },
  rewrite(written, known) {
    const { key, before, after, adopted } = written
    if (after !== undefined && isSame(before, after)) return rewriteState(written, before, after)
    if (after !== undefined) {
      const used = Math.max(adopted?.n ?? 0, known.usedUpTo)
      const n = after.n <= used ? oneMore(known.highestNumber, key) : after.n
      return { type: 'write', value: { ...after, n } }
    }
    // Where it was registered there since, what went here was another registration.
    if (adopted === undefined || (adopted.n > (before?.n ?? 0) && !isSame(before, adopted))) return { type: 'leave' }
    // What went because others' records or removals beat it must not come to count as a caller's removal.
    const isBeaten = adopted.n <= known.removedUpTo || known.hasOthers
    return isBeaten ? { type: 'write', value: undefined } : { type: 'deregister', n: adopted.n }
  },
}

/** Whether both are of one registration: where it was written again over another document it has another number, and its own stamp. */
function isSame(one: InstanceRecord | undefined, other: InstanceRecord): one is InstanceRecord {
  if (one?.stamp !== undefined && other.stamp !== undefined) return one.stamp === other.stamp
  return one?.n === other.n
}

/**
 * Nobody registered it here: what a check found, its maintenance, or how it was patched, is said again of the same registration
 * alone. Where the newer document has another one, or none any more, that is what callers did.
 */
function rewriteState(
  { adopted }: Rewriting<InstanceRecord>,
  before: InstanceRecord,
  after: InstanceRecord,
): Rewritten<InstanceRecord> {
  if (adopted === undefined || !isSame(adopted, after)) return { type: 'leave' }
  const holds = [before, after].map((record) => canonicalJson(holdsOf(record)))
  const held = holdsOf(holds[0] === holds[1] ? adopted : after)
  const patched = patchedRecord(adopted, patchBetween(before, after))
  return {
    type: 'write',
    value: { ...withState(patched, after), ...heldBy(held) },
  }
}

/** What an instance says of itself, changed within its registration. */
export function patchedRecord(record: InstanceRecord, { tags, ...traits }: Patch): InstanceRecord {
  const { tags: before, metadata: _metadata, weight: _weight, ...rest } = record
  const after = tags ?? before ?? []
  return { ...rest, ...(after.length > 0 && { tags: after }), ...mergeTraits(record, traits) }
}

/** The patch that led from one to the other. */
function patchBetween(before: InstanceRecord, after: InstanceRecord): Patch {
  const isChanged = (name: (typeof patchFields)[number]): boolean =>
    canonicalJson(before[name] ?? null) !== canonicalJson(after[name] ?? null)
  return {
    ...(isChanged('tags') && { tags: after.tags ?? [] }),
    ...(isChanged('weight') && { weight: after.weight ?? null }),
    ...(isChanged('metadata') && { metadata: after.metadata ?? null }),
  }
}

function withState(record: InstanceRecord, { status, details }: InstanceRecord): InstanceRecord {
  const { details: _details, maintenance: _maintenance, holds: _holds, ...facts } = record
  return { ...facts, status, ...(details !== undefined && { details }) }
}

const urlPartNames = ['scheme', 'host', 'ip', 'port', 'path'] as const

/** What is not said again stays, except the parts of a url that has changed. */
export function mergeFacts(id: string, current: InstanceRecord | undefined, registration: Registration): InstanceFacts {
  const kept: Partial<Record<keyof InstanceFacts, unknown>> = current === undefined ? {} : { ...factsOf(current) }
  if (current?.url !== registration.url) for (const name of urlPartNames) delete kept[name]
  const { slug, deploymentId, check, tags, ...facts } = { ...(kept as unknown as InstanceFacts), ...registration, id }
  return {
    ...withoutWays(facts),
    // A fact has one spelling: what is nothing is not there, and neither is the default check.
    ...(isThere(slug) && { slug }),
    ...(isThere(deploymentId) && { deploymentId }),
    ...(tags !== undefined && tags.length > 0 && { tags }),
    ...(isThere(check) && check !== defaultCheck && { check }),
    ...mergeLifetime(current ?? {}, registration),
    ...mergeTraits(current ?? {}, registration),
  }
}

/** What is merged by rules of its own, or is no fact of a record. */
function withoutWays(facts: Registration & { readonly id: string }): InstanceFacts {
  const { lifetime: _1, ttl: _2, grace: _3, deregisterAfter: _4, session: _5, checkHeaders: _6, ...others } = facts
  const { draining: _13, ...rest } = others
  const { metadata: _7, ports: _8, weight: _9, version: _10, zone: _11, check: _12, ...where } = rest
  return where as InstanceFacts
}

function isThere<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null
}
