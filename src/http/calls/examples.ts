/**
 * The examples of the OpenAPI document: one small cluster, the same in every call.
 */
export const instance = {
  id: 'inst_5d8a7f1e02b96c3d4e5f',
  url: 'http://10.0.0.7:8080/api',
  status: 'Healthy',
  slug: 'web',
  deploymentId: 'depl_1',
  scheme: 'http',
  host: '10.0.0.7',
  ip: '10.0.0.7',
  port: 8080,
  path: 'api',
  nodeUrl: 'http://10.0.0.5:58231',
  tags: ['blue'],
  lastHeartbeat: '2026-11-24T12:00:00.000Z',
} as const

const owner = '12D3KooWD1nSVtBVBjFr3JwSZ8MPGHYQCyX4Xs9AqUU9yBVaBr5A'
const other = '12D3KooWAyFDZHLhVGdMNXVVDCyGvJ4BErZQNLPkx9qYDv8DXFrN'

export const instanceRow = {
  ...instance,
  owner,
  nodeId: 'abc',
  n: 1,
  check: 'http:/healthz',
  lifetime: 'persistent',
  visible: true,
  fromHere: { reached: true, how: 'heartbeats', age_ms: 86_400 },
} as const
export const deadRow = {
  id: 'inst_0c1d2e3f405162738495',
  url: 'http://10.0.0.9:8080',
  status: 'Unknown',
  slug: 'web',
  owner: other,
  n: 3,
  check: 'tcp',
  lifetime: 'persistent',
  visible: false,
  why: 'node dead',
  reason: 'node-dead',
} as const

export const definition = {
  id: 'web-service',
  image: { name: 'example/web:1.2', internalPorts: [8080] },
  envars: [{ key: 'LOG_LEVEL', value: 'info' }],
  ports: [{ internal: 8080, host: 80 }],
  apiSpecs: [{ url: 'https://example.com/web.yaml', protocolType: 'OpenAPI', version: '1.2.0' }],
} as const

export const node = {
  id: 'abc',
  url: 'http://10.0.0.5:58231',
  region: 'eu',
  availabilityZone: 'eu-1',
  lastHeartbeat: '2026-11-24T12:00:00.000Z',
  usage: {
    cpu: { percent: 12.5 },
    memory: { used: 8_589_934_592, total: 34_359_738_368, percent: 25 },
    disk: { used: 107_374_182_400, total: 429_496_729_600, percent: 26.32 },
  },
  gpus: [
    {
      id: 'http://10.0.0.5:58231:0',
      intraNodeId: 0,
      name: 'NVIDIA GeForce RTX 3090',
      busId: '00000000:04:00.0',
      temperature: 51,
      performanceState: 'P8',
      powerUsage: 21.59,
      powerCap: 350,
      memoryUsage: 12_301,
      memoryTotal: 24_576,
      gpuUtilization: 0,
      computeMode: 'Default',
      processDetails: [{ pid: 13_012, processName: '/usr/bin/python3', memoryUsage: 12_290 }],
      cudaVersion: '12.2',
    },
  ],
} as const

export const readiness = { ready: true, reasons: [], degraded: false } as const
export const unready = {
  ready: false,
  reasons: ['joining: asking the others for what they know'],
  degraded: false,
} as const

export const self = {
  peer: owner,
  nodeId: 'abc',
  url: 'http://10.0.0.5:58231',
  cluster: 'default',
  version: '0.1.0',
  protocol: 2,
  generation: 1_795_521_600,
  http: 'http://127.0.0.1:58231',
  listen: ['/ip4/10.0.0.5/tcp/58232'],
  ready: readiness,
  alive: 2,
  uptime_ms: 90_000,
  dropped: { 'bad signature': 2 },
  state: {
    ...{ phase: 'ready', generation: 1_795_521_600, incarnation: 0, version: 12, epoch: 3, committing: false },
    ...{
      waitingForDisk: 0,
      entries: 4,
      entryBytes: 812,
      queuedCommands: 0,
      sessions: 0,
      documents: 1,
      declined: 0,
      copies_bytes: 17_942,
      unsavedDocuments: 0,
    },
    members: { unknown: 0, alive: 1, hidden: 0, dead: 0, left: 0 },
    ...{ connections: 1, requests: { sync: 0, pull: 0, push: 0, remove: 0 }, gaps: 0, waitingAnswers: 0 },
    degraded: false,
  },
} as const

const common = { incarnation: 0, version: 12, reportedBy: [], sameLabel: false } as const
export const members = [
  {
    ...common,
    peer: owner,
    nodeId: 'abc',
    url: node.url,
    self: true,
    state: 'alive',
    stateAge_ms: 90_000,
    generation: 7,
  },
  {
    ...common,
    peer: other,
    nodeId: 'def',
    self: false,
    state: 'hidden',
    stateAge_ms: 1500,
    why: 'reported silent by 1',
    heardAge_ms: 4000,
    generation: 9,
    load: 12.5,
    reportedBy: [owner],
  },
] as const

export const peer = {
  peer: other,
  nodeId: 'def',
  connected: true,
  address: '/ip4/10.0.0.6/tcp/58232',
  direction: 'outbound',
  connectedSince: '2026-11-24T11:59:00.000Z',
  roundTrip_ms: 0.4,
  streamsHealthy: true,
  heartbeats: 60,
  heartbeatAge_ms: 400,
  inStep: true,
} as const

export const digest = {
  digest: '5f1c0b6e',
  documents: [{ owner, generation: 7, version: 12, digest: '9b2e77aa' }],
} as const

export const eventStream = `id: 9f3c21aa-17
event: listening
data: {"at":"2026-11-24T11:59:30.000Z","type":"listening"}

id: 9f3c21aa-18
event: member
data: {"at":"2026-11-24T12:00:00.000Z","type":"member","peer":"${other}","nodeId":"def","from":"alive","to":"hidden","why":"2 of 2 observers report it silent"}

id: 9f3c21aa-19
event: instance
data: {"at":"2026-11-24T12:00:00.000Z","type":"instance","id":"inst_0c1d2e3f405162738495","slug":"web","change":"hidden"}

`

export const watchStream = `id: 9f3c21aa-17
event: list
data: {"slug":"web","degraded":false,"unknown":true,"instances":[]}

id: 9f3c21aa-18
event: list
data: {"slug":"web","degraded":false,"instances":[{"id":"inst_0c1d2e3f405162738495","slug":"web","url":"http://10.0.0.7:8080","status":"Healthy"}]}

`
