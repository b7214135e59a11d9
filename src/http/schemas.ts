/**
 * The shapes that pass through the HTTP doors, as JSON Schema: what is documented, and what the query of a request is checked by.
 * Bodies are read by the parsers of the model, which know absent from empty; no response is altered by its schema.
 */
import { Type } from 'typebox'
import { instanceStatuses } from '../core/model.js'
import { invisibleReasons, memberStates } from '../core/views.js'

/** Published clients refuse a field that they do not know inside these objects. Those with an id have a name of their own. */
const closed = { additionalProperties: false } as const
const optional = Type.Optional
const moment = Type.String({ format: 'date-time', description: 'RFC 3339' })
const peerId = Type.String({ description: "a daemon's libp2p peer id" })
const age_ms = Type.Number({ minimum: 0, description: 'milliseconds before this answer' })

export const InstanceStatus = Type.Enum([...instanceStatuses], { $id: 'InstanceStatus', type: 'string' })

const usageFields = {
  used: optional(Type.Integer({ description: 'bytes' })),
  total: optional(Type.Integer({ description: 'bytes' })),
  percent: optional(Type.Number()),
}

export const Usage = Type.Object(usageFields, { $id: 'Usage', ...closed })

const processFields = {
  pid: Type.Integer(),
  processName: Type.String(),
  memoryUsage: Type.Integer({ description: 'MiB' }),
}

export const GpuProcess = Type.Object(processFields, { $id: 'GpuProcess', ...closed })

const gpuFields = {
  id: Type.String({ description: '<node url>:<index>' }),
  intraNodeId: optional(Type.Integer()),
  name: optional(Type.String()),
  busId: optional(Type.String()),
  temperature: optional(Type.Number({ description: '°C' })),
  performanceState: optional(Type.String()),
  powerUsage: optional(Type.Number({ description: 'W' })),
  powerCap: optional(Type.Number({ description: 'W' })),
  memoryUsage: optional(Type.Integer({ description: 'MiB' })),
  memoryTotal: optional(Type.Integer({ description: 'MiB' })),
  gpuUtilization: optional(Type.Number({ description: 'percent' })),
  computeMode: optional(Type.String()),
  processDetails: optional(Type.Array(GpuProcess)),
  cudaVersion: optional(Type.String()),
}

export const Gpu = Type.Object(gpuFields, { $id: 'Gpu', ...closed })

export const Node = Type.Object(
  {
    id: Type.String(),
    url: Type.String(),
    availabilityZone: optional(Type.String()),
    region: optional(Type.String()),
    lastHeartbeat: optional(moment),
    usage: optional(Type.Object({ cpu: optional(Usage), memory: optional(Usage), disk: optional(Usage) }, closed)),
    gpus: optional(Type.Array(Gpu)),
  },
  { $id: 'Node', ...closed },
)

const instanceFields = {
  id: Type.String(),
  url: Type.String(),
  status: InstanceStatus,
  slug: optional(Type.String()),
  deploymentId: optional(Type.String()),
  scheme: optional(Type.String()),
  host: optional(Type.String()),
  ip: optional(Type.String()),
  port: optional(Type.Integer()),
  path: optional(Type.String()),
  nodeUrl: optional(Type.String()),
  details: optional(Type.String()),
  tags: optional(Type.Array(Type.String())),
  lastHeartbeat: optional(moment),
}

export const Instance = Type.Object(instanceFields, { $id: 'Instance', ...closed })

/** An instance record with what decides whether it is visible. */
export const InstanceRow = Type.Object(
  {
    ...instanceFields,
    owner: peerId,
    nodeId: optional(Type.String()),
    n: Type.Integer({ description: 'the registration number' }),
    check: Type.String({ description: 'how its home node checks it: tcp, http:/path, https:/path or none' }),
    maintenance: optional(Type.String({ description: 'why its owner hides it from lookups' })),
    visible: Type.Boolean(),
    why: optional(Type.String({ description: 'why it is not visible, in words' })),
    reason: optional(Type.Enum([...invisibleReasons], { description: 'why it is not visible, for programs' })),
  },
  { $id: 'InstanceRow' },
)

/** Opaque but for its id. */
export const Definition = Type.Object({ id: Type.String() }, { $id: 'Definition', additionalProperties: true })

/** One of `url`, `host` and `ip` is required; empty strings and nulls count as absent. */
export const Registration = Type.Object(
  {
    id: optional(Type.String()),
    url: optional(Type.String({ description: 'or give scheme, host or ip, port and path' })),
    slug: optional(Type.String()),
    deploymentId: optional(Type.String()),
    scheme: optional(Type.String()),
    host: optional(Type.String()),
    ip: optional(Type.String()),
    port: optional(Type.Integer({ minimum: 0, maximum: 65_535, description: '0 counts as absent' })),
    path: optional(Type.String()),
    tags: optional(Type.Array(Type.String())),
    check: optional(Type.String({ description: 'tcp (the default), http:/path, https:/path or none' })),
  },
  { $id: 'Registration' },
)

/** Nothing at all will do. */
export const Maintenance = Type.Object(
  { reason: optional(Type.String({ description: 'for those who wonder' })) },
  { $id: 'Maintenance' },
)

export const Failure = Type.Object(
  { error: Type.String({ description: 'what was wrong, which field, what to do' }) },
  { $id: 'Failure' },
)

export const InstanceFilters = Type.Object({
  slug: optional(Type.String({ examples: ['web'] })),
  deploymentId: optional(Type.String({ examples: ['depl_1'] })),
  host: optional(Type.String({ examples: ['10.0.0.7'] })),
  ip: optional(Type.String({ examples: ['10.0.0.7'] })),
  scheme: optional(Type.String({ examples: ['http'] })),
  id: optional(Type.String({ examples: ['inst_5d8a7f1e02b96c3d4e5f'] })),
  nodeUrl: optional(Type.String({ description: 'of the home node', examples: ['http://10.0.0.5:58231'] })),
  tag: optional(Type.String({ description: 'one of its tags', examples: ['blue'] })),
  status: optional(Type.Enum([...instanceStatuses], { type: 'string', examples: ['Healthy'] })),
})

