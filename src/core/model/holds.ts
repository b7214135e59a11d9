/**
 * Who keeps an instance out of every lookup while it goes on running: each until it takes that back itself.
 *
 * A record says in `maintenance` what all versions understand: that it is kept out, and why. Who does is beside it, wherever that is
 * not an operator alone.
 */

/** `operator`: by maintenance, for a reason; `program`: its own, which is about to stop; `node`: its home, which is. */
export interface Holds {
  readonly operator?: string
  readonly program?: true
  readonly node?: true
}

export type Drainer = Exclude<keyof Holds, 'operator'>

const inWords = { program: 'draining', node: 'its node is draining' } as const satisfies Record<Drainer, string>

/** As a record carries it. */
interface Held {
  readonly maintenance?: string
  readonly holds?: Holds
}

export function holdsOf({ maintenance, holds }: Held): Holds {
  return holds ?? (maintenance === undefined ? {} : { operator: maintenance })
}

/** What is said of whoever keeps it out; nothing where nobody does. */
export function heldBy({ operator, program, node }: Holds): Held {
  const why = operator ?? (program ? inWords.program : node ? inWords.node : undefined)
  if (why === undefined) return {}
  const holds = { ...(operator !== undefined && { operator }), ...(program && { program }), ...(node && { node }) }
  return { maintenance: why, ...((program === true || node === true) && { holds }) }
}

/** The record, kept out by these alone. */
export function withHolds<R extends Held>(record: R, holds: Holds): R {
  const { maintenance: _maintenance, holds: _holds, ...rest } = record
  return { ...rest, ...heldBy(holds) } as R
}

/** Of its program and its node those that drain it; nothing where none does. */
export function drainedBy(record: Held): { readonly drainedBy?: readonly Drainer[] } {
  const { program, node } = holdsOf(record)
  const drainers: readonly Drainer[] = [...(program ? ['program' as const] : []), ...(node ? ['node' as const] : [])]
  return drainers.length === 0 ? {} : { drainedBy: drainers }
}

/** Reads what stands in a record beside its maintenance. What cannot be read is not there: then it is an operator's. */
export function readHolds(value: unknown, lengthLimit: number): Holds | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { operator, program, node } = value as Readonly<Record<string, unknown>>
  if (program !== true && node !== true) return undefined
  const isReason = typeof operator === 'string' && operator.length <= lengthLimit
  return {
    ...(isReason && { operator }),
    ...(program === true && { program }),
    ...(node === true && { node }),
  }
}
