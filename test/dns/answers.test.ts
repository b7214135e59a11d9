// What is said to each question, out of a register of plain data.
import { describe, expect, test } from 'vitest'
import { Zone } from '../../src/dns/answers.js'
import type { FindAddresses } from '../../src/dns/view.js'
import { registerOf, told, type RegisterOf } from './register.js'

const domain = 'rollcall.internal'
const nobody: FindAddresses = () => 'silent'
const here = { url: 'http://10.0.0.1:58231', addresses: ['/ip4/10.0.0.1/tcp/58232'], isHere: true }

function ask(
  name: string,
  type: string,
  register: RegisterOf,
  find: FindAddresses = nobody,
): ReturnType<Zone['answer']> {
  const under = name === '' ? domain : `${name}.${domain}`
  return new Zone({ domain, ttl_s: 1 }).answer(under, type, registerOf(register), find, 7)
}

const web: RegisterOf = {
  services: {
    web: [
      { url: 'http://10.0.0.5:8080/app', tags: ['Blue', 'v1.2'], ports: { metrics: 9464, Admin: 81 } },
      { url: 'https://[fd00::6]/', weight: 7 },
      { url: 'http://10.0.0.7:8080', weight: 0 },
      { url: 'http://10.0.0.8:8080', status: 'Unreachable', tags: ['green'] },
      { url: 'http://10.0.0.9:8080', status: 'Unknown' },
      { url: 'http://10.0.0.10', isHidden: true, tags: ['canary'] },
    ],
    sick: [{ url: 'http://10.0.0.8:1', status: 'Error' }],
    resting: [{ url: 'http://10.0.0.8:1', isHidden: true }],
    spared: [{ url: 'http://10.0.0.7:1', weight: 0 }],
    portless: [{ url: 'smtp://10.0.0.5' }, { url: 'smtp://10.0.0.6:2525' }],
    local: [{ url: 'http://127.0.0.1:1' }, { url: 'http://localhost:2', isElsewhere: true }],
    far: [{ url: 'http://[::1]:1', isElsewhere: true }],
    twins: [{ url: 'http://10.0.0.5:1' }, { url: 'http://10.0.0.5:2' }],
    mixed: [{ url: 'http://10.0.0.5:1' }],
    MIXED: [{ url: 'http://10.0.0.6:1' }, { url: 'http://10.0.0.7:1', status: 'Degraded' }],
    odd_name: [{ url: 'http://10.0.0.5:1' }],
    mapped: [{ url: 'http://[::ffff:10.0.0.5]:1' }, { url: 'http://[fd00::6]:3' }],
    long: [{ url: `http://${'x'.repeat(64)}.lan:1` }, { url: 'http://10.0.0.5:1' }],
  },
  nodes: {
    'Node-A': here,
    node_b: { url: 'http://127.0.0.1:1', addresses: ['/ip4/127.0.0.1/tcp/1', '/ip6/fd00::2/tcp/1'], isHere: false },
    'node-c': { url: 'http://node-c.node.rollcall.internal', addresses: ['/ip4/10.0.0.3/tcp/1'], isHere: false },
    'node-d': { url: 'rollcall://12D3KooW', addresses: ['/ip4/10.0.0.4/tcp/1'], isHere: false },
  },
}

describe('a service gives what a pick may choose', () => {
  test.each([
    ['web.service', 'A', ['A 10.0.0.5']],
    ['web.service', 'AAAA', ['AAAA fd00::6']],
    [
      'web.service',
      'SRV',
      [
        'SRV 0 100 8080 0a000005.addr.rollcall.internal',
        'SRV 0 7 443 fd000000000000000000000000000006.addr.rollcall.internal',
        'SRV 1 0 8080 0a000007.addr.rollcall.internal',
      ],
    ],
    ['_web._tcp.service', 'A', ['nothing']],
    ['mapped.service', 'A', ['A 10.0.0.5']],
    ['mapped.service', 'AAAA', ['AAAA fd00::6']],
    [
      'mapped.service',
      'SRV',
      [
        'SRV 0 100 1 0a000005.addr.rollcall.internal',
        'SRV 0 100 3 fd000000000000000000000000000006.addr.rollcall.internal',
      ],
    ],
    ['00000000000000000000ffff0a000005.addr', 'A', ['A 10.0.0.5']],
    ['00000000000000000000ffff0a000005.addr', 'AAAA', ['nothing']],
    ['_web._blue.service', 'SRV', ['SRV 0 100 8080 0a000005.addr.rollcall.internal']],
    ['blue.web.service', 'A', ['A 10.0.0.5']],
    ['green.web.service', 'A', ['nothing']],
    ['canary.web.service', 'A', ['nothing']],
    ['red.web.service', 'A', ['no such name']],
    ['_metrics._tcp.web.service', 'SRV', ['SRV 0 100 9464 0a000005.addr.rollcall.internal']],
    ['_admin._tcp.web.service', 'SRV', ['SRV 0 100 81 0a000005.addr.rollcall.internal']],
    ['_grpc._tcp.web.service', 'SRV', ['no such name']],
    ['_tcp.web.service', 'SRV', ['nothing']],
    ['_tcp.none.service', 'SRV', ['no such name']],
    ['sick.service', 'A', ['nothing']],
    ['resting.service', 'SRV', ['nothing']],
    ['none.service', 'A', ['no such name']],
    ['odd_name.service', 'A', ['no such name']],
    ['spared.service', 'A', ['A 10.0.0.7']],
    ['spared.service', 'SRV', ['SRV 1 0 1 0a000007.addr.rollcall.internal']],
    ['portless.service', 'A', ['A 10.0.0.5', 'A 10.0.0.6']],
    ['portless.service', 'SRV', ['SRV 0 100 2525 0a000006.addr.rollcall.internal']],
    ['local.service', 'SRV', ['SRV 0 100 1 7f000001.addr.rollcall.internal']],
    ['far.service', 'AAAA', ['nothing']],
    ['twins.service', 'A', ['A 10.0.0.5']],
    ['mixed.service', 'A', ['A 10.0.0.5', 'A 10.0.0.6']],
    ['long.service', 'SRV', ['SRV 0 100 1 0a000005.addr.rollcall.internal']],
    ['web.service', 'TXT', ['nothing']],
    ['web.service', 'ANY', ['HINFO RFC8482 ']],
    ['none.service', 'ANY', ['no such name']],
    ['web.service', 'AXFR', ['refused']],
  ])('%s %s', (name, type, expected) => {
    expect(told(ask(name, type, web))).toEqual(expected)
  })

  test('in doubt what was last known, which nobody is to keep; not even that it is not there', () => {
    const said = ask('sick.service', 'A', { ...web, degraded: true })
    expect(said).toMatchObject({ type: 'records', records: [{ data: '10.0.0.8', ttl: 0 }] })
    const none = ask('none.service', 'A', { ...web, degraded: true })
    expect(none).toMatchObject({ type: 'no such name', soa: { ttl: 0, data: { minimum: 0 } } })
  })

  test('not ready: nothing of its own, and still nothing of others', () => {
    expect(ask('web.service', 'A', { ...web, ready: false }).type).toBe('failed')
    const zone = new Zone({ domain, ttl_s: 1 })
    const register = registerOf({ services: {}, ready: false })
    expect(zone.answer('example.com', 'A', register, nobody, 7).type).toBe('refused')
  })
})

