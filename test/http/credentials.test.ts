/** Tokens over HTTP: who is let in, what each may do, for which slugs. */
import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../../src/client.js'
import type { Credentials, Token } from '../../src/config/tokens.js'
import { fits } from '../../src/http/caller.js'
import { expectFailure, put } from './contract/asking.js'
import { request, sendRaw, withBody, type RawAnswer } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

const token = (name: string, rest: Omit<Token, 'name' | 'sha256'>): Token => ({
  ...rest,
  name,
  sha256: createHash('sha256').update(`secret-of-${name}`).digest(),
})

const credentials: Credentials = {
  tokens: [
    token('reader', { may: 'read' }),
    token('writer', { may: 'write' }),
    token('web', { may: 'write', slug: 'web', slugs: ['web'] }),
    token('team', { may: 'write', slugs: ['team-a/*', 'shared'] }),
    token('ops', { may: 'admin' }),
  ],
}

const lines: string[] = []
const log = pino(
  { level: 'trace' },
  new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(String(chunk)), done()) }),
)

let served: MemoryServer
const ask = (bytes: string): Promise<RawAnswer> => sendRaw(served.url, bytes)
beforeAll(async () => {
  served = await serveMemory({ credentials, log })
})
afterAll(() => served.stop())

const as = (name: string): string[] => [`Authorization: Bearer secret-of-${name}`]

const reads: readonly string[] = [
  request('GET /registry-svc/instances'),
  request('GET /registry-svc/definitions'),
  request('GET /registry-svc/node/self'),
  withBody('POST /registry-svc/nodes', ''),
  request('GET /registry-svc/echo'),
  withBody('POST /registry-svc/echo', '1'),
  withBody('PUT /registry-svc/echo', '1'),
  request('GET /v1/self'),
  request('GET /v1/instances'),
  request('HEAD /v1/members'),
]
const writes: readonly string[] = [
  put({ id: 'w', url: 'http://w.test' }),
  request('DELETE /registry-svc/instance/w'),
  withBody('PUT /registry-svc/definition', '{"definition":{"id":"w"}}'),
  request('DELETE /registry-svc/definition/w'),
]
const rules: readonly string[] = [
  request('DELETE /registry-svc/node/http%3A%2F%2F10.0.0.6%3A58231%2Fx'),
  withBody('POST /v1/leave', ''),
  request('PUT /v1/self/drain'),
]
const nameOf = (bytes: string): string => bytes.slice(0, bytes.indexOf(' HTTP'))
const signed = (bytes: string, headers: readonly string[]): string =>
  bytes.replace('\r\n', `\r\n${headers.join('\r\n')}\r\n`)

