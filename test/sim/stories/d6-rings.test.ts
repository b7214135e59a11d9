// Stories of D6 above nine members: who sends heartbeats to whom, which connections there are, and what a change of view does.
import { expect, test } from 'vitest'
import { OwnDocument } from '../../../src/core/document/document.js'
import { ringCount } from '../../../src/core/membership/observers.js'
import { decodeBeat } from '../../../src/core/wire/beat.js'
import { signHead } from '../../../src/core/wire/head.js'
import { type Parcel, encodeSyncRequest } from '../../../src/core/wire/sync.js'
import { cheapCrypto } from '../crypto.js'
import type { World } from '../world.js'
import { agree, cluster, clusterOf, observersOf, registered, reportOf, showing, transitionsOf } from './cluster.js'

const subject = 'm00'

/** Twenty that have settled, for stories that leave them as they were. */
let standing: World | undefined
function twenty(): World {
  return (standing ??= clusterOf(20))
}

function others(world: World, name = subject): string[] {
  return world
    .running()
    .map((machine) => machine.name)
    .filter((other) => other !== name)
}

/** The ways that heartbeats take within a time, as `from>to`. */
function heartbeats(world: World, duration_ms: number): Set<string> {
  const ways = new Set<string>()
  world.wires.tap = ({ kind, from, to, bytes }) => {
    if (kind === 'beat' && decodeBeat(bytes)?.type === 'heartbeat') ways.add(`${from}>${to}`)
  }
  world.run(duration_ms)
  world.wires.tap = undefined
  return ways
}

function hides(world: World, since: number): string[] {
  return [...world.machines.keys()].flatMap((name) =>
    transitionsOf(world, name, since).filter((line) => /→(hidden|dead)/.test(line)),
  )
}

test('D6: above nine members each sends heartbeats to its eight observers, and to nobody else', () => {
  const world = twenty()
  const ways = heartbeats(world, 5000)
  expect(ways.size).toBe(20 * ringCount)
  for (const { name } of world.running())
    for (const observer of observersOf(world, name)) expect(ways).toContain(`${name}>${observer}`)
})

test('D6: what heartbeats cost a node does not grow with the cluster, nor do its connections: what joining made is given up', () => {
  const seconds = 20
  const costOn = (world: World): { messages: number; bytes: number } => {
    const [messages, bytes] = [world.wires.sent.beat, world.wires.sentBytes.beat]
    world.run(seconds * 1000)
    const share = world.machines.size * seconds
    return { messages: (world.wires.sent.beat - messages) / share, bytes: (world.wires.sentBytes.beat - bytes) / share }
  }
  const small = costOn(clusterOf(16))
  const world = clusterOf(40)
  const large = costOn(world)
  expect(large.messages).toBeLessThan(small.messages + 2)
  expect(large.messages).toBeLessThan(ringCount + 3)
  expect(large.bytes).toBeLessThan(ringCount * 64 * 20) // 64 relayed ones in each, 20 bytes of each at the most
  const degrees = world.running().map(({ connected }) => connected.size)
  expect(Math.max(...degrees)).toBeLessThan(34)
  expect(Math.min(...degrees)).toBeGreaterThanOrEqual(ringCount)
  for (const { name, connected } of world.running())
    for (const observer of observersOf(world, name)) expect(connected).toContain(observer)
})

test('D6: giving up connections hides nobody, and nobody is reported for it', () => {
  const world = clusterOf(12)
  const since = world.now
  let hangUps = 0
  const before = new Map(world.running().map(({ name, connected }) => [name, new Set(connected)]))
  world.startAll('x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7', 'x8', 'x9')
  const reports: string[] = []
  world.wires.tap = ({ kind, from, bytes }) => {
    if (kind === 'gossip' && bytes[0] === 3) reports.push(from)
  }
  agree(world)
  world.run(60_000)
  for (const [name, peers] of before)
    for (const peer of peers) if (!world.machine(name).connected.has(peer)) hangUps += 1
  expect(hangUps).toBeGreaterThan(10)
  expect(hides(world, since)).toEqual([])
  expect(reports).toEqual([])
})

test('D6: load and usage of every node are on every node within fifteen seconds', () => {
  const world = twenty()
  const since = world.now
  for (const { name } of world.running()) {
    const vitals = JSON.stringify({ usage: { cpu: { percent: 1 } }, of: name, gpus: [{ name: 'g'.repeat(200) }] })
    world.feed(name, { type: 'vitals', load: 33, vitals })
  }
  const knowsAll = (name: string): boolean => {
    const { read } = world.machine(name).live
    const nodes = read.nodes(world.moment(name))
    const isKnown = nodes.length === 20 && nodes.every(({ usage }) => usage?.cpu?.percent === 1)
    return isKnown && read.members(world.moment(name)).every(({ load }) => load === 33)
  }
  world.until(() => world.running().every(({ name }) => knowsAll(name)), 15_000, 'everybody’s usage everywhere', 50)
  expect(world.now - since).toBeGreaterThan(1000) // it went from one to the next
})

test.each([
  ['crash', 500],
  ['vanish', 3000],
] as const)('D6: of 30 members one that ends by %s is hidden on all others within %i ms', (end, limit_ms) => {
  const world = clusterOf(30)
  registered(world, subject, 'x')
  agree(world)
  const since = world.now
  world[end](subject)
  world.until(() => showing(world, 'x') === '', limit_ms, 'the hiding')
  world.run(20_000)
  for (const name of others(world)) {
    expect(transitionsOf(world, name, since)).toEqual([])
    expect(world.beliefs(name)).toContain(`${subject}:dead`)
  }
})

