/**
 * The shapes of what is done to instances that are registered already, as JSON Schema.
 */
import * as json from './json-schema.js'
import { InstanceStatus, duration, nullable } from './schemas.js'

const { optional } = json

/** What is not said stays. */
export const Patch = json.object(
  {
    weight: optional(nullable(json.integer({ minimum: 0, maximum: 65_535 }))),
    tags: optional(nullable(json.array(json.string()))),
    metadata: optional(nullable(json.record(json.string()))),
  },
  { $id: 'Patch' },
)

export const StatusSaid = json.object(
  {
    status: InstanceStatus,
    details: optional(json.string({ description: 'for people' })),
    for: optional(duration),
  },
  { $id: 'StatusSaid' },
)

export const Suspicion = json.object(
  {
    status: InstanceStatus,
    details: optional(json.string()),
    checked: json.boolean({ description: 'because of this; else it is what was known before' }),
  },
  { $id: 'Suspicion' },
)

export const Which = json.object({
  slug: optional(json.string({ examples: ['web'] })),
  node: optional(json.string({ description: 'the id, url or peer id of their home node', examples: ['abc'] })),
  zone: optional(json.string({ description: 'their own, else that of their node', examples: ['eu-1'] })),
})

export const ManyResult = json.object(
  {
    done: json.array(json.string({ description: 'the id of an instance' })),
    failed: json.array(json.object({ id: json.string(), error: json.string() })),
  },
  { $id: 'ManyResult' },
)
