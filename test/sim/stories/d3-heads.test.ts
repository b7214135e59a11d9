// Stories of D3: heads, versions, digests and epochs; what happens to updates that are late, wrong, forged or too large.
import { expect, test } from 'vitest'
import { Content } from '../../../src/core/document/content.js'
import { decodeGossip, encodeGossip } from '../../../src/core/wire/gossip.js'
import { signHead } from '../../../src/core/wire/head.js'
import { wireLimits } from '../../../src/core/wire/limits.js'
import { decodeSyncRequest } from '../../../src/core/wire/sync.js'
import { cheapCrypto } from '../crypto.js'
import type { World } from '../world.js'
import { agree, cluster, done, registered, showing } from './cluster.js'

/** Loses or delays every update of `owner` on its way to `to`, and keeps them. */
function holdUpdates(world: World, owner: string, to: string, verdict: boolean | number): Uint8Array[] {
  const held: Uint8Array[] = []
  world.wires.tap = (sent) => {
    if (sent.kind !== 'gossip' || sent.to !== to) return undefined
    const message = decodeGossip(sent.bytes)
    if (message?.type !== 'update' || message.signed.head.owner !== owner) return undefined
    held.push(sent.bytes)
    return verdict
  }
  return held
}

function replaceText(bytes: Uint8Array, from: string, to: string): Uint8Array {
  return new Uint8Array(Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(from, to), 'latin1'))
}

test('D3: of two heads out of order the later one waits, and nothing is pulled', () => {
  const world = cluster('abc')
  world.run(3000)
  let delayed = false
  world.wires.tap = ({ kind, to }) => {
    if (kind !== 'gossip' || to !== 'c' || delayed) return undefined
    delayed = true
    world.wires.set('b', 'c', { cut: true }) // nor by the way round
    return 70
  }
  registered(world, 'a', 'x')
  world.run(30)
  registered(world, 'a', 'y')
  const requests = world.wires.sent.request
  world.until(() => showing(world, 'y') === 'ab', 35, 'the second head at b')
  world.until(() => showing(world, 'x') === 'abc' && showing(world, 'y') === 'abc', 60, 'the late head')
  world.wires.heal()
  world.run(300)
  expect(world.wires.sent.request).toBe(requests)
})

test('D3: no two starts write with one Yjs client, whether of one node or of two', () => {
  const world = cluster('ab')
  const clients = new Set<number>()
  world.wires.tap = ({ kind, bytes }) => {
    const message = kind === 'gossip' ? decodeGossip(bytes) : undefined
    if (message?.type === 'update') clients.add(message.signed.head.client)
  }
  for (const name of ['a', 'b', 'a']) {
    world.crash(name)
    world.start(name)
    agree(world)
    registered(world, name, `of-${name}`)
    agree(world)
  }
  expect(clients.size).toBe(3)
})

test('D3: a missing head is waited for 100 ms, then pulled', () => {
  const world = cluster('abc')
  world.run(3000)
  const held = holdUpdates(world, 'a', 'c', false)
  registered(world, 'a', 'x')
  world.run(30)
  expect(held.length).toBeGreaterThan(0)
  world.wires.tap = undefined
  const requests = world.wires.sent.request
  registered(world, 'a', 'y')
  const begun = world.now
  world.run(80)
  expect(world.wires.sent.request).toBe(requests)
  world.until(() => showing(world, 'x') === 'abc' && showing(world, 'y') === 'abc', 100, 'the pull')
  expect(world.now - begun).toBeGreaterThanOrEqual(95)
  expect(world.wires.sent.request).toBe(requests + 1)
})

