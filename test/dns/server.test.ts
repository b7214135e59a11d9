// The sockets of the DNS door, on loopback: datagrams, connections, what bounds them, how they end.
import { createSocket, Socket as Datagrams } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { decode, encode, streamEncode, type DecodedPacket, type Packet } from 'dns-packet'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Resolve } from '../../src/dns/addresses.js'
import { createDnsServer, type DnsServer } from '../../src/dns/server.js'
import { DoorCounts } from '../../src/metrics/doors.js'
import { registerOf } from './register.js'

const domain = 'rollcall.internal'
const log = pino({ level: 'silent' })
const many = Array.from({ length: 200 }, (_, i) => ({ url: `http://10.0.0.${i + 1}:80` }))
const register = registerOf({
  services: {
    web: [{ url: 'http://10.0.0.5:80' }],
    many,
    named: [{ url: 'http://a.lan' }],
    hidden: [{ url: 'http://10.0.0.6', isHidden: true }],
  },
})

let resolve: Resolve = async () => [{ address: '10.0.0.9', family: 4 }]
const counts = new DoorCounts()
let server: DnsServer
let port: number

const create = (at = 0, host = '127.0.0.1'): DnsServer =>
  createDnsServer({
    ...{ host, port: at, domain, ttl_s: 1, log, lookups: counts.lookups('dns') },
    view: () => register,
    resolve: (host) => resolve(host),
  })

beforeEach(async () => {
  server = create()
  port = Number((await server.start()).split(':')[1])
})

afterEach(() => server.stop())

const question = (name: string, id = 1): Packet => ({
  type: 'query',
  id,
  questions: [{ name: `${name}.service.${domain}`, type: 'A' }],
})

async function askByUdp(packet: Uint8Array, host = '127.0.0.1'): Promise<DecodedPacket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    const heard = once(socket, 'message')
    socket.send(packet, port, host)
    const [bytes] = (await heard) as [Buffer]
    return decode(bytes)
  } finally {
    socket.close()
  }
}

async function connected(host = '127.0.0.1'): Promise<Socket> {
  const socket = connect(port, host)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** The packets that came, once it has ended or that many are there. */
async function read(socket: Socket, count: number): Promise<DecodedPacket[]> {
  const packets: DecodedPacket[] = []
  let held = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, chunk])
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0)
      packets.push(decode(held.subarray(2, end)))
      held = held.subarray(end)
    }
    if (packets.length >= count) break
  }
  return packets
}

describe('datagrams', () => {
  test('what does not fit is told to come by TCP, where all of it is', async () => {
    const byUdp = await askByUdp(encode(question('many')))
    expect(byUdp.flag_tc).toBe(true)
    const socket = await connected()
    socket.write(streamEncode(question('many')))
    const [byTcp] = await read(socket, 1)
    expect(byTcp?.answers).toHaveLength(200)
    expect(byTcp?.flag_tc).toBe(false)
  })

  test('a name of others is found meanwhile; where nobody knows it the answer is that nobody knows', async () => {
    expect((await askByUdp(encode(question('named')))).answers).toMatchObject([{ data: '10.0.0.9' }])
    await server.stop()
    resolve = async () => undefined
    server = create()
    port = Number((await server.start()).split(':')[1])
    expect(await askByUdp(encode(question('named')))).toMatchObject({ rcode: 'SERVFAIL', answers: [] })
  })

  test('what is no question is answered to nobody, and counted', async () => {
    const socket = createSocket('udp4')
    const answer = encode({ ...question('web'), type: 'response' })
    await new Promise((done) => socket.send(Buffer.from('hello'), port, '127.0.0.1', done))
    await new Promise((done) => socket.send(answer, port, '127.0.0.1', done))
    socket.close()
    expect((await askByUdp(encode(question('web')))).answers).toHaveLength(1)
    expect(server.dropped()).toEqual({ 'DNS: too short': 1, 'DNS: an answer': 1 })
  })

  test('a packet made by hand that says it comes from no port is dropped, and the next one is answered', async () => {
    const bind = vi.spyOn(Datagrams.prototype, 'bind')
    await server.stop()
    server = create()
    port = Number((await server.start()).split(':')[1])
    const [socket] = bind.mock.contexts as Datagrams[]
    bind.mockRestore()
    socket?.emit('message', Buffer.from(encode(question('web'))), { address: '127.0.0.1', port: 0, family: 'IPv4' })
    expect((await askByUdp(encode(question('web')))).answers).toHaveLength(1)
    expect(server.dropped()).toEqual({ 'DNS: from no port': 1 })
  })

  test('lookups are counted by what came of them, and nothing else is one', async () => {
    const before = counts.readLookups().map(({ value }) => value)
    const ask = (name: string, type: 'A' | 'AAAA' | 'SRV' | 'TXT'): Promise<DecodedPacket> =>
      askByUdp(encode({ type: 'query', id: 1, questions: [{ name: `${name}.${domain}`, type }] }))
    await ask('web.service', 'A')
    await ask('web.service', 'AAAA') // it can be called, by the other family
    await ask('_web._tcp.service', 'SRV')
    await ask('hidden.service', 'A')
    await ask('none.service', 'SRV')
    for (const other of ['ns', 'none.node', 'service', '0a000005.addr']) await ask(other, 'A')
    await ask('web.service', 'TXT')
    expect(counts.readLookups().map(({ value }, i) => value - (before[i] ?? 0))).toEqual([3, 1, 1])
  })
})

