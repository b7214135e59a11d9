/**
 * The shape of the last lines of a daemon's log, as JSON Schema.
 */
import * as json from './json-schema.js'

export const LogLines = json.object({
  lines: json.array(json.string(), {
    description: 'oldest first, each a JSON object as it was written, without what may be a secret',
  }),
})
