/**
 * Our own endpoints, as the OpenAPI document describes them.
 */
import { positionHeader } from '../../config/position.js'
import { AckQuery, Held, held } from '../ack-schemas.js'
import * as json from '../json-schema.js'
import { Counts } from '../count-schemas.js'
import { describe } from '../operation.js'
import { PickQuery } from '../pick-schemas.js'
import { PlacedNodes, PlacementQuery } from '../placement-schemas.js'
import * as schemas from '../schemas.js'
import { registered, slugHeader } from './contract.js'
import * as examples from './examples.js'

export const isWell = describe({
  id: 'isWell',
  tag: 'health',
  summary: 'Whether the process answers',
  open: true,
  answers: { 200: { description: 'It does', schema: schemas.Empty, examples: { well: {} } } },
})

export const isReady = describe({
  id: 'isReady',
  tag: 'health',
  summary: 'Whether what this daemon answers is the register of the cluster, and whether it takes writes',
  open: true,
  answers: {
    200: {
      description:
        'It is; `alone`: nobody else was reached, though it was told where to; `behind`: not all is here that others hold, since it has not come in time, or finds no room (`--copies-mib`)',
      schema: schemas.Readiness,
      examples: { ready: examples.readiness },
    },
    503: {
      description: 'Not yet, or not now: the reasons, one sentence each',
      schema: schemas.Unreadiness,
      examples: { joining: { error: `not ready: ${examples.unready.reasons[0]}`, ...examples.unready } },
    },
  },
})

const slugOf = json.object({ slug: json.string({ description: 'percent-encoded', examples: ['web'] }) })

/** How one is picked, and of how old a truth. */
const freshQuery = {
  ...PickQuery,
  properties: {
    ...PickQuery.properties,
    maxAge: json.string({
      description: 'rather none than an answer whose truth may be older, such as 2s; heartbeats come every second',
      examples: ['2s'],
    }),
  },
}

export const lookup = describe({
  id: 'lookup',
  tag: 'instances',
  summary: 'The instances of a slug, and one of them picked',
  description: `Answered from memory. \`picked\` goes round the instances of the best status there is, lookup by lookup, and moves
nobody's pick; parameters say how it is chosen, and leave the list as it is. A slug that nothing is registered as is a 404; one of
which nothing is visible has an empty list. With \`maxAge\` an older truth is a 503: of one of the home nodes nothing was heard for longer.`,
  params: slugOf,
  query: freshQuery,
  answers: {
    200: {
      description: 'What is visible',
      positioned: true,
      isAged: true,
      schema: schemas.Lookup,
      examples: {
        one: { slug: 'web', instances: [examples.instance], picked: examples.instance, degraded: false },
        none: { slug: 'web', instances: [], degraded: false },
      },
    },
  },
  failures: [400, 404],
})

export const pick = describe({
  id: 'pick',
  tag: 'instances',
  summary: 'The instance of a slug whose turn it is',
  description: `In turn, of those of the best status there is, whatever comes and goes between two picks. A slug that nothing is
registered as is a 404; without \`picked\` there is none to call. With \`port\` those count alone that have a port of that name, and
the url leads there; the path of an instance belongs to its own port, and goes where that is another one. What this node does not
reach itself comes last. With \`maxAge\` an older truth is a 503.`,
  params: slugOf,
  query: freshQuery,
  answers: {
    200: {
      description: 'It',
      schema: schemas.Pick,
      examples: {
        one: { slug: 'web', picked: examples.instance, degraded: false },
        none: { slug: 'web', degraded: false },
      },
    },
  },
  failures: [400, 404],
})

/** The same in calls of our own; `metadata.KEY` stands for any key. */
export const ownFilters = {
  ...schemas.InstanceFilters,
  properties: {
    ...schemas.InstanceFilters.properties,
    version: json.string({ description: 'of the service', examples: ['1.4.2'] }),
    zone: json.string({ description: 'its own, else that of its node', examples: ['eu-1'] }),
    'metadata.KEY': json.string({ description: 'what it says under that key, such as `metadata.team=blue`' }),
  },
}

export const listRows = describe({
  id: 'listInstanceRows',
  tag: 'instances',
  summary: 'Every instance record that is known, with what decides whether it is visible',
  description: 'An empty filter fits what has nothing there: `slug=` asks for those without a slug.',
  query: ownFilters,
  answers: {
    200: {
      description: 'Those that fit, by id',
      positioned: true,
      schema: schemas.InstanceRows,
      examples: { two: { instances: [examples.instanceRow, examples.deadRow] } },
    },
  },
  failures: [400],
})

const idInQuery = (what: string, example: string) =>
  json.object({ id: json.string({ description: `of the ${what}`, examples: [example] }) })

const instanceIdInQuery = idInQuery('instance', '..')

const { $id: _, ...registeredAnywhere } = schemas.Registered
const RegisteredHere = {
  ...registeredAnywhere,
  properties: { ...schemas.Registered.properties, ...Held.properties },
}

export const putInstance = describe({
  id: 'putInstance',
  tag: 'instances',
  summary: 'Register an instance, or register it again, in words of our own',
  description: `As \`PUT /registry-svc/instance\`, but strict: a field that does not exist is refused with what was meant, and an empty
string, like \`null\`, \`[]\` and \`{}\`, says that there is none: what was there goes. What is not said stays.`,
  query: AckQuery,
  headers: slugHeader,
  body: {
    required: true,
    schema: schemas.OwnRegistration,
    examples: {
      byUrl: { url: 'http://10.0.0.7:8080/api', slug: 'web', deploymentId: 'depl_1', tags: ['blue'] },
      withoutTags: { url: 'http://10.0.0.7:8080/api', slug: 'web', deploymentId: null, tags: [] },
    },
  },
  answers: {
    201: {
      ...registered[201],
      schema: RegisteredHere,
      examples: { id: { id: examples.instance.id }, held: { id: examples.instance.id, acks: 2 } },
    },
  },
  failures: [400, 404, 409, 413],
})

