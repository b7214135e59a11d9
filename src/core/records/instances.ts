/**
 * Instance records: the highest registration number of an id wins. Its home node alone writes one.
 */
import { defaultCheck } from '../check.js'
import {
  type InstanceFacts,
  type InstanceRecord,
  type Registration,
  canonicalJson,
  readInstanceRecord,
} from '../model.js'
import { type Kind, type Rewriting, type Rewritten, compareIds } from './claims.js'
import { oneMore } from './numbers.js'

export const instances: Kind<InstanceRecord> = {
  maxLength: 64 * 1024,
  read: readInstanceRecord,
  write: ({ id: _, ...fields }) => canonicalJson(fields),
  compare: (a, b) => a.value.n - b.value.n || compareIds(a.owner, b.owner),
  livesFrom: () => undefined,
  copy: () => undefined,
  rewrite(written, known) {
    const { key, before, after, adopted } = written
    if (after !== undefined && before?.n === after.n) return rewriteState(written, before, after)
    if (after !== undefined) {
      const n = adopted !== undefined && after.n <= adopted.n ? oneMore(known.highestNumber, key) : after.n
      return { type: 'write', value: { ...after, n } }
    }
    if (adopted === undefined) return { type: 'leave' }
    // What went because others' records or removals beat it must not come to count as a caller's removal.
    const isBeaten = adopted.n <= known.removedUpTo || known.hasOthers
    return isBeaten ? { type: 'write', value: undefined } : { type: 'deregister', n: adopted.n }
  },
}

/**
 * Nobody registered it here: what a check found, or its maintenance, is said again of the same registration alone. Where
 * the newer document has another one, or none any more, that is what callers did.
 */
function rewriteState(
  { adopted }: Rewriting<InstanceRecord>,
  before: InstanceRecord,
  after: InstanceRecord,
): Rewritten<InstanceRecord> {
  if (adopted?.n !== after.n) return { type: 'leave' }
  const maintenance = before.maintenance === after.maintenance ? adopted.maintenance : after.maintenance
  return {
    type: 'write',
    value: { ...withState(adopted, after), ...(maintenance !== undefined && { maintenance }) },
  }
}

function withState(record: InstanceRecord, { status, details }: InstanceRecord): InstanceRecord {
  const { details: _details, maintenance: _maintenance, ...facts } = record
  return { ...facts, status, ...(details !== undefined && { details }) }
}

/** What a caller said, without what the home node adds. */
export function factsOf(record: InstanceRecord): InstanceFacts {
  const { n: _n, status: _status, details: _details, maintenance: _maintenance, ...facts } = record
  return facts
}

const urlPartNames = ['scheme', 'host', 'ip', 'port', 'path'] as const

/** What is not said again stays, except the parts of a url that has changed. */
export function mergeFacts(id: string, current: InstanceRecord | undefined, registration: Registration): InstanceFacts {
  if (current === undefined) return withoutNothing({ ...registration, id })
  const kept: Record<string, unknown> = { ...factsOf(current) }
  if (current.url !== registration.url) for (const name of urlPartNames) delete kept[name]
  return withoutNothing({ ...(kept as unknown as InstanceFacts), ...registration, id })
}

/** A fact has one spelling: what is nothing is not there, and neither is the default check. */
function withoutNothing({
  slug,
  deploymentId,
  check,
  tags,
  ...facts
}: Registration & { readonly id: string }): InstanceFacts {
  return {
    ...facts,
    ...(isThere(slug) && { slug }),
    ...(isThere(deploymentId) && { deploymentId }),
    ...(tags !== undefined && tags.length > 0 && { tags }),
    ...(isThere(check) && check !== defaultCheck && { check }),
  }
}

function isThere(text: string | null | undefined): text is string {
  return text !== undefined && text !== null
}
