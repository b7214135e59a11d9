// Stories of D5 and D6 for a cluster in which everyone observes everyone: who is hidden, and who must not be.
import { expect, test } from 'vitest'
import type { NodeView } from '../../../src/core/views.js'
import { decodeGossip } from '../../../src/core/wire/gossip.js'
import type { World } from '../world.js'
import { agree, cluster, clusterOf, done, registered, reportOf, showing, transitionsOf } from './cluster.js'

function cutOneWay(world: World, from: string, to: string): void {
  world.wires.set(from, to, { cut: true })
}

test('D5: a cluster in step exchanges heartbeats and nothing else', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  agree(world)
  world.run(10_000)
  const before = { ...world.wires.sent }
  world.run(60_000)
  expect(world.wires.sent.request).toBe(before.request)
  expect(world.wires.sent.gossip).toBe(before.gossip)
  expect(world.wires.sent.beat - before.beat).toBeLessThanOrEqual(4 * 3 * 61)
})

test('D5: with gossip switched off the cluster still converges', () => {
  const world = cluster('abcde', { gossip: false })
  for (const name of 'abcde') registered(world, name, `of-${name}`)
  done(world, world.deregister('a', 'of-a'))
  agree(world)
  for (const name of 'abcde') expect(world.instances(name)).toEqual(['of-b', 'of-c', 'of-d', 'of-e'])
})

test('D5: with half of all gossip and heartbeats lost the cluster still converges', () => {
  const world = cluster('abcde', { seed: 5 })
  for (const a of 'abcde') for (const b of 'abcde') if (a !== b) world.wires.set(a, b, { loss: 0.5 })
  for (let i = 0; i < 40; i++) {
    registered(world, 'abcde'.charAt(i % 5), `s${i}`)
    world.run(50)
  }
  world.until(() => world.digests().size === 1, 60_000, 'convergence')
  expect(world.machine('c').live.read.rows(world.moment('c'))).toHaveLength(40)
})

test('D5: a lost update is found by the digests of heartbeats', () => {
  const world = cluster('abc')
  world.run(5000)
  world.wires.gossipOn = false
  registered(world, 'a', 'x')
  const took_ms = world.until(() => showing(world, 'x') === 'abc', 10_000, 'the repair')
  expect(took_ms).toBeGreaterThan(2000)
})

test('D6: one cut link between two healthy nodes hides nobody', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  agree(world)
  const since = world.now
  world.cut('a', 'b')
  world.run(60_000)
  for (const name of 'abcd') expect(transitionsOf(world, name, since)).toEqual([])
  expect(showing(world, 'x')).toBe('abcd')
})

test('D6: one cut link in a cluster of three hides nobody either', () => {
  const world = cluster('abc')
  const since = world.now
  world.cut('a', 'b')
  world.run(60_000)
  for (const name of 'abc') expect(transitionsOf(world, name, since)).toEqual([])
})

test('D6: one sick observer, who hears nobody, hides nobody for the others', () => {
  const world = cluster('abcde')
  const since = world.now
  for (const name of 'bcde') cutOneWay(world, name, 'a')
  world.run(30_000)
  for (const name of 'bcde') expect(transitionsOf(world, name, since, [...'bcde'])).toEqual([])
})

test('D6: a node that nobody hears is hidden for all, though it hears them', () => {
  const world = cluster('abcde')
  for (const name of 'bcde') cutOneWay(world, 'a', name)
  world.until(() => [...'bcde'].every((name) => /a:(hidden|dead)/.test(world.beliefs(name))), 4000, 'the hiding')
})

test('D6: a cut-off node condemns nobody, before or after the healing', () => {
  const world = cluster('abcde')
  const since = world.now
  world.partition(['a'], ['b', 'c', 'd', 'e'])
  world.run(30_000)
  world.heal()
  agree(world)
  world.run(10_000)
  for (const name of 'bcde') expect(transitionsOf(world, name, since, [...'bcde'])).toEqual([])
})

test('D6: when two of three fall silent the third hides them by the slow path', () => {
  const world = cluster('abc')
  world.vanish('b')
  world.vanish('c')
  const took_ms = world.until(() => /b:(hidden|dead) c:(hidden|dead)/.test(world.beliefs('a')), 12_000, 'the hiding')
  expect(took_ms).toBeGreaterThan(5000)
})

test('D6: a paused node accuses nobody on waking, and comes back', () => {
  const world = cluster('abcde')
  registered(world, 'a', 'x')
  agree(world)
  const since = world.now
  world.pause('a', 20_000)
  world.run(19_000)
  expect(showing(world, 'x')).not.toContain('b')
  world.run(2000)
  agree(world)
  world.run(5000)
  for (const name of 'bcde') expect(transitionsOf(world, name, since)).toEqual([])
  expect(showing(world, 'x')).toBe('abcde')
})

