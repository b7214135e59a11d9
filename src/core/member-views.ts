/**
 * What is believed of each member, as people are told it.
 */
import { sinceThen_ms } from './basics/since-then.js'
import { type Steps, ofEach } from './basics/steps.js'
import { Tally } from './basics/tally.js'
import type { Moment } from './effects.js'
import { returnsIn_ms } from './membership/member.js'
import { type PeerId, versionsOf } from './model/model.js'
import type { RegistryState } from './state.js'
import type { MemberView } from './views.js'

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/** By peer id, this daemon among them. Of a large cluster that is work: it can be left off between two of them. */
export function* memberViews(state: RegistryState, at: Moment): Steps<MemberView[]> {
  const { membership } = state.liveness
  const bearers = new Tally<string>()
  for (const { id } of state.records.union.nodes().values()) bearers.add(id, 1)
  // Who comes meanwhile is not among them: the order of the table changes with each word that comes in.
  const ids = [...membership.members()].map(({ id }) => id)
  const others = yield* ofEach(ids, (id) => memberView(state, id, bearers, at))
  return [selfView(state, bearers, at), ...others].sort((a, b) => (a.peer < b.peer ? -1 : 1))
}

/** Undefined of one that is known no more. @param bearers how many nodes have each label, counted once for all members */
function memberView(state: RegistryState, id: PeerId, bearers: Tally<string>, { now }: Moment): MemberView | undefined {
  const { membership } = state.liveness
  const member = membership.member(id)
  if (member === undefined) return undefined
  const { outOfSightSince, heardAt, load } = member
  const trouble = state.troubleOf(id, now)
  const returning_ms = returnsIn_ms(member, now)
  // Field by field: spreads take five times as long, and there may be thousands.
  const view = labelled(state, id, bearers)
  view.self = false
  view.state = member.state
  view.stateAge_ms = sinceThen_ms(member.since, now)
  if (outOfSightSince !== undefined) view.outOfSight_ms = sinceThen_ms(outOfSightSince, now)
  if (returning_ms !== undefined) view.returnsIn_ms = Math.round(returning_ms)
  view.why = member.why
  if (heardAt !== undefined) view.heardAge_ms = sinceThen_ms(heardAt, now)
  view.generation = member.generation
  view.incarnation = member.incarnation
  view.version = state.replica.head(id)?.version ?? 0
  if (load !== undefined) view.load = load
  view.reportedBy = membership.reporters(id, now)
  if (trouble !== undefined) {
    view.trouble = trouble.text
    view.troubleKind = trouble.kind
    if (trouble.age_ms !== undefined) view.troubleAge_ms = trouble.age_ms
  }
  return view
}

function selfView(state: RegistryState, bearers: Tally<string>, { now }: Moment): MemberView {
  const { self, identity, commits, liveness } = state
  const { load } = liveness.heartbeats
  return {
    ...labelled(state, self, bearers),
    self: true,
    state: 'alive',
    stateAge_ms: sinceThen_ms(state.startedAt, now),
    heardAge_ms: 0,
    generation: identity.generation,
    incarnation: identity.incarnation,
    version: commits.signed?.head.version ?? 0,
    ...(load !== undefined && { load }),
    reportedBy: [],
  }
}

/** With what it calls itself; all else is still to come. */
function labelled({ records }: RegistryState, peer: PeerId, bearers: Tally<string>): Writable<MemberView> {
  const record = records.union.node(peer)
  const view = { peer } as Writable<MemberView>
  if (record !== undefined) {
    const { software, protocol } = versionsOf(record)
    view.nodeId = record.id
    view.url = record.url
    if (record.draining === true) view.draining = true
    if (software !== undefined) view.software = software
    if (protocol !== undefined) view.protocol = protocol
  }
  view.sameLabel = record !== undefined && bearers.of(record.id) > 1
  return view
}
