/** What is said in multicast DNS: read and written as libp2p's own class does, and nothing of what others say can do harm. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { decode, encode } from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lanesOf } from '../../src/io/network/lanes.js'
import { answer, question, read, serviceTag } from '../../src/io/network/words.js'

const peer = (await generateKeyPair('Ed25519')).publicKey.toString()
const other = (await generateKeyPair('Ed25519')).publicKey.toString()
const tag = serviceTag('default')
const speaker = { peer, name: 'mine' }
const reader = { peer: other, name: 'yours' }
const addresses = ['/ip4/203.0.113.7/tcp/58232', '/ip6/2a00:77::1/tcp/58232', '/ip4/10.0.0.5/tcp/58232']

describe('an answer', () => {
  test('tells every address, of any range, and is read as it was said', () => {
    const bytes = answer(tag, speaker, addresses)!
    expect(read(bytes, tag, reader)).toEqual({
      type: 'answer',
      peer,
      addresses: addresses.map((address) => `${address}/p2p/${peer}`),
    })
  })

  test('is not given where there is no address to tell, and of many tells the first that cross a network in one piece', () => {
    expect(answer(tag, speaker, [])).toBeUndefined()
    const many = Array.from({ length: 100 }, (_, i) => `/ip6/2a00:77::${i + 1}/tcp/58232`)
    const bytes = answer(tag, speaker, many)!
    expect(bytes.length).toBeLessThanOrEqual(1232)
    const heard = read(bytes, tag, reader)
    expect(heard).toMatchObject({ addresses: expect.arrayContaining([`${many[0]}/p2p/${peer}`]) as string[] })
  })

  test('is not heard by who gave it, nor by who asks for another cluster', () => {
    const bytes = answer(tag, speaker, addresses)!
    expect(read(bytes, tag, speaker)).toBeUndefined()
    expect(read(bytes, serviceTag('another'), reader)).toBeUndefined()
  })

  test('by another speaker who has our key is that of a copy of us', () => {
    const heard = read(answer(tag, speaker, addresses)!, tag, { peer, name: 'again' })
    expect(heard).toEqual({ type: 'copy', peer, addresses: addresses.map((address) => `${address}/p2p/${peer}`) })
  })

  test('speaks for one peer alone: addresses of others in it do not count', () => {
    const [mine, foreign] = [`/ip4/10.0.0.5/tcp/1/p2p/${peer}`, `/ip4/10.0.0.6/tcp/1/p2p/${other}`]
    const record = (text: string) => ({ name: `x.${tag}`, type: 'TXT', data: `dnsaddr=${text}` }) as const
    const answers = [{ name: tag, type: 'PTR', data: `x.${tag}` } as const, record(mine), record(foreign), record('x')]
    const heard = read(encode({ type: 'response', answers }), tag, { peer: 'nobody', name: 'yours' })
    expect(heard).toEqual({ type: 'answer', peer, addresses: [mine] })
  })
})

test('a question is for one service', () => {
  expect(decode(Buffer.from(question(tag))).questions).toMatchObject([{ name: tag, type: 'PTR' }])
  expect(read(question(tag), tag, reader)).toEqual({ type: 'question' })
  expect(read(question(tag), serviceTag('another'), reader)).toBeUndefined()
})

test('no bytes throw, whatever they are', () => {
  const valid = [question(tag), answer(tag, speaker, addresses)!]
  fc.assert(
    fc.property(
      fc.constantFrom(...valid),
      fc.array(fc.tuple(fc.nat(2000), fc.nat(255))),
      fc.nat(2000),
      (bytes, flips, length) => {
        const broken = Uint8Array.from(bytes)
        for (const [at, value] of flips) broken[at % broken.length] = value
        read(broken.slice(0, length), tag, reader)
      },
    ),
    { numRuns: 2000 },
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void read(bytes, tag, reader)))
})

describe('the interfaces of a machine', () => {
  const at = (cidr: string, internal = false) => {
    const [address = ''] = cidr.split('/')
    const family = address.includes(':') ? 'IPv6' : 'IPv4'
    return { address, cidr, internal, family, mac: '02:00:00:00:00:01', netmask: '', scopeid: 2 } as never
  }
  const lo = [at('127.0.0.1/8', true), at('::1/128', true)]
  const seen = (known: Parameters<typeof lanesOf>[0]) =>
    lanesOf(known).map(({ interface: name, family }) => `${name} ${family}`)

  test('are asked on in each family that they have; loopback only where there is nothing else', () => {
    const eth0 = [at('10.0.0.5/24'), at('10.0.0.6/24'), at('fe80::1/64')]
    expect(seen({ lo, docker0: [at('172.17.0.1/16')], eth0, tun0: [at('10.8.0.1/32')] })).toEqual([
      ...['eth0 IPv4', 'eth0 IPv6', 'tun0 IPv4', 'docker0 IPv4'],
    ])
    expect(seen({ lo })).toEqual(['lo IPv4'])
    expect(seen({})).toEqual([])
  })

  test('are at most 64, first those that lead to others', () => {
    const guests = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`veth${i}`, [at('fe80::1/64')]]))
    const all = seen({ ...guests, eth0: [at('10.0.0.5/24')] })
    expect([all.length, all[0]]).toEqual([64, 'eth0 IPv4'])
  })

  test('hear what came in by them, as far as the address of the sender tells', () => {
    const known = { eth0: [at('10.0.0.5/24'), at('fe80::1/64')], eth1: [at('10.0.1.5/24')] }
    const [eth0, eth0ip6, eth1] = lanesOf(known)
    expect([eth0!.hears('10.0.0.9'), eth1!.hears('10.0.0.9')]).toEqual([true, false])
    expect([eth0!.hears('192.168.7.7'), eth1!.hears('192.168.7.7')]).toEqual([true, true])
    expect([eth0ip6!.hears('fe80::9%eth0'), eth0ip6!.hears('fe80::9%eth1')]).toEqual([true, false])
  })
})
