/** The parts of the network that need no network: framing, addresses, the address book, whose turn it is. */
import type { NetworkInterfaceInfo } from 'node:os'
import { multiaddr } from '@multiformats/multiaddr'
import { generateKeyPair } from '@libp2p/crypto/keys'
import fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, test, vi } from 'vitest'
import { announced, parseSeed, readAddress } from '../../src/io/network/addresses.js'
import { AddressBook, bookLimits } from '../../src/io/network/book.js'
import { dial, outcomeOf } from '../../src/io/network/dialer.js'
import { Dialing } from '../../src/io/network/dialing.js'
import { Drops } from '../../src/io/network/drops.js'
import { Forgetting, forgettingAfter_ms } from '../../src/io/network/forgetting.js'
import { encodeMessage, MessageReader } from '../../src/io/network/messages.js'
import { nobodySpeaks, withKeyInDoubt } from '../../src/io/network/handshakes.js'
import { Permits } from '../../src/io/network/permits.js'
import { Strangers } from '../../src/io/network/strangers.js'
import { generateClusterKey } from '../../src/io/network/network.js'

const log = pino({ level: 'silent' })
const memoryFile = { load: () => Promise.resolve(undefined), save: () => Promise.resolve() }

describe('messages', () => {
  test('come out as they went in, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 })),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (sent, sizes) => {
          const wire = Buffer.concat([
            ...sent.map((bytes) => encodeMessage(bytes, false)),
            encodeMessage(new Uint8Array(1), true),
          ])
          const read: [number[], boolean][] = []
          const reader = new MessageReader(50, (bytes, last) => read.push([[...bytes], last]))
          for (let at = 0; at < wire.length;) {
            const size = sizes.next().value
            expect(reader.push(wire.subarray(at, at + size))).toBe(true)
            at += size
          }
          expect(read).toEqual([...sent.map((bytes) => [[...bytes], false]), [[0], true]])
          expect(reader.push(Uint8Array.of(1))).toBe(false)
        },
      ),
    )
  })

  test('any bytes are read or refused, and never allocated before they come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const reader = new MessageReader(64 * 1024 * 1024, () => {})
        reader.push(bytes)
        expect(reader.held).toBeLessThanOrEqual(2 * bytes.length)
      }),
    )
  })

  test('a message over the limit is refused at its header', () => {
    const reader = new MessageReader(10, () => {})
    expect(reader.push(encodeMessage(new Uint8Array(10), false))).toBe(true)
    expect(reader.push(encodeMessage(new Uint8Array(11), false).subarray(0, 4))).toBe(false)
  })
})

describe('addresses', () => {
  test.each([
    ['10.0.0.5', '10.0.0.5', 58_232],
    ['node-1', 'node-1', 58_232],
    ['node-1.example.com:4001', 'node-1.example.com', 4001],
    ['[fd00::5]:4001', 'fd00::5', 4001],
    ['[fd00::5]', 'fd00::5', 58_232],
    ['fd00::5', 'fd00::5', 58_232],
    ['/ip4/10.0.0.5/tcp/4001', '10.0.0.5', 4001],
    ['/dns4/example.com/tcp/4001', 'example.com', 4001],
    ['/ip4/10.0.0.5/tcp/4001/p2p/12D3KooWNvT9QbZCdMzrwDxvbtr39zrbbGfT2Yipub6tqg2TuNik', '10.0.0.5', 4001],
  ])('the seed %s is %s, port %i', (text, host, port) => {
    expect(parseSeed(text)).toMatchObject({ text, host, port })
  })

  test.each([
    '',
    ':4001',
    'a b',
    'host:0',
    'host:65536',
    '[10.0.0.5]:1',
    '/ip4/10.0.0.5',
    '/ip4/10.0.0.5/udp/1',
    'http://host:1',
  ])('%j is no seed', (text) => {
    expect(() => parseSeed(text)).toThrow(/^join: .* is not an address; give one like/)
  })

  test('have one spelling, without the peer id', () => {
    const plain = '/ip4/10.0.0.5/tcp/4001'
    expect(readAddress(`${plain}/p2p/12D3KooWNvT9QbZCdMzrwDxvbtr39zrbbGfT2Yipub6tqg2TuNik`)).toBe(plain)
    for (const none of [
      '/ip4/0.0.0.0/tcp/1',
      '/ip4/10.0.0.5/tcp/0',
      `${plain}/ws`,
      'x'.repeat(5_000),
      '/p2p-circuit',
    ]) {
      expect(readAddress(none)).toBeUndefined()
    }
  })

  test('any text is read or refused', () => {
    fc.assert(fc.property(fc.string(), (text) => void readAddress(text)))
    fc.assert(fc.property(fc.string(), (text) => void readAddress(`/ip4/${text}/tcp/1`)))
  })

  test('loopback is announced only alone, public ones always, bridges last', () => {
    const all = [
      '/ip4/127.0.0.1/tcp/1',
      '/ip4/172.17.0.1/tcp/1',
      '/ip4/10.0.0.5/tcp/1',
      '/ip4/8.8.8.8/tcp/1',
      '/ip6/fe80::1/tcp/1',
    ]
    const docker0 = [{ address: '172.17.0.1', internal: false }] as NetworkInterfaceInfo[]
    const listening = all.map((each) => multiaddr(each))
    expect(announced(listening, [], { docker0 })).toEqual([all[2], all[3], all[1]])
    expect(announced([multiaddr(all[0])], [])).toEqual([all[0]])
    expect(announced(listening, ['/dns4/example.com/tcp/9'])).toEqual(['/dns4/example.com/tcp/9'])
  })
})

