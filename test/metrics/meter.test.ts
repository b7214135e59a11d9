// What is counted of a node, by what happens to it: in virtual time, so that figures are exact where they can be.
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { CallCounts } from '../../src/metrics/calls.js'
import { expositionOf } from '../../src/metrics/exposition.js'
import { showMetrics } from '../../src/metrics/register.js'
import { servicesBy, toldSlugs } from '../../src/metrics/services.js'
import { agree } from '../sim/stories/cluster.js'
import { metered, silentMetrics } from './metered.js'

const seconds = (n: number): number => n * 1000

test('a node that dies was hidden rightly, one that only paused was not; heartbeats came once a second', () => {
  const { world, read } = metered('abcd')
  agree(world)
  expect(read('a', 'members')).toEqual({ unknown: 0, alive: 4, hidden: 0, dead: 0, left: 0 })
  expect(read('a', 'member_hidings_total')).toEqual({ confirmed: 0, refuted: 0 })
  world.pause('b', seconds(4)) // longer than 2.3 s, and no more than 3 s beyond that
  world.run(seconds(20))
  expect(read('a', 'member_hidings_total')).toEqual({ confirmed: 0, refuted: 1 })
  world.crash('c')
  world.run(seconds(20))
  expect(read('a', 'member_hidings_total')).toEqual({ confirmed: 1, refuted: 1 })
  expect(read('a', 'members')).toMatchObject({ alive: 3, dead: 1 })
  const gaps = read('a', 'heartbeat_gap_seconds')
  expect(gaps['bucket,1.25']).toBeGreaterThan(60)
  expect(gaps['count'] as number).toBeLessThanOrEqual((gaps['bucket,1.5'] as number) + 1) // that of the pause
})

test('most of the cluster gone is a doubt; alone is ready', () => {
  const { world, read } = metered('abc')
  agree(world)
  expect([read('a', 'ready'), read('a', 'in_doubt')]).toEqual([{ '': 1 }, { '': 0 }])
  world.crash('b')
  world.crash('c')
  world.run(seconds(20))
  expect([read('a', 'ready'), read('a', 'in_doubt')]).toEqual([{ '': 1 }, { '': 1 }])
})

test('a neighbour that holds something else, and gives it to nobody, is out of step for as long as that lasts', () => {
  const { world, read } = metered('ab', { gossip: false })
  agree(world)
  expect(read('a', 'members_out_of_step_seconds')).toEqual({ '': 0 })
  world.command('b', { type: 'save-definition', definition: { id: 'd' } })
  const losing = new Set(['request', 'response', 'closed'])
  const b = world.machine('b')
  const { handle } = b.live
  b.live.handle = (input, at) => (losing.has(input.type) ? [] : handle.call(b.live, input, at))
  const a = world.machine('a')
  const handleA = a.live.handle
  a.live.handle = (input, at) => (losing.has(input.type) ? [] : handleA.call(a.live, input, at))
  world.run(seconds(30))
  expect(read('a', 'members_out_of_step_seconds')['']).toBeGreaterThan(10)
  b.live.handle = handle
  a.live.handle = handleA
  world.run(seconds(60))
  expect(read('a', 'members_out_of_step_seconds')).toEqual({ '': 0 })
})

test('own instances by status, services by what can be called, changes by their cause', () => {
  const { world, read } = metered('ab')
  agree(world)
  world.service('http://10.0.0.2', 'Unreachable')
  for (const at of ['1', '2']) world.register('a', { id: at, slug: 'web', url: `http://10.0.0.${at}` })
  world.register('b', { id: 'api', slug: 'api', url: 'http://10.0.0.9' })
  world.run(seconds(20))
  expect(read('a', 'instances')).toMatchObject({ Healthy: 1, Unreachable: 1 })
  expect(read('b', 'instances')).toMatchObject({ Healthy: 1, Unreachable: 0 }) // of two nodes the sum is true
  for (const node of ['a', 'b']) expect(read(node, 'services')).toEqual({ all: 1, some: 1, none: 0 })
  expect(read('a', 'instance_status_changes_total')).toEqual({ 'Healthy,check': 1, 'Unreachable,check': 1 })
  expect(read('a', 'checks_total')).toMatchObject({
    'tcp,Healthy': expect.any(Number),
    'tcp,Unreachable': expect.any(Number),
  })
  world.command('a', { type: 'act', id: '1', act: { type: 'status', status: 'Error' } })
  world.run(seconds(1))
  expect(read('a', 'instance_status_changes_total')).toMatchObject({ 'Error,report': 1 })
  expect(read('b', 'services')).toEqual({ all: 1, some: 0, none: 1 })
  expect(read('b', 'instance_status_changes_total')).toEqual({ 'Healthy,check': 1 })
  expect(read('a', 'check_delay_seconds')['count']).toBeGreaterThan(2)
  expect(read('a', 'check_delay_seconds')['bucket,0.1']).toBe(read('a', 'check_delay_seconds')['count'])
})

