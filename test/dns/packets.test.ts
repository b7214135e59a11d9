// Bytes of questions, whole and broken; answers that fit and answers that do not.
import { decode, encode, type Packet, type SrvAnswer } from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HostAddresses } from '../../src/dns/addresses.js'
import { Zone } from '../../src/dns/answers.js'
import { Limits } from '../../src/dns/limits.js'
import { Responder } from '../../src/dns/responder.js'
import { DoorCounts } from '../../src/metrics/doors.js'
import { registerOf, type Registered } from './register.js'

const domain = 'rollcall.internal'
const many = Array.from({ length: 300 }, (_, i): Registered => ({ url: `http://10.0.${i >> 8}.${i & 255}:${i + 1}` }))
const register = registerOf({ services: { web: [{ url: 'http://10.0.0.5:80' }], many } })

let chance = 0
const responder = new Responder({
  lookups: new DoorCounts().lookups('dns'),
  zone: new Zone({ domain, ttl_s: 1 }),
  addresses: new HostAddresses(async () => undefined),
  view: () => register,
  wall: () => 7000,
  chance: () => (chance = (chance + 0.37) % 1),
})

function respond(packet: Uint8Array, asking = { isTcp: false }): Uint8Array | undefined {
  const answer = responder.respond(packet, asking)
  if (answer instanceof Promise) throw new Error('it waits for something')
  return answer
}

const question = (name: string, type: string, more: Packet = {}): Buffer =>
  encode({ type: 'query', id: 77, questions: [{ name, type: type as 'A' }], ...more })

const opt = (udpPayloadSize: number, more: object = {}): Packet => ({
  additionals: [
    { type: 'OPT', name: '.', udpPayloadSize, extendedRcode: 0, ednsVersion: 0, flags: 0, options: [], ...more },
  ] as unknown as NonNullable<Packet['additionals']>,
})

const webA = question(`web.service.${domain}`, 'A')

function rcodeOf(answer: Uint8Array | undefined): number | undefined {
  if (answer === undefined) return undefined
  const { additionals = [] } = decode(Buffer.from(answer))
  const extended = additionals.flatMap((one) => (one.type === 'OPT' ? [one.extendedRcode] : []))[0] ?? 0
  return extended * 16 + (Buffer.from(answer).readUInt16BE(2) & 0xf)
}