test('who is dialled as soon as its connections are gone is not where one of them remains, nor later, when that one ends', async () => {
  const book = new AddressBook({ file: memoryFile, log, drops: new Drops(), onEvicted: () => undefined })
  const [kept, lost] = ['12D3KooWA', '12D3KooWB']
  for (const [i, peer] of [kept, lost].entries()) book.learn(peer, [`/ip4/127.0.0.1/tcp/${1000 + i}`])
  const connected = new Set([kept, lost])
  const opened: string[] = []
  const dialing = new Dialing({
    self: '12D3KooWZ', // it is the turn of the others
    ...{ seeds: [], book, log, names: { resolve: () => Promise.reject(new Error('nobody')), stop() {} } },
    own: () => [],
    isConnected: (peer) => connected.has(peer),
    connected: () => connected.size,
    open: (address) => Promise.reject(new Error(String(opened.push(address)))),
    random: () => 1,
    onRefused: () => undefined,
  })
  for (const peer of [kept, lost]) dialing.nowAfterDisconnect(peer)
  dialing.moved(kept)
  for (const peer of [kept, lost]) {
    connected.delete(peer)
    dialing.disconnected(peer)
  }
  await vi.waitFor(() => expect(opened).not.toEqual([]))
  dialing.stop()
  await book.close()
  expect(opened).toEqual([`/ip4/127.0.0.1/tcp/1001/p2p/${lost}`])
})

