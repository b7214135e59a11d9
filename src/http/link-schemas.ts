/**
 * What is wrong with the ways to peers, as JSON Schema.
 */
import { linkFailures } from '../core/views.js'
import * as json from './json-schema.js'

export const LinkFailure = json.object({
  where: json.string({ description: 'a seed as it was given, a host, or host and port' }),
  direction: json.words(['inbound', 'outbound']),
  error: json.string(),
  reason: json.optional(json.words(linkFailures, { description: 'the same for programs' })),
})

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
