/**
 * The shapes that pass through the HTTP doors, as JSON Schema. They are documented, and the query of a request is checked by
 * them. Bodies are read by the parsers of the model, which know absent from empty; no response is altered by its schema.
 */
import { dialOutcomes } from '../core/words/dial-words.js'
import { drainedBy, draining, drainingSaid, ending } from './drain-schemas.js'
import * as json from './json-schema.js'
import { causes, labels, line, LinkFailure, Mdns, oddities, absence } from './link-schemas.js'
import { versions } from './version-schemas.js'
import { FromHere } from './reach-schemas.js'
import { lifetimes } from '../core/model/lifetime.js'
import { instanceStatuses } from '../core/model/model.js'
import { invisibleReasons, memberStates, sessionStates } from '../core/views.js'

/** Published clients refuse a field that they do not know inside these objects. Those with an id have a name of their own. */
const closed = { additionalProperties: false } as const
const { optional } = json
const moment = json.string({ format: 'date-time', description: 'RFC 3339' })
export const peerId = json.string({ description: "a daemon's libp2p peer id" })
const age_ms = json.number({ minimum: 0, description: 'milliseconds before this answer' })

export const InstanceStatus = json.words(instanceStatuses, { $id: 'InstanceStatus' })

const usageFields = {
  used: optional(json.integer({ description: 'bytes' })),
  total: optional(json.integer({ description: 'bytes' })),
  percent: optional(json.number()),
}

export const Usage = json.object(usageFields, { $id: 'Usage', ...closed })

const processFields = {
  pid: json.integer(),
  processName: json.string(),
  memoryUsage: json.integer({ description: 'MiB' }),
}

export const GpuProcess = json.object(processFields, { $id: 'GpuProcess', ...closed })

const gpuFields = {
  id: json.string({ description: '<node url>:<index>' }),
  intraNodeId: optional(json.integer()),
  name: optional(json.string()),
  busId: optional(json.string()),
  temperature: optional(json.number({ description: '°C' })),
  performanceState: optional(json.string()),
  powerUsage: optional(json.number({ description: 'W' })),
  powerCap: optional(json.number({ description: 'W' })),
  memoryUsage: optional(json.integer({ description: 'MiB' })),
  memoryTotal: optional(json.integer({ description: 'MiB' })),
  gpuUtilization: optional(json.number({ description: 'percent' })),
  computeMode: optional(json.string()),
  cudaVersion: optional(json.string()),
  processDetails: optional(json.array(GpuProcess)),
}

export const Gpu = json.object(gpuFields, { $id: 'Gpu', ...closed })

export const Node = json.object(
  {
    id: json.string(),
    url: json.string(),
    availabilityZone: optional(json.string()),
    region: optional(json.string()),
    lastHeartbeat: optional(moment),
    usage: optional(json.object({ cpu: optional(Usage), memory: optional(Usage), disk: optional(Usage) }, closed)),
    gpus: optional(json.array(Gpu)),
  },
  { $id: 'Node', ...closed },
)

const instanceFields = {
  id: json.string(),
  url: json.string(),
  status: InstanceStatus,
  slug: optional(json.string()),
  deploymentId: optional(json.string()),
  scheme: optional(json.string()),
  host: optional(json.string()),
  ip: optional(json.string()),
  port: optional(json.integer()),
  path: optional(json.string()),
  nodeUrl: optional(json.string()),
  details: optional(json.string()),
  tags: optional(json.array(json.string())),
  lastHeartbeat: optional(moment),
}

export const Instance = json.object(instanceFields, { $id: 'Instance', ...closed })

const traitFields = {
  metadata: optional(json.record(json.string())),
  ports: optional(json.record(json.integer(), { description: 'by what each is for' })),
  weight: optional(json.integer({ minimum: 0, maximum: 65_535, description: 'absent: 100' })),
  version: optional(json.string({ description: 'of the service' })),
  zone: optional(json.string({ description: 'its own, else that of its node' })),
}

const ofNode = optional(json.string({ description: 'of its node' }))

/** The same with all that it says of itself, which published clients do not know. */
export const OwnInstance = json.object(
  { ...instanceFields, ...traitFields, region: ofNode },
  { $id: 'OwnInstance', ...closed },
)

export const duration = json.string({ description: 'such as 500ms, 5s, 1m' })

