// What a Prometheus asks over HTTP: metrics, with a token or at a door of their own; instances as targets.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient } from '../../src/client.js'
import { createMetricsDoor, type MetricsDoor } from '../../src/http/metrics-door.js'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { targetOf, type TargetGroup } from '../../src/http/targets.js'
import { silentLog } from '../../src/log.js'
import { DoorCounts } from '../../src/metrics/doors.js'
import type { InstanceRow } from '../../src/core/views.js'
import { request, sendRaw, type RawAnswer } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

const doors = new DoorCounts()
let served: MemoryServer
let door: MetricsDoor
let doorUrl: string
beforeAll(async () => {
  served = await serveMemory({ doors })
  door = createMetricsDoor({
    ...{ service: () => served.service, log: silentLog(), host: '127.0.0.1', port: 0, allowedHosts: ['node.test'] },
  })
  doorUrl = (await door.start()).url
})
afterAll(async () => {
  await door.stop()
  await served.stop()
})

const ask = (line: string, headers: readonly string[] = []): Promise<RawAnswer> =>
  sendRaw(served.url, request(line, headers))

const targets = async (query = ''): Promise<readonly TargetGroup[]> => {
  const { status, body } = await ask(`GET /v1/prometheus/targets${query}`)
  expect([status, body]).toEqual([200, expect.any(String)])
  return JSON.parse(body) as TargetGroup[]
}

