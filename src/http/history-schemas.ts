/**
 * The shapes of what is remembered of changes, as JSON Schema.
 */
import { acts, doors, outcomes } from '../core/journal/entry.js'
import { journalLimits } from '../core/journal/journal.js'
import { historyOutcomes } from '../core/journal/views.js'
import * as json from './json-schema.js'
import { peerId } from './schemas.js'

const { optional } = json
const moment = json.string({ format: 'date-time' })

export const HistoryQuery = json.object({
  id: optional(json.string({ description: 'of an instance, definition or session, or the label of a node' })),
  slug: optional(json.string()),
  act: optional(json.string({ description: `one of ${acts.join(', ')}` })),
  by: optional(json.string({ description: 'the name of a token, or library' })),
  since: optional(json.string({ description: 'a moment in UTC: nothing before', examples: ['2026-11-24T12:00:00Z'] })),
  limit: optional(json.string({ description: `from 1 to ${journalLimits.answer}; default: 20` })),
})

const HistoryEntry = json.object({
  seq: json.integer({ description: 'with the peer it names the entry' }),
  at: moment,
  act: json.words(acts),
  id: optional(json.string({ description: 'of the instance, definition or session' })),
  slug: optional(json.string()),
  node: json.string({ description: 'where it happened, or the node that it is about' }),
  peer: peerId,
  by: optional(json.string({ description: 'the name of a token; library: the program that the node is a part of' })),
  address: optional(json.string({ description: 'of the caller, by its connection: behind a proxy that of the proxy' })),
  via: json.words(doors, {
    description: 'the door; daemon: it did, or found, it by itself; seen: it was done at another node',
  }),
  outcome: json.words(outcomes, {
    description: 'unchanged: it was so before; failed: it could not be done, or it is not known whether it was',
  }),
  details: optional(json.string()),
  times: optional(json.integer({ description: 'so often in a row, the last one at that moment' })),
})

export const History = json.object({
  at: moment,
  by: json.string({ description: 'the node that was asked' }),
  from: json.string({ format: 'date-time', description: 'since when that one knows' }),
  entries: json.array(HistoryEntry),
  nodes: json.array(
    json.object({
      node: json.string(),
      peer: peerId,
      how: json.words(historyOutcomes),
      from: optional(json.string({ format: 'date-time', description: 'since when it knows' })),
    }),
    { description: 'who was asked; this node first' },
  ),
  notAsked: json.array(json.string(), {
    description: 'the labels of those that could not be asked, or did not answer',
  }),
})