export const removeInstanceById = describe({
  id: 'removeInstanceById',
  tag: 'instances',
  summary: 'Remove an instance, whatever its id is',
  description: `As \`DELETE /registry-svc/instance/{id}\`, which cannot name \`.\` and \`..\`: ids of older records may be such.`,
  query: { ...instanceIdInQuery, properties: { ...instanceIdInQuery.properties, ...AckQuery.properties } },
  answers: { ...held, 204: { description: 'Removed, and it does not come back' } },
  failures: [400, 404],
})

export const removeDefinitionById = describe({
  id: 'removeDefinitionById',
  tag: 'definitions',
  summary: 'Remove a definition, whatever its id is',
  description: `As \`DELETE /registry-svc/definition/{id}\`, which cannot name \`.\` and \`..\`: ids of older records may be such.`,
  query: idInQuery('definition', '..'),
  answers: { 204: { description: 'Removed' } },
  failures: [400, 404],
})

export const getSelf = describe({
  id: 'getSelf',
  tag: 'cluster',
  summary: 'What this daemon is',
  answers: { 200: { description: 'Itself', schema: schemas.Self, examples: { self: examples.self } } },
})

export const getCounts = describe({
  id: 'getCounts',
  tag: 'cluster',
  summary: 'How many instances there are, as this daemon sees them',
  answers: {
    200: {
      description: 'Counted when asked',
      schema: Counts,
      examples: { some: { instances: { visible: { Healthy: 41, Unreachable: 1 }, notVisible: 3 } } },
    },
  },
})

export const listPeers = describe({
  id: 'listPeers',
  tag: 'cluster',
  summary: 'The daemons that this one is or was connected to, and how far they agree with it',
  answers: {
    200: {
      description: 'The connected ones first',
      schema: schemas.Peers,
      examples: {
        one: { inStep: true, degraded: false, summary: 'in step with 1 of 1 connected peers', peers: [examples.peer] },
      },
    },
  },
})

export const listMembers = describe({
  id: 'listMembers',
  tag: 'cluster',
  summary: 'What this daemon believes of every daemon of the cluster',
  answers: {
    200: {
      description: 'By peer id',
      positioned: true,
      schema: schemas.Members,
      examples: { two: { members: examples.members } },
    },
  },
})

export const getDigest = describe({
  id: 'getDigest',
  tag: 'cluster',
  summary: 'A digest of all that this daemon holds',
  description: 'Equal on two daemons exactly where they hold the same.',
  answers: {
    200: { description: 'Of all, and of each document', schema: schemas.Digest, examples: { digest: examples.digest } },
  },
})

export const pickNodes = describe({
  id: 'pickNodes',
  tag: 'nodes',
  summary: 'The living nodes with the most room',
  description: `By their own figures, which travel with the heartbeats: taken every few seconds, and never written. Those without a
figure come last. Nothing is reserved: whoever asks again a moment later is told the same.`,
  query: PlacementQuery,
  answers: {
    200: {
      description: 'The most room first',
      schema: PlacedNodes,
      examples: { memory: { nodes: [{ ...examples.node, room: 25_769_803_776, roomAge_ms: 2140 }] } },
    },
  },
  failures: [400],
})

export const leave = describe({
  id: 'leave',
  tag: 'cluster',
  summary: 'Say goodbye to the cluster, and stop this daemon',
  description: 'Needs a token that may `admin`.',
  body: {
    required: false,
    schema: json.anyOf([schemas.Leaving, json.nothing()]),
    examples: { forGood: {}, forGoodToo: null, forRestart: { restart: true } },
  },
  answers: { 200: { description: 'The goodbye is out', schema: schemas.Empty, examples: { left: {} } } },
})

export const events = describe({
  id: 'listenToEvents',
  tag: 'cluster',
  summary: 'What happens to members and instances, as it happens',
  description: `Server-sent events: \`id\`, \`event\` (\`listening\`, \`member\`, \`instance\` or \`reset\`) and \`data\`, the JSON of a
ListeningNews, a MemberNews, an InstanceNews or a ResetNews. The first is \`listening\`: all that happens after its id will be told.
With an id to go on after (\`Last-Event-ID\`, or \`after\`: the id of an event, or the \`${positionHeader}\` of an answer) what happened
since comes next; where that is no more known, a \`reset\` says that everything has to be read anew. A comment every 5 s shows that
the line is open; the id beside it says how far what was not asked for went. A client that does not read, or that is not there any
more, is cut off, and the stream ends with the token that it was opened with. Beyond \`--max-watchers\` streams the answer is 503.`,
  query: schemas.EventQuery,
  headers: json.object({
    'last-event-id': json.optional(
      json.string({ description: 'the id of the last event heard; wins over `after`', examples: ['9f3c21aa-17'] }),
    ),
  }),
  answers: {
    200: {
      description: 'News without end',
      schema: json.string(),
      mediaType: 'text/event-stream',
      examples: { hidden: examples.eventStream },
    },
  },
  failures: [400],
})
