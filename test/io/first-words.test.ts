/** Who does not come in: told from one with another cluster key are those who went away, and those who are none of us. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { FirstWords, type Hearing, speechOf } from '../../src/io/network/first-words.js'
import { generateClusterKey } from '../../src/io/network/clusterkey.js'
import { eventually } from './eventually.js'
import { connected, type Site, startSite } from './networkworld.js'

const greeting = '\x13/multistream/1.0.0\n'
const hello = `${greeting}\x07/noise\n`
const nonce = 'GET / is 24 bytes by luck'.slice(0, 24)
const refusal = `${greeting}\x03na\n`
const request = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'

describe('what came first, and what it reads as, tell', () => {
  test.each([
    ['', '', 'nothing'],
    [hello, hello, 'our-key'],
    ['\x13/multi', '\x13/multi', 'our-key'],
    [nonce, nonce, 'other-key'],
    [request, request, 'none-of-us'],
    ['SSH-2.0-OpenSSH_9.6\r\n', 'SSH-2.0-OpenSSH_9.6\r\n', 'none-of-us'],
    // With a key of our own:
    [nonce, '', 'nothing'],
    [nonce, hello, 'our-key'],
    [refusal, refusal, 'no-room'],
    [nonce, refusal, 'no-room'],
    [nonce, refusal.slice(0, -1), 'our-key'],
    [nonce, '\x13/mul', 'our-key'],
    [nonce, '\x13/mux', 'other-key'],
    [nonce, 'q', 'other-key'],
    [hello, 'zzzz', 'other-key'],
    [greeting, '', 'other-key'],
    [request, 'xyz', 'none-of-us'],
    ['SSH-2.0-OpenSSH_9.6\r\n', '', 'none-of-us'],
  ])('%j, %j: %s', (first, read, speech) => {
    expect(speechOf({ first: Buffer.from(first), read: Buffer.from(read) })).toBe(speech)
  })
})

const servers = new Set<Server>()
afterEach(() => {
  for (const server of servers) server.close()
  servers.clear()
})

async function startServer(answer: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(answer))
  }).listen(0, '127.0.0.1')
  servers.add(server)
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Comes from an address of its own, says so much, waits for an answer where there is one, and goes away. */
async function knock(site: Site, localAddress: string, words: string | Buffer, end: 'end' | 'reset'): Promise<void> {
  const port = Number(/tcp\/(\d+)/.exec(site.network.addresses()[0] ?? '')?.[1])
  const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const answered = new Promise((resolve) => socket.once('data', resolve))
  socket.write(words)
  await Promise.race([answered, closed, new Promise((resolve) => setTimeout(resolve, 100))])
  if (end === 'end') socket.end()
  else socket.resetAndDestroy()
  await closed
}

const tls = Buffer.concat([Buffer.from('160301020001', 'hex'), Buffer.alloc(100, 7)])

test.each([
  ['no cluster key', {}, [hello, `${hello}\0\x20half of a first message`, `${greeting}\x07/no`], nonce],
  ['one', { clusterKey: generateClusterKey() }, [nonce], hello],
])('with %s: who goes away in the handshake, a health check, a scan of ports have no wrong key', async (...row) => {
  const [, options, cutShort, ofAnotherKey] = row
  const site = await startSite(options)
  let host = 2
  for (const words of [...cutShort, request, tls])
    for (const end of ['end', 'reset'] as const) await knock(site, `127.0.0.${host++}`, words, end)
  await knock(site, '127.0.0.99', ofAnotherKey, 'end')
  // Each is told some seconds after it came, in their order.
  await eventually('the one that has another key is told', () => site.network.failures().length > 0)
  expect(site.network.failures().map(({ where }) => where)).toEqual(['127.0.0.99'])
  expect(site.network.dropped()['handshake-failed']).toBe(5)
})

