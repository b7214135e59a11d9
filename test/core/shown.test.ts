// Which fields of an instance its views have: those that they say, and no other, wherever one comes from.
import { expect, test } from 'vitest'
import type { InstanceRecord } from '../../src/core/model/model.js'
import { factsOf, viewOfRecord, viewOfRow } from '../../src/core/shown.js'
import type { InstanceRow, InstanceView } from '../../src/core/views.js'
import { createTestRegistry } from '../../src/testing.js'

const view: Required<InstanceView> = {
  ...{ id: 'i', url: 'http://10.0.0.7:8080/api', slug: 'web', deploymentId: 'd', status: 'Healthy', details: 'fine' },
  ...{ scheme: 'http', host: 'h', ip: '10.0.0.7', port: 8080, path: '/api', tags: ['blue'], metadata: { team: 'a' } },
  ...{ ports: { metrics: 9464 }, weight: 50, version: '1', zone: 'z' },
  ...{ nodeUrl: 'http://n', region: 'r', lastHeartbeat: '2026-01-01T00:00:00Z' },
}

test('of a record and of a row each field is shown, or is not', () => {
  const { nodeUrl: _1, region: _2, lastHeartbeat: _3, ...ofItself } = view
  const kept = { check: 'tcp', grace: '5s', deregisterAfter: '1h', ttl: '10s' } as const
  const { status, details, ...said } = ofItself
  const record: Required<InstanceRecord> = {
    ...{ ...said, status, details, ...kept, lifetime: 'session', n: 4, stamp: 5, session: 'ses' },
    ...{ maintenance: 'disk', holds: { program: true } },
  }
  const row: Required<InstanceRow> = {
    ...{ ...view, ...kept, lifetime: 'session', n: 4, session: 'ses', maintenance: 'disk', owner: 'p', nodeId: 'n' },
    ...{
      drainedBy: ['node'],
      ending: { what: 'ttl passed', age_ms: 1, goesIn_ms: 1 },
      visible: true,
      degraded: true,
      pickable: true,
    },
    ...{ why: 'removed', reason: 'removed', fromHere: { how: 'home' } },
  }
  expect(viewOfRecord(record)).toEqual(ofItself)
  expect(viewOfRow(row)).toEqual(view)
  expect(factsOf(record)).toEqual({ ...said, ...kept, lifetime: 'session' })
  const later = { ...record, ofALaterVersion: 1 } as InstanceRecord
  expect([viewOfRecord(later), factsOf(later)]).toEqual([ofItself, { ...said, ...kept, lifetime: 'session' }])
})

test('whoever looks up sees no other one, by whichever call', async () => {
  const registry = createTestRegistry({ region: 'r', zone: 'z' })
  const news: (InstanceView | undefined)[] = []
  const following = (async () => {
    for await (const { event } of registry.events({ type: 'instance' }))
      if ('instance' in event && news.push(event.instance) > 1) return
  })()
  const { nodeUrl: _1, region: _2, lastHeartbeat: _3, status: _4, details: _5, scheme, host: _6, ...said } = view
  const { id } = await registry.registerSelf({
    ...{ ...said, scheme, host: said.ip, grace: '5s', deregisterAfter: '1h' },
    check: { http: { path: '/healthz' }, interval: '2s' },
  })
  await registry.advance('10s')
  await registry.setStatus(id, 'Degraded', { details: 'slow' })
  await following
  const looked = registry.lookup('web')
  const seen = [
    ...[...news, ...registry.instances().instances, ...(looked?.instances ?? []), looked?.picked, registry.pick('web')],
    ...[registry.pick('web', { port: 'metrics' }), ...(await registry.waitFor('web')).instances],
  ]
  expect(seen.length).toBeGreaterThan(6)
  for (const one of seen) {
    expect(one?.id).toBe(id)
    expect(Object.keys(one ?? {}).filter((name) => !(name in view))).toEqual([])
  }
})