describe('a question', () => {
  test('goes back as it came, its capitals where they were', () => {
    const name = `wEb.SERvice.${domain.toUpperCase()}`
    const answer = decode(Buffer.from(respond(question(name, 'A'))!))
    expect(answer).toMatchObject({ id: 77, type: 'response', flag_aa: true, flag_ra: false, flag_tc: false })
    expect(answer.questions).toEqual([{ name, type: 'A', class: 'IN' }])
    expect(answer.answers).toMatchObject([{ name, type: 'A', ttl: 1, data: '10.0.0.5' }])
  })

  const two = Buffer.of(0, 2)
  /** A name that is a pointer to where it stands, a type that nobody knows, no data. */
  const circle = Buffer.of(0xc0, webA.length, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0)
  /** An EDNS record of another name than the root. */
  const ofNobody = Buffer.of(1, 97, 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0)
  const altered = (change: (bytes: Buffer) => unknown, more?: Packet): Buffer => {
    const bytes = more === undefined ? Buffer.from(webA) : question(`web.service.${domain}`, 'A', more)
    change(bytes)
    return bytes
  }

  test.each<readonly [string, Buffer, number | undefined]>([
    ['too short for a header', Buffer.from(webA.subarray(0, 11)), undefined],
    ['that is an answer', altered((bytes) => bytes.writeUInt16BE(0x8000, 2)), undefined],
    ['of another kind: NOTIFY', altered((bytes) => bytes.writeUInt16BE(4 << 11, 2)), 4],
    [
      'of another kind, and cut off',
      Buffer.from(altered((bytes) => bytes.writeUInt16BE(5 << 11, 2)).subarray(0, 14)),
      4,
    ],
    ['without a question', altered((bytes) => bytes.writeUInt16BE(0, 4)), 1],
    ['that are two', altered((bytes) => bytes.writeUInt16BE(2, 4)), 1],
    ['with 65535 records to come', altered((bytes) => bytes.writeUInt16BE(65_535, 10)), 1],
    ['with a record to come that is not there', altered((bytes) => bytes.writeUInt16BE(1, 10)), 1],
    ['whose name points to itself', altered((bytes) => bytes.writeUInt16BE(0xc00c, 12)), 1],
    ['of a class that is not of the internet', altered((bytes) => bytes.writeUInt16BE(3, bytes.length - 2)), 5],
    ['for a transfer', question(domain, 'AXFR'), 5],
    ['of a newer EDNS', question(`web.service.${domain}`, 'A', opt(1232, { ednsVersion: 1 })), 16],
    [
      'with two EDNS records',
      question(`web.service.${domain}`, 'A', { additionals: [...opt(9).additionals!, ...opt(9).additionals!] }),
      1,
    ],
    [
      'whose EDNS record is not of the root',
      Buffer.concat([altered((bytes) => bytes.writeUInt16BE(1, 10)), ofNobody]),
      1,
    ],
    ['whose EDNS record stands among answers', altered((bytes) => bytes.writeUInt32BE(0x10000, 6), opt(9)), 1],
    [
      'whose EDNS options end beyond it',
      Buffer.concat([altered(() => undefined, opt(9)).subarray(0, -2), two, two]),
      1,
    ],
    ['whose EDNS record ends beyond it', Buffer.from(altered(() => undefined, opt(9)).subarray(0, -1)), 1],
    [
      'with a record whose name has no end',
      Buffer.concat([altered((bytes) => bytes.writeUInt16BE(1, 10)), Buffer.of(1)]),
      1,
    ],
    ['with a record that points at itself', Buffer.concat([altered((bytes) => bytes.writeUInt16BE(1, 10)), circle]), 0],
    ['of others', question('example.com', 'A'), 5],
    ['of the root', question('.', 'NS'), 5],
    ['of nobody', question(`none.service.${domain}`, 'A'), 3],
    ['of a type that nobody knows', altered((bytes) => bytes.writeUInt16BE(65_280, bytes.length - 4)), 0],
  ])('%s', (_, packet, rcode) => {
    expect(rcodeOf(respond(packet))).toBe(rcode)
  })

  test('a dot within a label is none between two', () => {
    const dotted = Buffer.from(webA)
    dotted[12] = 11 // "web" and "service" are one label now
    dotted[16] = '.'.charCodeAt(0)
    expect(rcodeOf(respond(dotted))).toBe(3)
  })

  test('absence has the end of the zone with it', () => {
    const answer = decode(Buffer.from(respond(question(`None.service.${domain}`, 'A'))!))
    expect(answer.authorities).toMatchObject([{ name: domain, type: 'SOA', ttl: 1, data: { minimum: 1, serial: 7 } }])
  })
})

describe('an answer that does not fit', () => {
  const name = `many.service.${domain}`

  test.each([
    ['without EDNS', {}, 512],
    ['with room for less than that', opt(100), 512],
    ['with room for as much as it likes', opt(65_000), 1232],
  ])('%s: holds what fits, and says that there is more', (_, edns, size) => {
    for (const type of ['A', 'SRV']) {
      const bytes = respond(question(name, type, edns as Packet))!
      const { answers = [], flag_tc, additionals = [] } = decode(Buffer.from(bytes))
      expect(bytes.length).toBeLessThanOrEqual(size)
      expect(bytes.length).toBeGreaterThan(size - 70)
      expect(flag_tc).toBe(true)
      expect(answers.length).toBeGreaterThan(5)
      expect(additionals.some((one) => one.type === 'OPT')).toBe(size !== 512 || 'additionals' in edns)
    }
  })

  test('by TCP it is whole, with the address of each target', () => {
    const {
      answers = [],
      additionals = [],
      flag_tc,
    } = decode(Buffer.from(respond(question(name, 'SRV'), { isTcp: true })!))
    expect(flag_tc).toBe(false)
    expect(answers).toHaveLength(300)
    const targets = new Set(answers.map((one) => (one as SrvAnswer).data.target))
    expect(additionals.length).toBeGreaterThan(200) // names further down than a pointer reaches go without
    for (const { name: target } of additionals) expect(targets).toContain(target)
  })

  test('it is another part each time, in another order', () => {
    const firsts = Array.from({ length: 20 }, () => {
      const { answers = [] } = decode(Buffer.from(respond(question(name, 'A'))!))
      return (answers[0] as { data: string }).data
    })
    expect(new Set(firsts).size).toBeGreaterThan(10)
  })
})