describe('without a token that is known', () => {
  const all = [...reads, ...writes, ...rules, request('GET /nothing'), withBody('POST /registry-svc/instances', '')]
  test.each(all.map((bytes) => [nameOf(bytes), bytes] as const))('%s is answered 401', async (_name, bytes) => {
    const given = ['Authorization:', 'Authorization: Bearer', 'Authorization: Bearer wrong', 'Authorization: wrong']
    for (const asked of [bytes, ...given.map((line) => signed(bytes, [line]))]) {
      const answer = await ask(asked)
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Bearer')
      if (!bytes.startsWith('HEAD')) expectFailure(answer, 401, /^{"error":"authorization: .*token/)
    }
  })

  test('a hash, a name, another case, more or less of a token are not the token', async () => {
    const hash = createHash('sha256').update('secret-of-ops').digest('hex')
    for (const near of [
      hash,
      'ops',
      'SECRET-OF-OPS',
      'secret-of-op',
      'secret-of-opsx',
      'Basic secret-of-ops',
      'a.b.c',
    ]) {
      expect((await ask(request('GET /v1/self', [`Authorization: ${near}`]))).status).toBe(401)
    }
  })

  test('the health checks and preflights are answered all the same', async () => {
    expect((await ask(request('GET /healthz'))).status).toBe(200)
    expect((await ask(request('GET /readyz'))).status).toBe(200)
    expect((await ask(request('OPTIONS /registry-svc/instance'))).status).toBe(200)
    expect((await ask(request('GET /healthz', ['Authorization: Bearer wrong']))).status).toBe(200)
  })
})

describe('what a token may do', () => {
  const statusesOf = async (name: string, asked: readonly string[]): Promise<number[]> => {
    const statuses: number[] = []
    for (const bytes of asked) statuses.push((await ask(signed(bytes, as(name)))).status)
    return statuses
  }

  test('read: every reading call, and no other', async () => {
    expect(await statusesOf('reader', reads)).toEqual(reads.map(() => 200))
    expect(await statusesOf('reader', [...writes, ...rules])).toEqual([...writes, ...rules].map(() => 403))
    const refused = await ask(signed(writes[0]!, as('reader')))
    expectFailure(refused, 403, /token \\"reader\\" may read, and this call needs write/)
  })

  test('write: those and the changes, but neither removing nodes nor leaving', async () => {
    expect(await statusesOf('writer', [...reads, ...writes])).toEqual([...reads.map(() => 200), 201, 204, 201, 204])
    expect(await statusesOf('writer', rules)).toEqual([403, 403, 403])
    expect(served.service.left).toBe(false)
  })

  test('admin: everything', async () => {
    expect(await statusesOf('ops', [...reads, ...writes, ...rules])).toEqual([
      ...reads.map(() => 200),
      ...[201, 204, 201, 204, 204, 200, 200],
    ])
    expect(served.service.left).toBe(true)
  })

  test('Bearer, bearer and nothing before it are the same', async () => {
    for (const value of ['Bearer secret-of-reader', 'bearer  secret-of-reader', 'secret-of-reader']) {
      expect((await ask(request('GET /v1/self', [`Authorization: ${value}`]))).status).toBe(200)
    }
  })

  test('what does not exist is told to whoever may read', async () => {
    expectFailure(await ask(request('GET /nothing', as('reader'))), 404, /no such call; see GET \/openapi\.json"/)
    expectFailure(await ask(request('GET /', as('reader'))), 404, /or the page at \/ui/)
    expectFailure(await ask(withBody('PUT /registry-svc/instances', '', as('reader'))), 405, /GET/)
  })
})

describe('slugs', () => {
  const slugOf = async (id: string): Promise<unknown> => {
    const { body } = await ask(request(`GET /registry-svc/instances?id=${id}`, as('reader')))
    return (JSON.parse(body) as { instances: { slug?: string }[] }).instances[0]?.slug
  }

  test('a registration without one gets that of its token', async () => {
    expect((await ask(put({ id: 'c-1', url: 'http://c1.test' }, as('web')))).status).toBe(201)
    expect(await slugOf('c-1')).toBe('web')
    await ask(put({ id: 'c-2', url: 'http://c2.test' }, as('writer')))
    expect(await slugOf('c-2')).toBeUndefined()
  })

  test('patterns say what may be registered, in the body and in the header alike', async () => {
    for (const slug of ['team-a/api', 'team-a/', 'shared']) {
      expect((await ask(put({ id: 'c-3', url: 'http://c3.test', slug }, as('team')))).status).toBe(201)
      expect(
        (await ask(put({ id: 'c-4', url: 'http://c4.test' }, [...as('team'), `X-Rollcall-Slug: ${slug}`]))).status,
      ).toBe(201)
      expect(await slugOf('c-4')).toBe(slug)
    }
    for (const slug of ['team-b/api', 'team-a', 'shared2', 'web']) {
      const words = new RegExp(
        `slug: token ."team." may neither register nor change ."${slug}."; it may: team-a/\\*, shared`,
      )
      expectFailure(await ask(put({ id: 'c-5', url: 'http://c5.test', slug }, as('team'))), 403, words)
      const header = [...as('team'), `X-Rollcall-Slug: ${slug}`]
      expectFailure(await ask(put({ id: 'c-5', url: 'http://c5.test' }, header)), 403, words)
    }
    expect(await slugOf('c-5')).toBeUndefined()
  })

  test('a token for some slugs hides and shows the instances of these alone', async () => {
    await ask(put({ id: 'm-1', url: 'http://m1.test', slug: 'web' }, as('writer')))
    for (const method of ['PUT', 'DELETE']) {
      const call = (name: string): string => request(`${method} /v1/instances/m-1/maintenance`, as(name))
      expectFailure(await ask(call('team')), 403, /slug: token ."team." may neither/)
      expectFailure(await ask(call('reader')), 403, /may read/)
      expect((await ask(call('web'))).status).toBe(204)
    }
  })

  test('a token for some slugs neither takes over nor removes the instances of others', async () => {
    await ask(put({ id: 'c-6', url: 'http://c6.test', slug: 'payments' }, as('writer')))
    expectFailure(await ask(put({ id: 'c-6', url: 'http://evil.test', slug: 'web' }, as('web'))), 403, /payments/)
    // Where neither id nor slug is given, the url says which instance is meant.
    const byUrl = put({ url: 'http://c6.test', check: 'none' }, as('team'))
    expectFailure(await ask(byUrl), 403, /slug: token ."team." may neither register nor change ."payments."/)
    expectFailure(await ask(request('DELETE /registry-svc/instance/c-6', as('web'))), 403, /payments/)
    expect(await slugOf('c-6')).toBe('payments')
    expect((await ask(request('DELETE /registry-svc/instance/c-6', as('writer')))).status).toBe(204)
  })

  test('an unverified claim says nothing where tokens are configured', async () => {
    const claim = ['{"alg":"none"}', '{"slu":"web"}', '']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.')
    expectFailure(await ask(put({ id: 'c-7', url: 'http://c7.test' }, [`Authorization: ${claim}`])), 401, /token/)
  })

  test.each([
    ['web', 'web', true],
    ['web', 'we', false],
    ['team-a/x', 'team-a/*', true],
    ['team-a', 'team-a/*', false],
    ['anything', '*', true],
    ['a-mid-b', 'a*b', true],
    ['ab', 'a*b', true],
    ['a', 'a*a', false],
    ['x1y2z', 'x*y*z', true],
    ['xyz1', 'x*y*z', false],
    ['abab', 'ab*ab*ab', false],
    ['aXbXc', '*X*X*', true],
    ['a.b', 'a?b', false],
    ['A', 'a', false],
  ])('%s fits %s: %s', (slug, pattern, expected) => expect(fits(slug, pattern)).toBe(expected))

  test('a pattern of many stars is decided at once', () => {
    expect(fits('a'.repeat(256), `${'*a'.repeat(127)}b`)).toBe(false)
  })
})

describe('callers', () => {
  test('the client sends the token that it is given, and tells a refusal from a missing permission', async () => {
    const client = createClient({ server: served.url, token: 'secret-of-web' })
    expect(await client.register({ id: 'cl', url: 'http://cl.test' })).toEqual({ id: 'cl' })
    await expect(client.leave()).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/admin/) as string,
    })
    const stranger = createClient({ server: served.url })
    await expect(stranger.self()).rejects.toMatchObject({ code: 'unauthorized' })
    expect(await stranger.readiness()).toMatchObject({ ready: true })
  })

  test('a token that fits into no header is refused, and not repeated', () => {
    for (const bad of ['', 'two words', 'new\nline', 'é']) {
      expect(() => createClient({ token: bad })).toThrow(/^token: must be printable ASCII/)
    }
  })
})

test('no token is in the log, whatever went wrong', async () => {
  served.service.failure = new TypeError('something of ours')
  expect((await ask(put({ url: 'http://x.test' }, as('ops')))).status).toBe(500)
  served.service.failure = undefined
  await ask(request('GET /v1/self', ['Authorization: Bearer wrong-secret-of-nobody']))
  expect(lines.join('')).toContain('something of ours')
  expect(lines.join('')).not.toMatch(/secret-of/)
})
