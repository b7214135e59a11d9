/** Whose requests are let in, by what they call us and where they come from. */
import { hostname, networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { createGuard, isOwnOrigin, isServedHost, type Served } from '../../src/http/guard.js'

const loopback: Served = { bound: '127.0.0.1', names: ['node-1.example.com', 'FD00::5'], proxies: [], origins: [] }
const wildcard: Served = { bound: '0.0.0.0', names: [], proxies: [], origins: [] }

describe('the Host header', () => {
  test.each([
    ...['localhost', 'LOCALHOST:58231', 'localhost.', '127.0.0.1', '127.0.0.1:58231', '127.8.8.8:1', '[::1]:58231'],
    ...['[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]:80', 'node-1.example.com:58231', 'Node-1.Example.com.', '[fd00::5]:1'],
  ])('%s is ours', (header) => expect(isServedHost(header, loopback)).toBe(true))

  test.each([
    ...['evil.example', 'evil.example:58231', 'localhost.evil.example', '127.0.0.1.evil.example', 'notlocalhost', ''],
    ...[
      '10.0.0.5',
      '[::2]',
      '::1',
      'localhost:x',
      'localhost:123456',
      'a@localhost',
      'localhost/',
      ' localhost',
      '[::1',
    ],
    ...['127.0.0.1 evil.example', '2130706433', '0x7f.1'],
  ])('%s is not, on loopback', (header) => expect(isServedHost(header, loopback)).toBe(false))

  test('bound to an address, that address is ours, and so is the name of the machine', () => {
    const served: Served = { bound: '10.0.0.5', names: [], proxies: [], origins: [] }
    expect(isServedHost('10.0.0.5:58231', served)).toBe(true)
    expect(isServedHost(hostname(), served)).toBe(true)
    expect(isServedHost('10.0.0.6:58231', served)).toBe(false)
  })

  test('bound to all addresses, those of this machine are ours and no others', () => {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    expect(addresses.length).toBeGreaterThan(0)
    for (const { address, family } of addresses) {
      const header = family === 'IPv6' ? `[${address}]:1` : `${address}:1`
      expect(isServedHost(header, wildcard)).toBe(true)
    }
    expect(isServedHost('0.0.0.0:58231', wildcard)).toBe(true)
    expect(isServedHost('192.0.2.1:58231', wildcard)).toBe(false)
  })
})

describe('the Origin header', () => {
  test.each([
    ['http://localhost:58231', 'localhost:58231'],
    ['https://node-1.example.com', 'node-1.example.com'],
    ['http://localhost', 'localhost:80'],
    ['http://LOCALHOST:58231', 'localhost:58231'],
  ])('%s is the origin of %s', (origin, host) => expect(isOwnOrigin(origin, host)).toBe(true))

  test.each([
    ['http://localhost:3000', 'localhost:58231'],
    ['http://evil.example', 'localhost:58231'],
    ['null', 'localhost:58231'],
    ['', 'localhost:58231'],
    ['file://', 'localhost:58231'],
    ['http://localhost:58231', undefined],
  ])('%s is not the origin of %s', (origin, host) => expect(isOwnOrigin(origin, host)).toBe(false))

  test('of another page is refused for changes, and tolerated for reading', () => {
    const headers = { host: 'localhost:58231', origin: 'http://localhost:3000' }
    for (const method of ['PUT', 'POST', 'DELETE', 'PATCH', 'PROPFIND']) {
      expect(() => createGuard(loopback)(method, headers)).toThrow(/Origin/)
    }
    for (const method of ['GET', 'HEAD', 'OPTIONS']) createGuard(loopback)(method, headers)
  })
})

test('a request of HTTP/1.0 without a Host is let in: browsers always send one', () => {
  createGuard(loopback)('GET', {})
})

test('a name that was ours a moment ago is still asked for by whom it concerns', () => {
  const guard = createGuard(loopback)
  const evil = { host: 'evil.example' }
  for (let i = 0; i < 3; i += 1) {
    guard('PUT', { host: 'localhost:58231' })
    expect(() => guard('GET', evil)).toThrow(/Host/)
    expect(() => guard('PUT', { host: 'localhost:58231', origin: 'http://evil.example' })).toThrow(/Origin/)
  }
})

test('the name of a proxy is ours for as long as the options say so', () => {
  let proxies = ['registry.example.com']
  const guard = createGuard({
    ...loopback,
    get proxies() {
      return proxies
    },
  })
  const asked = (): void =>
    guard('PUT', { host: 'Registry.example.com:443', origin: 'https://registry.example.com:443' })
  asked()
  asked()
  proxies = []
  expect(asked).toThrow(/Host.*--allow-host/)
})
