/**
 * The shapes of what is about to stop, wherever something is said of it.
 */
import * as json from './json-schema.js'

const count = json.integer()

/** Of a row: whoever hides it. */
export const drainedBy = json.array(json.words(['program', 'node']), {
  description: 'who hides it since it is about to stop',
})

/** Of a row: what has ended. */
export const ending = json.object(
  { what: json.words(['session lost', 'ttl passed']), age_ms: count, goesIn_ms: count },
  { description: 'what it lives with is over, since when, and when its record goes; known at its home node alone' },
)

/** Of a member. */
export const draining = json.boolean({ description: 'it is about to stop: what is registered there is in no lookup' })

/** Of a registration. */
export const drainingSaid = json.boolean({
  description: 'its program is about to stop: nobody picks it; not said: as it was in the same session',
})

export const Drained = json.object({
  instances: json.integer({ description: 'how many are registered at this node' }),
  acks: json.integer({ description: 'how many living nodes hold that these are not to be picked' }),
  alive: json.integer({ description: 'how many living nodes there are; beyond nine not all can be asked' }),
})
