/**
 * The shape of the list that watchers are told.
 */
import * as json from './json-schema.js'
import { OwnInstance } from './schemas.js'

export const SlugList = json.object(
  {
    slug: json.string(),
    degraded: json.boolean({ description: 'last-known instances: this daemon has lost sight of most of the cluster' }),
    unknown: json.optional(
      json.boolean({ description: 'true: nothing is registered by that name; something may come' }),
    ),
    instances: json.array(OwnInstance, { description: 'all that are visible, by id; without `lastHeartbeat`' }),
  },
  { $id: 'SlugList' },
)
