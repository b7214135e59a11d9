/**
 * Which fields of what is held are shown to whom. Each is named, and the compiler knows whether all are: no new one is shown by accident.
 */
import type { InstanceFacts, InstanceRecord } from './model/model.js'
import type { InstanceRow, InstanceView } from './views.js'

/** Of each field, whether the view has it. */
export type Shown<Whole, View> = {
  readonly [Name in keyof Whole]-?: Name extends keyof View ? 'shown' : 'hidden'
}

/** What a caller said of an instance; the rest its home node adds. */
const facts = {
  ...({ id: 'shown', url: 'shown', slug: 'shown', deploymentId: 'shown', tags: 'shown' } as const),
  ...({ scheme: 'shown', host: 'shown', ip: 'shown', port: 'shown', path: 'shown' } as const),
  ...({ metadata: 'shown', ports: 'shown', weight: 'shown', version: 'shown', zone: 'shown' } as const),
} as const

/** How it is checked, how long it lives: for those who keep records, not for those who look up. */
const keeping = {
  check: 'hidden',
  lifetime: 'hidden',
  ttl: 'hidden',
  grace: 'hidden',
  deregisterAfter: 'hidden',
} as const

const ofRecord = {
  ...facts,
  ...keeping,
  ...({ status: 'shown', details: 'shown' } as const),
  ...({ n: 'hidden', stamp: 'hidden', maintenance: 'hidden', holds: 'hidden', session: 'hidden' } as const),
} as const satisfies Shown<InstanceRecord, InstanceView>

const ofRow = {
  ...facts,
  ...keeping,
  ...({ status: 'shown', details: 'shown', nodeUrl: 'shown', region: 'shown', lastHeartbeat: 'shown' } as const),
  ...({ owner: 'hidden', nodeId: 'hidden', n: 'hidden', session: 'hidden', maintenance: 'hidden' } as const),
  ...({ drainedBy: 'hidden', ending: 'hidden', visible: 'hidden', why: 'hidden', reason: 'hidden' } as const),
  ...({ degraded: 'hidden', pickable: 'hidden', fromHere: 'hidden' } as const),
} as const satisfies Shown<InstanceRow, InstanceView>

const said = {
  ...facts,
  ...({ check: 'shown', lifetime: 'shown', ttl: 'shown', grace: 'shown', deregisterAfter: 'shown' } as const),
  ...({ status: 'hidden', details: 'hidden', n: 'hidden', stamp: 'hidden' } as const),
  ...({ maintenance: 'hidden', holds: 'hidden', session: 'hidden' } as const),
} as const satisfies Shown<InstanceRecord, InstanceFacts>

/** Of a record what callers see of the instance, but for what its node says. */
export function viewOfRecord(record: InstanceRecord): InstanceView {
  return only<InstanceRecord, InstanceView>(ofRecord, record)
}

/** Of a row what a list of visible instances says. */
export function viewOfRow(row: InstanceRow): InstanceView {
  return only<InstanceRow, InstanceView>(ofRow, row)
}

/** Of a record what its caller said, without what the home node adds. */
export function factsOf(record: InstanceRecord): InstanceFacts {
  return only<InstanceRecord, InstanceFacts>(said, record)
}

/** In the order in which they stand there. */
function only<Whole extends object, View>(
  fields: Shown<Whole, View>,
  whole: Whole,
): Pick<Whole, keyof Whole & keyof View> {
  const view: Partial<Whole> = {}
  for (const name in whole) if (fields[name] === 'shown') view[name] = whole[name]
  return view as Pick<Whole, keyof Whole & keyof View>
}
