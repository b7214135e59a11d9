/**
 * The shape of how many there are of what a daemon knows.
 */
import { instanceStatuses } from '../core/model/model.js'
import * as json from './json-schema.js'

const count = json.integer({ minimum: 0 })

export const Counts = json.object({
  instances: json.object({
    visible: json.object(Object.fromEntries(instanceStatuses.map((status) => [status, json.optional(count)])), {
      description: 'those that lookups can see, by status; a status that none has is left out',
    }),
    notVisible: json.integer({ minimum: 0, description: 'known, and in no lookup; `/v1/instances` says why' }),
  }),
})
