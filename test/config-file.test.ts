/** Options from a file, below flags and environment; how a wrong file is told; and where each effective value is said to come from. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { effectiveOptions, type EffectiveOption } from '../src/config/effective.js'
import { keyOf } from '../src/config/option.js'
import { options, parseConfig, type Config } from '../src/config.js'
import { generateClusterKey } from '../src/io/network/clusterkey.js'

const dir = mkdtempSync(join(tmpdir(), 'rollcall-config-file-'))
afterAll(() => rmSync(dir, { recursive: true }))

const file = join(dir, 'rollcall.yaml')

function by(content: string, flags: Record<string, unknown> = {}, env: Record<string, string> = {}): Config {
  writeFileSync(file, content)
  return parseConfig({ flags: { config: file, ...flags }, env })
}

describe('a config file', () => {
  test('holds the options by the names of their flags, in YAML', () => {
    const config = by(`
# one node of the lab
cluster: lab
http: 127.0.0.1:9000
join:
  - 10.0.0.5
  - 10.0.0.6:4000
announce: /ip4/10.0.0.7/tcp/1, /ip4/10.0.0.8/tcp/1
mdns: false
node-id: 17
zone: 1.10
log-level: warn
region:
`)
    expect(config).toMatchObject({
      ...{ cluster: 'lab', http: { host: '127.0.0.1', port: 9000 }, mdns: false, nodeId: '17', zone: '1.10' },
      ...{ join: ['/ip4/10.0.0.5/tcp/58232', '/ip4/10.0.0.6/tcp/4000'], logLevel: 'warn' },
      announce: ['/ip4/10.0.0.7/tcp/1', '/ip4/10.0.0.8/tcp/1'],
    })
    expect(config).not.toHaveProperty('region')
  })

  test('or in JSON, whatever its name', () => {
    expect(by('{\n\t"cluster": "lab",\n\t"join": ["10.0.0.5"],\n\t"insecure-http": true\n}\n')).toMatchObject({
      ...{ cluster: 'lab', join: ['/ip4/10.0.0.5/tcp/58232'], insecureHttp: true },
    })
  })

  test('may say nothing', () => {
    for (const content of ['', '# nothing yet\n', '{}', 'cluster:\n']) expect(by(content).cluster).toBe('default')
  })

  test('counts less than the environment, and that less than flags', () => {
    const content = 'cluster: from-file\nregion: from-file\nzone: from-file\n'
    const env = { ROLLCALL_REGION: 'from-env', ROLLCALL_ZONE: 'from-env', ROLLCALL_CLUSTER: '' }
    const config = by(content, { zone: 'from-flag' }, env)
    expect(config).toMatchObject({ cluster: 'from-file', region: 'from-env', zone: 'from-flag' })
    expect(by(content, { region: '' })).not.toHaveProperty('region')
    expect(by('', { region: '' }, { ROLLCALL_REGION: 'from-env' })).not.toHaveProperty('region')
  })

  test('is named by the environment as well', () => {
    writeFileSync(file, 'cluster: lab')
    expect(parseConfig({ flags: {}, env: { ROLLCALL_CONFIG: file } }).cluster).toBe('lab')
  })

  test.each([
    ['data-dir', 'ROLLCALL_DATA_DIR'],
    ['tokens', 'ROLLCALL_TOKENS'],
    ['cluster-key', 'ROLLCALL_CLUSTER_KEY'],
  ])('has no ~ at the beginning of its %s, which no shell reads here', (name, variable) => {
    const meant = /only a shell reads ~ as a home; write the whole path/
    expect(() => by(`${name}: ~/kept`)).toThrow(meant)
    expect(() => by('', {}, { [variable]: '~' })).toThrow(meant)
    expect(by('data-dir: ./~').dataDir).toBe(join(dir, '~'))
  })

  test('has paths that are relative to it', () => {
    mkdirSync(join(dir, 'secret'), { recursive: true })
    writeFileSync(join(dir, 'secret/key'), generateClusterKey(), { mode: 0o600 })
    const config = by('data-dir: state\ncluster-key: secret/key\n')
    expect(config.dataDir).toBe(join(dir, 'state'))
    expect(config.clusterKey?.length).toBeGreaterThan(0)
    expect(by('data-dir: /var/lib/x').dataDir).toBe('/var/lib/x')
  })

  test('knows every option but the one that names it', () => {
    const keys = Object.keys(options).filter((name) => name !== 'config')
    expect(keys.length).toBeGreaterThan(10)
    for (const name of keys) expect(() => by(`${keyOf(name)}:`)).not.toThrow()
    expect(() => by('config: other.yaml')).toThrow(/:1: config: a config file cannot name another/)
  })
})

describe('a wrong file is told by file, line, key and way out', () => {
  const cases: readonly [string, RegExp][] = [
    ['cluster: lab\ncolour: red', /^FILE:2: colour: there is no such option; rollcall config shows those there are$/],
    ['dataDir: x', /:1: dataDir: there is no such option; did you mean data-dir\?/],
    ['data_dir: x', /did you mean data-dir\?/],
    ['ROLLCALL_NODE_ID: x', /did you mean node-id\?/],
    ['--http: 127.0.0.1:1', /did you mean http\?/],
    ['no-mdns: true', /did you mean mdns: false\?/],
    ['\n\nhttp: nowhere', /^FILE:3: http: "nowhere" is not HOST:PORT/],
    ['mdns: maybe', /:1: mdns: "maybe" is neither true nor false/],
    ['join:\n  - 10.0.0.5\n  - a b', /:1: join: "a b" is neither/],
    ['region: [a, b]', /:1: region: takes one value, not a list/],
    ['region: {a: b}', /:1: region: must be text, not a map/],
    ['region: true', /:1: region: must be text; put true in quotes/],
    ['temp: {}', /:1: temp: must be true or false, not a map/],
    ['join: [[a]]', /:1: join: must be plain text/],
    ['region: &a x\nzone: *a', /:2: zone: aliases are not read/],
    ['cluster: a\ncluster: b', /^FILE:2: neither YAML nor JSON \(Map keys must be unique\)/],
    ['{"cluster":', /^FILE:1: neither YAML nor JSON/],
    ['- cluster', /^FILE: must hold options by name/],
    ['just text', /^FILE: must hold options by name/],
    ['cluster: a\n---\ncluster: b', /a second document begins/],
    ['http: 0.0.0.0:80', /^FILE:1: http: 0\.0\.0\.0 is not a loopback address.*--insecure-http/],
    ['temp: true\ndata-dir: x', /^FILE:1: temp and FILE:2: data-dir: a temporary data dir is removed/],
    ['cluster-key: none', /^FILE:1: cluster-key: cannot read .*none \(ENOENT\); rollcall keygen/],
  ]
  test.each(cases)('%j', (content, message) => {
    const expected = new RegExp(message.source.replaceAll('FILE', file.replaceAll('/', '\\/')))
    expect(() => by(content)).toThrow(
      expect.objectContaining({ code: 'malformed', message: expect.stringMatching(expected) as string }),
    )
  })

  test('by who named it, where it is not there', () => {
    expect(() => parseConfig({ flags: { config: '/nowhere/x' }, env: {} })).toThrow(
      /^--config: cannot read \/nowhere\/x \(ENOENT\)/,
    )
    expect(() => parseConfig({ flags: {}, env: { ROLLCALL_CONFIG: dir } })).toThrow(/^ROLLCALL_CONFIG: .*a directory/)
  })

  // A daemon that waits for the other end of a pipe serves nobody, and neither does one that is told to read its options again.
  const pipe = join(dir, 'pipe')
  execFileSync('mkfifo', ['-m', '600', pipe])
  const tokens = join(dir, 'tokens.json')
  writeFileSync(tokens, '', { mode: 0o600 })
  const kinds = [
    { path: pipe, what: 'a pipe' },
    { path: dir, what: 'a directory' },
    { path: '/dev/zero', what: 'a device' },
  ]
  const named = [
    { option: '--config', flagsOf: (path: string) => ({ config: path }) },
    { option: '--tokens', flagsOf: (path: string) => ({ tokens: path }) },
    { option: '--cluster-key', flagsOf: (path: string) => ({ clusterKey: path }) },
    {
      option: '--tokens',
      flagsOf: (path: string) => {
        writeFileSync(tokens, JSON.stringify({ jwt: { keys: [path] } }))
        return { tokens }
      },
    },
  ]
  test.each(kinds.flatMap((kind) => named.map((one) => ({ ...kind, ...one }))))(
    'by option, where $option leads to $what',
    ({ path, what, option, flagsOf }) => {
      const message = new RegExp(`^${option}[^:]*: .*cannot read ${path} \\(${what}, not a file\\)`)
      expect(() => parseConfig({ flags: flagsOf(path), env: {} })).toThrow(message)
    },
  )

  test('a contradiction of two sources names both', () => {
    expect(() => by('data-dir: x', { temp: true })).toThrow(/^--temp \(ROLLCALL_TEMP\) and .*:1: data-dir: /)
  })
})

describe('the effective options', () => {
  const explained = (flags: Record<string, unknown>, env: Record<string, string> = {}): Map<string, EffectiveOption> =>
    new Map(effectiveOptions({ flags, env }).map((option) => [option.name, option]))

  test('say for each where it comes from', () => {
    writeFileSync(file, 'cluster: lab\njoin: [10.0.0.5, 10.0.0.6]\ndata-dir: state\n')
    const found = explained({ config: file, mdns: false }, { ROLLCALL_REGION: 'eu' })
    expect(found.get('cluster')).toEqual({ name: 'cluster', value: 'lab', source: 'file', where: `${file}:1` })
    expect(found.get('join')).toMatchObject({ value: ['10.0.0.5', '10.0.0.6'], where: `${file}:2` })
    expect(found.get('data-dir')).toMatchObject({ value: join(dir, 'state'), where: `${file}:3` })
    expect(found.get('mdns')).toEqual({ name: 'mdns', value: false, source: 'flag', where: '--no-mdns' })
    expect(found.get('region')).toEqual({ name: 'region', value: 'eu', source: 'env', where: 'ROLLCALL_REGION' })
    expect(found.get('http')).toEqual({ name: 'http', value: '127.0.0.1:58231', source: 'default', where: null })
    expect(found.get('config')).toMatchObject({ value: file, where: '--config' })
    expect(found.get('node-id')).toMatchObject({ value: null, source: 'default', note: 'derived from the peer id' })
  })

  test('hold no secret, only where it is', () => {
    const key = join(dir, 'own.key')
    writeFileSync(key, generateClusterKey(), { mode: 0o600 })
    const found = explained({ clusterKey: key })
    expect(found.get('cluster-key')).toMatchObject({ value: key, where: '--cluster-key' })
  })

  test('name a temporary data dir without making one up', () => {
    expect(explained({ temp: true }).get('data-dir')).toMatchObject({ value: null, source: 'default' })
  })

  test('show a hidden one only where it was given', () => {
    expect(explained({}).has('test-drop-gossip')).toBe(false)
    expect(explained({ testDropGossip: '0.5' }).get('test-drop-gossip')).toMatchObject({ value: '0.5' })
  })

  test('are none of what cannot be started with', () => {
    expect(() => explained({ http: 'nowhere' })).toThrow(/--http/)
  })
})
