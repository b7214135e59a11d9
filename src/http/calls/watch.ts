/**
 * How a slug is watched, as the OpenAPI document describes it.
 */
import * as json from '../json-schema.js'
import { describe } from '../operation.js'
import * as examples from './examples.js'

export const watch = describe({
  id: 'watchSlug',
  tag: 'instances',
  summary: 'The instances of a slug, now and whenever they change',
  description: `Server-sent events, each of which is the whole list: \`id\` (how far it goes, for \`/v1/events?after=\`), \`event: list\`
and \`data\`, the JSON of a SlugList. The first comes at once, also where nothing is registered as that: it is empty then, and says
\`unknown\`. Changes that come close together are one event; a client that reads slowly gets the newest list, and never one that was
true before; one that takes nothing for half a minute is cut off. A comment every 5 s shows that the line is open. The stream ends
with the token that it was opened with. It counts as one of \`--max-watchers\` streams, beyond which the answer is 503.`,
  params: json.object({ slug: json.string({ description: 'percent-encoded', examples: ['web'] }) }),
  answers: {
    200: {
      description: 'Lists without end',
      schema: json.string(),
      mediaType: 'text/event-stream',
      examples: { comes: examples.watchStream },
    },
  },
})