test.each([
  ['no daemon', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'but what speaks there is no Rollcall daemon: is the port right?'],
  ['one that breaks off', greeting, 'but the handshake broke off'],
  ['one with a cluster key', nonce, 'but the handshake failed: is the cluster key the same?'],
  ['nobody', '', 'but it ended the connection without a word'],
])('a seed that is %s is named as that, and keeps out who said so', async (_, answer, why) => {
  const seed = await startServer(answer)
  const site = await startSite({ join: [seed] })
  await eventually('it is told', () => site.network.failures().some(({ error }) => error.includes(why)))
  const [failure] = site.network.failures()
  expect(failure).toMatchObject({ where: seed, reason: why.includes('key') ? 'handshake' : 'no-answer' })
  expect(failure?.error).toContain(`reached ${seed}, ${why}`)
  const isWord = answer !== '' && answer !== greeting
  expect(site.network.firstContact().seeds[0]?.outcome).toBe(isWord ? 'refused' : 'unreachable')
})

test.each([
  ['no cluster key', {}],
  ['one', { clusterKey: generateClusterKey() }],
])('with %s: who has no room says so, and lets in who comes once there is some', async (_, options) => {
  const full = await startSite({ ...options, connectionLimit: 1 })
  const friend = await startSite({ ...options, join: full.network.addresses() })
  await connected(full, friend)
  const site = await startSite({ ...options, join: full.network.addresses() })
  await eventually('it is told', () => site.network.failures().length > 0)
  expect(site.network.failures()[0]?.error).toContain(
    'but the handshake failed: it has no room for one more connection',
  )
  expect(site.network.firstContact().seeds[0]?.outcome).toBe('refused')
  await friend.network.stop()
  await connected(full, site)
})

test('who is sought at the address of another peer has no wrong key', async () => {
  const other = await startSite()
  const id = (await generateKeyPair('Ed25519')).publicKey.toString()
  const site = await startSite({ join: [`${other.network.addresses()[0]}/p2p/${id}`] })
  await eventually('it is told', () => site.network.failures().length > 0)
  expect(site.network.failures()[0]).toMatchObject({ reason: 'no-answer' })
  expect(site.network.failures()[0]?.error).toContain('but another peer is there')
  expect(other.network.failures()).toEqual([])
})

test.each([
  ['begins as one of us does', [hello, 'more'.repeat(1000)], hello.length + 4000],
  ['begins so, in pieces', [...hello, 'more'.repeat(1000)], hello.length + 4000],
  ['goes on with a length that has no end', [greeting, '\xff'.repeat(200), '\xff'.repeat(1000)], greeting.length + 256],
  ['says much at once', ['\xff'.repeat(5000)], 256],
  ['begins otherwise', ['\xff'.repeat(10), '\xff'.repeat(1000)], 256],
])('of who %s so much is passed on, and where it says more it is ended', (_, pieces, most) => {
  let [passed, isEnded] = [0, false]
  const connection = {
    onData: (bytes: { readonly byteLength: number }) => void (passed += bytes.byteLength),
    abort: () => void (isEnded = true),
  }
  const words = new FirstWords(connection, { isPlain: true, isCalled: false })
  for (const piece of pieces) connection.onData(Buffer.from(piece, 'latin1'))
  words.end()
  expect(passed).toBe(most)
  expect(words.heard.first.buffer.byteLength).toBeLessThanOrEqual(hello.length)
  expect(isEnded).toBe(passed < pieces.join('').length)
})

test('who took the bytes of a connection before its handshake takes them after it', () => {
  const taken: string[] = []
  class Connection {
    onData(bytes: Buffer): void {
      taken.push(`itself: ${bytes.toString()}`)
    }
  }
  const connection = Object.assign(new Connection(), {
    onData: (bytes: Buffer) => void taken.push(`in turns: ${bytes.toString()}`),
  })
  const words = new FirstWords(connection as unknown as Hearing, { isPlain: false, isCalled: false })
  connection.onData(Buffer.from('before'))
  words.end()
  connection.onData(Buffer.from('after'))
  expect(taken).toEqual(['in turns: before', 'in turns: after'])
})

test('who chooses no muxer within the handshake is not asked for one', async () => {
  const site = await startSite()
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [
      (components) => {
        const built = noise()(components)
        const secure = built.secureOutbound.bind(built)
        built.secureOutbound = (connection, options) =>
          secure(connection, { ...options, skipStreamMuxerNegotiation: true })
        return built
      },
    ],
    streamMuxers: [yamux()],
  })
  await expect(node.dial(multiaddr(site.network.addresses()[0]))).rejects.toThrow()
  await node.stop()
})
