/**
 * The shape of what a node knows of its own reach, as JSON Schema.
 */
import { reachedBy } from '../core/views.js'
import * as json from './json-schema.js'

const { optional } = json

export const FromHere = json.object(
  {
    reached: optional(json.boolean({ description: 'absent where that is not known' })),
    how: json.words(reachedBy, {
      description: `how this node knows: it is the home node, hears that itself, or through others; does not hear it, is refused there, or a
caller here was not answered. What it does not reach it picks last`,
    }),
    age_ms: optional(json.number({ minimum: 0, description: 'for how long that has been so' })),
  },
  { description: 'whether this node reaches it, as far as it has found out itself' },
)
