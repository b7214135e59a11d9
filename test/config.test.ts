/** What options mean, where they come from, how a wrong one is told. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os, { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { formatHostPort, options, parseConfig, warningsOf, type Config } from '../src/config.js'
import { isOfService } from '../src/config/environment.js'
import { flagName, type Option, optionNames } from '../src/config/option.js'
import { isSecret } from '../src/config/secret-file.js'
import { isOfItsNode } from '../src/core/model/url.js'
import { generateClusterKey } from '../src/io/network/clusterkey.js'
import { readOptions } from '../src/node/options.js'

const dir = mkdtempSync(join(tmpdir(), 'rollcall-config-'))
afterAll(() => rmSync(dir, { recursive: true }))

const byFlags = (flags: Record<string, unknown>): Config => parseConfig({ flags, env: {} })
const byEnv = (env: Record<string, string>): Config => parseConfig({ flags: {}, env })

test('nothing given: loopback, the default ports, mDNS, a data dir in the home', () => {
  expect(byFlags({})).toEqual({
    cluster: 'default',
    dataDir: join(homedir(), '.local/state/rollcall/default'),
    temp: false,
    http: { host: '127.0.0.1', port: 58_231 },
    insecureHttp: false,
    dnsDomain: 'rollcall.internal',
    dnsTtl: 1,
    insecureDns: false,
    corsOrigin: [],
    allowHost: [],
    listen: ['/ip4/0.0.0.0/tcp/58232', '/ip6/::/tcp/58232'],
    listenElsewhere: true,
    join: [],
    announce: [],
    mdns: true,
    logLevel: 'info',
    maxWatchers: 1024,
    metricsSlugs: false,
    testDropGossip: 0,
  })
})

const peer = '12D3KooWD1nSVtBVBjFr3JwSZ8MPGHYQCyX4Xs9AqUU9yBVaBr5A'

describe('what is given', () => {
  const cases: readonly [keyof typeof options, string, Partial<Config>][] = [
    ['cluster', 'lab-2', { cluster: 'lab-2', dataDir: join(homedir(), '.local/state/rollcall/lab-2') }],
    ['dataDir', '/var/lib/x/', { dataDir: '/var/lib/x' }],
    ['dataDir', 'here', { dataDir: join(process.cwd(), 'here') }],
    ['http', 'localhost:0', { http: { host: 'localhost', port: 0 } }],
    ['dns', '[::1]:8653', { dns: { host: '::1', port: 8653 } }],
    ['dnsDomain', 'Lab.Example.', { dnsDomain: 'lab.example' }],
    ['dnsTtl', '30', { dnsTtl: 30 }],
    ['http', '[::1]:8080', { http: { host: '::1', port: 8080 } }],
    [
      'corsOrigin',
      'HTTPS://Ops.Example.com:443,http://localhost:3000',
      { corsOrigin: ['https://ops.example.com', 'http://localhost:3000'] },
    ],
    ['corsOrigin', '*', { corsOrigin: ['*'] }],
    ['allowHost', 'Registry.example.com.,10.0.0.9', { allowHost: ['registry.example.com', '10.0.0.9'] }],
    ['listen', '/ip4/10.0.0.5/tcp/4000', { listen: ['/ip4/10.0.0.5/tcp/4000'], listenElsewhere: false }],
    ['listen', '/ip4/0.0.0.0/tcp/0,/ip6/::/tcp/0', { listen: ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0'] }],
    ['join', '10.0.0.5', { join: ['/ip4/10.0.0.5/tcp/58232'] }],
    ['join', '10.0.0.5:4000, [fd00::5]:4001', { join: ['/ip4/10.0.0.5/tcp/4000', '/ip6/fd00::5/tcp/4001'] }],
    ['join', 'fd00::5', { join: ['/ip6/fd00::5/tcp/58232'] }],
    ['join', 'node_1.lan:4000', { join: ['/dns/node_1.lan/tcp/4000'] }],
    ['join', `/dns4/a.b/tcp/1/p2p/${peer}`, { join: [`/dns4/a.b/tcp/1/p2p/${peer}`] }],
    ['join', '/ip6/fd00::5/tcp/1/', { join: ['/ip6/fd00::5/tcp/1/'] }],
    ['announce', '/dns/a.example/tcp/1', { announce: ['/dns/a.example/tcp/1'] }],
    ['mdns', 'false', { mdns: false }],
    ['mdns', 'on', { mdns: true }],
    ['nodeId', 'abc', { nodeId: 'abc' }],
    ['url', 'https://node-1.example.com', { url: 'https://node-1.example.com' }],
    ['region', 'eu', { region: 'eu' }],
    ['zone', 'eu-1', { zone: 'eu-1' }],
    ['logLevel', 'DEBUG', { logLevel: 'debug' }],
    ['testDropGossip', '0.5', { testDropGossip: 0.5 }],
  ]
  test.each(cases)('%s %s, as a flag and in the environment', (name, text, expected) => {
    expect(byFlags({ [name]: text })).toMatchObject(expected)
    expect(byEnv({ [options[name].env]: text })).toMatchObject(expected)
  })

  test('a flag wins over the environment, empty variables are not set, others are not looked at', () => {
    const env = { ROLLCALL_REGION: 'env', ROLLCALL_ZONE: '', ROLLCALL_CLUSTER: ' ', ROLLCALL_SERVER: 'x', ROLL: 'y' }
    const config = parseConfig({ flags: { region: 'flag' }, env })
    expect(config).toMatchObject({ region: 'flag', cluster: 'default' })
    expect(config).not.toHaveProperty('zone')
  })

  test('repeated flags add up, and so do commas in them', () => {
    expect(byFlags({ join: ['10.0.0.5', '10.0.0.6,10.0.0.7'] }).join).toHaveLength(3)
  })

  test('switches as commander gives them', () => {
    const flags = { temp: true, mdns: false, insecureHttp: true }
    expect(byFlags(flags)).toMatchObject({ temp: true, mdns: false, insecureHttp: true })
    expect(parseConfig({ flags: { mdns: false }, env: { ROLLCALL_MDNS: 'true' } }).mdns).toBe(false)
  })

  test("systemd's state directory, the first of several, is the default data dir", () => {
    expect(byEnv({ STATE_DIRECTORY: '/var/lib/rollcall:/var/lib/other' }).dataDir).toBe('/var/lib/rollcall')
    expect(byEnv({ STATE_DIRECTORY: '/a', ROLLCALL_DATA_DIR: '/b' }).dataDir).toBe('/b')
  })

  test('--temp: a data dir of its own and free ports, unless ports are given', () => {
    const [first, second] = [byFlags({ temp: true }), byFlags({ temp: true, http: '127.0.0.1:9000' })]
    expect(first).toMatchObject({
      http: { host: '127.0.0.1', port: 0 },
      listen: ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0'],
    })
    expect(first.dataDir.startsWith(tmpdir())).toBe(true)
    expect(first.dataDir).not.toBe(second.dataDir)
    expect(second.http.port).toBe(9000)
  })

  test('HTTP beyond loopback, where it was asked for in so many words', () => {
    expect(byFlags({ http: '0.0.0.0:80', insecureHttp: true }).http.host).toBe('0.0.0.0')
  })

  test('DNS beyond loopback the same, for which tokens are no answer', () => {
    expect(byFlags({ dns: '[::]:53', insecureDns: true }).dns).toEqual({ host: '::', port: 53 })
    expect(() => byFlags({ dns: '0.0.0.0:53', insecureHttp: true })).toThrow(/--insecure-dns/)
  })
})

describe('what is wrong is named by flag and variable, with the way out', () => {
  const cases: readonly [keyof typeof options, string, RegExp][] = [
    ['cluster', 'My Cluster', /^--cluster \(ROLLCALL_CLUSTER\): .*lower-case/],
    ['cluster', '../x', /cluster/],
    ['http', '58231', /^--http \(ROLLCALL_HTTP\): .*127\.0\.0\.1:58231/],
    ['http', '127.0.0.1:65536', /0 to 65535/],
    ['http', '127.0.0.1', /HOST:PORT/],
    ['http', 'http://127.0.0.1:1', /HOST:PORT/],
    ['http', '0.0.0.0:58231', /--http \(ROLLCALL_HTTP\): .*loopback.*--insecure-http \(ROLLCALL_INSECURE_HTTP\)/],
    ['http', '[::]:58231', /loopback/],
    ['dns', '8653', /^--dns \(ROLLCALL_DNS\): .*such as 127\.0\.0\.1:8653/],
    ['dns', 'node-1.lan:8653', /ADDRESS:PORT/],
    ['dns', '10.0.0.5:53', /--dns \(ROLLCALL_DNS\): .*no credentials.*--insecure-dns \(ROLLCALL_INSECURE_DNS\)/],
    ['dnsDomain', 'my_lab.internal', /^--dns-domain \(ROLLCALL_DNS_DOMAIN\): .*rollcall\.internal/],
    ['dnsDomain', '.', /not a domain/],
    ['dnsTtl', '1s', /^--dns-ttl \(ROLLCALL_DNS_TTL\): .*seconds/],
    [
      'corsOrigin',
      'https://ops.example.com/app',
      /^--cors-origin \(ROLLCALL_CORS_ORIGIN\): .*such as https:\/\/ops\.example\.com$/,
    ],
    ['corsOrigin', 'ops.example.com', /not an origin/],
    ['allowHost', 'https://registry.example.com/', /host name or address alone, such as registry\.example\.com/],
    ['allowHost', 'registry.example.com:443', /alone, such as registry\.example\.com/],
    ['allowHost', '*', /not a host name/],
    ['corsOrigin', 'null', /not an origin/],
    ['corsOrigin', 'http://*.example.com', /not an origin/],
    ['listen', '0.0.0.0:58232', /^--listen \(ROLLCALL_LISTEN\): .*\/ip4\/10\.0\.0\.5\/tcp\/58232/],
    ['listen', '/ip4/0.0.0.0/udp/1/quic-v1', /TCP/],
    ['listen', '/dns/a/tcp/1', /ip4, ip6/],
    ['join', 'a b', /^--join \(ROLLCALL_JOIN\): "a b"/],
    ['join', '10.0.0.5:0', /HOST\[:PORT\]/],
    ['join', '/ip4/10.0.0.5', /TCP/],
    ['join', '/ip4/10.0.0.5/tcp/1/ws', /TCP/],
    ['join', '/ip4/10.0.0.500/tcp/1', /is not a multiaddr/],
    ['join', '/ip4/10.0.0.5/tcp/65536', /is not a multiaddr/],
    ['join', '/ip4/10.0.0.5/tcp/01', /is not a multiaddr/],
    ['join', `/ip4/10.0.0.5/tcp/1/p2p/${peer.slice(1)}`, /is not a multiaddr.*peer id/],
    ['announce', '/ip4/10.0.0.5/tcp/1/p2p-circuit', /^--announce \(ROLLCALL_ANNOUNCE\)/],
    ['mdns', 'maybe', /^--no-mdns \(ROLLCALL_MDNS\): "maybe" is neither true nor false/],
    ['nodeId', 'a\u0000b', /^--node-id \(ROLLCALL_NODE_ID\): .*control characters/],
    ['url', 'node-1', /^--url \(ROLLCALL_URL\): .*scheme/],
    ['region', 'x'.repeat(300), /^--region \(ROLLCALL_REGION\): .*256/],
    [
      'clusterKey',
      '/nowhere/key',
      /^--cluster-key \(ROLLCALL_CLUSTER_KEY\): cannot read \/nowhere\/key \(ENOENT\); rollcall keygen/,
    ],
    ['logLevel', 'inf', /^--log-level \(ROLLCALL_LOG_LEVEL\): .*did you mean info/],
    ['testDropGossip', '2', /0 to 1/],
  ]
  test.each(cases)('%s %s', (name, text, message) => {
    const expected = expect.objectContaining({ code: 'malformed', message: expect.stringMatching(message) as string })
    expect(() => byFlags({ [name]: text })).toThrow(expected)
    expect(() => byEnv({ [options[name].env]: text })).toThrow(expected)
  })

  test('a temporary data dir that is to be kept', () => {
    expect(() => byFlags({ temp: true, dataDir: '/x' })).toThrow(
      /--temp \(ROLLCALL_TEMP\) and --data-dir \(ROLLCALL_DATA_DIR\)/,
    )
  })
})

describe('an option that does nothing without another one', () => {
  const table: Readonly<Record<string, Option>> = options
  const given: Readonly<Record<string, unknown>> = {
    ...{
      http: '127.0.0.1:0',
      dns: '127.0.0.1:0',
      insecureHttp: true,
      insecureDns: true,
      dnsDomain: 'a.test',
      dnsTtl: '5',
    },
  }

  test.each(Object.entries(table).filter(([, { needs }]) => needs !== undefined))(
    'is warned of: %s',
    (name, option) => {
      const { needs = '' } = option
      const alone = { [name]: given[name] }
      expect(warningsOf({ flags: alone, env: {} })).toEqual([
        `${optionNames(option)}: has no effect without ${optionNames(table[needs] as Option)}`,
      ])
      expect(byFlags(alone)).toBeDefined()
      expect(warningsOf({ flags: { ...alone, [needs]: given[needs] }, env: {} })).toEqual([])
      expect(warningsOf({ flags: alone, env: { [(table[needs] as Option).env]: String(given[needs]) } })).toEqual([])
    },
  )

  test('is any that is named for a door that can be closed, and any that allows a door to be open', () => {
    const meant = Object.keys(table).filter((name) => /^(dns|insecure)./.test(name))
    expect(Object.keys(table).filter((name) => table[name]?.needs !== undefined)).toEqual(meant)
  })

  test('is none where it is switched off', () => {
    expect(warningsOf({ flags: {}, env: { ROLLCALL_INSECURE_DNS: 'false' } })).toEqual([])
  })
})

describe('the environment, which others write to as well', () => {
  test('a variable that does not exist is warned of, and keeps nobody from starting', () => {
    const env = { ROLLCALL_LISTN: 'x', ROLLCALL_NO_MDNS: '1', ROLLCALL_PORT: '8080', ROLLCALL_SERVER: 'x', ROLL: 'y' }
    expect(byEnv(env).listenElsewhere).toBe(true)
    expect(warningsOf({ flags: {}, env })).toEqual([
      expect.stringMatching(/^ROLLCALL_LISTN: .*did you mean ROLLCALL_LISTEN\?$/),
      expect.stringMatching(/^ROLLCALL_NO_MDNS: .*did you mean ROLLCALL_MDNS\?$/),
      expect.stringMatching(/^ROLLCALL_PORT: /),
    ])
    expect(warningsOf({ flags: {}, env: { ROLLCALL_LISTN: '', ROLLCALL_NO_MDNS: ' ' } })).toEqual([])
  })

  /** As https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables has it. */
  const ofService = (name: string, port: number, protocol: 'tcp' | 'udp' | 'sctp', address: string) => {
    const prefix = name.toUpperCase().replaceAll('-', '_')
    const host = address.includes(':') ? `[${address}]` : address
    const ofPort = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
    return {
      [`${prefix}_SERVICE_HOST`]: address,
      [`${prefix}_SERVICE_PORT`]: String(port),
      [`${prefix}_SERVICE_PORT_HTTP_API`]: String(port),
      [`${prefix}_PORT`]: `${protocol}://${host}:${port}`,
      [ofPort]: `${protocol}://${host}:${port}`,
      [`${ofPort}_PROTO`]: protocol,
      [`${ofPort}_PORT`]: String(port),
      [`${ofPort}_ADDR`]: address,
    }
  }

  test.each(['rollcall', 'rollcall-http', 'rollcall-data-dir', 'rollcall-listen', 'rollcall-2', 'rollcall-port'])(
    'what Kubernetes says of a Service named %s is neither read nor warned of',
    (name) => {
      const variables = {
        ...ofService(name, 58_231, 'tcp', '10.96.0.7'),
        ...ofService(name, 53, 'udp', 'fd00::7'),
        ...ofService(name, 5060, 'sctp', '10.96.0.7'),
      }
      expect(byEnv(variables)).toEqual(byEnv({}))
      expect(warningsOf({ flags: {}, env: variables })).toEqual([])
    },
  )

  test('no option is named as the variable of a Service would be', () => {
    for (const { env } of Object.values(options)) expect(isOfService(env, 'tcp://10.96.0.7:58231'), env).toBe(false)
  })

  const valued = (Object.keys(options) as (keyof typeof options)[]).filter((name) => options[name].takes !== 'switch')

  test.each(valued)('an empty flag that takes nothing back is a variable that is not set: %s', (name) => {
    for (const nothing of ['', ' ']) {
      const value = options[name].takes === 'many' ? [nothing] : nothing
      expect(() => byFlags({ [name]: value })).toThrow(/^--[a-z-]+: is empty: is a variable not set\? Leave it out/)
    }
    if (options[name].takes === 'many') expect(byFlags({ [name]: [] })).toEqual(byFlags({}))
  })

  test('nothing takes back unseen what protects', () => {
    for (const [name, file] of [
      ['tokens', 'tokens.json'],
      ['clusterKey', 'key'],
    ] as const) {
      const env = { [options[name].env]: file }
      const of = flagName(options[name])
      expect(() => warningsOf({ flags: { [name]: '' }, env })).toThrow(
        `${of}: is empty: is a variable not set? It protects`,
      )
      const empty = { [options[name].env]: '' }
      expect(warningsOf({ flags: {}, env: empty })).toEqual([expect.stringContaining(`without ${of}; is a variable`)])
      expect(warningsOf({ flags: { [name]: file }, env: empty })).toEqual([])
    }
  })

  test.each(Object.keys(options) as (keyof typeof options)[])('an empty variable is an unset one: %s', (name) => {
    for (const nothing of ['', ' ']) {
      expect(byEnv({ [options[name].env]: nothing })).toEqual(byEnv({}))
    }
  })

  describe('a user without a home', () => {
    beforeEach(() => void vi.spyOn(os, 'userInfo').mockImplementation(() => fail('uv_os_get_passwd returned ENOENT')))
    afterEach(() => {
      vi.restoreAllMocks()
      syncBuiltinESMExports()
    })
    const fail = (message: string): never => {
      throw new Error(message)
    }

    test.each([
      ['none', () => fail('uv_os_homedir returned ENOENT')],
      ['an empty one', () => ''],
    ])('(%s) is told to name a data dir, in the words of options', (_, homedir) => {
      vi.spyOn(os, 'homedir').mockImplementation(homedir)
      syncBuiltinESMExports()
      expect(() => byFlags({})).toThrow(/^--data-dir \(ROLLCALL_DATA_DIR\): .*HOME.*; name a directory/)
      expect(byFlags({ dataDir: '/x' }).dataDir).toBe('/x')
      expect(byFlags({ temp: true }).temp).toBe(true)
      expect(byEnv({ STATE_DIRECTORY: '/var/lib/rollcall' }).dataDir).toBe('/var/lib/rollcall')
      expect(readOptions({ memory: true }).dataDir).toBeUndefined()
    })
  })
})

