// Stories of D9: what is done to an instance is done by its home node, wherever it is asked for, or refused in words that say why.
import { expect, test } from 'vitest'
import type { Act } from '../../../src/core/model/act.js'
import { decodeSyncRequest } from '../../../src/core/wire/sync.js'
import type { Answer } from '../engine.js'
import type { World } from '../world.js'
import { agree, cluster, clusterOf, done, refused, registered, rows, showing, urlOf } from './cluster.js'

const hide: Act = { type: 'maintenance', reason: 'so' }

function act(world: World, name: string, id: string, what: Act): Answer {
  return world.command(name, { type: 'act', id, act: what })
}

function rowAt(world: World, name: string, id: string) {
  const { live } = world.machine(name)
  return live.read.rows(world.moment(name)).find((row) => row.id === id)
}

function message(answer: Answer): string | undefined {
  return answer.result?.error?.message
}

test('D9: an act is taken at any node, done at the home node, and read back at once by whoever asked', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  done(world, act(world, 'b', 'x', hide))
  expect(rows(world, 'b', 'x')).toEqual(['a#1 in maintenance: so'])
  expect(world.lookup('b', 'x')).toEqual([])
  done(world, act(world, 'c', 'x', { type: 'maintenance' }))
  expect(world.lookup('c', 'x')).toHaveLength(1)
  agree(world)
  expect(showing(world, 'x')).toBe('abc')
})

test('D9: a patch changes what an instance says, keeps the rest and its number, and writes nothing where nothing changes', () => {
  const world = cluster('ab')
  done(world, world.register('a', { id: 'x', slug: 'x', url: 'http://x.test:80', tags: ['old'], version: '1' }))
  agree(world)
  done(world, act(world, 'b', 'x', { type: 'patch', weight: 0, metadata: { team: 'blue' } }))
  expect(rowAt(world, 'b', 'x')).toMatchObject({
    n: 1,
    weight: 0,
    metadata: { team: 'blue' },
    tags: ['old'],
    version: '1',
  })
  agree(world)
  const before = world.machine('a').live.read.digest()
  done(world, act(world, 'a', 'x', { type: 'patch', weight: 0 }))
  expect(world.machine('a').live.read.digest()).toEqual(before)
  done(world, act(world, 'b', 'x', { type: 'patch', weight: null, metadata: null, tags: [] }))
  const cleared = rowAt(world, 'b', 'x')
  expect([cleared?.weight, cleared?.metadata, cleared?.tags, cleared?.n]).toEqual([undefined, undefined, undefined, 1])
})

test('D9: renewing writes nothing, goes to the home node, and is refused where there is no ttl', () => {
  const world = cluster('ab')
  done(world, world.register('a', { id: 't', slug: 't', url: 'http://t.test:80', ttl: '2s', grace: '1s' }))
  registered(world, 'a', 'x')
  agree(world)
  const { version } = world.machine('a').live.toJSON()
  for (let i = 0; i < 8; i++) {
    done(world, act(world, 'b', 't', { type: 'renew' }))
    world.run(1000)
  }
  expect(world.machine('a').live.toJSON().version).toBe(version)
  expect(showing(world, 't')).toBe('ab')
  expect(refused(world, act(world, 'b', 'x', { type: 'renew' }))).toBe('conflict')
  world.run(4000)
  expect(rows(world, 'b', 't')).toEqual([])
})

test('D9: what nobody knows is not found; a home node that is dead is named, and nothing is written', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  expect(refused(world, act(world, 'b', 'y', hide))).toBe('not-found')
  world.crash('a')
  world.run(10_000)
  const before = world.machine('b').live.read.digest()
  const answer = act(world, 'b', 'x', hide)
  expect(refused(world, answer)).toBe('unavailable')
  expect(message(answer)).toMatch(/home node of "x" is dead; ask again, or ask node node-a on its own machine, a$/)
  expect(world.machine('b').live.read.digest()).toEqual(before)
})

test('D9: a home node that cannot be reached is not waited for: two seconds, one where somebody was refused', () => {
  for (const [what, limit_ms] of [
    [hide, 2200],
    [{ type: 'suspect' }, 1200],
  ] as const) {
    const world = cluster('abc')
    registered(world, 'a', 'x')
    agree(world)
    world.partition(['a'], ['b', 'c'])
    const begun = world.now
    const answer = act(world, 'b', 'x', what)
    expect(refused(world, answer, limit_ms)).toBe('unavailable')
    expect(world.now - begun).toBeLessThanOrEqual(limit_ms)
    expect(message(answer)).toMatch(/may be done all the same; ask again/)
    expect(world.machine('b').live.toJSON().requests.act).toBe(0)
  }
})

test('D9: in a large cluster the home node of an instance is connected with, if it has to be', () => {
  const world = clusterOf(18)
  registered(world, 'm00', 'x')
  agree(world)
  const others = [...world.machines.values()].filter(({ name }) => name !== 'm00')
  const stranger = others.find(({ connected }) => !connected.has('m00'))
  expect(stranger).toBeDefined()
  done(world, act(world, stranger?.name ?? '', 'x', hide), 2000)
  expect(rows(world, stranger?.name ?? '', 'x')).toEqual(['m00#1 in maintenance: so'])
})