describe('the address book', () => {
  const file = (json?: string) => {
    const saved: string[] = []
    return { saved, load: () => Promise.resolve(json), save: (text: string) => Promise.resolve(void saved.push(text)) }
  }
  const evicted: string[] = []
  const open = (from = file(), drops = new Drops()) =>
    new AddressBook({ file: from, log, drops, onEvicted: (peer) => evicted.push(peer) })
  const peerId = async () => (await generateKeyPair('Ed25519')).publicKey.toString()

  test('on a disk that refuses it says so once, and once that it is over', async () => {
    vi.useFakeTimers()
    try {
      const lines: { msg: string }[] = []
      const heard = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as { msg: string }) })
      const disk = { refuses: true }
      const save = (): Promise<void> => (disk.refuses ? Promise.reject(new Error('ENOSPC')) : Promise.resolve())
      const full = { load: () => Promise.resolve(undefined), save }
      const book = new AddressBook({ file: full, log: heard, drops: new Drops(), onEvicted: () => undefined })
      const peer = await peerId()
      const seenFor = async (seconds: number): Promise<void> => {
        for (let i = 0; i < seconds; i++) {
          book.seen(peer)
          await vi.advanceTimersByTimeAsync(1000)
        }
      }
      await seenFor(10)
      disk.refuses = false
      await seenFor(10)
      await book.close()
      expect(lines.map(({ msg }) => msg)).toEqual([
        expect.stringMatching(/cannot be saved .*ENOSPC/),
        'the address book is saved again',
      ])
    } finally {
      vi.useRealTimers()
    }
  })

  test('knows what it was told, then what was proven, and what the peer itself says replaces both', async () => {
    const book = open()
    const peer = await peerId()
    const [a, b, c] = ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1', '/ip4/10.0.0.3/tcp/1']
    expect(book.learn(peer, [a, b, 'nonsense'])).toBe(true)
    expect(book.learn(peer, [a])).toBe(false)
    expect(book.deciders(peer)).toEqual([a, b])
    expect(book.isProven(peer)).toBe(false)
    book.replace(peer, [a, b, c], { address: b, host: '10.0.0.2' })
    expect(book.addresses(peer)).toEqual([b, a, c])
    expect(book.deciders(peer)).toEqual([b])
    expect(book.isProven(peer)).toBe(true)
    // It came to us from that host, so we take it that we get there.
    book.replace(peer, [a, c], { address: undefined, host: '10.0.0.3' })
    expect(book.deciders(peer)).toEqual([c])
    await book.close()
  })

  test('is bounded, and forgets first who was never met', async () => {
    const drops = new Drops()
    const book = open(undefined, drops)
    const met = await peerId()
    book.replace(met, ['/ip4/10.0.0.1/tcp/1'], { address: undefined, host: '' })
    for (let n = 0; n < bookLimits.peers + 10; n += 1) book.learn(`invented ${n}`, ['/ip4/10.0.0.1/tcp/1'])
    expect(book.peers()).toHaveLength(bookLimits.peers)
    expect(book.has(met)).toBe(true)
    expect(drops.all()['book-full']).toBe(11)
    expect(evicted).toHaveLength(11)
    for (let n = 1; n < 100; n += 1) book.learn(met, [`/ip4/10.0.0.1/tcp/${n}`])
    expect(book.addresses(met)).toHaveLength(bookLimits.addresses)
    await book.close()
  })

  test('comes back from disk without what makes no sense', async () => {
    const first = file()
    const book = open(first)
    const peer = await peerId()
    book.learn(peer, ['/ip4/10.0.0.1/tcp/1'])
    await book.close()
    const saved = JSON.parse(first.saved.at(-1) ?? '') as { peers: Record<string, unknown> }
    Object.assign(saved.peers, {
      nobody: saved.peers[peer],
      [await peerId()]: 7,
      [await peerId()]: { addresses: ['x'], seen: Date.now() },
      [await peerId()]: { addresses: ['/ip4/10.0.0.1/tcp/1'], seen: 1 },
    })
    const again = open(file(JSON.stringify(saved)))
    await again.load()
    expect(again.peers()).toEqual([peer])
    expect(again.addresses(peer)).toEqual(['/ip4/10.0.0.1/tcp/1'])
  })
})

describe('an attempt', () => {
  const refusal = () => Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }))
  const blackHole = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))

  test.each([
    ['every address refuses', ['refuse', 'refuse'], ['refuse', 'refuse'], 1],
    ['the proven one refuses while another is a black hole', ['refuse', 'hole'], ['refuse'], 1],
    ['one of two refuses and none is proven', ['refuse', 'hole'], ['refuse', 'hole'], 0],
    ['nothing is known', [], [], 0],
  ])('is a refusal or not, when %s', async (_case, kinds, deciding, verdicts) => {
    const addresses = kinds.map((kind, n) => `${kind} ${n}`)
    const deciders = addresses.slice(0, deciding.length)
    let refused = 0
    const stop = new AbortController()
    const result = dial(
      {
        addresses,
        deciders,
        open: (address, signal) => (address.startsWith('refuse') ? refusal() : blackHole(signal)),
        onRefused: () => {
          refused += 1
          stop.abort()
        },
      },
      stop.signal,
    )
    expect((await result).connection).toBeUndefined()
    expect(refused).toBe(verdicts)
  })
})