export const SavedDefinition = Type.Object({ definition: Definition })
export const NodeIds = Type.Object({ ids: optional(Type.Array(Type.String())) })

export const Leaving = Type.Object({
  restart: optional(
    Type.Boolean({ description: 'back within half a minute: healthy instances of this node stay listed meanwhile' }),
  ),
})

export const Registered = Type.Object({ id: Type.String() }, { $id: 'Registered' })
export const Empty = Type.Object({})
export const Instances = Type.Object({ instances: Type.Array(Instance) })
export const InstanceRows = Type.Object({ instances: Type.Array(InstanceRow) })
export const Definitions = Type.Object({ definitions: Type.Array(Definition) })
export const Nodes = Type.Object({ nodes: Type.Array(Node) })
export const SelfNode = Type.Object({ node: Node })

export const Lookup = Type.Object(
  {
    slug: Type.String(),
    instances: Type.Array(Instance),
    picked: optional(Instance),
    degraded: Type.Boolean({ description: 'last-known instances: this daemon has lost sight of most of the cluster' }),
  },
  { $id: 'Lookup' },
)

export const Readiness = Type.Object(
  { ready: Type.Boolean(), reasons: Type.Array(Type.String()) },
  { $id: 'Readiness' },
)

/** A failure that is also an answer. */
export const Unreadiness = Type.Object(
  { error: Type.String(), ready: Type.Boolean(), reasons: Type.Array(Type.String()) },
  { $id: 'Unreadiness' },
)

export const Self = Type.Object(
  {
    peer: peerId,
    nodeId: Type.String(),
    url: Type.String(),
    cluster: Type.String(),
    version: Type.String(),
    generation: Type.Integer(),
    http: optional(Type.String()),
    listen: Type.Array(Type.String({ description: 'multiaddr' })),
    ready: Readiness,
    alive: Type.Integer({ description: 'members believed alive, this one included' }),
    uptime_ms: Type.Number(),
    dropped: Type.Record(Type.String(), Type.Number(), { description: 'what was dropped, by reason' }),
  },
  { $id: 'Self' },
)

const trouble = optional(
  Type.String({
    description: 'what is odd about its records lately: started from a backup, or a clone runs with its key',
  }),
)

export const Member = Type.Object(
  {
    peer: peerId,
    nodeId: optional(Type.String()),
    url: optional(Type.String()),
    self: Type.Boolean(),
    state: Type.Enum([...memberStates]),
    stateAge_ms: age_ms,
    heardAge_ms: optional(age_ms),
    generation: Type.Integer(),
    incarnation: Type.Integer(),
    version: Type.Integer(),
    load: optional(Type.Number({ description: 'percent of CPU' })),
    why: optional(Type.String({ description: 'how it came to this state, in words' })),
    trouble,
    reportedBy: Type.Array(peerId),
    sameLabel: Type.Boolean(),
  },
  { $id: 'Member' },
)

export const Members = Type.Object({ members: Type.Array(Member) })

export const Peer = Type.Object(
  {
    peer: peerId,
    nodeId: optional(Type.String()),
    connected: Type.Boolean(),
    address: optional(Type.String()),
    direction: optional(Type.Enum(['inbound', 'outbound'])),
    connectedSince: optional(moment),
    roundTrip_ms: optional(Type.Number()),
    streamsHealthy: Type.Boolean(),
    lastError: optional(Type.String()),
    trouble,
    heartbeats: Type.Integer(),
    heartbeatAge_ms: optional(age_ms),
    inStep: optional(Type.Boolean()),
    lastSyncAge_ms: optional(age_ms),
    lastSyncBrought: optional(Type.Integer()),
    lastSyncTook: optional(Type.Integer()),
  },
  { $id: 'Peer' },
)

export const Peers = Type.Object({ inStep: Type.Boolean(), summary: Type.String(), peers: Type.Array(Peer) })

export const Digest = Type.Object(
  {
    digest: Type.String(),
    documents: Type.Array(
      Type.Object({ owner: peerId, generation: Type.Integer(), version: Type.Integer(), digest: Type.String() }),
    ),
  },
  { $id: 'Digest' },
)

// ---- news, as they stand in the data of server-sent events

export const MemberNews = Type.Object(
  {
    at: moment,
    type: Type.Literal('member'),
    peer: peerId,
    nodeId: optional(Type.String()),
    from: Type.Enum([...memberStates], { type: 'string' }),
    to: Type.Enum([...memberStates], { type: 'string' }),
    why: Type.String(),
  },
  { $id: 'MemberNews' },
)

export const InstanceNews = Type.Object(
  {
    at: moment,
    type: Type.Literal('instance'),
    id: Type.String(),
    slug: optional(Type.String()),
    change: Type.Enum(['shown', 'changed', 'hidden'], { type: 'string' }),
    instance: optional(Instance),
  },
  { $id: 'InstanceNews' },
)

/** What went before is lost: read everything anew. */
export const ResetNews = Type.Object({ at: moment, type: Type.Literal('reset') }, { $id: 'ResetNews' })

export const EventQuery = Type.Object({
  slug: optional(Type.String({ description: 'news of its instances alone', examples: ['web'] })),
  type: optional(Type.Enum(['member', 'instance'], { type: 'string', examples: ['instance'] })),
  after: optional(Type.String({ description: 'the id of an event, to resume after it', examples: ['9f3c21aa-17'] })),
})