test('nothing that comes in is answered with an exception, or with more than fits; answers not at all', () => {
  const seeds = [
    webA,
    question(`_web._tcp.service.${domain}`, 'SRV', opt(1232)),
    question(`many.service.${domain}`, 'A', opt(4096, { options: [{ code: 'COOKIE', data: Buffer.alloc(8) }] })),
    encode({
      type: 'response',
      questions: [{ name: domain, type: 'A' }],
      answers: [{ type: 'TXT', name: domain, data: 'x' }],
    }),
  ]
  const mutation = fc.record({
    seed: fc.constantFrom(...seeds),
    changes: fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 }),
    cut: fc.option(fc.nat(90)),
    tail: fc.uint8Array({ maxLength: 20 }),
  })
  fc.assert(
    fc.property(mutation, fc.boolean(), ({ seed, changes, cut, tail }, isTcp) => {
      const packet = Buffer.concat([seed, tail])
      for (const [at, value] of changes) packet[at % packet.length] = value
      const asked = packet.subarray(0, cut ?? packet.length)
      const answer = respond(asked, { isTcp })
      const isNoQuestion = asked.length < 12 || (asked.readUInt16BE(2) & 0x8000) !== 0
      expect(answer === undefined).toBe(isNoQuestion)
      if (answer === undefined) return
      expect(Buffer.from(answer).readUInt16BE(0)).toBe(asked.readUInt16BE(0))
      expect(answer.length).toBeLessThanOrEqual(isTcp ? 65_535 : 1232)
      expect(decode(Buffer.from(answer)).type).toBe('response')
    }),
    { numRuns: 10_000 },
  )
})

describe('each source', () => {
  const limits = (): Limits =>
    new Limits({ others: { perSecond: 10, burst: 2 }, loopback: { perSecond: 1000, burst: 1000 } })

  test('has so many answers at once, so many a second; of others every second one is told to come by TCP', () => {
    const those = limits()
    const asked = (count: number, now: number): string[] =>
      Array.from({ length: count }, () => those.admit('10.0.0.5', now))
    expect(asked(6, 0)).toEqual(['answer', 'answer', 'drop', 'truncate', 'drop', 'truncate'])
    expect(asked(2, 100)).toEqual(['answer', 'drop'])
    expect(those.admit('::ffff:10.0.0.5', 100)).toBe('truncate')
    expect(those.admit('10.0.0.6', 100)).toBe('answer')
  })

  test('of IPv6 is a network; loopback is no stranger', () => {
    const those = limits()
    for (const address of ['fd00::1', 'fd00:0:0:0:8::2']) expect(those.admit(address, 0)).toBe('answer')
    expect(those.admit('fd00::3', 0)).toBe('drop')
    for (let i = 0; i < 100; i += 1) expect(those.admit('127.0.0.1', 0)).toBe('answer')
  })

  test('over its share is told no more than it asked', () => {
    const answer = responder.respond(question(`many.service.${domain}`, 'A'), { isTcp: false, isTruncated: true })
    const { answers, flag_tc } = decode(Buffer.from(answer as Uint8Array))
    expect({ answers, flag_tc }).toEqual({ answers: [], flag_tc: true })
  })
})
