/** A peer that misbehaves: garbage on every protocol, dead gossip streams, floods. The network counts it and lives on. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { pino } from 'pino'
import { afterEach, describe, expect, test } from 'vitest'
import { Allowances } from '../../src/io/network/allowances.js'
import { Drops } from '../../src/io/network/drops.js'
import { HalfOpen } from '../../src/io/network/half-open.js'
import { encodeMessage } from '../../src/io/network/messages.js'
import { createNames } from '../../src/io/names.js'
import { buildStack } from '../../src/io/network/stack.js'
import type { Stack } from '../../src/io/network/stack.js'
import { eventually } from './eventually.js'
import { answered, ask, bytes, connected, flows, startSite } from './networkworld.js'
import type { Site } from './networkworld.js'

const protocols = { sync: '/rollcall/1/test/sync', beat: '/rollcall/1/test/beat', gossip: '/rollcall/1/test/gossip' }
const rogues = new Set<Stack>()

afterEach(async () => {
  await Promise.all([...rogues].map(async (rogue) => rogue.libp2p.stop()))
  rogues.clear()
})

interface Rogue {
  readonly node: Stack
  readonly id: string
  readonly connection: Connection
}

/** A bare node that claims to be of the cluster and keeps none of its rules. */
async function startRogue(site: Site, serve: (stream: Stream) => void = () => {}): Promise<Rogue> {
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const key = await generateKeyPair('Ed25519')
  const log = pino({ level: 'silent' })
  const options = {
    key,
    topic: protocols.gossip,
    listen,
    listenFallback: false,
    announce: [],
    clusterKey: undefined,
    names: createNames(),
    halfOpen: new HalfOpen({ allowances: new Allowances(), onFull() {}, onSilent() {} }),
    drops: new Drops(),
    allowances: new Allowances(),
    log,
  }
  const node = await buildStack(options, listen)
  rogues.add(node)
  await node.libp2p.handle(protocols.sync, serve)
  await node.libp2p.start()
  node.gossip.subscribe(protocols.gossip)
  node.libp2p.addEventListener('connection:open', ({ detail }) => void node.identify.identify(detail).catch(() => {}))
  const connection = await node.libp2p.dial(site.network.addresses().map((address) => multiaddr(address)))
  const id = node.libp2p.peerId.toString()
  await eventually('the rogue is connected', () => site.trace.includes(`connected ${id}`))
  return { node, id, connection }
}

/** Sends without waiting for anything, as a rogue does. */
async function spew(
  rogue: Rogue,
  protocol: string,
  pieces: readonly Uint8Array[],
  { close = false } = {},
): Promise<Stream> {
  const stream = await rogue.connection.newStream([protocol])
  for (const piece of pieces) if (stream.status === 'open') stream.send(piece)
  if (close && stream.status === 'open') await stream.close()
  return stream
}

const count = (site: Site, reason: string) => site.network.dropped()[reason] ?? 0

async function stillWorks(site: Site): Promise<void> {
  const friend = await startSite({ join: site.network.addresses() })
  await connected(site, friend)
  await flows(site, friend)
  expect(await answered(ask(friend, site, bytes('still there?')))).toBe(true)
}

describe('garbage', () => {
  test.each([
    ['a message over the limit', [Buffer.from([0x7f, 0xff, 0xff, 0xff])], false],
    ['noise', [randomBytes(100_000).fill(0x40, 0, 1)], false],
    ['half a message', [encodeMessage(randomBytes(1_000), true).subarray(0, 500)], true],
    ['nothing', [], true],
    ['a message that is not the last', [encodeMessage(randomBytes(10), false)], false],
    ['more than one message', [encodeMessage(bytes('a'), true), encodeMessage(bytes('b'), true)], false],
  ])('%s instead of a request is counted, and the stream reset', async (_case, pieces, close) => {
    const site = await startSite()
    const { answer } = site
    site.answer = () => {} // or it is over before the rest comes
    const rogue = await startRogue(site)
    const stream = await spew(rogue, protocols.sync, pieces, { close })
    await eventually('it is counted', () => count(site, 'frame-malformed') === 1)
    await eventually('it is reset', () => stream.status !== 'open')
    site.answer = answer
    await stillWorks(site)
  })

  test('instead of heartbeats', async () => {
    const site = await startSite()
    const rogue = await startRogue(site)
    await spew(rogue, protocols.beat, [
      encodeMessage(bytes('one good one'), false),
      randomBytes(50_000).fill(0x40, 0, 1),
    ])
    await eventually('it is counted', () => count(site, 'frame-malformed') === 1)
    expect(site.beats).toEqual([{ from: rogue.id, text: 'one good one' }])
    await stillWorks(site)
  })

  test('instead of answers', async () => {
    const site = await startSite()
    const rogue = await startRogue(site, (stream) => void stream.send(randomBytes(50_000).fill(0x40, 0, 1)))
    expect(await answered(ask(site, rogue, bytes('question')))).toBe(false)
    expect(count(site, 'frame-malformed')).toBe(1)
    await stillWorks(site)
  })

  test('an answer that ends without saying so is no good answer', async () => {
    const site = await startSite()
    const rogue = await startRogue(site, (stream) => {
      stream.send(encodeMessage(bytes('part'), false))
      void stream.close()
    })
    const answer = ask(site, rogue, bytes('question'))
    expect(await answered(answer)).toBe(false)
    expect(answer.responses).toHaveLength(1)
  })

  test('on the gossip streams, and messages over the limit', async () => {
    const site = await startSite()
    const rogue = await startRogue(site)
    await eventually('the rogue can publish', () => rogue.node.gossip.getSubscribers(protocols.gossip).length > 0)
    await rogue.node.gossip.publish(protocols.gossip, new Uint8Array(100_000))
    await eventually('it is counted', () => count(site, 'gossip-oversize') === 1)
    for (const protocol of rogue.node.gossip.protocols) await spew(rogue, protocol, [randomBytes(10_000)])
    await stillWorks(site)
    expect(site.gossip.filter(({ author }) => author === rogue.id)).toEqual([])
  })

  test('from whoever connects to the port', async () => {
    const site = await startSite()
    const port = Number(/tcp\/(\d+)/.exec(site.network.addresses()[0] ?? '')?.[1])
    for (const noise of [randomBytes(10_000), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(0)]) {
      const socket = connect(port, '127.0.0.1', () => socket.end(noise))
      socket.on('error', () => {})
    }
    await stillWorks(site)
  })
})

