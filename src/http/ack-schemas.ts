/**
 * How callers ask for how many nodes hold a write, as JSON Schema.
 */
import { ackLimits } from '../core/model/acks.js'
import { formatDuration } from '../core/model/duration.js'
import * as json from './json-schema.js'

const { optional } = json
const [standard, longest] = [formatDuration(ackLimits.default_ms), formatDuration(ackLimits.max_ms)]

export const AckQuery = json.object({
  acks: optional(
    json.string({
      description: `answered once so many nodes hold it, the one that took it included: a number, or \`all\`, all living ones that it has
connections with (up to nine: everybody); or once ackTimeout has passed. The answer says how many do`,
      examples: ['2'],
    }),
  ),
  ackTimeout: optional(json.string({ description: `default: ${standard}, at most ${longest}`, examples: ['2s'] })),
})

export const Held = json.object({ acks: json.integer({ minimum: 1 }) })

/** Where it was asked for. */
export const held = {
  200: {
    description: 'The same, held by so many nodes: where `acks` was given',
    schema: Held,
    examples: { two: { acks: 2 } },
  },
} as const
