// What a name in a question stands for, by its form.
import { describe, expect, test } from 'vitest'
import { addressOfHost, meaningOf, nameOfAddress, type Meaning } from '../../src/dns/names.js'

const domain = 'rollcall.internal'
const service = { type: 'service', slug: 'web', isForSrv: false } as const

const cases: readonly [string, Meaning][] = [
  ['', { type: 'apex' }],
  ['ns', { type: 'server' }],
  ['web.service', service],
  ['blue.web.service', { ...service, tag: 'blue' }],
  ['_web._tcp.service', { ...service, isForSrv: true }],
  ['_web._blue.service', { ...service, tag: 'blue', isForSrv: true }],
  ['_http._tcp.web.service', { ...service, port: 'http', isForSrv: true }],
  ['service', { type: 'branch' }],
  ['node', { type: 'branch' }],
  ['addr', { type: 'branch' }],
  ['_tcp.service', { type: 'branch' }],
  ['_blue.service', { type: 'branch' }],
  ['_tcp.web.service', { type: 'branch', of: 'web' }],
  ['node-1.node', { type: 'node', name: 'node-1' }],
  ['node_1vzbbp8q.node', { type: 'node', name: 'node_1vzbbp8q' }],
  ['0a000005.addr', { type: 'address', at: { address: '10.0.0.5', family: 4 } }],
  [
    'fd000000000000000000000000000005.addr',
    { type: 'address', at: { address: 'fd00:0000:0000:0000:0000:0000:0000:0005', family: 6 } },
  ],
  ...[
    ...['web', 'x.ns', 'a.b.web.service', '-web.service', 'we_b.service', '.service', '_.service', '_blue.web.service'],
    ...['_http._udp.web.service', '_http._tcp._web.service', 'a._b._c._d.service', 'a.b.node', '0a00005.addr'],
    ...['0a00000g.addr', '0a000005.x.addr', 'we\0b.service', `${'x'.repeat(64)}.service`],
  ].map((name): [string, Meaning] => [name, { type: 'nothing' }]),
]

test.each(cases)('%s', (name, meaning) => {
  expect(meaningOf(name === '' ? domain : `${name}.${domain}`, domain)).toEqual(meaning)
})

test.each(['', 'internal', 'example.com', 'xrollcall.internal', 'rollcall.internal.example.com'])(
  '%s is a name of others',
  (name) => expect(meaningOf(name, domain)).toEqual({ type: 'foreign' }),
)

describe('an address has a name that stands for it', () => {
  test.each([
    ['10.0.0.5', 4, '0a000005'],
    ['255.1.0.16', 4, 'ff010010'],
    ['fd00::5', 6, 'fd000000000000000000000000000005'],
    ['::1', 6, '00000000000000000000000000000001'],
  ] as const)('%s', (address, family, digits) => {
    const name = nameOfAddress({ address, family }, domain)
    expect(name).toBe(`${digits}.addr.${domain}`)
    expect(meaningOf(name, domain)).toMatchObject({ type: 'address', at: { family } })
  })

  test('one of IPv4 within IPv6 is that of IPv4', () => {
    expect(addressOfHost('::ffff:a00:5')).toEqual({ address: '10.0.0.5', family: 4 })
    expect(addressOfHost('::FFFF:10.0.0.5')).toEqual({ address: '10.0.0.5', family: 4 })
    expect(addressOfHost('::a00:5')).toEqual({ address: '::a00:5', family: 6 })
    expect(addressOfHost('ffff.lan')).toBeUndefined()
    const meaning = meaningOf(`00000000000000000000ffff0a000005.addr.${domain}`, domain)
    expect(meaning).toEqual({ type: 'address', at: { address: '10.0.0.5', family: 4 } })
  })
})
