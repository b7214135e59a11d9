/**
 * What a caller may rely on, whatever stands behind the server: to be run against the service in memory and against a daemon.
 */
import { Compile } from 'typebox/compile'
import type { TSchema } from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as schemas from '../../src/http/schemas.js'
import { request, sendRaw, withBody, type RawAnswer } from './raw.js'

export interface ServedDaemon {
  readonly url: string
  stop(): Promise<void>
}

/** The server is shared by the tests of the suite; each uses ids and slugs of its own. */
export function contractSuite(name: string, start: () => Promise<ServedDaemon>): void {
  describe(name, () => {
    let served: ServedDaemon
    const ask: Ask = (bytes) => sendRaw(served.url, bytes)
    beforeAll(async () => {
      served = await start()
    })
    afterAll(() => served.stop())
    describe('instances', () => instanceTests(ask))
    describe('slugs', () => slugTests(ask))
    describe('definitions', () => definitionTests(ask))
    describe('nodes', () => nodeTests(ask))
    describe('own endpoints', () => ownTests(ask, () => served.url))
    describe('faults of the caller', () => faultTests(ask))
  })
}

type Ask = (bytes: string) => Promise<RawAnswer>

const json = ['Content-Type: application/json']

function put(fields: object, headers: readonly string[] = []): string {
  return withBody('PUT /registry-svc/instance', JSON.stringify(fields), [...json, ...headers])
}

function answerOf<T = Record<string, unknown>>({ body }: RawAnswer): T {
  return JSON.parse(body) as T
}

async function listed(ask: Ask, query: string): Promise<Record<string, unknown>[]> {
  const answer = await ask(request(`GET /registry-svc/instances?${query}`))
  expect(answer.status).toBe(200)
  expectShape(schemas.Instances, answer)
  return answerOf<{ instances: Record<string, unknown>[] }>(answer).instances
}

function expectShape(schema: TSchema, answer: RawAnswer): void {
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  expect(Compile(schema).Errors(JSON.parse(answer.body))).toEqual([])
}

function expectFailure(answer: RawAnswer, status: number, words: RegExp): void {
  expect({ status: answer.status, body: answer.body }).toEqual({ status, body: expect.stringMatching(words) as string })
  expectShape(schemas.Failure, answer)
  expect(answer.body).not.toMatch(/\bat .*\.(ts|js):\d+/)
}

function instanceTests(ask: Ask): void {
  test('a registration is answered 201 with the id, and is listed with what its url says', async () => {
    const answer = await ask(put({ id: 'i-1', url: 'http://10.1.1.1:5981/svc', deploymentId: 'd-1', tags: ['a', 'b'] }))
    expect(answer).toMatchObject({ status: 201, body: '{"id":"i-1"}' })
    const [instance, ...others] = await listed(ask, 'id=i-1')
    expect(others).toEqual([])
    expect(instance).toMatchObject({
      ...{ id: 'i-1', url: 'http://10.1.1.1:5981/svc', deploymentId: 'd-1', tags: ['a', 'b'], scheme: 'http' },
      ...{ host: '10.1.1.1', ip: '10.1.1.1', port: 5981, path: 'svc', nodeUrl: expect.any(String) as string },
    })
  })

  test('a url is put together from its parts', async () => {
    await ask(put({ id: 'i-parts', scheme: 'https', ip: '192.168.1.1', port: 999 }))
    await ask(put({ id: 'i-default-port', scheme: 'http', host: 'api.com', port: 80 }))
    expect(await listed(ask, 'id=i-parts')).toMatchObject([{ url: 'https://192.168.1.1:999' }])
    expect(await listed(ask, 'id=i-default-port')).toMatchObject([{ url: 'http://api.com:80' }])
  })

  test('registering the same again changes nothing, and a given id with another url moves the instance', async () => {
    const [first, second] = [
      await ask(put({ url: 'http://same.test:1' })),
      await ask(put({ url: 'http://same.test:1' })),
    ]
    expect(second.body).toBe(first.body)
    expect(await listed(ask, 'host=same.test')).toHaveLength(1)
    await ask(put({ id: 'i-moves', url: 'http://before.test:1' }))
    await ask(put({ id: 'i-moves', url: 'http://after.test:1' }))
    expect(await listed(ask, 'id=i-moves')).toMatchObject([{ url: 'http://after.test:1' }])
  })

  test('every filter narrows, all of them together too, and the last of two counts', async () => {
    await ask(put({ id: 'f-1', url: 'http://10.9.0.1:80/a', slug: 'filtered', deploymentId: 'f-d', tags: ['x', 'y'] }))
    await ask(put({ id: 'f-2', url: 'https://10.9.0.2:81', slug: 'filtered', tags: ['y'] }))
    const ids = async (query: string): Promise<unknown[]> => (await listed(ask, query)).map(({ id }) => id).sort()
    expect(await ids('slug=filtered')).toEqual(['f-1', 'f-2'])
    expect(await ids('deploymentId=f-d')).toEqual(['f-1'])
    expect(await ids('slug=filtered&tag=x')).toEqual(['f-1'])
    expect(await ids('slug=filtered&tag=y')).toEqual(['f-1', 'f-2'])
    expect(await ids('slug=filtered&scheme=https')).toEqual(['f-2'])
    expect(await ids('host=10.9.0.1')).toEqual(['f-1'])
    expect(await ids('ip=10.9.0.1&ip=10.9.0.2')).toEqual(['f-2'])
    expect(await ids('id=f-1&slug=other')).toEqual([])
    expect(await ids('slug=filtered&nodeUrl=http://nowhere.test')).toEqual([])
    const [{ nodeUrl } = {}] = await listed(ask, 'id=f-1')
    expect(await ids(`id=f-1&nodeUrl=${encodeURIComponent(String(nodeUrl))}`)).toEqual(['f-1'])
    expect(await ids('id=f-1&slug=&status=&made-up=1')).toEqual(['f-1'])
    expect(await ids('slug=filter')).toEqual([])
  })

  test('removing answers 204 without a body, and 404 the second time', async () => {
    await ask(put({ id: 'http://odd id/%?#:1', url: 'http://gone.test:1' }))
    const line = `DELETE /registry-svc/instance/${encodeURIComponent('http://odd id/%?#:1')}`
    const answer = await ask(request(line, json))
    expect(answer).toMatchObject({ status: 204, body: '' })
    expect(answer.headers['content-length'] ?? '0').toBe('0')
    expect(await listed(ask, 'host=gone.test')).toEqual([])
    expectFailure(await ask(request(line)), 404, /odd id/)
  })
}