const checkFields = {
  tcp: optional(json.object({})),
  http: optional(
    json.object({
      path: optional(json.string()),
      method: optional(json.words(['GET', 'HEAD'])),
      statuses: optional(json.array(json.string({ description: 'such as 200-399' }))),
      headers: optional(
        json.anyOf([json.record(json.string()), json.array(json.string())], {
          description: 'what a caller says is kept at the home node; what is shown are the names',
        }),
      ),
    }),
  ),
  grpc: optional(json.object({ service: optional(json.string()) })),
  reported: optional(json.object({})),
  none: optional(json.object({})),
  tls: optional(json.object({ verify: optional(json.boolean()), serverName: optional(json.string()) })),
  interval: optional(duration),
  timeout: optional(duration),
  startPeriod: optional(duration),
  failureThreshold: optional(json.integer({ minimum: 1, maximum: 10 })),
  successThreshold: optional(json.integer({ minimum: 1, maximum: 10 })),
  keepOpen: optional(json.boolean()),
}

/** In the short form, or the long one. */
export const Check = json.anyOf(
  [
    json.string({ description: 'tcp (the default), http:/path, https:/path, reported or none' }),
    json.object(checkFields),
  ],
  { $id: 'Check' },
)

/** An instance record with what decides whether it is visible. */
export const InstanceRow = json.object(
  {
    ...instanceFields,
    ...traitFields,
    region: ofNode,
    owner: peerId,
    nodeId: optional(json.string()),
    n: json.integer({ description: 'the registration number' }),
    check: Check,
    lifetime: json.words(lifetimes),
    ttl: optional(duration),
    grace: optional(duration),
    deregisterAfter: optional(duration),
    session: optional(json.string({ description: 'the public id of the session that it lives with' })),
    maintenance: optional(json.string({ description: 'why its owner hides it from lookups' })),
    drainedBy: optional(drainedBy),
    ending: optional(ending),
    visible: json.boolean(),
    why: optional(json.string({ description: 'why it is not visible, in words' })),
    reason: optional(json.words(invisibleReasons, { description: 'why it is not visible, for programs' })),
    pickable: optional(json.boolean({ description: 'a pick of its slug here may give it at present' })),
    degraded: optional(json.boolean({ description: 'not visible, but listed by lookups as last known, in doubt' })),
    fromHere: optional(FromHere),
  },
  { $id: 'InstanceRow' },
)

/** Opaque but for its id. */
export const Definition = json.object({ id: json.string() }, { $id: 'Definition', additionalProperties: true })

export const nullable = (schema: json.Schema): json.Schema => json.anyOf([schema, json.nothing()])

const publishedFields = {
  id: optional(json.string()),
  url: optional(json.string({ description: 'or give scheme, host or ip, port and path' })),
  slug: optional(nullable(json.string())),
  deploymentId: optional(nullable(json.string())),
  scheme: optional(json.string()),
  host: optional(json.string()),
  ip: optional(json.string()),
  port: optional(json.integer({ minimum: 0, maximum: 65_535, description: '0 counts as absent' })),
  path: optional(json.string()),
  tags: optional(json.array(json.string())),
  check: optional(json.string({ description: 'tcp (the default), http:/path, https:/path, reported or none' })),
}

/** One of `url`, `host` and `ip` is required. What is not said stays as it was; `[]` and `null` say that there is none. */
export const Registration = json.object(publishedFields, { $id: 'Registration' })

/** The same in words of our own. */
export const OwnRegistration = json.object(
  {
    ...publishedFields,
    check: optional(nullable(Check)),
    lifetime: optional(nullable(json.words(lifetimes))),
    session: optional(nullable(json.string({ description: 'the secret of the session that it lives with' }))),
    draining: optional(drainingSaid),
    ttl: optional(nullable(duration)),
    grace: optional(nullable(duration)),
    deregisterAfter: optional(nullable(duration)),
    metadata: optional(nullable(json.record(json.string()))),
    ports: optional(nullable(json.record(json.integer()))),
    weight: optional(nullable(json.integer({ minimum: 0, maximum: 65_535 }))),
    version: optional(nullable(json.string())),
    zone: optional(nullable(json.string())),
  },
  { $id: 'OwnRegistration' },
)

/** Nothing at all will do. */
export const Maintenance = json.object(
  { reason: optional(json.string({ description: 'for those who wonder' })) },
  { $id: 'Maintenance' },
)

export const SessionOpening = json.object(
  {
    secret: optional(json.string({ description: 'of a session that is to be opened again' })),
    grace: optional(duration),
  },
  { $id: 'SessionOpening' },
)

export const SessionSecret = json.object({ secret: json.string() }, { $id: 'SessionSecret' })