test('D3: an answer that is held up keeps nobody from asking others, nor from asking again after ten seconds', () => {
  const world = cluster('abc')
  world.run(10_000)
  const pulls: string[] = []
  let isLost = false
  let isHeldUp = true
  world.wires.tap = ({ kind, from, to, bytes }) => {
    const request = kind === 'request' && from === 'c' ? decodeSyncRequest(bytes) : undefined
    if (request?.type === 'sync' && request.scope === 'listed') pulls.push(to)
    if (kind === 'reply' && to === 'c' && isHeldUp) return 25_000
    return !(kind === 'gossip' && to === 'c' && isLost)
  }
  const leaveGap = (owner: string, lost: string, told: string): void => {
    isLost = true
    registered(world, owner, lost)
    world.run(30)
    isLost = false
    registered(world, owner, told)
    world.run(200)
  }
  leaveGap('a', 'q', 'r')
  expect(pulls).toEqual(['a'])
  isHeldUp = false
  leaveGap('b', 's', 't')
  expect(pulls).toEqual(['a', 'b'])
  world.until(() => showing(world, 'r') === 'abc', 5000, 'the comparison of digests')
  leaveGap('a', 'u', 'v')
  expect(pulls, 'while the first is under way').toEqual(['a', 'b'])
  world.run(10_000)
  leaveGap('a', 'w', 'x')
  expect(pulls).toEqual(['a', 'b', 'a'])
  expect(showing(world, 'x')).toBe('abc')
})

test('D3: a delete that changes no Yjs clock still reaches everybody', () => {
  for (const gossip of [true, false]) {
    const world = cluster('abc', { gossip })
    registered(world, 'a', 'x')
    agree(world)
    done(world, world.deregister('a', 'x'))
    world.until(() => showing(world, 'x') === '', 15_000, `the delete with gossip ${gossip ? 'on' : 'off'}`)
    agree(world)
  }
})

test('D3: an update that does not lead to its digest is thrown away and the document pulled in full', () => {
  const world = cluster('abc')
  registered(world, 'a', 'kept')
  agree(world)
  const held = holdUpdates(world, 'a', 'c', false)
  registered(world, 'a', 'fresh')
  world.run(10) // also what others pass on
  world.wires.tap = undefined
  expect(held.length).toBeGreaterThan(0)
  world.feed('c', {
    type: 'gossip',
    author: 'b',
    bytes: replaceText(held[0] as Uint8Array, 'fresh.test', 'fraud.test'),
  })
  expect(world.lookup('c', 'kept')).toEqual(['http://kept.test:80'])
  expect(world.lookup('c', 'fresh')).toBeUndefined()
  expect(world.machine('c').live.dropped()).toHaveProperty('update is not what its head says')
  world.until(() => showing(world, 'fresh') === 'abc', 100, 'the pull')
  expect(world.lookup('c', 'fresh')).toEqual(['http://fresh.test:80'])
  agree(world)
})

test('D3: a wrong update before its right one costs a pull and no record', () => {
  const world = cluster('abc')
  for (let i = 0; i < 20; i++) registered(world, 'a', `s${i}`)
  agree(world)
  const held = holdUpdates(world, 'a', 'c', false)
  registered(world, 'a', 'fresh')
  world.wires.tap = undefined
  world.feed('c', {
    type: 'gossip',
    author: 'b',
    bytes: replaceText(held[0] as Uint8Array, 'fresh.test', 'fraud.test'),
  })
  world.feed('c', { type: 'gossip', author: 'a', bytes: held[0] as Uint8Array })
  expect(world.instances('c').length).toBeGreaterThanOrEqual(20)
  world.until(() => world.instances('c').length === 21, 100, 'the pull')
})

