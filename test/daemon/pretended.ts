// A daemon that is none, behind a real page: it answers what a test has it answer, of clusters that no test could start.
import { readFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Entry, Finding, Member, Node, Row, Sight, Surveyed } from '../../src/http/ui/answers.js'

const built = fileURLToPath(new URL('../../dist/http/ui/', import.meta.url))
const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' }

export interface Scene {
  readonly members: readonly Member[]
  readonly nodes: readonly Node[]
  readonly rows: readonly Row[]
  readonly survey: readonly Surveyed[]
  readonly entries: readonly Entry[]
  readonly findings: readonly Finding[]
  readonly definitions: readonly { readonly id: string }[]
}

export class Pretended {
  readonly #server: Server
  readonly #streams = new Set<ServerResponse>()
  scene: Scene
  /** Asked for, where it is set. */
  token: string | undefined

  constructor(scene: Scene) {
    this.scene = scene
    this.#server = createServer((request, response) => {
      const path = (request.url ?? '/').replace(/\?.*/, '')
      if (path.startsWith('/ui')) return void this.#file(path, response)
      if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
        response.writeHead(401).end(JSON.stringify({ error: 'authorization: missing; send a token' }))
      } else if (path === '/v1/events') {
        this.#streams.add(response.writeHead(200, { 'content-type': 'text/event-stream' }))
        response.write('event: listening\ndata: {"type":"listening"}\n\n')
      } else {
        const answer = this.#answers()[path]
        response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? { error: 'none' }))
      }
    })
  }

  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#streams.clear()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get listeners(): number {
    return this.#streams.size
  }

  tell(event: { readonly type: string; readonly [field: string]: unknown }): void {
    const text = `event: ${event.type}\ndata: ${JSON.stringify({ at: new Date().toISOString(), ...event })}\n\n`
    for (const stream of this.#streams) stream.write(text)
  }

  #answers(): Record<string, unknown> {
    const { members, nodes, rows, survey, entries, findings, definitions } = this.scene
    const alive = members.filter(({ state }) => state === 'alive').length
    const ready = { ready: true, reasons: [], degraded: false }
    const peers = members
      .filter(({ self }) => !self)
      .map(({ peer, nodeId, state }) => ({ peer, nodeId, connected: state === 'alive' }))
    const from = new Date(Date.now() - 2_400_000).toISOString()
    return {
      '/v1/self': {
        nodeId: members.find(({ self }) => self)?.nodeId,
        version: '0.1.0',
        ready,
        alive,
        uptime_ms: 2_400_000,
      },
      '/v1/peers': { inStep: true, degraded: false, summary: `in step with ${alive - 1} of ${alive - 1} peers`, peers },
      '/v1/members': { members },
      '/v1/instances': { instances: rows },
      '/registry-svc/nodes': { nodes },
      '/registry-svc/definitions': { definitions },
      '/v1/survey': { at: new Date().toISOString(), by: members[0]?.nodeId, took_ms: 12, nodes: survey },
      '/v1/doctor': { findings },
      '/v1/history': { from, entries },
    }
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    const name = path === '/ui' ? 'index.html' : path.slice('/ui/'.length)
    const type = types[name.slice(name.lastIndexOf('.') + 1) as keyof typeof types]
    const bytes = await readFile(built + name).catch(() => undefined)
    response.writeHead(bytes === undefined ? 404 : 200, { 'content-type': type }).end(bytes)
  }
}

const zones = ['eu-1', 'eu-2', 'us-1']

export function member(i: number, said: Partial<Member> = {}): Member {
  const about = {
    peer: `peer-${i}`,
    nodeId: `node-${i}`,
    url: `http://10.0.0.${i}:58231`,
    self: i === 0,
    state: 'alive' as const,
  }
  return {
    ...about,
    stateAge_ms: 2_000_000,
    heardAge_ms: 400,
    generation: 1,
    incarnation: 0,
    version: 3,
    reportedBy: [],
    sameLabel: false,
    load: 12,
    ...said,
  }
}

export function row(id: string, slug: string, home: number, said: Partial<Row> = {}): Row {
  const about = {
    id,
    slug,
    url: `http://10.0.0.${home}:${8000 + home}/${slug}`,
    owner: `peer-${home}`,
    nodeId: `node-${home}`,
    host: `10.0.0.${home}`,
  }
  const checked = {
    status: 'Healthy' as const,
    check: 'http:/healthz' as const,
    lifetime: 'persistent' as const,
    n: 4,
    visible: true,
  }
  const { visible = true, status = 'Healthy', fromHere, weight } = said
  const isPicked = visible && status === 'Healthy' && fromHere?.reached !== false && weight !== 0
  return {
    ...about,
    ...checked,
    ...(isPicked && { pickable: true as const }),
    lastHeartbeat: '2026-11-29T12:00:00.000Z',
    fromHere: { reached: true, how: home === 0 ? 'home' : 'heartbeats', age_ms: 60_000 },
    ...said,
  }
}

/** So many nodes, where all is well, each seen by all but as a test says. */
export function nodesOf(
  count: number,
  sight: (from: number, to: number) => Partial<Sight> = () => ({}),
): Pick<Scene, 'members' | 'nodes' | 'survey'> {
  const all = Array.from({ length: count }, (_, i) => i)
  const zoneOf = (i: number): string => zones[i % zones.length]!
  const usage = (i: number) => ({
    cpu: { percent: (i * 37) % 100 },
    memory: { used: 2e9 * (1 + (i % 7)), total: 16e9, percent: 12.5 * (1 + (i % 7)) },
    disk: { used: 1e11, total: 5e11, percent: 20 },
  })
  const gpu = (i: number) => ({
    id: `g${i}`,
    name: 'RTX 3090',
    gpuUtilization: 45,
    memoryUsage: 12_000,
    memoryTotal: 24_576,
    temperature: 61,
    powerUsage: 210,
    powerCap: 350,
  })
  return {
    members: all.map((i) => member(i)),
    nodes: all.map((i) => ({
      id: `node-${i}`,
      url: `http://10.0.0.${i}:58231`,
      availabilityZone: zoneOf(i),
      region: 'eu',
      usage: usage(i),
      ...(i % 5 === 2 && { gpus: [gpu(0), gpu(1)] }),
    })),
    survey: all.map((i) => ({
      ...{
        id: `node-${i}`,
        peer: `peer-${i}`,
        zone: zoneOf(i),
        how: i === 0 ? ('self' as const) : ('answered' as const),
        software: '0.1.0',
        protocol: 1,
      },
      sees: all
        .filter((j) => j !== i && (count < 50 || Math.min((j - i + count) % count, (i - j + count) % count) < 5))
        .map((j): Sight => ({
          peer: `peer-${j}`,
          state: 'alive',
          since_ms: 2e6,
          link: 'open',
          rtt_ms: 0.4,
          ...sight(i, j),
        })),
    })),
  }
}