function slugTests(ask: Ask): void {
  const claimed = (claims: object): string =>
    ['{"alg":"none"}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.')
  const slugOf = async (id: string, fields: object, headers: readonly string[]): Promise<unknown> => {
    expect((await ask(put({ id, url: `http://${id}.test:1`, ...fields }, headers))).status).toBe(201)
    return (await listed(ask, `id=${id}`))[0]?.['slug']
  }

  test('the body comes first, then the header, then the claim of the token', async () => {
    const header = 'X-Rollcall-Slug: from-header'
    const token = `Authorization: Bearer ${claimed({ slu: 'from-token' })}`
    expect(await slugOf('s-1', { slug: 'from-body' }, [header, token])).toBe('from-body')
    expect(await slugOf('s-2', { slug: '' }, [header, token])).toBe('from-header')
    expect(await slugOf('s-3', {}, [token])).toBe('from-token')
  })

  test('every name of the claim counts, with and without Bearer', async () => {
    expect(await slugOf('s-4', {}, [`Authorization: ${claimed({ olu: 'by-olu' })}`])).toBe('by-olu')
    expect(await slugOf('s-5', {}, [`Authorization: bearer ${claimed({ '1sl': 'by-1sl' })}`])).toBe('by-1sl')
    expect(await slugOf('s-6', {}, [`Authorization: ${claimed({ slu: '', olu: 'second' })}`])).toBe('second')
  })

  test('an opaque token, a broken one and none are all fine, and name no slug', async () => {
    const headers = [
      'sometoken',
      'Bearer sometoken',
      'Basic dTpw',
      'Bearer a.b.c',
      'Bearer ..',
      `Bearer ${claimed([1])}`,
    ]
    for (const [i, value] of headers.entries()) {
      expect(await slugOf(`s-none-${i}`, {}, [`Authorization: ${value}`])).toBeUndefined()
    }
  })

  test('what is no slug is refused by the name of where it came from', async () => {
    const fields = { id: 's-bad', url: 'http://s-bad.test:1' }
    expectFailure(await ask(put(fields, ['X-Rollcall-Slug: not a slug'])), 400, /x-rollcall-slug/)
    expectFailure(await ask(put(fields, [`Authorization: ${claimed({ slu: '!' })}`])), 400, /claim slu/)
    expectFailure(await ask(put({ ...fields, slug: ' ' })), 400, /slug/)
  })
}

