/**
 * The calls by which a node or a program says that it is about to stop, as the OpenAPI document describes them.
 */
import * as shapes from '../drain-schemas.js'
import { describe } from '../operation.js'
import * as schemas from '../schemas.js'

export const drainNode = describe({
  id: 'drainNode',
  tag: 'cluster',
  summary: 'Hide all that is registered at this node, while it goes on',
  description: `The first step of stopping it without a failed call: its instances go on answering, being checked, and being registered,
and no node picks them. Answers once every living node holds that; where not all can be asked, after 2 s. It lasts until
\`endNodeDrain\`, or until this node has said goodbye and starts again; a crash does not end it. Needs a token that may \`admin\`.`,
  answers: {
    200: {
      description: 'It is on disk, and held by so many',
      schema: shapes.Drained,
      examples: { byAll: { instances: 3, acks: 5, alive: 5 } },
    },
  },
})

export const endNodeDrain = describe({
  id: 'endNodeDrain',
  tag: 'cluster',
  summary: 'Show all that is registered at this node again',
  description: 'But for what is in maintenance, or drained by its program. Needs a token that may `admin`.',
  answers: { 200: { description: 'Lookups show them', schema: schemas.Empty, examples: { back: {} } } },
})
