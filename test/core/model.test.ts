// The nouns and their parsers: the url rule of the contract, what is refused and by which name, and JSON with one spelling.
import { expect, test } from 'vitest'
import { RegistryError } from '../../src/core/model/errors.js'
import {
  type InstanceRecord,
  canonicalJson,
  deriveInstanceId,
  deriveNodeId,
  modelLimits,
  parseDefinition,
  parseRegistration,
  parseSlug,
  readInstanceRecord,
  readNodeRecord,
  readObject,
} from '../../src/core/model/model.js'
import { shownUrl, urlEndpoint } from '../../src/core/model/url.js'
import { writeEntry } from '../../src/core/records/kinds.js'
import { hash } from '../sim/crypto.js'

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof RegistryError) return `${error.code} ${error.message}`
    throw error
  }
  return 'taken'
}

test.each([
  [{ url: 'https://myserver.com:5981/user-svc' }, 'https://myserver.com:5981/user-svc'],
  [{ scheme: 'https', ip: '192.168.1.1', port: 999 }, 'https://192.168.1.1:999'],
  [{ scheme: 'http', host: 'api.com', port: 80 }, 'http://api.com:80'],
  [{ host: 'api.com' }, 'http://api.com'],
  [{ host: 'api.com', ip: '10.0.0.1' }, 'http://api.com'],
  [{ host: 'api.com', path: '/a/b' }, 'http://api.com/a/b'],
  [{ host: 'api.com', path: 'a/b', port: 0 }, 'http://api.com/a/b'],
  [{ ip: '::1', port: 8080 }, 'http://[::1]:8080'],
  [{ url: 'http://a', host: 'b', port: 7 }, 'http://a'],
  [{ url: '', host: 'b' }, 'http://b'],
  [{ url: null, host: 'b', scheme: '' }, 'http://b'],
])('the url of %j is %s', (input, url) => {
  expect(parseRegistration(input).url).toBe(url)
})

test.each([
  ['https://myserver.com:5981/user-svc', { scheme: 'https', host: 'myserver.com', port: 5981, path: 'user-svc' }],
  ['http://api.com:80', { scheme: 'http', host: 'api.com', port: 80 }],
  ['https://api.com', { scheme: 'https', host: 'api.com', port: 443 }],
  ['http://10.0.0.5/x', { scheme: 'http', host: '10.0.0.5', ip: '10.0.0.5', port: 80, path: 'x' }],
  ['http://[::1]:9/', { scheme: 'http', host: '::1', ip: '::1', port: 9 }],
  ['tcp://db.local', { scheme: 'tcp', host: 'db.local' }],
])('the parts of %s are derived', (url, parts) => {
  expect(parseRegistration({ url })).toEqual({ url, ...parts })
})

test.each([
  [undefined, /^malformed the request body/],
  [[], /^malformed the request body/],
  [{}, /^malformed url: missing/],
  [{ url: 'myserver.com:80' }, /^malformed url: .*no scheme/],
  [{ url: 'http://' }, /^malformed url: /],
  [{ url: 'http://a:99999' }, /^malformed url: /],
  [{ url: 7 }, /^malformed url: must be a string/],
  [{ host: 'a', port: 65_536 }, /^malformed port: /],
  [{ host: 'a', port: 1.5 }, /^malformed port: /],
  [{ host: 'a', port: '80' }, /^malformed port: /],
  [{ url: 'http://a', tags: 'x' }, /^malformed tags: /],
  [{ url: 'http://a', tags: [1] }, /^malformed tags: /],
  [{ url: 'http://a', tags: Array.from({ length: 65 }, (_, i) => `t${i}`) }, /^malformed tags: more than/],
  [{ url: 'http://a', id: 'x'.repeat(513) }, /^malformed id: longer/],
  [{ url: 'http://a', id: 'a\nb' }, /^malformed id: .*control/],
  [{ url: 'http://a', id: '\ud800' }, /^malformed id: .*surrogate/],
  [{ url: 'http://a', slug: 'a b' }, /^malformed slug: /],
  [{ url: 'http://a', slug: '-a' }, /^malformed slug: /],
  [{ url: `http://${'a'.repeat(3000)}` }, /^malformed url: longer/],
  [{ url: 'http://a', check: 'ping' }, /^malformed check: "ping" is not a check; give tcp, http:\/path/],
  [{ url: 'http://a', check: 'http://b/healthz' }, /^malformed check: /],
  [{ url: 'http://a', check: 'http:healthz' }, /^malformed check: /],
  [{ url: 'http://a', check: 'http:' }, /^malformed check: /],
  [{ url: 'http://a', check: 'http:/a b' }, /^malformed check: /],
  [{ url: 'http://a', check: 'http:/a#b' }, /^malformed check: /],
  [{ url: 'http://a', check: 'http:/é' }, /^malformed check: /],
  [{ url: 'http://a', check: 7 }, /^malformed check: must be a string/],
])('%j is refused with the field named', (input, why) => {
  expect(refusal(() => parseRegistration(input))).toMatch(why)
})