export const Session = json.object(
  {
    id: json.string({ description: 'the public one; registrations and this call name its secret' }),
    state: json.words(sessionStates, {
      description: 'restored: of before a start of this daemon, and not opened again yet',
    }),
    holder: optional(json.string({ description: 'the token that opened it' })),
    grace: duration,
    heardAge_ms: optional(age_ms),
    instances: json.integer({ description: 'how many live with it' }),
  },
  { $id: 'Session' },
)

export const Sessions = json.object({ sessions: json.array(Session) })

export const Failure = json.object(
  { error: json.string({ description: 'what was wrong, which field, what to do' }) },
  { $id: 'Failure' },
)

export const InstanceFilters = json.object({
  slug: optional(json.string({ examples: ['web'] })),
  deploymentId: optional(json.string({ examples: ['depl_1'] })),
  host: optional(json.string({ examples: ['10.0.0.7'] })),
  ip: optional(json.string({ examples: ['10.0.0.7'] })),
  scheme: optional(json.string({ examples: ['http'] })),
  id: optional(json.string({ examples: ['inst_5d8a7f1e02b96c3d4e5f'] })),
  nodeUrl: optional(json.string({ description: 'of the home node', examples: ['http://10.0.0.5:58231'] })),
  tag: optional(
    json.anyOf([json.string({ examples: ['blue'] }), json.array(json.string())], {
      description: 'one of its tags; given several times, it has to have all of them',
    }),
  ),
  status: optional(json.words(instanceStatuses, { examples: ['Healthy'] })),
})

export const SavedDefinition = json.object({ definition: Definition })
export const NodeIds = json.object({ ids: optional(json.array(json.string())) })

export const Leaving = json.object({
  restart: optional(
    json.boolean({ description: 'back within half a minute: healthy instances of this node stay listed meanwhile' }),
  ),
})

const warnings = optional(
  json.array(json.string(), {
    description: 'what of the request was ignored, or is to be known of what was taken, one sentence each',
  }),
)

export const Registered = json.object({ id: json.string(), warnings }, { $id: 'Registered' })
export const Empty = json.object({})
export const Instances = json.object({ instances: json.array(Instance), warnings })
export const InstanceRows = json.object({ instances: json.array(InstanceRow) })
export const Saved = json.object({ warnings })
export const Definitions = json.object({ definitions: json.array(Definition), warnings })
export const Nodes = json.object({ nodes: json.array(Node), warnings })
export const SelfNode = json.object({ node: Node, warnings })

export const Lookup = json.object(
  {
    slug: json.string(),
    instances: json.array(OwnInstance),
    picked: optional(OwnInstance),
    degraded: json.boolean({ description: 'last-known instances: this daemon has lost sight of most of the cluster' }),
  },
  { $id: 'Lookup' },
)

const degraded = json.boolean({
  description: 'it has lost sight of most of the cluster: lookups list what was last known',
})
export const Pick = json.object(
  {
    slug: json.string(),
    picked: optional(OwnInstance),
    degraded: json.boolean({ description: 'a last-known instance: this daemon has lost sight of most of the cluster' }),
  },
  { $id: 'Pick' },
)

const howReady = { ready: json.boolean(), reasons: json.array(json.string()), causes, degraded }
export const Readiness = json.object(
  { ...howReady, alone: optional(json.boolean()), behind: optional(json.boolean()) },
  { $id: 'Readiness' },
)
/** A failure that is also an answer. */
export const Unreadiness = json.object({ error: json.string(), ...howReady }, { $id: 'Unreadiness' })

const count = json.integer()
const point = json.object({ generation: count, version: count })

export const State = json.object(
  {
    phase: json.string({ description: 'restoring, starting, joining, stale, opening, ready, or muted' }),
    otherAt: optional(json.string({ description: 'where the other daemon with its key is, while it is muted' })),
    generation: count,
    incarnation: count,
    parent: optional(point),
    version: count,
    epoch: count,
    committing: json.boolean({ description: 'a commit is on its way to the disk' }),
    refusal: optional(json.string({ description: 'why the disk refused the last commit' })),
    waitingForDisk: count,
    entries: count,
    entryBytes: count,
    ...{ queuedCommands: count, sessions: count },
    documents: json.integer({ description: 'held of others' }),
    declined: json.integer({ description: 'others for whose records there is no room: only their heads are known' }),
    copies_bytes: json.integer({ description: 'memory that what is held of others takes, by estimate' }),
    unsavedDocuments: count,
    members: json.record(count, { description: 'others, by what is believed of them' }),
    connections: count,
    requests: json.record(count, { description: 'questions to peers that are not closed yet' }),
    gaps: count,
    waitingAnswers: count,
    degraded: json.boolean(),
  },
  { $id: 'State' },
)