describe('floods', () => {
  test('of streams that ask nothing take the place of nobody', async () => {
    const site = await startSite()
    const rogue = await startRogue(site)
    const streams = await Promise.allSettled(
      Array.from({ length: 300 }, () => spew(rogue, protocols.sync, [Buffer.from([0])])),
    )
    expect(streams.some(({ status }) => status === 'fulfilled')).toBe(true)
    await stillWorks(site)
  })

  test('of connections leave one peer a few', async () => {
    const site = await startSite()
    const { node } = await startRogue(site)
    for (let i = 0; i < 10; i += 1)
      await node.parts.transportManager.dial(multiaddr(site.network.addresses()[0] ?? ''), {
        signal: AbortSignal.timeout(20_000),
      })
    // Those of whom it is known whose they are by then go as doubles.
    const closed = (): number => count(site, 'connection-surplus') + count(site, 'connection-duplicate')
    await eventually('the oldest are closed', () => closed() >= 3)
    await eventually('few are left', () => node.libp2p.getConnections().length <= 8)
    await stillWorks(site)
  })

  test('of invented peers leave the book bounded', async () => {
    const site = await startSite()
    const ids = await Promise.all(Array.from({ length: 50 }, () => generateKeyPair('Ed25519')))
    for (const key of ids) {
      const many = Array.from({ length: 40 }, (_, n) => `/ip4/127.0.0.1/tcp/${n + 1}`)
      site.network.learn(key.publicKey.toString(), [...many, 'nonsense'])
    }
    site.network.learn('nobody', ['/ip4/127.0.0.1/tcp/1'])
    site.network.learn(site.id, ['/ip4/127.0.0.1/tcp/1'])
    expect(site.network.peers()).toHaveLength(50)
    await stillWorks(site)
  })
})

describe('gossip streams that die on a living connection', () => {
  const gossipStreams = ({ node, connection }: Rogue, direction: string) =>
    connection.streams.filter((each) => each.direction === direction && node.gossip.protocols.includes(each.protocol))

  test('are opened again where ours died', async () => {
    const site = await startSite()
    const rogue = await startRogue(site)
    const heard: string[] = []
    rogue.node.gossip.addEventListener('message', ({ detail }) => heard.push(Buffer.from(detail.data).toString()))
    const reaches = (mark: string) =>
      eventually(`the rogue hears ${mark}`, () => {
        site.network.broadcast(bytes(`${mark} ${Math.random()}`))
        return heard.some((content) => content.startsWith(mark))
      })
    await reaches('before')
    for (const stream of gossipStreams(rogue, 'inbound')) stream.abort(new Error('lost'))
    await reaches('after')
  })

  test('are opened again where theirs died', async () => {
    const site = await startSite()
    const rogue = await startRogue(site)
    const isHealthy = () => site.network.peers().some(({ streamsHealthy }) => streamsHealthy)
    await eventually('gossip is up', isHealthy)
    await eventually('both streams are up', () => gossipStreams(rogue, 'outbound').length > 0)
    for (const stream of gossipStreams(rogue, 'outbound')) stream.abort(new Error('lost'))
    await eventually('it is noticed', () => !isHealthy())
    await eventually('gossip is up again', isHealthy)
    expect(site.trace).toEqual([`connected ${rogue.id}`])
  })

  test('are given a new connection where nothing else helps, but not again and again', async () => {
    const site = await startSite()
    const rogue = await startRogue(site)
    const isHealthy = () => site.network.peers().some(({ streamsHealthy }) => streamsHealthy)
    await eventually('gossip is up', isHealthy)
    rogue.node.gossip.unsubscribe(protocols.gossip)
    await eventually('it is repaired', () => count(site, 'gossip-repair') === 1)
    await eventually(
      'it is connected again',
      () => site.trace.at(-1) === `connected ${rogue.id}` && site.trace.length === 3,
    )
    rogue.node.gossip.subscribe(protocols.gossip)
    await eventually('gossip is up again', isHealthy)
    expect(count(site, 'gossip-repair')).toBe(1)
  })
})