function definitionTests(ask: Ask): void {
  const save = (definition: string): Promise<RawAnswer> =>
    ask(withBody('PUT /registry-svc/definition', `{"definition":${definition}}`, json))

  test('a definition comes back as it went in, whatever is in it', async () => {
    const odd =
      '{"id":"d-odd","__proto__":{"a":1},"constructor":{"prototype":{}},"made":{"up":[1,null,"é\\u0000"]},"n":1e-7}'
    expect(await save(odd)).toMatchObject({ status: 201, body: '{}' })
    const answer = await ask(request('GET /registry-svc/definitions', json))
    expectShape(schemas.Definitions, answer)
    const found = answerOf<{ definitions: { id: string }[] }>(answer).definitions.find(({ id }) => id === 'd-odd')
    expect(found).toEqual(JSON.parse(odd))
    expect(Object.keys(found ?? {})).toContain('__proto__')
  })

  test('saving replaces the whole of it, removing removes it once', async () => {
    await save('{"id":"d-1","image":{"name":"a"}}')
    await save('{"id":"d-1","envars":[]}')
    const { definitions } = answerOf<{ definitions: { id: string }[] }>(
      await ask(request('GET /registry-svc/definitions')),
    )
    expect(definitions.filter(({ id }) => id === 'd-1')).toEqual([{ id: 'd-1', envars: [] }])
    expect(await ask(request('DELETE /registry-svc/definition/d-1'))).toMatchObject({ status: 204, body: '' })
    expectFailure(await ask(request('DELETE /registry-svc/definition/d-1')), 404, /d-1/)
  })

  test('without an id, or without a definition, it is refused', async () => {
    expectFailure(await save('{"image":{}}'), 400, /definition\.id/)
    expectFailure(await save('[]'), 400, /definition/)
    expectFailure(await ask(withBody('PUT /registry-svc/definition', '{}')), 400, /definition/)
  })
}

function nodeTests(ask: Ask): void {
  test('every published way to ask for all nodes gives all nodes', async () => {
    const line = 'POST /registry-svc/nodes'
    const answers = [
      await ask(withBody(line, '', json)),
      await ask(withBody(line, 'null', json)),
      await ask(withBody(line, '{}', json)),
      await ask(withBody(line, '{"ids":[]}')),
      await ask(request(line)),
    ]
    for (const answer of answers) {
      expect(answer.status).toBe(200)
      expectShape(schemas.Nodes, answer)
      expect(answerOf<{ nodes: unknown[] }>(answer).nodes.length).toBeGreaterThan(0)
    }
  })

  test('the node itself, with a content type and no body', async () => {
    const answer = await ask(request('GET /registry-svc/node/self', json))
    expect(answer.status).toBe(200)
    expectShape(schemas.SelfNode, answer)
  })

  test('ids choose', async () => {
    const self = answerOf<{ node: { id: string } }>(await ask(request('GET /registry-svc/node/self'))).node.id
    const some = await ask(withBody('POST /registry-svc/nodes', JSON.stringify({ ids: [self, 'none'] })))
    expect(answerOf<{ nodes: { id: string }[] }>(some).nodes.map(({ id }) => id)).toEqual([self])
    const none = await ask(withBody('POST /registry-svc/nodes', '{"ids":["none"]}'))
    expect(answerOf(none)).toEqual({ nodes: [] })
    expectFailure(await ask(withBody('POST /registry-svc/nodes', '{"ids":[1]}')), 400, /ids/)
    expectFailure(await ask(withBody('POST /registry-svc/nodes', '"x"')), 400, /body/)
  })

  test('deleting a node that nobody knows is a 404 that repeats its url, decoded once', async () => {
    for (const path of ['http%3A%2F%2F127.0.0.1%3A5981%2F%252F', 'http:%2F%2F127.0.0.1:5981%2F%252F']) {
      const answer = await ask(request(`DELETE /registry-svc/node/${path}`, json))
      expectFailure(answer, 404, /http:\/\/127\.0\.0\.1:5981\/%2F/)
    }
  })
}