test('D6: a short pause hides nobody', () => {
  const world = cluster('abcde')
  const since = world.now
  world.pause('a', 1000)
  world.run(10_000)
  for (const name of 'abcde') expect(transitionsOf(world, name, since)).toEqual([])
})

test('D6: N = 1 is alone and well', () => {
  const world = cluster('a')
  registered(world, 'a', 'x')
  world.run(60_000)
  expect(showing(world, 'x')).toBe('a')
  expect(world.machine('a').live.readiness().ready).toBe(true)
})

test.each(['ab', 'abc', 'abcd', 'abcdefgh'])(
  'D6: in a cluster of %s a crash is hidden within 0.5 s, a silent death within 3 s',
  (names) => {
    for (const [end, limit_ms] of [
      ['crash', 500],
      ['vanish', 3000],
    ] as const) {
      const world = cluster(names)
      registered(world, 'a', 'x')
      agree(world)
      const since = world.now
      world[end]('a')
      world.until(() => showing(world, 'x') === '', limit_ms, `the hiding after ${end}`)
      world.run(20_000)
      for (const name of names.slice(1)) {
        expect(transitionsOf(world, name, since)).toEqual([])
        expect(world.beliefs(name)).toContain('a:dead')
      }
    }
  },
)

test('D6: a restart within the detection window is seen, and nothing is hidden for longer than the start takes', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  agree(world)
  const generation = world.machine('a').live.generation
  world.vanish('a')
  world.run(300)
  world.start('a')
  const took_ms = world.until(() => showing(world, 'x') === 'abcd', 5000, 'the return')
  expect(took_ms).toBeLessThan(5000)
  agree(world)
  expect(world.machine('a').live.generation).toBeGreaterThan(generation)
})

test('D6: who is reported wrongly refutes, and is then visible though some cannot reach it', () => {
  const world = cluster('abcdefg')
  registered(world, 'a', 'x')
  agree(world)
  world.cut('a', 'b')
  world.cut('a', 'c')
  world.until(() => world.machine('a').eventsOf('refuted').length > 0, 10_000, 'the refutation')
  world.run(1000)
  world.until(() => showing(world, 'x') === 'abcdefg', 10_000, 'the return')
  const since = world.now
  world.run(30_000)
  expect(transitionsOf(world, 'a', since)).toEqual([])
})

test('D6: a refutation is a head: it arrives also without gossip', () => {
  const world = cluster('abc')
  const incarnation = (): number =>
    world
      .machine('c')
      .live.read.members(world.moment('c'))
      .find(({ peer }) => peer === 'a')?.incarnation ?? 0
  const { generation } = world.machine('a').live
  world.wires.gossipOn = false
  for (const author of 'bc') {
    world.feed('a', { type: 'gossip', author, bytes: reportOf('a', generation) })
  }
  world.until(() => world.machine('a').eventsOf('refuted').length === 1, 200, 'the refutation')
  world.until(() => incarnation() === 1, 10_000, 'its arrival')
})

test('D6: a single report is not refuted, and hides nobody', () => {
  const world = cluster('abcd')
  const since = world.now
  const { generation } = world.machine('a').live
  for (const to of 'acd') {
    for (let sequence = 1; sequence < 5; sequence++) {
      world.feed(to, { type: 'gossip', author: 'b', bytes: reportOf('a', generation, sequence) })
    }
  }
  world.run(3000)
  expect(world.machine('a').eventsOf('refuted')).toEqual([])
  expect(transitionsOf(world, 'a', since)).toEqual([])
})

test('D6: a node that stalls again and again stays hidden for longer each time', () => {
  const world = cluster('abcde')
  const backAfter_ms: number[] = []
  for (let i = 0; i < 6; i++) {
    world.pause('a', 4000)
    world.run(4000)
    expect(world.beliefs('b')).toMatch(/a:(hidden|dead)/)
    backAfter_ms.push(world.until(() => world.beliefs('b').includes('a:alive'), 60_000, 'the return'))
    world.run(200)
  }
  expect(backAfter_ms.at(-1)).toBeGreaterThan(8 * (backAfter_ms[0] as number))
  expect([...backAfter_ms].sort((x, y) => x - y)).toEqual(backAfter_ms)
})

test('D6: a goodbye hides at once, and nobody dials or reports who left', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  agree(world)
  const answer = world.command('a', { type: 'leave' })
  done(world, answer)
  world.until(() => showing(world, 'x').replace('a', '') === '', 50, 'the hiding')
  world.crash('a')
  world.run(10_000)
  for (const name of 'bcd') expect(world.beliefs(name)).toContain('a:left')
  world.start('a')
  world.until(() => showing(world, 'x') === 'abcd', 5000, 'the return')
})