test('visible instances are targets, sick ones too, with all that can be relabelled by', async () => {
  expect(await targets()).toEqual([])
  await served.service.register({
    ...{ id: 'a', slug: 'web', url: 'https://10.0.0.1/app', tags: ['blue', 'new'], version: '1.2', zone: 'eu-1' },
    metadata: { 'team-name': 'blue', metricsPath: 'inner/metrics' },
    ports: { metrics: 9100 },
  })
  await served.service.act('a', { type: 'status', status: 'Error' })
  await served.service.register({ id: 'b', slug: 'api', url: 'grpc://[fd00::5]:50051' })
  await served.service.register({ id: 'c', slug: 'api', url: 'http://10.0.0.3' })
  await served.service.act('c', { type: 'maintenance', reason: 'r' })
  const [web, api, ...others] = await targets()
  expect(others).toEqual([])
  expect(web).toEqual({
    targets: ['10.0.0.1:443'],
    labels: {
      __scheme__: 'https',
      __metrics_path__: '/inner/metrics',
      __meta_rollcall_id: 'a',
      __meta_rollcall_slug: 'web',
      __meta_rollcall_status: 'Error',
      __meta_rollcall_tags: ',blue,new,',
      __meta_rollcall_metadata_team_name: 'blue',
      __meta_rollcall_metadata_metricsPath: 'inner/metrics',
      __meta_rollcall_node: 'abc',
      __meta_rollcall_node_url: 'http://10.0.0.5:58231',
      __meta_rollcall_version: '1.2',
      __meta_rollcall_zone: 'eu-1',
    },
  })
  expect(api).toMatchObject({ targets: ['[fd00::5]:50051'] })
  expect(Object.keys(api?.labels ?? {})).not.toContain('__scheme__')
  expect((await targets('?port=metrics')).map((group) => group.targets)).toEqual([['10.0.0.1:9100']])
  expect((await ask('GET /v1/prometheus/targets?port=')).body).toMatch(/"port: is empty/)
  expect((await targets('?tag=blue&slug=web')).length).toBe(1)
  expect((await ask('GET /v1/prometheus/targets?tags=blue')).status).toBe(400)
})

const well: InstanceRow = { id: 'a', url: 'http://10.0.0.1', status: 'Healthy' } as InstanceRow

test.each([
  ['/m?format=prometheus&q=a%20b', { __metrics_path__: '/m', __param_format: 'prometheus', __param_q: 'a b' }],
  ['m?a=1&a=2#top', { __metrics_path__: '/m', __param_a: '1' }],
  ['?only=1', { __param_only: '1' }],
  ['/m?name[]=up&ok=1', { __metrics_path__: '/m', __param_ok: '1' }],
  ['/m?', { __metrics_path__: '/m' }],
])('of the path %s what is asked by name has labels of its own, as far as labels can be called so', (path, labels) => {
  const all = targetOf({ ...well, metadata: { metricsPath: path } })?.labels ?? {}
  expect(Object.fromEntries(Object.entries(all).filter(([name]) => /^__(metrics|param)_/.test(name)))).toEqual(labels)
})

test('of metadata that become one label the one that is spelled so counts, else the first by name, in whatever order they come', () => {
  const label = (...keys: readonly string[]): string | undefined => {
    const metadata = Object.fromEntries(keys.map((key) => [key, key]))
    return targetOf({ ...well, metadata })?.labels['__meta_rollcall_metadata_a_b']
  }
  expect([label('a_b', 'a.b', 'a~b'), label('a~b', 'a.b', 'a_b')]).toEqual(['a_b', 'a_b'])
  expect([label('a~b', 'a.b'), label('a.b', 'a~b')]).toEqual(['a.b', 'a.b'])
})

test('what has no port is no target', () => {
  const row = { id: 'a', url: 'unix:/run/web.sock', status: 'Healthy' } as InstanceRow
  expect(targetOf(row)).toBeUndefined()
  expect(targetOf({ ...row, url: 'amqp://broker.test' })).toBeUndefined()
})

test('while the daemon is not sure it names none, so that those that were known are kept', async () => {
  served.service.ready = { ready: false, reasons: ['joining'], degraded: false }
  expect(await ask('GET /v1/prometheus/targets')).toMatchObject({ status: 503, body: '{"error":"not ready: joining"}' })
  served.service.ready = { ready: false, reasons: ['no space'], causes: ['disk'], degraded: false }
  expect((await ask('GET /v1/prometheus/targets')).status).toBe(200)
  served.service.ready = {
    ready: false,
    reasons: ['no space', 'joining'],
    causes: ['disk', 'joining'],
    degraded: false,
  }
  expect((await ask('GET /v1/prometheus/targets')).status).toBe(503)
  served.service.ready = { ready: true, reasons: [], degraded: true }
  expect((await ask('GET /v1/prometheus/targets')).status).toBe(503)
  served.service.ready = { ready: true, reasons: [], degraded: false }
})

test('metrics are text; where tokens are asked for they need one that may read, but at their own door', async () => {
  const { headers, body } = await ask('GET /metrics')
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(body).toContain('rollcall_ready 1')
  const sha256 = createHash('sha256').update('t').digest()
  const credentials = { tokens: [{ name: 'scraper', sha256, may: 'read' as const }] }
  const closed = await serveMemory({ credentials })
  const statusOf = async (path: string, lines: string[] = []): Promise<number> =>
    (await sendRaw(closed.url, request(`GET ${path}`, lines))).status
  expect([await statusOf('/metrics'), await statusOf('/v1/prometheus/targets')]).toEqual([401, 401])
  expect(await statusOf('/metrics', ['Authorization: Bearer t'])).toBe(200)
  await closed.stop()
})

test('at their own door there is nothing else, and no page gets in by a name of its own', async () => {
  const at = async (line: string, headers: readonly string[] = []): Promise<RawAnswer> =>
    sendRaw(doorUrl, request(line, headers))
  expect(await at('GET /metrics')).toMatchObject({ status: 200, body: expect.stringContaining('rollcall_ready 1') })
  expect((await at('GET /metrics', ['Host: node.test:9464'])).status).toBe(200)
  expect((await at('GET /metrics', ['Host: evil.test'])).status).toBe(403)
  for (const line of ['GET /', 'GET /v1/self', 'PUT /v1/instances', 'GET /registry-svc/instances', 'GET /healthz'])
    expect([line, await at(line)]).toEqual([
      line,
      expect.objectContaining({ status: 404, body: expect.stringMatching(/see GET \/metrics"/) as string }),
    ])
  expect((await at('POST /metrics')).status).toBe(405)
})

test('a door that cannot be opened says which option that is', async () => {
  const port = Number(new URL(doorUrl).port)
  const other = createMetricsDoor({
    ...{ service: () => served.service, log: silentLog(), host: '127.0.0.1', port, allowedHosts: [] },
  })
  await expect(other.start()).rejects.toThrow(/^metrics: .* in use .* with --metrics HOST:PORT \(ROLLCALL_METRICS\)$/)
  await other.stop()
})

test('calls are counted by their route, never by what was asked for; lookups by what was found', async () => {
  const before = new Map(doors.readLookups().map(({ labels, value }) => [labels['result'], value]))
  for (const path of [
    '/v1/lookup/api',
    '/v1/lookup/api?strategy=random',
    '/v1/pick/api',
    '/v1/lookup/nobody',
    '/nobody/knows',
  ])
    await ask(`GET ${path}`)
  await ask('GET /registry-svc/instances?slug=api')
  await ask('GET /registry-svc/instances?slug=nobody')
  const more = doors
    .readLookups()
    .map(({ labels, value }) => [labels['result'], value - (before.get(labels['result']) ?? 0)])
  expect(Object.fromEntries(more)).toEqual({ found: 4, empty: 0, unknown: 2 })
  const routes = new Set(
    doors.readRequests('d').map(({ labels }) => `${labels['method']} ${labels['route']} ${labels['code']}`),
  )
  expect([...routes]).toEqual(
    expect.arrayContaining(['GET /v1/lookup/:slug 200', 'GET /v1/lookup/:slug 404', 'any none 404']),
  )
  expect([...routes].filter((route) => route.includes('nobody'))).toEqual([])
})

test('a program sees what its calls come to, in a register of its own', async () => {
  const asked = await serveMemory()
  const answers = [200, 503]
  const server = createServer((_request, response) => response.writeHead(answers.shift() ?? 503).end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await asked.service.register({ id: 'a', slug: 'web', url: `http://127.0.0.1:${port}` })
  const register = new Registry()
  const client = createClient({ server: asked.url, metrics: { register } })
  const call = client.createFetch({ attempts: 2, backoff: 1 })
  expect([(await call('rollcall://web')).status, (await call('rollcall://web')).status]).toEqual([200, 503])
  await expect(client.call('nowhere')).rejects.toThrow('nothing is registered')
  await expect(client.call('web', '/', { signal: AbortSignal.abort() })).rejects.toThrow()
  const text = await register.metrics()
  for (const result of ['answered', 'refused', 'failed', 'aborted'])
    expect(text).toContain(`rollcall_calls_total{result="${result}"} 1`)
  expect(text).toContain('rollcall_call_attempts_total{result="answered"} 1')
  expect(text).toMatch(/rollcall_call_attempts_total\{result="refused"\} [12]/)
  expect(() => createClient({ metrics: { register: {} as never } })).toThrow('metrics: must be { register }')
  server.closeAllConnections()
  server.close()
  await asked.stop()
})
