/**
 * What is done to instances that are registered already, as the OpenAPI document describes it.
 */
import type { FastifySchema } from 'fastify'
import * as shapes from '../act-schemas.js'
import { AckQuery, held } from '../ack-schemas.js'
import * as json from '../json-schema.js'
import { type Call, describe } from '../operation.js'
import * as schemas from '../schemas.js'
import * as examples from './examples.js'

const instanceId = json.object({
  id: json.string({ description: 'of the instance, percent-encoded', examples: [examples.instance.id] }),
})

const idInQuery = json.object({ id: json.string({ description: 'of the instance', examples: ['..'] }) })

/** A call has two ways: by a path, and by a query for ids that no path can carry. */
interface Act {
  readonly byPath: FastifySchema
  readonly byQuery: FastifySchema
}

function act({ takesAcks = false, ...given }: Omit<Call, 'tag' | 'params' | 'query'> & { takesAcks?: boolean }): Act {
  const tag = 'instances'
  const call = takesAcks ? { ...given, answers: { ...held, ...given.answers } } : given
  return {
    byPath: describe({ ...call, tag, params: instanceId, ...(takesAcks && { query: AckQuery }) }),
    byQuery: describe({
      ...call,
      tag,
      id: `${call.id}ById`,
      summary: `${call.summary}, whatever its id is`,
      description: `As \`${call.id}\`, whose path cannot name \`.\` and \`..\`: ids of older records may be such.`,
      query: takesAcks ? { ...idInQuery, properties: { ...idInQuery.properties, ...AckQuery.properties } } : idInQuery,
    }),
  }
}

const anywhere = `Taken at any node, which passes it on to the home node of the instance. Where that cannot be reached the answer is 503,
and names it; asking again is harmless.`

export const setMaintenance = act({
  id: 'setMaintenance',
  takesAcks: true,
  summary: 'Hide an instance from every lookup while it goes on running',
  description: `Until this is ended, also through restarts of its program; what lives \`persistent\`ly until it is registered again.
Its health is checked all the while. A program that is about to stop calls \`drainInstance\` instead. ${anywhere}`,
  body: { required: false, schema: schemas.Maintenance, examples: { repair: { reason: 'new disk' }, silent: {} } },
  answers: { 204: { description: 'No lookup shows it' } },
  failures: [400, 404],
})

export const endMaintenance = act({
  id: 'endMaintenance',
  takesAcks: true,
  summary: 'Show an instance again',
  description: `Also where its program drained it; not while its node drains. ${anywhere}`,
  answers: { 204: { description: 'Lookups show it' } },
  failures: [400, 404],
})

export const drainInstance = act({
  id: 'drainInstance',
  takesAcks: true,
  summary: 'Say that the program of an instance is about to stop: nobody picks it, while it goes on',
  description: `Until this is ended, or a program registers it anew, which is then called. ${anywhere}`,
  answers: { 204: { description: 'No lookup shows it' } },
  failures: [400, 404],
})

export const endInstanceDrain = act({
  id: 'endInstanceDrain',
  takesAcks: true,
  summary: 'Say that the program of an instance goes on after all',
  description: anywhere,
  answers: { 204: { description: 'Lookups show it, unless it is hidden for another reason' } },
  failures: [400, 404],
})

export const patchInstance = act({
  id: 'patchInstance',
  takesAcks: true,
  summary: 'Change weight, tags or metadata of an instance without registering it',
  description: `What is not said stays; \`null\`, or what is empty, says that there is none. It stays the same registration, with no
new check. Registering says the last word: what it names is as it says. ${anywhere}`,
  body: {
    required: true,
    schema: shapes.Patch,
    examples: {
      drain: { weight: 0 },
      retag: { tags: ['green'], metadata: { team: 'blue' } },
      clear: { metadata: null },
    },
  },
  answers: { 204: { description: 'It is as it was said' } },
  failures: [400, 404, 413],
})

export const setStatus = act({
  id: 'setStatus',
  summary: 'Say of a service how it is',
  description: `The worse of this and what checks find is what callers see. It counts until it is told anew, for as long as \`for\`
says, or until the session of the instance ends. ${anywhere}`,
  body: {
    required: true,
    schema: shapes.StatusSaid,
    examples: { warming: { status: 'Degraded', details: 'warming up', for: '30s' }, well: { status: 'Healthy' } },
  },
  answers: { 204: { description: 'Heard' } },
  failures: [400, 404],
})

export const renew = act({
  id: 'renewInstance',
  summary: 'Let an instance live for one more ttl',
  description: `Of those that were registered with a \`ttl\`; any other is a 409. Nothing is written. ${anywhere}`,
  answers: { 204: { description: 'It lives for one ttl from now on' } },
  failures: [400, 404, 409],
})

export const suspect = act({
  id: 'suspectInstance',
  summary: 'Say that an instance did not answer, so that its home node looks at once',
  description: `A token that may \`read\` is enough. It costs one check, and decides nothing. At most one a second of an instance, ten a
second of a caller, fifty a second in all: beyond that, or where the check takes longer than a second, the answer is 202 with the
status that is known. ${anywhere}`,
  answers: {
    200: {
      description: 'It was checked',
      schema: shapes.Suspicion,
      examples: { gone: { status: 'Unreachable', details: 'nothing listens there', checked: true } },
    },
    202: {
      description: 'What is known; it was checked a moment ago, or is being checked',
      schema: shapes.Suspicion,
      examples: { known: { status: 'Healthy', checked: false } },
    },
  },
  failures: [400, 404],
})

const outcome = {
  200: {
    description: 'What was done to which, and what was not, each with the reason',
    schema: shapes.ManyResult,
    examples: {
      all: { done: [examples.instance.id], failed: [] },
      some: {
        done: [examples.instance.id],
        failed: [{ id: examples.deadRow.id, error: `id: the home node of "${examples.deadRow.id}" is dead` }],
      },
    },
  },
} as const

const whichOnes =
  'At least one of the parameters has to be given, and all that are have to fit; a 404 says that nothing does.'

export const setMaintenanceOfAll = describe({
  id: 'setMaintenanceOfAll',
  tag: 'instances',
  summary: 'Hide all instances of a service, a node or a zone from every lookup',
  description: `${whichOnes} Each is done, or not, by itself.`,
  query: shapes.Which,
  body: { required: false, schema: schemas.Maintenance, examples: { repair: { reason: 'new disk' }, silent: {} } },
  answers: outcome,
  failures: [400, 404],
})

export const endMaintenanceOfAll = describe({
  id: 'endMaintenanceOfAll',
  tag: 'instances',
  summary: 'Show all instances of a service, a node or a zone again',
  description: `${whichOnes} Each is done, or not, by itself.`,
  query: shapes.Which,
  answers: outcome,
  failures: [400, 404],
})
