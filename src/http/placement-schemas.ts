/**
 * The shapes of the search for room, as JSON Schema.
 */
import { placementLimits, resources } from '../core/lookup/placement.js'
import * as json from './json-schema.js'
import { Node } from './schemas.js'

const { optional } = json

export const PlacementQuery = json.object({
  by: json.words(resources, { description: 'what there is to be room of', examples: ['memory'] }),
  count: optional(
    json.string({
      description: `how many at the most, from 1 to ${placementLimits.count}; default: 1`,
      examples: ['3'],
    }),
  ),
  region: optional(json.string({ description: 'only nodes of that region', examples: ['eu'] })),
  zone: optional(json.string({ description: 'only nodes of that availability zone', examples: ['eu-1'] })),
})

const { $id: _, ...node } = Node

const PlacedNode: json.Schema = {
  ...node,
  properties: {
    ...node.properties,
    room: json.number({
      minimum: 0,
      description:
        'what is left: percent of the CPU, bytes of memory and disk, MiB on the GPU that has most; absent: not known',
    }),
    roomAge_ms: json.number({
      minimum: 0,
      description: 'how long ago that was measured, in milliseconds, to a second or so',
    }),
  },
}

export const PlacedNodes = json.object({ nodes: json.array(PlacedNode) })