describe('nodes, addresses, the zone itself', () => {
  test.each([
    ['node-a.node', 'A', ['A 10.0.0.1']],
    ['node_b.node', 'AAAA', ['AAAA fd00::2']],
    ['node_b.node', 'A', ['nothing']],
    ['node-c.node', 'A', ['A 10.0.0.3']],
    ['node-d.node', 'A', ['A 10.0.0.4']],
    ['node-e.node', 'A', ['no such name']],
    ['0a000005.addr', 'A', ['A 10.0.0.5']],
    ['0a000005.addr', 'AAAA', ['nothing']],
    ['', 'SOA', [`SOA ns.${domain} hostmaster.${domain} 7 3600 600 86400 1`]],
    ['', 'NS', [`NS ns.${domain}`]],
    ['', 'A', ['nothing']],
    ['ns', 'A', ['A 10.0.0.1']],
    ['service', 'A', ['nothing']],
    ['_tcp.service', 'SRV', ['nothing']],
    ['nowhere', 'A', ['no such name']],
  ])('%s %s', (name, type, expected) => {
    expect(told(ask(name, type, web))).toEqual(expected)
  })
})

describe('urls by name', () => {
  const named: RegisterOf = {
    services: {
      web: [{ url: 'http://Web1.lan.:8080' }],
      both: [{ url: 'http://web1.lan:1' }, { url: 'http://10.0.0.5:1' }],
      ours: [{ url: 'http://node-a.node.rollcall.internal:1' }],
      circle: [{ url: 'http://circle.service.rollcall.internal:1' }],
      moved: [{ url: 'http://moved.lan:1', isElsewhere: true }],
    },
    nodes: { 'node-a': here },
  }
  const known: FindAddresses = (host) =>
    host === 'web1.lan'
      ? [{ address: '10.0.0.9', family: 4 }]
      : [
          { address: '127.0.1.1', family: 4 },
          { address: '10.0.0.8', family: 4 },
        ]

  const mapped: FindAddresses = () => [
    { address: '::ffff:10.0.0.7', family: 6 },
    { address: '::ffff:127.0.0.1', family: 6 },
  ]

  test.each<readonly [string, string, FindAddresses, readonly string[]]>([
    ['web.service', 'SRV', nobody, ['SRV 0 100 8080 web1.lan']],
    ['web.service', 'A', () => 'unknown', ['ask web1.lan']],
    ['web.service', 'A', known, ['A 10.0.0.9']],
    ['web.service', 'AAAA', known, ['nothing']],
    ['web.service', 'A', () => [], ['nothing']],
    ['web.service', 'A', nobody, ['failed']],
    ['both.service', 'A', nobody, ['A 10.0.0.5']],
    ['both.service', 'AAAA', nobody, ['nothing']],
    ['both.service', 'A', known, ['A 10.0.0.5', 'A 10.0.0.9']],
    ['ours.service', 'A', nobody, ['A 10.0.0.1']],
    ['circle.service', 'A', nobody, ['nothing']],
    ['circle.service', 'SRV', nobody, ['SRV 0 100 1 circle.service.rollcall.internal']],
    ['moved.service', 'A', known, ['A 10.0.0.8']],
    ['moved.service', 'A', mapped, ['A 10.0.0.7']],
    ['moved.service', 'AAAA', mapped, ['nothing']],
  ])('%s %s', (name, type, find, expected) => {
    expect(told(ask(name, type, named, find))).toEqual(expected)
  })
})

test('whoever makes up tags has the records of a service looked through once a second, not once for each', () => {
  const zone = new Zone({ domain, ttl_s: 1 })
  let looks = 0
  const register = registerOf(web)
  const counting = { ...register, records: (slug: string) => (looks++, register.records(slug)) }
  const ask = (tag: string, serial: number): string =>
    zone.answer(`${tag}.web.service.${domain}`, 'A', counting, nobody, serial).type
  for (let i = 0; i < 50; i += 1) expect(ask(`x${i}`, 7)).toBe('no such name')
  expect([ask('canary', 7), looks]).toEqual(['nothing', 1])
  expect([ask('canary', 8), looks]).toEqual(['nothing', 2])
})
