/**
 * The shapes of picks, as JSON Schema.
 */
import { localities } from '../core/lookup/candidates.js'
import { strategies } from '../core/lookup/strategies.js'
import * as json from './json-schema.js'

const { optional } = json

/** What is asked of a pick. */
export const PickQuery = json.object({
  strategy: optional(
    json.words(strategies, {
      description: `round-robin (the default: in turn, by weight), random (by weight), least-loaded (the less loaded node of two that are
drawn), hash (the same one for the same key)`,
    }),
  ),
  key: optional(json.string({ description: 'of the strategy hash: what the choice follows', examples: ['user-17'] })),
  prefer: optional(
    json.words(localities, { description: 'those near this node, as long as at least half of them are well' }),
  ),
  tag: optional(json.anyOf([json.string(), json.array(json.string())], { description: 'it has all of these' })),
  port: optional(
    json.string({ description: 'it has a port of that name: the url leads there', examples: ['metrics'] }),
  ),
  exclude: optional(json.anyOf([json.string(), json.array(json.string())], { description: 'none of these ids' })),
  'metadata.KEY': optional(json.string({ description: 'what it says under that key, such as `metadata.team=blue`' })),
})