test('D3: a forged head changes nothing, and nothing is asked because of it', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  const held = holdUpdates(world, 'a', 'c', true)
  registered(world, 'a', 'y')
  agree(world)
  world.wires.tap = undefined
  const message = decodeGossip(held[0] as Uint8Array)
  if (message?.type !== 'update') throw new Error('not an update')
  const head = { ...message.signed.head, version: message.signed.head.version + 1000 }
  const signed = signHead(head, cheapCrypto('mallory'))
  const before = [...world.digests()]
  const requests = world.wires.sent.request
  const step = { fromEpoch: head.epoch, fromVersion: head.version - 1000, bytes: new Uint8Array() }
  world.feed('c', { type: 'gossip', author: 'b', bytes: encodeGossip({ type: 'update', signed, step }) })
  world.feed('c', { type: 'gossip', author: 'b', bytes: encodeGossip({ type: 'update', signed }) })
  world.run(300)
  expect([...world.digests()]).toEqual(before)
  expect(world.machine('c').live.dropped()).toHaveProperty('bad signature')
  expect(world.wires.sent.request - requests, 'pulls because of a forged announcement').toBe(0)
  registered(world, 'a', 'z')
  world.until(() => showing(world, 'z') === 'abc', 100, 'the next honest update')
})

test('D3: a too-large update is announced by its head and pulled', () => {
  const world = cluster('abc')
  world.run(3000)
  let largest = 0
  world.wires.tap = ({ kind, bytes }) => void (kind === 'gossip' && (largest = Math.max(largest, bytes.length)))
  done(world, world.define('a', 'big', 'x'.repeat(3 * wireLimits.gossipBytes)))
  world.until(() => ['a', 'b', 'c'].every((name) => world.definitions(name).includes('big')), 200, 'the pull')
  expect(largest).toBeLessThan(1024)
  agree(world)
})

test('D3: a record that follows a too-large one within the same 25 ms comes along', () => {
  const world = cluster('abc')
  done(world, world.define('a', 'big', 'x'.repeat(3 * wireLimits.gossipBytes)))
  registered(world, 'a', 'small')
  world.until(() => showing(world, 'small') === 'abc' && world.definitions('c').length === 1, 400, 'both')
})

test('D3: a node with much to say publishes every 25 ms and not more often, and an update may span versions', () => {
  const world = cluster('abc')
  world.run(3000)
  const before =
    world
      .machine('a')
      .live.read.digest()
      .documents.find(({ owner }) => owner === 'a')?.version ?? 0
  let broadcasts = 0
  world.wires.tap = ({ kind, from, to }) => void (kind === 'gossip' && from === 'a' && to === 'b' && (broadcasts += 1))
  const begun = world.now
  for (let i = 0; i < 50; i++) registered(world, 'a', `s${i}`)
  world.until(() => world.instances('c').length === 50, 200, 'the last one')
  const after =
    world
      .machine('a')
      .live.read.digest()
      .documents.find(({ owner }) => owner === 'a')?.version ?? 0
  expect(after - before).toBeGreaterThanOrEqual(20)
  const turns = (world.now - begun) / 25
  expect(broadcasts).toBeLessThanOrEqual(Math.ceil(turns) + 1)
  expect(broadcasts).toBeGreaterThanOrEqual(Math.floor(turns) - 1)
})

test('D3: a new epoch at a start costs no content: replicas build its bytes themselves', () => {
  const world = cluster('abc')
  for (let i = 0; i < 300; i++) registered(world, 'a', `service-with-a-long-name-${i}`)
  agree(world)
  world.run(20_000)
  world.crash('a')
  world.run(200)
  const before = { ...world.wires.sentBytes }
  world.start('a')
  agree(world)
  world.run(5000)
  const cost = world.wires.sentBytes.reply - before.reply + world.wires.sentBytes.gossip - before.gossip
  const pushed = world.wires.sentBytes.request - before.request
  expect(cost + pushed, 'bytes of gossip and streams').toBeLessThan(10_000)
  expect(world.instances('c')).toHaveLength(300)
})

test('D3: an outgrown document is rebased, and everybody follows without being sent it', () => {
  const world = cluster('ab')
  for (let i = 0; i < 10; i++) registered(world, 'a', `s${i}`)
  agree(world)
  const before = world.wires.sentBytes.reply
  for (let round = 1; round <= 30; round++) {
    for (let i = 0; i < 10; i++) registered(world, 'a', `s${i}`, 1000 + round)
  }
  agree(world)
  expect(world.wires.sentBytes.reply - before).toBeLessThan(10_000)
  world.run(1000)
  expect(world.lookup('b', 's3')).toEqual(['http://s3.test:1030'])
})