test.each([
  ['refused', ['ECONNREFUSED', 'ECONNREFUSED'], true],
  ['refused, in all of its tries', ['ECONNREFUSED', ['ECONNREFUSED', 'ECONNREFUSED']], true],
  ['reset', ['ECONNREFUSED', 'ECONNRESET'], false],
  ['refused and reset in one', ['ECONNREFUSED', ['ECONNREFUSED', 'ECONNRESET']], false],
  ['cut in the handshake', ['ECONNREFUSED', 'EncryptionFailedError'], false],
  ['without a route', ['ECONNREFUSED', 'ENETUNREACH'], undefined],
  ['not tried, for want of files', ['ECONNREFUSED', 'EMFILE'], undefined],
  ['not tried, for a limit of ours', ['ECONNREFUSED', 'ConnectionDeniedError'], undefined],
])('who is %s at an address is gone, or only suspect, or neither', async (_, errors, expected) => {
  const failing = (what: string | string[]): Error =>
    typeof what !== 'string'
      ? new AggregateError(what.map(failing))
      : Object.assign(
          new Error(what),
          what.startsWith('E') && what === what.toUpperCase() ? { code: what } : { name: what },
        )
  const verdicts: boolean[] = []
  const addresses = errors.map((_, n) => String(n))
  const open = (address: string): Promise<never> => Promise.reject(failing(errors[Number(address)] ?? ''))
  const onRefused = (isVacant: boolean): void => void verdicts.push(isVacant)
  await dial({ addresses, deciders: addresses, open, onRefused }, new AbortController().signal)
  expect(verdicts).toEqual(expected === undefined ? [] : [expected])
})

describe('permits', () => {
  test('are given in order, up to the bound of the queue', async () => {
    const permits = new Permits(1, 1)
    await permits.take()
    const second = permits.take()
    expect(permits.take()).toBeUndefined()
    permits.giveBack()
    await second
    permits.giveBack()
    await permits.take()
  })
})

describe('a connection to our own key', () => {
  test('is one to ourselves where both of its ends are seen, and to a copy of us where one is', () => {
    vi.useFakeTimers()
    const strangers = new Strangers(log, () => ['/ip4/127.0.0.1/tcp/1'])
    strangers.metOwnKey('outbound', '10.0.0.1:58232')
    strangers.metOwnKey('inbound', '10.0.0.1')
    strangers.metOwnKey('inbound', '10.0.0.1')
    vi.advanceTimersByTime(500)
    strangers.metOwnKey('outbound', '10.0.0.1:58232')
    vi.advanceTimersByTime(60_000)
    expect(strangers.list()).toEqual([])
    strangers.metOwnKey('inbound', '10.0.0.2')
    vi.advanceTimersByTime(2000)
    expect(strangers.list().map(({ where, error }) => [where, error.split(':')[0]])).toEqual([
      ['10.0.0.2', "another daemon runs with this node's key at 10.0.0.2, beside this one at /ip4/127.0.0.1/tcp/1"],
    ])
    strangers.metOwnKey('inbound', '10.0.0.2')
    strangers.stop()
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })
})