test('a disk that refuses is the reason why writes are; what was written took as long as the disk', () => {
  const { world, read } = metered('a', { fsync_ms: 30 })
  agree(world)
  const { 'bucket,0.025': before, count: commits } = read('a', 'commit_duration_seconds')
  expect([before, (commits as number) > 0]).toEqual([0, true])
  world.machine('a').disk.failure = 'disk full'
  for (const id of ['one', 'two']) {
    world.command('a', { type: 'save-definition', definition: { id } })
    world.run(seconds(1))
  }
  expect(read('a', 'writes_rejected_total')).toMatchObject({ disk: 2, muted: 0 })
})

test('what a disk refuses, again and again, takes no room there; it does once it is written', () => {
  const { world, read } = metered('a')
  agree(world)
  const bytes = (): number => read('a', 'bytes')[''] as number
  const before = bytes()
  world.machine('a').disk.failure = 'disk full'
  world.command('a', { type: 'save-definition', definition: { id: 'one' } })
  world.run(seconds(10))
  expect([before > 0, bytes()]).toEqual([true, before])
  world.machine('a').disk.failure = undefined
  world.run(seconds(3))
  const size = bytes() - before
  expect(size).toBeGreaterThan(0)
  expect(size).toBeLessThan(before * 2)
})

test('documents, their entries, what they take on disk', () => {
  const { world, read } = metered('ab')
  agree(world)
  world.register('b', { slug: 'web', url: 'http://10.0.0.1' })
  world.run(seconds(5))
  expect(read('a', 'documents')).toEqual({ '': 2 })
  expect(read('a', 'entries')).toEqual({ '': 3 }) // two nodes, one instance
  const ratio = read('a', 'bytes_over_live_bytes')[''] as number
  expect(ratio).toBeGreaterThan(1)
  expect(ratio).toBeLessThan(20)
  expect(read('a', 'gossip_messages_total')['in']).toBeGreaterThan(0)
  expect(read('a', 'sync_bytes_total')['in']).toBeGreaterThan(0)
  expect(read('a', 'heartbeat_messages_total')['out']).toBeGreaterThan(4)
})

test('services are told apart where that is wanted, as many as may be', () => {
  const { world, read } = metered('a', { bySlug: true })
  agree(world)
  for (let i = 0; i <= toldSlugs; i++)
    world.register('a', { slug: `s${String(i).padStart(3, '0')}`, url: `http://10.0.0.1:${i + 1}` })
  world.run(seconds(5))
  const services = read('a', 'services')
  expect(Object.keys(services)).toHaveLength(3 * (toldSlugs + 1))
  expect(services).toMatchObject({ 's000,all': 1, 's000,none': 0, 's199,all': 1, 'other,all': 1, 'other,some': 0 })
})

test('a service that is called as the rest is counts among the rest: no label is told twice', () => {
  const services = ['a', 'other', 'z'].map((slug) => [slug, slug === 'other' ? 'none' : 'all'] as const)
  const told = servicesBy(services, true).map(({ labels, value }) => [
    `${labels['slug']},${labels['availability']}`,
    value,
  ])
  expect(new Set(told.map(([label]) => label)).size).toBe(told.length)
  expect(Object.fromEntries(told)).toMatchObject({ 'a,all': 1, 'z,all': 1, 'other,all': 0, 'other,none': 1 })
})

test('a register shows a node until that has stopped, and two of them never', async () => {
  const register = new Registry()
  const hide = showMetrics(silentMetrics(), register)
  expect(await register.metrics()).toMatch(/^rollcall_ready [01]$/m)
  expect(() => showMetrics(silentMetrics(), register)).toThrow(/register: has a rollcall_ready already/)
  expect(await register.getMetricsAsJSON()).toContainEqual(expect.objectContaining({ name: 'rollcall_build_info' }))
  register.resetMetrics()
  hide()
  hide()
  expect(register.getMetricsAsArray()).toEqual([])
  showMetrics(silentMetrics(), register)
})

test('clients of one program count together', async () => {
  const register = new Registry()
  const [one, other] = [new CallCounts(), new CallCounts()]
  for (const { calls } of [one, other]) calls.add('answered')
  const hide = showMetrics(one.metrics(), register, true)
  showMetrics(other.metrics(), register, true)
  expect(await register.metrics()).toContain('rollcall_calls_total{result="answered"} 2')
  hide()
  expect(await register.metrics()).toContain('rollcall_calls_total{result="answered"} 1')
})

test('as Prometheus reads it: each name once, no label of a member, an instance or a url; what the process is like beside it', async () => {
  const text = await expositionOf(silentMetrics())()
  const types = text.match(/^# TYPE rollcall_\w+/gm) ?? []
  expect(new Set(types).size).toBe(types.length)
  const labels = new Set(
    [...text.matchAll(/^rollcall_\w+\{(.*)\}/gm)].flatMap(([, all = '']) => all.match(/\w+(?==")/g) ?? []),
  )
  expect([...labels].filter((label) => /member|instance|url|peer|id|node/.test(label))).toEqual([])
  expect(text).toMatch(/^process_cpu_seconds_total /m)
})
