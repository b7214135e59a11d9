// Hosts: which spelling each has, and which of them mean another machine wherever they are read.
import { describe, expect, test } from 'vitest'
import { isOfItsMachine, readHost } from '../../src/core/model/host.js'
import { isOfItsNode } from '../../src/core/model/url.js'

test.each([
  ['api.com', 'api.com'],
  ['API.com', 'api.com'],
  ['my_host', 'my_host'],
  ['bücher.test', 'xn--bcher-kva.test'],
  ['a.test.', 'a.test.'],
  ['10.0.0.5', '10.0.0.5'],
  ['::1', '::1'],
  ['[::1]', '::1'],
  ['FD00:0:0::5', 'fd00::5'],
  ['::ffff:127.0.0.1', '::ffff:7f00:1'],
])('%s is a host', (text, host) => expect(readHost(text)).toBe(host))

test.each([
  ...[
    '',
    ' ',
    'a b',
    'a/b',
    'a?b',
    'a#b',
    'a@b',
    'a\\b',
    'a:80',
    '[a]',
    '[::1',
    '::1]',
    '[::1]:80',
    'a%2eb',
    'a<b',
    '127.0.0.1/foo',
  ],
  // Addresses, to some readers; other ones, or names, to others.
  ...[
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '010.0.0.1',
    '1.2.3.4.5',
    '300.1.1.1',
    '1.2.3.4.',
    'fe80::1%eth0',
    'a\tb',
    'a\nb',
  ],
])('%j is no host', (text) => expect(readHost(text)).toBeUndefined())

describe('on each machine it is another one', () => {
  test.each([
    ...[
      'http://127.0.0.1:8080',
      'http://127.0.0.1',
      'http://127.255.0.9:1/x',
      'https://127.0.0.1',
      'HTTP://127.1:8080',
      'http://2130706433',
    ],
    ...[
      'http://0.0.0.0:8080',
      'http://0:8080',
      'http://[::]:8080',
      'http://[::1]:8080',
      'http://[0:0:0:0:0:0:0:1]',
      'grpc://[::1]:9',
    ],
    ...[
      'http://[::ffff:127.0.0.1]:80',
      'http://[::ffff:7f00:1]',
      'http://[::ffff:0.0.0.0]',
      'http://[::ffff:169.254.1.1]',
      'http://[::127.0.0.1]',
    ],
    ...[
      'http://localhost',
      'http://LocalHost:80',
      'http://localhost.:80',
      'http://a.localhost:8080',
      'http://a.b.localhost',
      'redis://localhost:1',
    ],
    ...[
      'http://169.254.1.1',
      'http://169.254.169.254/x',
      'http://[fe80::1]:80',
      'http://[febf:ffff::1]',
      'tcp://127.0.0.1:5432',
      'tcp://LOCALHOST:1',
    ],
    ...[
      'http://user:pw@localhost:80',
      'http://localhost.localdomain',
      'http://ip6-localhost',
      'http://localhost4:80',
      'http://localhost6.localdomain6',
      'http://ipv6-loopback',
      'http://host.docker.internal:80',
    ],
  ])('%s', (url) => expect(isOfItsNode(url)).toBe(true))
})

describe('on each machine it is the same', () => {
  test.each([
    ...[
      'http://10.0.0.5:8080',
      'http://128.0.0.1',
      'http://126.0.0.1',
      'http://169.253.1.1',
      'http://1.0.0.127',
      'http://192.168.1.1',
    ],
    ...[
      'http://[fd00::1]',
      'http://[fec0::1]',
      'http://[2001:db8::7f00:1]',
      'http://[::ffff:10.0.0.5]',
      'http://[1::127.0.0.1]',
      'http://[::2:0:1]',
    ],
    ...[
      'http://localhost.example.com',
      'http://mylocalhost',
      'http://127.0.0.1.example.com',
      'http://a.test/127.0.0.1',
      'http://localhost@a.test',
    ],
    ...['nonsense', '', 'http://a.test/#@localhost'],
  ])('%s', (url) => expect(isOfItsNode(url)).toBe(false))
})

test('whoever asks by a name in capitals or with a final dot means the same', () => {
  expect(['LOCALHOST', 'localhost.', 'A.LOCALHOST.'].map(isOfItsMachine)).toEqual([true, true, true])
})