test('D6: a healed partition needs no ceremony: within 10 s all see all and hold the same', () => {
  const world = cluster('abcdef')
  world.partition(['a', 'b', 'c'], ['d', 'e', 'f'])
  for (let i = 0; i < 60; i++) {
    registered(world, 'abcdef'.charAt(i % 6), `s${i}`)
    world.run(500)
  }
  expect(world.beliefs('a')).toMatch(/d:dead e:dead f:dead/)
  world.heal()
  const took_ms = agree(world, 10_000)
  expect(took_ms).toBeLessThanOrEqual(10_000)
  expect(world.instances('a')).toHaveLength(60)
})

test('D6: members restored from disk are unknown until heard of, then dead', () => {
  const world = cluster('abc')
  registered(world, 'b', 'x')
  agree(world)
  for (const name of 'abc') world.crash(name)
  world.start('a')
  expect(world.beliefs('a')).toBe('b:unknown c:unknown')
  world.run(12_000)
  expect(world.beliefs('a')).toBe('b:dead c:dead')
})

test('D6: usage and load come with heartbeats and are in no document', () => {
  const world = cluster('abc')
  const digests = [...world.digests()]
  const usage = { cpu: { percent: 12.5 } }
  const gpus = [{ name: 'the only one' }]
  world.feed('a', { type: 'vitals', load: 12.5, vitals: JSON.stringify({ usage, gpus }) })
  world.feed('c', { type: 'vitals', load: 12.5, vitals: JSON.stringify({ usage, gpus: [] }) })
  world.run(2500)
  const seen = (name: string): NodeView | undefined =>
    world
      .machine('b')
      .live.read.nodes(world.moment('b'))
      .find(({ id }) => id === name)
  expect(seen('node-a')).toMatchObject({ usage, gpus })
  expect(seen('node-c')).toMatchObject({ usage })
  expect(seen('node-c')).not.toHaveProperty('gpus')
  const members = world.machine('b').live.read.members(world.moment('b'))
  expect(members.find(({ peer }) => peer === 'a')?.load).toBe(13)
  expect(members.find(({ self }) => self)?.heardAge_ms).toBe(0)
  expect([...world.digests()]).toEqual(digests)
})

test('D6: vitals that fill a frame are told alone', () => {
  const world = cluster('abc')
  const gpus = Array.from({ length: 60 }, (_, i) => ({ name: `one of very many gpus, with the number ${i}` }))
  for (const name of 'ac') world.feed(name, { type: 'vitals', load: 50, vitals: JSON.stringify({ gpus, of: name }) })
  world.run(5000)
  const nodes = world.machine('b').live.read.nodes(world.moment('b'))
  for (const name of 'ac') expect(nodes.find(({ id }) => id === `node-${name}`)?.gpus).toEqual(gpus)
})

/** The moments at which `name` told, or passed on, that somebody else is silent. */
function reportsBy(world: World, name: string): number[] {
  const at: number[] = []
  world.wires.tap = ({ kind, from, bytes }) => {
    const message = kind === 'gossip' && from === name ? decodeGossip(bytes) : undefined
    if (message?.type === 'report' && message.about.some(({ subject }) => subject !== name)) at.push(world.now)
  }
  return at
}

test('D6: who hears nobody all at once doubts itself first: it waits a beat before it reports', () => {
  const world = cluster('abcde')
  const lastHeard = world.now
  const reports = reportsBy(world, 'a')
  for (const name of 'bcde') cutOneWay(world, name, 'a')
  world.run(10_000)
  expect(reports.length).toBeGreaterThan(0)
  expect((reports[0] as number) - lastHeard).toBeGreaterThan(2300)
  const heartbeats = world
    .machine('a')
    .live.read.members(world.moment('a'))
    .map(({ heardAge_ms = 0 }) => heardAge_ms)
  const silentSince = world.now - Math.max(...heartbeats)
  expect((reports[0] as number) - silentSince).toBeGreaterThan(3300)
})

test('D6: who hears most others only by hearsay all at once reports none of them', () => {
  const world = cluster('abcde')
  const reports = reportsBy(world, 'a')
  for (const name of 'cde') cutOneWay(world, name, 'a') // b still passes on what they say
  world.run(30_000)
  expect(reports).toEqual([])
})

test('D6: one accusation is refuted once, however many carry it', () => {
  const world = cluster('abcde', { fsync_ms: 5 })
  const { generation } = world.machine('a').live
  for (const author of 'bcde') {
    world.feed('a', { type: 'gossip', author, bytes: reportOf('a', generation) })
  }
  world.run(1000)
  expect(world.machine('a').eventsOf('refuted')).toEqual([{ type: 'refuted', incarnation: 1 }])
})

test('D6: a machine that was suspended, its clock with it, condemns nobody when it wakes', () => {
  const world = clusterOf(20)
  const others = [...world.machines.keys()].slice(1)
  world.setClockRate('m00', 1e-9)
  world.partition(['m00'], others)
  world.run(120_000)
  world.heal()
  world.setClockRate('m00', 1)
  const woke = world.now
  world.run(60_000)
  for (const peer of others) expect(transitionsOf(world, peer, woke)).toEqual([])
  expect(world.machine('m00').live.read.alive).toBe(20)
})