describe('the cluster key', () => {
  const file = join(dir, 'key')
  const write = (content: string | Uint8Array, mode: number): void => {
    rmSync(file, { force: true })
    writeFileSync(file, content)
    chmodSync(file, mode)
  }

  test('is read from a file that is for its owner alone', () => {
    const key = generateClusterKey()
    write(key, 0o600)
    expect(byFlags({ clusterKey: file }).clusterKey).toEqual(new Uint8Array(key))
    write(key, 0o400)
    expect(byEnv({ ROLLCALL_CLUSTER_KEY: file }).clusterKey).toEqual(new Uint8Array(key))
  })

  test.each([0o604, 0o660, 0o644])('is refused with mode %i', (mode) => {
    write(generateClusterKey(), mode)
    const wayOut = process.getuid?.() === 0 ? /open to others than root and its group.*chmod 640/ : /chmod 600/
    expect(() => byFlags({ clusterKey: file })).toThrow(wayOut)
  })

  const [own, roots] = [{ owner: 1000 }, { owner: 0 }]
  test.each([
    ['one’s own, for oneself alone', own, 0o600, true],
    ['one’s own, open to a group', own, 0o640, false],
    ['root’s, for root alone', roots, 0o400, true],
    ['root’s, lent by a group or an access list', roots, 0o440, true],
    ['root’s, writable for a group', roots, 0o460, false],
    ['root’s, open to all', roots, 0o444, false],
  ])('is a secret, or is none: %s', (_name, file, mode, isOne) => {
    expect(isSecret({ ...file, mode })).toBe(isOne)
  })

  test('is refused where it is something else', () => {
    write('hunter2\n', 0o600)
    expect(() => byFlags({ clusterKey: file })).toThrow(/does not hold a cluster key.*keygen/)
    expect(() => byFlags({ clusterKey: dir })).toThrow(/cluster-key/)
  })
})

test.each([
  ['http://127.0.0.1:8080', true],
  ['http://127.9.9.9', true],
  ['http://localhost:1', true],
  ['http://LOCALHOST.:1', true],
  ['http://web.localhost', true],
  ['http://[::1]:1', true],
  ['http://0.0.0.0:1', true],
  ['http://[::]:1', true],
  ['http://[::ffff:127.0.0.1]:1', true],
  ['http://[fe80::1]:1', true],
  ['http://169.254.1.1', true],
  ['grpc://localhost:1', true],
  ['http://10.0.0.7', false],
  ['http://[fd00::1]', false],
  ['http://[::ffff:10.0.0.7]:1', false],
  ['http://localhost.example.com', false],
  ['http://127.0.0.1.example.com', false],
])('%s leads each machine to itself: %s', (url, expected) => {
  expect(isOfItsNode(url)).toBe(expected)
})

test('addresses as they stand in urls', () => {
  expect(formatHostPort({ host: '::1', port: 1 })).toBe('[::1]:1')
  expect(formatHostPort({ host: 'localhost', port: 1 })).toBe('localhost:1')
})
