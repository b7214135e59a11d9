/**
 * What is wrong with the ways to peers, as JSON Schema.
 */
import { troubleKinds, unreadyCauses } from '../core/words/causes.js'
import { linkFailures } from '../core/views.js'
import * as json from './json-schema.js'

export const LinkFailure = json.object({
  where: json.string({ description: 'a seed as it was given, a host, or host and port' }),
  direction: json.words(['inbound', 'outbound']),
  error: json.string(),
  reason: json.optional(json.words(linkFailures, { description: 'the same for programs' })),
  places: json.optional(json.array(json.string(), { description: 'where two daemons with one key are' })),
  seenAge_ms: json.optional(
    json.number({ minimum: 0, description: 'how long ago that was seen last, of whoever came by himself' }),
  ),
})

/** What is odd about a member, and what it called itself. */
export const oddities = {
  trouble: json.optional(json.string({ description: 'what is odd about its records: from a backup, or a clone' })),
  troubleKind: json.optional(json.words(troubleKinds, { description: 'the same for programs' })),
  troubleAge_ms: json.optional(json.number({ minimum: 0, description: 'how long ago the last sign of it was' })),
}

/** Of a member that is away. */
export const absence = {
  outOfSight_ms: json.optional(
    json.number({ minimum: 0, description: 'for how long it has been hidden or dead, while it is' }),
  ),
  returnsIn_ms: json.optional(
    json.number({ minimum: 0, description: 'it is heard again, and alive in so long if it stays well' }),
  ),
}

export const labels = json.optional(
  json.array(json.object({ id: json.string(), address: json.optional(json.string()) }), {
    description: 'what it called itself in this run, and where, where that has changed: first what it did first',
  }),
)

export const causes = json.optional(
  json.array(json.words(unreadyCauses), { description: 'the reasons for programs; absent where it is ready' }),
)

/** What there should be with a peer, and what there was. */
export const line = {
  wanted: json.optional(json.boolean({ description: 'this node means to be connected with it' })),
  lost_ms: json.optional(json.number({ minimum: 0, description: 'how long ago the last connection with it ended' })),
  heard: json.optional(json.boolean({ description: 'whether its heartbeats come, or came until that ended' })),
}

export const Mdns = json.object({
  interface: json.string(),
  family: json.words(['IPv4', 'IPv6']),
  trouble: json.optional(json.string()),
})