test.each([
  [{ host: '127.0.0.1/foo', port: 8080 }, /^malformed host: "127.0.0.1\/foo" is not a host; .*fields of their own/],
  [{ host: 'a?b', port: 80 }, /^malformed host: /],
  [{ host: 'a#b' }, /^malformed host: /],
  [{ host: 'user@a', port: 80 }, /^malformed host: /],
  [{ host: 'a\\b', port: 80 }, /^malformed host: /],
  [{ host: 'a:80' }, /^malformed host: /],
  [{ host: 'a:80', port: 81 }, /^malformed host: /],
  [{ host: 'http://a' }, /^malformed host: /],
  [{ host: '[::1]:80', port: 81 }, /^malformed host: /],
  [{ host: 'a b' }, /^malformed host: /],
  [{ host: '127.1', port: 80 }, /^malformed host: /],
  [{ scheme: 'grpc', host: 'a/b', port: 80 }, /^malformed host: /],
  [{ ip: 'a.test' }, /^malformed ip: "a.test" is not an address/],
  [{ ip: '10.0.0.5:80' }, /^malformed ip: /],
  [{ ip: '10.0.0.256' }, /^malformed ip: /],
  [{ host: 'a', ip: '10.0.0.5/x' }, /^malformed ip: /],
  [{ url: 'http://a', host: 'b/c' }, /^malformed host: /],
  [{ scheme: 'http://', host: 'a' }, /^malformed scheme: "http:\/\/" is not a scheme/],
  [{ scheme: 'http:', host: 'a' }, /^malformed scheme: /],
  [{ scheme: 'x://y', host: 'a' }, /^malformed scheme: /],
  [{ scheme: 'file', host: 'a', port: 80 }, /^malformed url: /],
  [{ url: 'http:///a:80' }, /^malformed url: .*has no host/],
  [{ url: 'http://a\\b:80' }, /^malformed url: /],
  [{ url: 'tcp://a\\b:80' }, /^malformed url: /],
  [{ url: 'tcp://1.2.3.4.5:80' }, /^malformed url: .*"1.2.3.4.5" in .* is not a host/],
  [{ url: 'tcp://:80' }, /^malformed url: /],
  [{ url: 'http://127.1:80' }, /^malformed url: "127.1" in .* is not a host/],
  [{ url: 'http://010.0.0.5' }, /^malformed url: "010.0.0.5" in /],
  [{ url: 'grpc://0x7f000001:9' }, /^malformed url: /],
  [{ url: 'http://2130706433' }, /^malformed url: /],
  [{ url: 'http://a@b@c:80' }, /^malformed url: /],
  [{ url: 'http://a:0' }, /^malformed url: nobody listens on port 0/],
  [{ url: 'grpc://[::1]:00/x' }, /^malformed url: nobody listens on port 0/],
  [{ host: 'a', path: 'x#y' }, /^malformed url: the parts make /],
  [{ host: 'a', path: '../x' }, /^malformed url: the parts make /],
  [{ host: 'a', path: 'x/%2E%2e/y' }, /^malformed url: the parts make /],
  [{ host: 'a', path: 'x\\y' }, /^malformed url: the parts make /],
  [{ url: 'http://a', id: '.' }, /^malformed id: /],
  [{ url: 'http://a', id: '..' }, /^malformed id: /],
])('%j does not say what it seems to say, and is refused', (input, why) => {
  expect(refusal(() => parseRegistration(input))).toMatch(why)
})

test.each([
  [{ url: ' http://a:80/x\n' }, { url: 'http://a:80/x', host: 'a', port: 80, path: 'x' }],
  [
    { host: ' a ', scheme: ' http', port: 80 },
    { url: 'http://a:80', host: 'a' },
  ],
  [
    { host: 'API.com', scheme: 'HTTP', port: 80 },
    { url: 'HTTP://API.com:80', host: 'API.com', scheme: 'HTTP' },
  ],
  [
    { host: 'bücher.test', port: 8080 },
    { url: 'http://bücher.test:8080', host: 'bücher.test' },
  ],
  [
    { host: '[fd00::5]', port: 80 },
    { url: 'http://[fd00::5]:80', host: '[fd00::5]' },
  ],
  [
    { scheme: 'grpc', ip: 'FD00::5', port: 9 },
    { url: 'grpc://[FD00::5]:9', ip: 'FD00::5' },
  ],
  [{ scheme: 'tcp', host: 'db_1.local', port: 5432 }, { url: 'tcp://db_1.local:5432' }],
  [{ host: 'a', path: '?x=1' }, { url: 'http://a/?x=1' }],
  [{ host: 'a', path: '...?y=/../z' }, { url: 'http://a/...?y=/../z' }],
  [{ url: 'http://user:pw@a.test:1/x' }, { host: 'a.test', port: 1 }],
])('%j is stored as it was given, without the white space around it', (input, expected) => {
  expect(parseRegistration(input)).toMatchObject(expected)
})