test('D9: a home node of an earlier version does not understand, and the caller is told where to ask', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  const { live } = world.machine('b')
  const at = world.moment('b')
  const command = { type: 'act', id: 'x', act: hide } as const
  const asked = live.handle({ type: 'command', ticket: 77_000, command }, at).find(({ type }) => type === 'request')
  const { id } = asked as { id: number }
  const ended = live.handle({ type: 'closed', id, ok: true }, at).find(({ type }) => type === 'settle')
  expect(ended).toMatchObject({ ticket: 77_000, result: { ok: false, error: { code: 'unavailable' } } })
  expect(String((ended as { result: { error: Error } }).result.error)).toMatch(/runs an earlier version.*node-a/)
})

test('D9: what has moved meanwhile is not written by its old home, which says where it is', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.cut('b', 'c')
  registered(world, 'c', 'x') // b hears of it by a, a little later
  world.until(() => rowAt(world, 'a', 'x')?.owner === 'c', 1000, 'the move at a', 1)
  const held = rowAt(world, 'b', 'x')?.owner
  const answer = act(world, 'b', 'x', hide)
  world.until(() => answer.result !== undefined, 3000, 'the answer')
  if (held === 'a') expect(message(answer)).toMatch(/has just moved to node node-c|home node of "x"/)
  world.heal()
  agree(world)
  done(world, act(world, 'b', 'x', hide))
  expect(rows(world, 'b', 'x')).toEqual(['c#2 in maintenance: so'])
})

/** JSON of which no `String` makes a text. */
const noText: unknown = { toString: 1 }

test('D9: a home node reads an act as strictly as that of a caller, whoever passes it on', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  const { live } = world.machine('a')
  const before = live.read.digest()
  const wrong: Act[] = [
    { type: 'patch', weight: 70_000 },
    { type: 'patch' },
    { type: 'status', status: 'Fine' as 'Healthy' },
    { type: 'other' as 'renew' },
    { type: 'status', status: noText as 'Healthy' },
    { type: noText as 'renew' },
  ]
  for (const what of wrong) {
    const answer = act(world, 'b', 'x', what)
    expect(refused(world, answer)).toBe('malformed')
    expect(message(answer)).toMatch(/^(weight|the request body|status|type): /)
  }
  expect(live.read.digest()).toEqual(before)
})

test('D9: a patch outlives a restart, and the finding of a newer document of its home node', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  const backup = world.machine('a').disk.copy()
  registered(world, 'a', 'y')
  agree(world)
  world.crash('a')
  world.machine('a').disk = backup
  world.partition(['a'], ['b', 'c'])
  world.start('a')
  world.until(() => world.machine('a').live.readiness().ready, 10_000, 'readiness alone')
  done(world, act(world, 'a', 'x', { type: 'patch', weight: 7, tags: ['kept'] }))
  world.heal()
  agree(world)
  expect(rowAt(world, 'b', 'x')).toMatchObject({ n: 1, weight: 7, tags: ['kept'] })
  expect(rowAt(world, 'b', 'y')).toBeDefined()
})

test('D9: acts that wait for a connection are bounded by their time, and what peers are told is what was asked', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  const seen: unknown[] = []
  world.wires.tap = ({ kind, bytes }) => {
    const request = kind === 'request' ? decodeSyncRequest(bytes) : undefined
    if (request?.type === 'act') seen.push([request.id, request.act])
  }
  done(world, act(world, 'b', 'x', hide))
  expect(seen).toEqual([['x', '{"reason":"so","type":"maintenance"}']])
})

test('D9: whoever was refused has the home node look at once, at most once a second, and all are warned', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.run(2000)
  world.service(urlOf('x'), 'Unreachable')
  expect(done(world, act(world, 'b', 'x', { type: 'suspect', caller: 'me' }), 1000)).toBe('checked')
  expect(rowAt(world, 'b', 'x')?.status).toBe('Unreachable')
  expect(done(world, act(world, 'c', 'x', { type: 'suspect' }), 1000)).toBe('known')
  world.until(() => rowAt(world, 'c', 'x')?.status === 'Unreachable', 500, 'the news at c')
  world.run(2000)
  world.service(urlOf('x'), 'silent')
  expect(done(world, act(world, 'b', 'x', { type: 'suspect' }), 1000)).toBe('known') // a check that takes long is not waited for
})

test('D9: what a service says of itself at any node counts at once, and ends when it said it would', () => {
  const world = cluster('ab')
  registered(world, 'a', 'x')
  agree(world)
  world.run(1000)
  done(world, act(world, 'b', 'x', { type: 'status', status: 'Degraded', details: 'warming up', for_ms: 3000 }))
  expect(rowAt(world, 'b', 'x')).toMatchObject({ status: 'Degraded', details: 'warming up', n: 1 })
  world.until(() => rowAt(world, 'b', 'x')?.status === 'Healthy', 20_000, 'the end of it')
})