describe('connections', () => {
  test('many questions at once, in pieces, are answered in their order', async () => {
    const socket = await connected()
    const bytes = Buffer.concat(['web', 'none', 'web'].map((name, i) => streamEncode(question(name, i))))
    socket.write(bytes.subarray(0, 20))
    socket.write(bytes.subarray(20))
    expect((await read(socket, 3)).map(({ id, answers }) => [id, answers?.length])).toEqual([
      [0, 1],
      [1, 0],
      [2, 1],
    ])
  })

  test('one that says what no question is, or is longer than any, is ended', async () => {
    for (const bytes of [Buffer.from([0, 3, 1, 2, 3]), Buffer.from([0xff, 0xff, 0, 0])]) {
      const socket = await connected()
      socket.write(bytes)
      expect(await read(socket, 1)).toEqual([])
    }
  })

  test('beyond the room whoever was silent for longest gives way', async () => {
    const first = await connected()
    const closed = new Promise((done) => first.once('close', done))
    const others: Socket[] = []
    for (let i = 0; i < 256; i += 1) others.push(await connected())
    await closed
    const last = others.at(-1) as Socket
    last.write(streamEncode(question('web')))
    expect(await read(last, 1)).toHaveLength(1)
    for (const socket of others) socket.destroy()
  })
})

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

describe('its life', () => {
  test.runIf(hasIpv6)('localhost is both, on one port, by either protocol', async () => {
    await server.stop()
    server = create(0, 'localhost')
    port = Number((await server.start()).split(':')[1])
    for (const host of ['127.0.0.1', '::1']) {
      expect((await askByUdp(encode(question('web')), host)).answers).toHaveLength(1)
      const socket = await connected(host)
      socket.write(streamEncode(question('web')))
      expect(await read(socket, 1)).toHaveLength(1)
    }
    const second = create(port, '::1')
    await expect(second.start()).rejects.toThrow('is in use by another program')
  })

  test('an address that is taken is named with the option that chooses it', async () => {
    const second = create(port)
    await expect(second.start()).rejects.toThrow(`dns: 127.0.0.1:${port} is in use by another program`)
    await expect(create(port).start()).rejects.toThrow('--dns HOST:PORT (ROLLCALL_DNS)')
    await second.stop()
  })

  test('it ends at any time, twice, with connections and questions open', async () => {
    resolve = () => new Promise(() => undefined)
    const socket = await connected()
    const closed = new Promise((done) => socket.once('close', done))
    socket.write(streamEncode(question('named')))
    const datagrams = createSocket('udp4')
    await new Promise((done) => datagrams.send(encode(question('named')), port, '127.0.0.1', done))
    await Promise.all([server.stop(), server.stop()])
    await closed
    await server.stop()
    await create().stop()
    datagrams.close()
  })
})