test.each([
  ['grpc://bücher.test:1', 'xn--bcher-kva.test'],
  ['grpc://BÜCHER.test:1', 'xn--bcher-kva.test'],
  ['http://bücher.test:1', 'xn--bcher-kva.test'],
  ['tcp://DB.local:1', 'db.local'],
  ['redis://user:pw@Cache:1/0', 'cache'],
  ['grpc://[FD00:0::5]:1', 'fd00::5'],
])('the host of %s is %s, whatever its scheme is', (url, host) => {
  expect(parseRegistration({ url })).toMatchObject({ url, host })
  expect(urlEndpoint(url)).toMatchObject({ host, port: 1 })
})

test.each([
  [{ tags: [] }, { tags: [] }, { tags: [] }],
  [{ tags: null }, {}, { tags: [] }],
  [{ tags: '' }, {}, { tags: [] }],
  [{ tags: [''] }, {}, { tags: [] }],
  [
    { slug: null, deploymentId: null },
    { slug: null, deploymentId: null },
    { slug: null, deploymentId: null },
  ],
  [{ slug: '', deploymentId: '' }, {}, { slug: null, deploymentId: null }],
  [{ check: null }, {}, { check: null }],
  [{ check: '' }, {}, { check: null }],
  [{ id: '', host: '', ip: null, scheme: '', port: 0, path: '' }, {}, {}],
])('%j says in words of published clients %j, in our own %j', (said, published, own) => {
  const { url: _, scheme: _scheme, host: _host, port: _port, ...rest } = parseRegistration({ ...said, url: 'http://a' })
  expect(rest).toEqual(published)
  expect(parseRegistration({ ...said, url: 'http://a' }, 'own')).toEqual({
    ...{ url: 'http://a', scheme: 'http', host: 'a', port: 80 },
    ...own,
  })
})

test('an object without fields is no tags to published clients, and no list of tags in words of our own', () => {
  const said = { url: 'http://a', tags: {} }
  expect(parseRegistration(said)).toMatchObject({ tags: [] })
  expect(() => parseRegistration(said, 'own')).toThrow(/^tags: must be a list of strings$/)
})

test('tags are distinct and not empty; no tags is no field', () => {
  expect(parseRegistration({ url: 'http://a', tags: ['x', '', 'x', 'y'] }).tags).toEqual(['x', 'y'])
  expect(parseRegistration({ url: 'http://a', tags: [''] })).not.toHaveProperty('tags')
})

test.each(['tcp', 'none', 'http:/', 'http:/healthz?deep=1&x=%20', 'https:/a/b'])('%s is a check', (check) => {
  expect(parseRegistration({ url: 'http://a', check }).check).toBe(check)
})

test('no check is no field', () => {
  for (const check of [undefined, null, '']) {
    expect(parseRegistration({ url: 'http://a', check })).not.toHaveProperty('check')
  }
})

test('only its owner puts an instance into maintenance: a registration does not', () => {
  expect(parseRegistration({ url: 'http://a', maintenance: 'no' })).not.toHaveProperty('maintenance')
})

test.each(['a', 'user-svc', 'Ünïcode', '9x', 'a.b_c~d@e/f-g'])('%s is a slug', (slug) => {
  expect(parseSlug(slug)).toBe(slug)
})

test('where a check has to connect', () => {
  expect(urlEndpoint('http://a/x')).toEqual({ host: 'a', port: 80 })
  expect(urlEndpoint('https://[::1]')).toEqual({ host: '::1', port: 443 })
  expect(urlEndpoint('http://a:80')).toEqual({ host: 'a', port: 80 })
  expect(urlEndpoint('tcp://a')).toBeUndefined()
  expect(urlEndpoint('nonsense')).toBeUndefined()
})

test('a definition needs an id and no more, and has a largest size', () => {
  const definition = { id: 'x', envars: { A: '1' }, apiSpecs: [{ version: 1.5 }], __proto__x: null }
  expect(parseDefinition({ definition })).toEqual(definition)
  expect(refusal(() => parseDefinition({}))).toMatch(/^malformed definition: /)
  expect(refusal(() => parseDefinition({ definition: { id: '' } }))).toMatch(/^malformed definition.id/)
  expect(
    refusal(() => parseDefinition({ definition: { id: 'x', a: 'x'.repeat(modelLimits.definitionBytes) } })),
  ).toMatch(/^too-large/)
})

