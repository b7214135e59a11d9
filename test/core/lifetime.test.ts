/** What a registration says of how long it lives, and of itself: read with the name of the field that is wrong, merged, carried. */
import { describe, expect, test } from 'vitest'
import { durationOf, formatDuration, parseDuration } from '../../src/core/model/duration.js'
import { parseRegistration, readInstanceRecord } from '../../src/core/model/model.js'
import { mergeFacts } from '../../src/core/records/instances.js'

const at = { url: 'http://a.test:80' }

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['5s', 5000],
    ['1m', 60_000],
    ['2h', 7_200_000],
    ['30d', 2_592_000_000],
    ['0ms', 0],
  ])('%s is %i ms', (text, length_ms) => {
    expect(durationOf(text)).toBe(length_ms)
    expect(formatDuration(length_ms)).toBe(text)
  })

  test('have one spelling', () => {
    const bounds = { min_ms: 0, max_ms: 1e9 }
    expect(parseDuration('60000ms', 'ttl', bounds)).toBe('1m')
    expect(parseDuration(1500, 'ttl', bounds)).toBe('1500ms')
    for (const wrong of ['', '5', '5 s', '-1s', '1.5s', 1.5, Number.NaN, null, {}])
      expect(() => parseDuration(wrong, 'ttl', bounds)).toThrow(/^ttl: .*give such as 500ms, 5s or 1m/)
  })
})

describe('a lifetime', () => {
  test.each([
    [{ ttl: '10s' }, { lifetime: 'ttl', ttl: '10s' }],
    [{ lifetime: 'persistent' }, { lifetime: 'persistent' }],
    [
      { session: 'abc', grace: 2000 },
      { lifetime: 'session', session: 'abc', grace: '2s' },
    ],
    [{ deregisterAfter: null }, { deregisterAfter: null }],
  ])('%j is read as %j', (said, read) => {
    expect(parseRegistration({ ...at, ...said }, 'own')).toMatchObject(read)
  })

  test.each([
    [{ lifetime: 'forever' }, /^lifetime: "forever" is none; there are persistent, session, ttl/],
    [{ lifetime: 'ttl' }, /^ttl: missing/],
    [{ lifetime: 'persistent', ttl: '10s' }, /^ttl: does not go with lifetime persistent/],
    [{ ttl: '10s', session: 'a' }, /^ttl: does not go with a session/],
    [{ lifetime: 'persistent', session: 'a' }, /^session: does not go with lifetime persistent/],
    [{ ttl: '1ms' }, /^ttl: must be from 500ms to 30d, and is 1ms/],
    [{ deregisterAfter: '1ms' }, /^deregisterAfter: must be from 1s/],
    [{ session: 7 }, /^session: must be the secret/],
  ])('%j is refused by name', (said, message) => {
    expect(() => parseRegistration({ ...at, ...said }, 'own')).toThrow(message)
  })

  test('of which nothing is said again stays; another one takes its place', () => {
    const first = mergeFacts('i', undefined, parseRegistration({ ...at, ttl: '10s', deregisterAfter: '1m' }, 'own'))
    expect(first).toMatchObject({ lifetime: 'ttl', ttl: '10s', deregisterAfter: '1m' })
    const record = { ...first, n: 1, status: 'Healthy' } as const
    expect(mergeFacts('i', record, parseRegistration(at, 'published'))).toEqual(first)
    const persistent = parseRegistration({ ...at, lifetime: 'persistent', deregisterAfter: null }, 'own')
    expect(mergeFacts('i', record, persistent)).toEqual({ id: 'i', ...at, scheme: 'http', host: 'a.test', port: 80 })
  })

  test('is not said in published calls, which know nothing of it', () => {
    const said = { ...at, ttl: 'nonsense', metadata: 7, weight: -1 }
    expect(parseRegistration(said, 'published')).not.toHaveProperty('ttl')
  })
})

describe('what an instance says of itself', () => {
  test.each([
    [{ metadata: { team: 'blue' } }, { metadata: { team: 'blue' } }],
    [{ metadata: {} }, { metadata: null }],
    [{ ports: { http: 8080, metrics: 9464 } }, { ports: { http: 8080, metrics: 9464 } }],
    [{ weight: 0 }, { weight: 0 }],
    [{ version: '' }, { version: null }],
    [{ zone: 'b' }, { zone: 'b' }],
  ])('%j is read as %j', (said, read) => {
    expect(parseRegistration({ ...at, ...said }, 'own')).toMatchObject(read)
  })

  test.each([
    [{ metadata: { team: 7 } }, /^metadata\.team: must be a string/],
    [{ metadata: ['a'] }, /^metadata: must be an object/],
    [
      { metadata: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ''])) },
      /^metadata: more than 64 keys/,
    ],
    [{ metadata: { a: 'x'.repeat(4096) } }, /^metadata: larger than 4096 bytes/],
    [{ ports: { http: 70_000 } }, /^ports\.http: must be a whole number from 1 to 65535/],
    [{ ports: { 'a b': 1 } }, /^ports: "a b" is not a name/],
    [{ ports: { HTTP: 1, http: 2 } }, /^ports: "HTTP" and "http" are one name in the DNS/],
    [{ weight: 65_536 }, /^weight: must be a whole number from 0 to 65535/],
    [{ weight: '5' }, /^weight/],
    [{ version: 7 }, /^version: must be a string/],
    [{ lifetime: { toString: 1 } }, /^lifetime: an object is none; there are persistent/],
  ])('%j is refused by name', (said, message) => {
    expect(() => parseRegistration({ ...at, ...said }, 'own')).toThrow(message)
  })

  test('a record carries it, without what is a default; what a later version means by it harms nothing', () => {
    const said = parseRegistration({ ...at, metadata: { a: 'b' }, weight: 100, ports: {} }, 'own')
    expect(mergeFacts('i', undefined, said)).toMatchObject({ metadata: { a: 'b' } })
    expect(mergeFacts('i', undefined, said)).not.toHaveProperty('weight')
    const json = { n: 1, status: 'Healthy', ...at, ttl: 7, lifetime: 'moon', metadata: { a: 'b' }, weight: 'much' }
    const record = readInstanceRecord('i', JSON.stringify(json))
    expect(record).toMatchObject({ metadata: { a: 'b' } })
    for (const name of ['ttl', 'lifetime', 'weight']) expect(record).not.toHaveProperty(name)
  })
})