/** @param url of the server itself: an instance that can be reached, whoever checks */
function ownTests(ask: Ask, url: () => string): void {
  test('each answers in its documented shape', async () => {
    const shapes: Readonly<Record<string, TSchema>> = {
      '/healthz': schemas.Empty,
      '/v1/self': schemas.Self,
      '/v1/peers': schemas.Peers,
      '/v1/members': schemas.Members,
      '/v1/digest': schemas.Digest,
      '/v1/instances': schemas.InstanceRows,
    }
    for (const [path, shape] of Object.entries(shapes)) {
      const answer = await ask(request(`GET ${path}`))
      expect({ path, status: answer.status }).toEqual({ path, status: 200 })
      expectShape(shape, answer)
    }
  })

  test('readiness is a status, and says why not', async () => {
    const answer = await ask(request('GET /readyz'))
    expect([200, 503]).toContain(answer.status)
    expectShape(schemas.Readiness, answer)
    expect(answerOf<{ ready: boolean }>(answer).ready).toBe(answer.status === 200)
  })

  test('a lookup gives the instances of a slug and picks one; what nobody registered is not found', async () => {
    await ask(put({ id: 'l-1', url: url(), slug: 'team/web@2' }))
    const answer = await ask(request(`GET /v1/lookup/${encodeURIComponent('team/web@2')}`))
    expect(answer.status).toBe(200)
    expectShape(schemas.Lookup, answer)
    expect(answerOf(answer)).toMatchObject({
      ...{ slug: 'team/web@2', degraded: false, instances: [{ id: 'l-1' }], picked: { id: 'l-1' } },
    })
    expectFailure(await ask(request('GET /v1/lookup/nobody')), 404, /nobody/)
  })
}

function faultTests(ask: Ask): void {
  const faults: readonly [string, string, number, RegExp][] = [
    ['bad JSON', withBody('PUT /registry-svc/instance', '{"url":'), 400, /JSON/],
    ['no body', request('PUT /registry-svc/instance', json), 400, /body/],
    ['a list', withBody('PUT /registry-svc/instance', '[]'), 400, /body/],
    ['null', withBody('PUT /registry-svc/instance', 'null'), 400, /body/],
    ['no url', put({ slug: 'x' }), 400, /url/],
    ['a url without a scheme', put({ url: 'localhost:80' }), 400, /url.*scheme/],
    ['a url of the wrong type', put({ url: 7 }), 400, /url/],
    ['a port out of range', put({ host: 'a', port: 65_536 }), 400, /port/],
    ['a port that is text', put({ host: 'a', port: '80' }), 400, /port/],
    ['tags that are no list', put({ url: 'http://a', tags: 'x' }), 400, /tags/],
    ['a status that does not exist', request('GET /registry-svc/instances?status=Fine'), 400, /status.*Healthy/],
    ['bad percent-encoding', request('DELETE /registry-svc/instance/%E0%A4%A'), 400, /%/],
    ['an id too long', request(`DELETE /registry-svc/instance/${'x'.repeat(600)}`), 400, /id/],
    ['nesting without end', withBody('PUT /registry-svc/definition', nested(200_000)), 400, /deep/],
    ['a path that does not exist', request('GET /registry-svc/nothing'), 404, /nothing/],
    ['a body for a path that does not exist', withBody('PUT /nothing', '{'), 404, /nothing/],
    ['doubled slashes', request('GET //registry-svc/definitions'), 404, /no such call/],
    ['the wrong method', request('POST /registry-svc/instances'), 405, /GET/],
    ['a method that we do not know', request('PROPFIND /registry-svc/instances'), 404, /PROPFIND/],
    ['a name that is not ours', request('GET /healthz', ['Host: evil.example']), 403, /Host/],
    [
      'a page of another origin',
      withBody('POST /registry-svc/nodes', '', ['Origin: http://evil.example']),
      403,
      /Origin/,
    ],
  ]
  test.each(faults)('%s is refused in words', async (_name, bytes, status, words) => {
    expectFailure(await ask(bytes), status, words)
  })

  test('a body over the limit is refused after it was sent, so that the sender sees the answer', async () => {
    const large = JSON.stringify({ definition: { id: 'large', text: 'x'.repeat(2 * 1024 * 1024) } })
    expectFailure(await ask(withBody('PUT /registry-svc/definition', large)), 413, /larger than/)
    const chunk = 'x'.repeat(64 * 1024)
    const chunks = `${chunk.length.toString(16)}\r\n${chunk}\r\n`.repeat(20)
    const chunked = request('PUT /registry-svc/definition', ['Transfer-Encoding: chunked'], `${chunks}0\r\n\r\n`)
    expectFailure(await ask(chunked), 413, /larger than/)
  })

  test('OPTIONS is answered on every path, and allows no other origin', async () => {
    for (const path of ['/registry-svc/instances', '/anything']) {
      const answer = await ask(request(`OPTIONS ${path}`, ['Origin: http://evil.example']))
      expect(answer.status).toBe(200)
      expect(answer.headers['access-control-allow-methods']).toContain('PUT')
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
  })
}

function nested(depth: number): string {
  return `{"definition":{"id":"x","deep":${'['.repeat(depth)}${']'.repeat(depth)}}}`
}