test('D3: one who stands in an old epoch gets the document in full', () => {
  const world = cluster('abc')
  for (let i = 0; i < 10; i++) registered(world, 'a', `s${i}`)
  agree(world)
  world.partition(['a', 'b'], ['c'])
  for (let round = 1; round <= 30; round++) {
    for (let i = 0; i < 10; i++) registered(world, 'a', `s${i}`, 1000 + round)
  }
  world.heal()
  agree(world)
  expect(world.lookup('c', 's3')).toEqual(['http://s3.test:1030'])
})

test('D3: an old update again, or one of an old epoch, changes nothing', () => {
  const world = cluster('abc')
  const held = holdUpdates(world, 'a', 'c', true)
  for (let i = 0; i < 5; i++) registered(world, 'a', 'x', 1000 + i)
  agree(world)
  for (const name of 'abc') world.crash(name)
  world.startAll(...'abc')
  agree(world)
  world.wires.tap = undefined
  const before = [...world.digests()]
  for (const bytes of held) world.feed('c', { type: 'gossip', author: 'b', bytes })
  world.run(500)
  expect([...world.digests()]).toEqual(before)
})

test('D3: versions are never restarted, whatever restarts', () => {
  const world = cluster('ab')
  const version = (): number =>
    world
      .machine('b')
      .live.read.digest()
      .documents.find(({ owner }) => owner === 'a')?.version ?? 0
  for (let i = 0; i < 5; i++) {
    const before = version()
    world.crash('a')
    world.start('a')
    agree(world)
    expect(version()).toBeGreaterThan(before)
  }
})

test('D3: a goodbye is a head: it also reaches those who only sync', () => {
  const world = cluster('abc', { gossip: false })
  registered(world, 'a', 'x')
  agree(world)
  world.command('a', { type: 'leave' })
  world.until(
    () => world.beliefs('b').includes('a:left') && world.beliefs('c').includes('a:left'),
    15_000,
    'the goodbye',
  )
  expect(showing(world, 'x')).toBe('a') // who says goodbye still sees its own
})

test('D3: after thousands of overwrites a newcomer is sent no more than twice the live content, and disks are bounded', () => {
  const world = cluster('ab')
  for (let round = 0; round < 30; round++) {
    const answers = Array.from({ length: 200 }, (_, i) =>
      world.register('a', { id: `i${i}`, slug: `s${i}`, url: `http://s${i}.test:${1000 + round}` }),
    )
    world.run(50)
    for (const answer of answers) done(world, answer)
  }
  agree(world)
  const fresh = Content.build(world.machine('a').disk.entriesOf('a'), 1).encode().length
  let sent = 0
  world.wires.tap = ({ kind, from, to, bytes }) =>
    void (kind === 'reply' && from === 'a' && to === 'c' && (sent = Math.max(sent, bytes.length)))
  world.start('c')
  world.until(() => world.instances('c').length === 200, 2000, 'the sight of all')
  expect(sent).toBeGreaterThan(fresh / 2)
  expect(sent).toBeLessThanOrEqual(2 * fresh)
  for (const name of 'ab') expect(world.machine(name).disk.contentBytes('a')).toBeLessThanOrEqual(2 * fresh + 300_000)
})

test('D3: the third heartbeat in a row with another digest leads to a sync, and no later one', () => {
  const world = cluster('ab', { gossip: false })
  world.run(5000)
  registered(world, 'a', 'x')
  const settled_ms = 2000
  const took_ms = world.until(() => showing(world, 'x') === 'ab', 20_000, 'x at both')
  expect(took_ms).toBeGreaterThan(settled_ms)
  expect(took_ms).toBeLessThan(settled_ms + 3000 + 100)
})