test('D6: reports count from observers alone: any number of others hide nobody', () => {
  const world = clusterOf(20)
  const since = world.now
  const observers = observersOf(world, subject)
  const { generation } = world.machine(subject).live
  const accuse = (author: string): void => {
    const bytes = reportOf(subject, generation)
    for (const to of others(world)) if (to !== author) world.feed(to, { type: 'gossip', author, bytes })
  }
  for (const author of others(world)) if (!observers.includes(author)) accuse(author)
  world.run(1000)
  expect(transitionsOf(world, subject, since)).toEqual([])
  for (const author of observers.slice(0, 3)) accuse(author)
  world.run(100)
  expect(transitionsOf(world, subject, since).length).toBeGreaterThan(10)
})

test('D6: when observers die, others take over, and hear the subject within a few seconds', () => {
  const world = clusterOf(24)
  const since = world.now
  const before = observersOf(world, subject)
  for (const name of before.slice(0, 4)) world.crash(name)
  world.run(6000)
  const after = observersOf(world, subject)
  expect(after.filter((name) => !before.includes(name))).toHaveLength(4)
  const ways = heartbeats(world, 2000)
  for (const observer of after) expect(ways).toContain(`${subject}>${observer}`)
  expect(transitionsOf(world, subject, since)).toEqual([])
})

test('D6: a member whose observers all die with it is found dead by those who take over, without having been heard by them', () => {
  const world = clusterOf(24)
  registered(world, subject, 'x')
  agree(world)
  const since = world.now
  for (const name of observersOf(world, subject)) world.vanish(name)
  world.vanish(subject)
  const took_ms = world.until(() => showing(world, 'x') === '', 8000, 'the hiding')
  expect(took_ms).toBeLessThan(7900) // by reports, before the slow path
  world.run(10_000)
  const dead = new Set(hides(world, since).map((line) => line.slice(0, 3)))
  expect(dead.size).toBe(15) // each survivor
  for (const name of others(world)) expect(transitionsOf(world, name, since)).toEqual([])
})

test('D6: an observer that hears nothing asks, and is answered also by one that sees other rings', () => {
  const world = twenty()
  const stranger = others(world).find((name) => !observersOf(world, subject).includes(name)) as string
  world.wires.dial(world.machine(stranger), subject)
  world.run(100)
  let ways = heartbeats(world, 2000)
  expect(ways).not.toContain(`${subject}>${stranger}`)
  world.feed(subject, { type: 'beat', from: stranger, bytes: Uint8Array.of(4) })
  ways = heartbeats(world, 20_000)
  expect(ways).toContain(`${subject}>${stranger}`)
  world.run(30_000)
  expect(heartbeats(world, 5000)).not.toContain(`${subject}>${stranger}`)
})

test('D6: farewells that are lost accuse nobody: who is observer no more reports nothing', () => {
  const world = clusterOf(12)
  const since = world.now
  world.wires.tap = ({ kind, bytes }) => !(kind === 'beat' && bytes[0] === 3)
  world.startAll('x0', 'x1', 'x2', 'x3', 'x4', 'x5')
  agree(world)
  world.run(30_000)
  expect(hides(world, since)).toEqual([])
})

test('D6: a farewell is said three times, a heartbeat apart, since frames get lost', () => {
  const world = clusterOf(12)
  const said = new Map<string, number>()
  world.start('x0')
  world.run(2000)
  world.wires.tap = ({ kind, from, to, bytes }) => {
    const way = `${from}>${to}`
    if (kind === 'beat' && decodeBeat(bytes)?.type === 'farewell') said.set(way, (said.get(way) ?? 0) + 1)
  }
  world.crash('x0')
  world.run(5000)
  expect(Math.max(...said.values())).toBe(3)
})

test('D6: records of made-up nodes that nobody hears change nothing: the living observe the living, and a crash is seen as fast', () => {
  const world = cluster('abcd')
  registered(world, 'd', 'x')
  agree(world)
  const client = new OwnDocument(cheapCrypto('ghost').hash, { entries: [], epoch: 1, client: 7 })
  const parcels = Array.from({ length: 60 }, (_, i): Parcel => {
    const head = { owner: `ghost${i}`, generation: 5, boot: '0'.repeat(16), epoch: 1, version: 1, incarnation: 0 }
    const signed = signHead({ ...head, client: 7, digest: client.entries.digest() }, cheapCrypto(head.owner))
    return { signed, content: { type: 'full', bytes: client.encode() } }
  })
  const bytes = encodeSyncRequest({ type: 'push', parcels })
  for (const name of 'abcd') world.feed(name, { type: 'request', from: 'mallory', id: 1_000_000, bytes })
  const holdsAll = (): boolean => world.running().every(({ live }) => live.toJSON().documents === 63)
  world.until(holdsAll, 5000, 'that all hold them')
  world.run(2000)
  for (const name of 'abcd') expect(observersOf(world, name).sort()).toEqual(others(world, name))
  world.crash('d')
  expect(world.until(() => showing(world, 'x') === '', 8000, 'the hiding')).toBeLessThan(1000)
})