test('who did not come in, but does so a moment later, was let wait, and is not told of', () => {
  vi.useFakeTimers()
  const strangers = new Strangers(log, () => [])
  strangers.failed('10.0.0.1')
  strangers.failed('10.0.0.2')
  vi.advanceTimersByTime(1000)
  strangers.cameIn('10.0.0.1')
  vi.advanceTimersByTime(10_000)
  expect(strangers.list().map(({ where }) => where)).toEqual(['10.0.0.2'])
  strangers.failed('10.0.0.3')
  strangers.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('who answers by mDNS with our key is a copy of us; of those that are made up, as many are told as are shown', () => {
  const said: unknown[] = []
  const strangers = new Strangers(pino({}, { write: (line) => void said.push(line) }), () => ['/ip4/127.0.0.1/tcp/1'])
  for (let i = 0; i < 300; i += 1) strangers.heardCopy([`/ip4/10.0.${i >> 7}.${i & 127}/tcp/58232/p2p/x`])
  strangers.heardCopy([])
  expect(strangers.list()).toHaveLength(64)
  expect(said).toHaveLength(64)
  expect(strangers.list()[1]).toMatchObject({
    where: '10.0.0.1:58232',
    error: expect.stringContaining("another daemon runs with this node's key at 10.0.0.1:58232") as string,
  })
})

test.each([
  ['silent', true, 'nobody speaks'],
  ['no-answer', false, 'no answer in 5 s'],
])('a dial that nobody ends is %s: whether a machine took the connection is %s', async (outcome, hasReached, words) => {
  vi.useFakeTimers()
  const open = (_: string, signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      const error = Object.assign(new Error('nobody speaks'), { hasReached })
      signal.addEventListener('abort', () => reject(error))
    })
  const stop = new AbortController()
  const dialled = dial({ addresses: ['one', 'two'], deciders: [], open, onRefused: () => {} }, stop.signal)
  await vi.advanceTimersByTimeAsync(6000)
  const result = await dialled
  expect(outcomeOf(result)).toBe(outcome)
  expect([...result.failures.values()].map(({ message }) => message)).toEqual([words, words])
  vi.useRealTimers()
})

test('a cluster key is a key file of libp2p, another one each time', () => {
  const [one, other] = [generateClusterKey(), generateClusterKey()].map((key) => new TextDecoder().decode(key))
  expect(one).toMatch(/^\/key\/swarm\/psk\/1\.0\.0\/\n\/base16\/\n[0-9a-f]{64}$/)
  expect(one).not.toBe(other)
})

test('of who says nothing in time it is not said that it is frozen, while others show that our key differs', () => {
  const error = `reached 10.0.0.5:1, ${nobodySpeaks}`
  expect(withKeyInDoubt(error)).toBe(
    'reached 10.0.0.5:1, but nothing came of it in time, and elsewhere the handshake failed: is the cluster key the same?',
  )
  expect(withKeyInDoubt('10.0.0.5:1: no answer in 5 s')).toBe('10.0.0.5:1: no answer in 5 s')
})

test.each([
  ['/ip4/10.0.0.1/tcp/9: connection error 10.0.0.1:9: connect ECONNREFUSED 10.0.0.1:9', 'connect ECONNREFUSED'],
  ['connection error ::1:9: connect EHOSTUNREACH ::1:9 - Local (::1:0)', 'connect EHOSTUNREACH ::1:9 - Local (::1:0)'],
  [`${'so '.repeat(65)}12D3KooWD1nSVtBVBjFr3JwSZ8MP`, `${'so '.repeat(65)}…`],
])('a dial that fails is told without its address, and cut between words: %s', async (said, words) => {
  const address = '/ip4/10.0.0.1/tcp/9'
  const open = () => Promise.reject(new Error(said))
  const { failures } = await dial(
    { addresses: [address], deciders: [], open, onRefused: () => {} },
    new AbortController().signal,
  )
  expect(failures.get(address)?.message).toBe(words)
})

describe('whom libp2p forgets', () => {
  test('is whose last connection went a while ago, and who has not come again', async () => {
    vi.useFakeTimers()
    const forgotten: string[] = []
    const connected = new Set<string>()
    const forgetting = new Forgetting({
      isConnected: (peer) => connected.has(peer),
      forget: async (peer) => void forgotten.push(peer),
    })
    for (const peer of ['gone', 'back', 'again']) forgetting.gone(peer)
    connected.add('back')
    await vi.advanceTimersByTimeAsync(forgettingAfter_ms - 1000)
    expect(forgotten).toEqual([])
    forgetting.gone('again')
    await vi.advanceTimersByTimeAsync(2000)
    expect(forgotten).toEqual(['gone'])
    await vi.advanceTimersByTimeAsync(forgettingAfter_ms)
    expect(forgotten).toEqual(['gone', 'again'])
    expect(vi.getTimerCount()).toBe(0)
    forgetting.gone('last')
    forgetting.stop()
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  test('is nothing that goes on after the end, when the last connections are cut', () => {
    vi.useFakeTimers()
    const forgetting = new Forgetting({ isConnected: () => false, forget: () => Promise.resolve() })
    forgetting.stop()
    forgetting.gone('cut at the end')
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })
})