test('a slug whose letters and accents are apart is told so, since it looks right', () => {
  expect(refusal(() => parseSlug('café'.normalize('NFD')))).toMatch(/apart.+compose it \(Unicode NFC\)$/)
  expect(refusal(() => parseSlug('ca\u0301 fe'))).toMatch(/is not a slug/)
})

test('a derived id follows from slug and url, and tells absent from empty apart from nothing', () => {
  expect(deriveInstanceId('s', 'http://a', hash)).toBe(deriveInstanceId('s', 'http://a', hash))
  const ids = [
    ['s', 'http://a'],
    ['s', 'http://b'],
    ['t', 'http://a'],
    [undefined, 'http://a'],
  ].map(([slug, url]) => deriveInstanceId(slug, url as string, hash))
  expect(new Set(ids).size).toBe(4)
  expect(ids[0]).toMatch(/^inst_[0-9a-f]{20}$/)
  expect(deriveNodeId('12D3KooWabcdefghijklmnop')).toBe('node_efghijklmnop')
})

test('records of peers are read or nothing', () => {
  const record = {
    ...parseRegistration({ url: 'http://a:1/x', slug: 's', tags: ['t'] }),
    id: 'i',
    n: 3,
    status: 'Healthy',
  } as InstanceRecord
  expect(readInstanceRecord('i', writeEntry('instances', record) ?? '')).toEqual(record)
  const hidden = { ...record, check: 'http:/x', maintenance: 'repair' }
  expect(readInstanceRecord('i', writeEntry('instances', hidden) ?? '')).toEqual(hidden)
  const later = '{"n":1,"status":"Healthy","url":"http://a","check":"grpc:health"}'
  expect(readInstanceRecord('i', later)).toMatchObject({ url: 'http://a' }) // a later version may know more checks
  expect(readInstanceRecord('i', later)).not.toHaveProperty('check')
  const bad = [
    '',
    'null',
    '[]',
    '{}',
    '{"n":0,"status":"Healthy","url":"http://a"}',
    '{"n":1,"status":"Fine","url":"http://a"}',
    '{"n":1.5,"status":"Healthy","url":"http://a"}',
    '{"n":1,"status":"Healthy"}',
    '{"n":1,"status":"Healthy","url":"x"}',
    '{"n":1,"status":"Healthy","url":"http://a","details":7}',
    '{"n":1,"status":"Healthy","url":"http://a","maintenance":true}',
  ]
  for (const json of bad) expect(readInstanceRecord('i', json)).toBeUndefined()
  expect(readInstanceRecord('i', '{"id":"other","n":1,"status":"Healthy","url":"http://a"}')?.id).toBe('i')
  expect(readNodeRecord('{"id":"n","url":"http://a","addresses":["/x",7]}')).toEqual({
    id: 'n',
    url: 'http://a',
    addresses: ['/x'],
  })
  expect(readNodeRecord('{"url":"http://a"}')).toBeUndefined()
  expect(readObject('[1]')).toBeUndefined()
})

test.each([
  [{ b: 1, a: [1, { d: null, c: true }] }, '{"a":[1,{"c":true,"d":null}],"b":1}'],
  [
    { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 },
    '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
  ],
  [[1e21, 1e-7, -0, 0.1, 333333333.3333333], '[1e+21,1e-7,0,0.1,333333333.3333333]'],
  [{ a: undefined, b: [undefined] }, '{"b":[null]}'],
  ['\u0000\u001f"\\/', '"\\u0000\\u001f\\"\\\\/"'],
  ['\ud800', '"\\ud800"'],
  [null, 'null'],
  [undefined, 'null'],
])('the one spelling of %j', (value, text) => {
  expect(canonicalJson(value)).toBe(text)
  expect(canonicalJson(value).isWellFormed()).toBe(true)
})

test('a field called __proto__ survives, and changes no prototype', () => {
  const value: unknown = JSON.parse('{"z":1,"__proto__":{"a":2}}')
  expect(canonicalJson(value)).toBe('{"__proto__":{"a":2},"z":1}')
  expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value))
})

test.each([
  ['http://h:80/a/b', 'http://h:80/a/b'],
  ['http://u:p@h/', 'http://…@h/'],
  ['redis://:p@h:6379/0?password=p', 'redis://…@h:6379/0?…'],
  ['http://h/@me?q#f', 'http://h/@me?…'],
  ['http://h/#f', 'http://h/#…'],
  ['http://h/?', 'http://h/?'],
  ['http://u:p/p@h/', 'http://…@h/'],
  ['u:p@h:80', '…@h:80'],
  ['/@me?p', '/@me?…'],
  ['//u:p@h:80/x', '…@h:80/x'],
])('people are shown the url %s as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown)
})
