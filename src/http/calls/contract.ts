/**
 * The calls of the Registry Svc contract, as the OpenAPI document describes them.
 */
import * as json from '../json-schema.js'
import { describe } from '../operation.js'
import * as schemas from '../schemas.js'
import * as examples from './examples.js'

const idOf = (what: string, example: string) =>
  json.object({ id: json.string({ description: `of the ${what}, percent-encoded`, examples: [example] }) })

export const slugHeader = json.object({
  'x-rollcall-slug': json.optional(
    json.string({ description: 'the slug, for clients that cannot send one in the body', examples: ['web'] }),
  ),
})

export const registered = {
  201: {
    description: 'Registered, and on disk',
    schema: schemas.Registered,
    warns: true as const,
    examples: { id: { id: examples.instance.id } },
  },
}

export const registerInstance = describe({
  id: 'registerInstance',
  tag: 'instances',
  summary: 'Register an instance, or register it again',
  description: `The same url again updates that instance; a given id with a new url moves it. The slug is, first that applies: that of
the body, the header \`x-rollcall-slug\`, the claim \`slu\`, \`olu\` or \`1sl\` of the token, the slug that the token is configured for;
else the instance has none. This daemon becomes the home of the instance and checks its health. What is not said again stays, and
an empty string says nothing; \`[]\`, and \`null\` for slug and deploymentId, clear. \`warnings\` names fields that were ignored.`,
  headers: slugHeader,
  body: {
    required: true,
    schema: schemas.Registration,
    examples: {
      byUrl: { url: 'http://10.0.0.7:8080/api', slug: 'web', deploymentId: 'depl_1', tags: ['blue'] },
      byParts: { scheme: 'https', ip: '192.168.1.1', port: 999 },
      byPublishedClient: { id: '', deploymentId: 'depl_1', url: 'http://10.0.0.7:8080', host: '', port: 0 },
    },
  },
  answers: registered,
  failures: [400, 409, 413],
})

export const listInstances = describe({
  id: 'listInstances',
  tag: 'instances',
  summary: 'List the instances of living nodes',
  description:
    'Whatever their status. Filters are AND-ed and exact; empty ones do not count. Of one that is given twice the last counts, but of tags all. `warnings` names filters that were ignored.',
  query: schemas.InstanceFilters,
  answers: {
    200: {
      description: 'Those that fit, by id',
      positioned: true,
      schema: schemas.Instances,
      examples: { two: { instances: [examples.instance] }, none: { instances: [] } },
    },
  },
  failures: [400],
})

export const removeInstance = describe({
  id: 'removeInstance',
  tag: 'instances',
  summary: 'Remove an instance, wherever it was registered',
  params: idOf('instance', examples.instance.id),
  answers: { 204: { description: 'Removed, and it does not come back' } },
  failures: [400, 404],
})

export const saveDefinition = describe({
  id: 'saveDefinition',
  tag: 'definitions',
  summary: 'Save a definition, replacing the whole of an earlier one',
  body: { required: true, schema: schemas.SavedDefinition, examples: { web: { definition: examples.definition } } },
  answers: { 201: { description: 'Saved, and on disk', schema: schemas.Saved, examples: { saved: {} } } },
  failures: [400, 409, 413],
})

export const listDefinitions = describe({
  id: 'listDefinitions',
  tag: 'definitions',
  summary: 'List all definitions, as they were saved',
  answers: {
    200: {
      description: 'By id',
      schema: schemas.Definitions,
      examples: { one: { definitions: [examples.definition] } },
    },
  },
})

export const removeDefinition = describe({
  id: 'removeDefinition',
  tag: 'definitions',
  summary: 'Remove a definition',
  params: idOf('definition', examples.definition.id),
  answers: { 204: { description: 'Removed' } },
  failures: [400, 404],
})

export const listNodes = describe({
  id: 'listNodes',
  tag: 'nodes',
  summary: 'List the living nodes',
  description: 'All of them where the body is empty, null, {} or has an empty list.',
  body: {
    required: false,
    schema: json.anyOf([schemas.NodeIds, json.nothing()]),
    examples: { all: {}, allToo: null, some: { ids: ['abc', 'def'] } },
  },
  answers: {
    200: {
      description: 'By id',
      positioned: true,
      schema: schemas.Nodes,
      examples: { one: { nodes: [examples.node] } },
    },
  },
  failures: [400, 413],
})

export const getSelfNode = describe({
  id: 'getSelfNode',
  tag: 'nodes',
  summary: 'The node of this daemon',
  answers: { 200: { description: 'The node', schema: schemas.SelfNode, examples: { self: { node: examples.node } } } },
})

export const removeNode = describe({
  id: 'removeNode',
  tag: 'nodes',
  summary: 'Forget a node, and all that is registered at it',
  description: 'A living node registers itself again by its next heartbeat. Needs a token that may `admin`.',
  params: json.object({
    url: json.string({
      description: 'of the node, percent-encoded; its peer id will do as well, where several nodes share a url',
      examples: ['http://10.0.0.5:58231'],
    }),
  }),
  answers: { 204: { description: 'Forgotten' } },
  failures: [400, 404, 409],
})

const anything = json.anything({ description: 'any JSON' })

export const echoQuery = describe({
  id: 'echoQuery',
  tag: 'health',
  summary: 'Have the query back',
  answers: {
    200: {
      description: 'Each parameter; what came several times as a list',
      schema: json.record(json.anyOf([json.string(), json.array(json.string())])),
      examples: { query: { a: '1', b: ['2', '3'] } },
    },
  },
})

export const echoBody = (method: 'POST' | 'PUT') =>
  describe({
    id: method === 'POST' ? 'echoPost' : 'echoPut',
    tag: 'health',
    summary: 'Have the body back',
    body: { required: true, schema: anything, examples: { object: { a: [1, null] } } },
    answers: { 200: { description: 'The same', schema: anything, examples: { object: { a: [1, null] } } } },
    failures: [400, 413],
  })