export const Self = json.object(
  {
    peer: peerId,
    nodeId: json.string(),
    url: json.string(),
    cluster: json.string(),
    version: json.string(),
    protocol: json.integer(),
    generation: json.integer(),
    ...{ http: optional(json.string()), dns: optional(json.string()) },
    listen: json.array(json.string({ description: 'multiaddr' })),
    ready: Readiness,
    alive: json.integer({ description: 'members believed alive, this one included' }),
    uptime_ms: json.number(),
    dropped: json.record(json.number(), { description: 'what was dropped, by reason' }),
    state: State,
  },
  { $id: 'Self' },
)

const dial = optional(
  json.words(dialOutcomes, {
    description:
      'what its last dial came to: refused, its process is gone; no-answer, its machine or the line to it is down; silent, its process is frozen or stuck',
  }),
)

export const Member = json.object(
  {
    peer: peerId,
    nodeId: optional(json.string()),
    url: optional(json.string()),
    self: json.boolean(),
    state: json.words(memberStates),
    stateAge_ms: age_ms,
    heardAge_ms: optional(age_ms),
    generation: json.integer(),
    incarnation: json.integer(),
    version: json.integer(),
    load: optional(json.number({ description: 'percent of CPU' })),
    why: optional(json.string({ description: 'how it came to this state, in words' })),
    ...oddities,
    reportedBy: json.array(peerId),
    dial,
    ...{ sameLabel: json.boolean(), labels, ...absence },
    draining: optional(draining),
    ...versions,
  },
  { $id: 'Member' },
)

export const Members = json.object({ members: json.array(Member) })

export const Peer = json.object(
  {
    peer: peerId,
    nodeId: optional(json.string()),
    connected: json.boolean(),
    address: optional(json.string()),
    direction: optional(json.words(['inbound', 'outbound'])),
    connectedSince: optional(moment),
    roundTrip_ms: optional(json.number()),
    streamsHealthy: json.boolean(),
    ...line,
    lastError: optional(json.string()),
    dial,
    ...oddities,
    heartbeats: json.integer(),
    heartbeatAge_ms: optional(age_ms),
    inStep: optional(json.boolean()),
    outOfStep_ms: optional(age_ms),
    lastSyncAge_ms: optional(age_ms),
    lastSyncBrought: optional(json.integer()),
    lastSyncTook: optional(json.integer()),
    ...versions,
  },
  { $id: 'Peer' },
)

export const Peers = json.object({
  inStep: json.boolean(),
  degraded,
  summary: json.string(),
  peers: json.array(Peer),
  failures: optional(json.array(LinkFailure)),
  mdns: optional(json.array(Mdns)),
})

export const Digest = json.object(
  {
    digest: json.string(),
    documents: json.array(
      json.object({ owner: peerId, generation: json.integer(), version: json.integer(), digest: json.string() }),
    ),
  },
  { $id: 'Digest' },
)

// ---- news, as they stand in the data of server-sent events

export const MemberNews = json.object(
  {
    at: moment,
    type: json.word('member'),
    peer: peerId,
    nodeId: optional(json.string()),
    from: json.words(memberStates),
    to: json.words(memberStates),
    why: json.string(),
  },
  { $id: 'MemberNews' },
)

export const InstanceNews = json.object(
  {
    at: moment,
    type: json.word('instance'),
    id: json.string(),
    slug: optional(json.string()),
    change: json.words(['shown', 'changed', 'hidden']),
    instance: optional(Instance),
  },
  { $id: 'InstanceNews' },
)

/** The first of every stream: what happens after its id will be told. */
export const ListeningNews = json.object({ at: moment, type: json.word('listening') }, { $id: 'ListeningNews' })

/** What went before is lost: read everything anew. */
export const ResetNews = json.object({ at: moment, type: json.word('reset') }, { $id: 'ResetNews' })

export const EventQuery = json.object({
  slug: optional(
    json.string({ description: 'news of its instances alone; empty: of those that have none', examples: ['web'] }),
  ),
  type: optional(json.words(['member', 'instance'], { examples: ['instance'] })),
  after: optional(
    json.string({
      description: 'the id of an event, or the position of an answer, to go on from',
      examples: ['9f3c21aa-17'],
    }),
  ),
})
