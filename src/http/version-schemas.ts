/**
 * The versions that a node says it runs, as JSON Schema.
 */
import * as json from './json-schema.js'

export const versions = {
  software: json.optional(json.string({ description: 'the version of the program that it runs', examples: ['0.1.0'] })),
  protocol: json.optional(
    json.integer({ description: 'the version of what it speaks to others; absent: it told none, as version 1 does' }),
  ),
}
