/**
 * The calls about sessions, as the OpenAPI document describes them.
 */
import * as json from '../json-schema.js'
import { describe } from '../operation.js'
import * as schemas from '../schemas.js'

const id = 'ses_5d8a7f1e02b9'
const secret = '0f1e2d3c4b5a69788796a5b4c3d2e1f0'

export const openSession = describe({
  id: 'openSession',
  tag: 'sessions',
  summary: 'Open a session, or open it again',
  description: `The answer is a stream of server-sent events that stands as long as the session: the first one, \`opened\`, carries its
id and its secret; comments follow every 3 s. Registrations that name the secret (\`session\`) live with it. When the stream closes, or
nothing is heard by \`hearSession\` for 10 s, they are checked at once, and removed after the \`grace\`, unless the session is opened
again by its secret, which ends the stream that it stood on. A session has one \`grace\`: the longest that it was opened with, or that
something was registered with in it. A daemon that was started again waits for 30 s; where it answers 404, open a new one and register
again.`,
  body: {
    required: false,
    schema: json.anyOf([schemas.SessionOpening, json.nothing()]),
    examples: { anew: {}, withGrace: { grace: '20s' }, again: { secret } },
  },
  answers: {
    200: {
      description: 'It stands while this does',
      schema: json.string(),
      mediaType: 'text/event-stream',
      examples: { opened: `event: opened\ndata: ${JSON.stringify({ id, secret, grace: '5s' })}\n\n` },
    },
  },
  failures: [400, 404, 413],
})

export const listSessions = describe({
  id: 'listSessions',
  tag: 'sessions',
  summary: 'The sessions at this daemon',
  answers: {
    200: {
      description: 'Without their secrets',
      schema: schemas.Sessions,
      examples: { one: { sessions: [{ id, state: 'open', grace: '5s', heardAge_ms: 812, instances: 2 }] } },
    },
  },
})

const params = json.object({ id: json.string({ description: 'the public one', examples: [id] }) })
const body = { required: true, schema: schemas.SessionSecret, examples: { secret: { secret } } }

export const hearSession = describe({
  id: 'hearSession',
  tag: 'sessions',
  summary: 'Say that the program of a session is there; every 3 s',
  description:
    'A session whose stream is gone, or that was not heard for 10 s, is not saved by a word: it is a 409, open it again.',
  params,
  body,
  answers: { 204: { description: 'Heard' } },
  failures: [400, 404, 409],
})

export const endSession = describe({
  id: 'endSession',
  tag: 'sessions',
  summary: 'End a session: what lives with it is removed at once',
  description: 'The secret may stand in the header `x-rollcall-session` instead of the body.',
  params,
  body: { ...body, required: false },
  answers: { 204: { description: 'It is over' } },
  failures: [400, 404],
})
