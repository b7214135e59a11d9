/** Said empty is not the same as not said; what nobody understands is refused in our own calls, and told in those of published clients. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type Client } from '../../src/client.js'
import type { CheckForm } from '../../src/core/model/check.js'
import type { InstanceView } from '../../src/core/views.js'
import { readDocument } from './documented.js'
import { serveMemory, type MemoryServer } from './serve.js'

let served: MemoryServer
let client: Client
beforeAll(async () => {
  served = await serveMemory()
  client = createClient({ server: served.url })
})
afterAll(() => served.stop())

async function ask(line: string, body?: unknown): Promise<{ status: number; answer: Record<string, unknown> }> {
  const [method = '', path = ''] = line.split(' ')
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await fetch(`${served.url}${path}`, { method, ...sent })
  const text = await response.text()
  return { status: response.status, answer: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
}

const published = 'PUT /registry-svc/instance'
const own = 'PUT /v1/instances'
const full = { id: 'e', url: 'http://a.test', slug: 'empty', deploymentId: 'd', tags: ['t'], check: 'none' }

async function afterSaying(line: string, said: object): Promise<Partial<InstanceView> & { check?: CheckForm }> {
  expect(await ask(own, full)).toMatchObject({ status: 201 })
  expect(await ask(line, { id: 'e', url: 'http://a.test', ...said })).toMatchObject({
    status: 201,
    answer: { id: 'e' },
  })
  const { instances } = await client.instanceRows({ id: 'e' })
  const { slug, deploymentId, tags, check } = instances[0] as (typeof instances)[number]
  return { ...(slug && { slug }), ...(deploymentId && { deploymentId }), ...(tags && { tags }), check }
}

const kept = { slug: 'empty', deploymentId: 'd', tags: ['t'], check: 'none' }

describe('what is said to be nothing', () => {
  test.each([
    [published, {}, {}],
    [published, { slug: '', deploymentId: '', check: '' }, {}],
    [published, { tags: null }, {}],
    [published, { tags: [] }, { tags: undefined }],
    [published, { tags: {} }, { tags: undefined }],
    [published, { slug: null }, { slug: undefined }],
    [published, { deploymentId: null }, { deploymentId: undefined }],
    [own, {}, {}],
    [own, { tags: [] }, { tags: undefined }],
    [own, { tags: null }, { tags: undefined }],
    [own, { tags: '' }, { tags: undefined }],
    [own, { slug: '', deploymentId: '' }, { slug: undefined, deploymentId: undefined }],
    [own, { slug: null, deploymentId: null }, { slug: undefined, deploymentId: undefined }],
    [own, { check: null }, { check: 'tcp' }],
    [own, { check: '' }, { check: 'tcp' }],
  ])('%s %j changes %j', async (line, said, gone) => {
    const expected = Object.fromEntries(Object.entries({ ...kept, ...gone }).filter(([, value]) => value !== undefined))
    expect(await afterSaying(line, said)).toEqual(expected)
  })

  test('a slug that is said to be none is not taken from the header either', async () => {
    const response = await fetch(`${served.url}/registry-svc/instance`, {
      ...{ method: 'PUT', headers: { 'x-rollcall-slug': 'named' } },
      body: JSON.stringify({ id: 'e', url: 'http://a.test', slug: null }),
    })
    expect(response.status).toBe(201)
    expect((await client.instances({ id: 'e' })).instances[0]).not.toHaveProperty('slug')
  })
})

describe('a word that nobody knows', () => {
  test('is one that is no UTF-8, percent-encoded: nothing is so called, where something else may be meant', async () => {
    for (const path of ['/v1/instances?slug=m%FCsli', '/v1/prometheus/targets?slug=%zz', '/v1/lookup/web?tag=%'])
      expect(await ask(`GET ${path}`)).toMatchObject({
        status: 400,
        answer: { error: expect.stringMatching(/query: holds a %/) },
      })
    expect((await ask('GET /v1/instances?slug=m%C3%BCsli+x')).status).toBe(200)
    expect((await ask('GET /registry-svc/instances?slug=%FF')).status).toBe(200)
  })

  test.each([
    [own, { url: 'http://a', tgas: ['x'] }, /^tgas: there is no such field; did you mean tags\?$/],
    [own, { url: 'http://a', deployment: 'x' }, /^deployment: .*did you mean deploymentId\?$/],
    [own, { url: 'http://a', Slug: 'x' }, /^Slug: .*did you mean slug\?$/],
    [own, { url: 'http://a', meta: {} }, /^meta: there is no such field; did you mean metadata\?/],
    [own, { url: 'http://a', status: 'Healthy' }, /^status: there is no such field/],
    [own, { url: 'http://a', ['x'.repeat(5000)]: 1 }, /^x{61}\.\.\.: there is no such field/],
    ['PUT /v1/instances/e/maintenance', { raeson: 'x' }, /^raeson: .*did you mean reason\?$/],
    ['POST /v1/leave', { restrat: true }, /^restrat: .*restart/],
    ['GET /v1/instances?tags=x', undefined, /^tags: there is no such parameter; did you mean tag\?$/],
    ['GET /v1/instances?tags=', undefined, /^tags: there is no such parameter; did you mean tag\?$/],
    ['GET /v1/instances?deploymentid=x', undefined, /^deploymentid: .*did you mean deploymentId\?$/],
    ['GET /v1/instances?color=x', undefined, /^color: there is no such parameter; there are slug, /],
    ['DELETE /v1/instances?id=e&force=1', undefined, /^force: .*there are id, acks, ackTimeout$/],
    ['GET /v1/events?slgu=x', undefined, /^slgu: .*did you mean slug\?$/],
    ['GET /v1/events?type=memebr', undefined, /^type: must be one of member, instance$/],
    ['GET /v1/digest?tag=x', undefined, /^tag: this call takes no parameters$/],
    ['GET /v1/self?x', undefined, /^x: this call takes no parameters$/],
    [own, [], /^the request body: must be a JSON object$/],
    [own, 'http://a', /^the request body: must be a JSON object$/],
    ['PUT /v1/instances/e/maintenance', 'a reason', /^the request body: must be a JSON object$/],
    ['PUT /v1/maintenance?id=e', { raeson: 'x' }, /^raeson: .*did you mean reason\?$/],
    [
      'PUT /v1/maintenance?id=e&reason=x',
      undefined,
      /^reason: there is no such parameter; there are id, acks, ackTimeout$/,
    ],
    ['GET /v1/instances?status=Fine', undefined, /^status: must be one of Unknown, Healthy/],
  ])('%s %j is refused with what was meant', async (line, body, words) => {
    expect(await ask(line, body)).toEqual({ status: 400, answer: { error: expect.stringMatching(words) as unknown } })
  })

  test('a published client is told, and served as before', async () => {
    const { status, answer } = await ask(published, {
      id: 'w',
      url: 'http://w.test',
      tgas: ['x'],
      nodeUrl: 'http://n',
      slug: 'w',
    })
    expect({ status, answer }).toEqual({
      status: 201,
      answer: {
        id: 'w',
        warnings: [
          'ignored: tgas: there is no such field; did you mean tags?',
          expect.stringMatching(/^ignored: nodeUrl: /) as unknown,
        ],
      },
    })
    const listed = await ask('GET /registry-svc/instances?slug=w&tags=x')
    expect(listed.answer).toMatchObject({
      ...{ instances: [{ id: 'w' }], warnings: ['ignored: tags: there is no such parameter; did you mean tag?'] },
    })
    for (const path of [
      '/registry-svc/instances?slug=w',
      '/registry-svc/instances?id=w&tag=',
      '/registry-svc/instances',
    ])
      expect((await ask(`GET ${path}`)).answer).not.toHaveProperty('warnings')
    const ignored = /^ignored: (ids_|force|extra): /
    for (const [line, body] of [
      ['POST /registry-svc/nodes', { ids_: ['x'] }],
      ['POST /registry-svc/nodes?force=1', null],
      ['GET /registry-svc/definitions?force=', undefined],
      ['GET /registry-svc/node/self?force=1', undefined],
      ['GET /registry-svc/instances?slug=w&force=', undefined],
      ['PUT /registry-svc/instance?force=1', { url: 'http://w.test', slug: 'w' }],
      ['PUT /registry-svc/definition', { definition: { id: 'told', any: 1 }, extra: 1 }],
    ] as const)
      expect((await ask(line, body)).answer['warnings']).toEqual([expect.stringMatching(ignored)])
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${'x'.repeat(300)}${i}`, i]))
    const told = (await ask(published, { id: 'w', url: 'http://w.test', ...many })).answer['warnings'] as string[]
    expect(told).toHaveLength(8)
    expect(JSON.stringify(told).length).toBeLessThan(4000)
  })

  test('the client refuses its own filters, options and types before it asks', async () => {
    const any = client as unknown as Record<string, (given: unknown) => Promise<unknown>>
    await expect(any['instances']!({ tags: 'x' })).rejects.toThrow(
      /^tags: there is no such filter; did you mean tag\?$/,
    )
    await expect(any['instanceRows']!({ slgu: 'x' })).rejects.toThrow(/did you mean slug/)
    await expect(any['instances']!({ status: 'Fine' })).rejects.toThrow(/^status: must be one of/)
    await expect(any['instances']!({ slug: 7 })).rejects.toThrow(/^slug: must be a string$/)
    await expect(any['leave']!({ restrat: true })).rejects.toThrow(/did you mean restart/)
    await expect(any['register']!({ url: 'http://a', tgas: [] })).rejects.toThrow(/did you mean tags/)
    expect(() => any['events']!({ tpye: 'member' })).toThrow(/^tpye: .*did you mean type/)
    expect(() => any['events']!({ type: 'memeber' })).toThrow(/^type: memeber: .*did you mean member/)
    expect(() => createClient({ sevrer: 'x' } as object)).toThrow(
      /^sevrer: there is no such option; did you mean server\?$/,
    )
    await expect(any['instances']!(null)).rejects.toMatchObject({ code: 'malformed' })
    await expect(any['self']!({ timeout: 1 })).rejects.toThrow(/^timeout: there is no such option; there are signal$/)
    await expect(any['deregister']!(undefined)).rejects.toMatchObject({ code: 'malformed' })
    await expect(any['deregister']!('')).rejects.toMatchObject({ code: 'malformed' })
    for (const server of ['http://a.test?x=1', 'http://a.test#x', 'http://user:pw@a.test', 'a.test?x'])
      expect(() => createClient({ server })).toThrow(/^server: /)
  })
})

/** Of each parameter something that it cannot be. */
const wrong = { maxAge: '-1s', strategy: 'best', prefer: 'rack', acks: '0', ackTimeout: 'soon' }

test('what a call cannot mean is told before what there is not is looked for', async () => {
  const { paths } = await readDocument(served.url)
  const told: string[] = []
  for (const [path, operations] of Object.entries(paths))
    for (const [method, { operationId, parameters = [], requestBody }] of Object.entries(operations)) {
      const names = parameters.map(({ name }) => name)
      const asked = path.replace(/\{(id|slug)\}/, 'nothing')
      if (!path.startsWith('/v1/') || (asked === path && !names.includes('id'))) continue
      const body = Object.values(requestBody?.content['application/json']?.examples ?? {})[0]?.value
      for (const [name, value] of Object.entries(wrong).filter(([name]) => names.includes(name))) {
        const query = new URLSearchParams({
          ...(names.includes('id') && asked === path && { id: 'nothing' }),
          ...(name === 'ackTimeout' && { acks: '1' }),
          [name]: value,
        })
        const { status, answer } = await ask(`${method.toUpperCase()} ${asked}?${query}`, body)
        expect([operationId, name, status]).toEqual([operationId, name, 400])
        expect(answer['error']).toMatch(new RegExp(`^${name}: `))
        told.push(`${operationId} ${name}`)
      }
    }
  for (const one of [
    'lookup maxAge',
    'lookup strategy',
    'pick maxAge',
    'patchInstance acks',
    'removeInstanceById acks',
  ])
    expect(told).toContain(one)
})

describe('an empty filter', () => {
  test('says that there is none in our own calls, and nothing in those of published clients', async () => {
    await client.register({ id: 'n-1', url: 'http://10.0.8.1:80', check: 'none', deploymentId: 'none' })
    await client.register({ id: 'n-2', url: 'http://10.0.8.2:80', slug: 'some', tags: ['t'], deploymentId: 'none' })
    const ids = ({ instances }: { readonly instances: readonly { readonly id: string }[] }): string[] =>
      instances.map(({ id }) => id)
    for (const slug of ['', undefined]) {
      const expected = slug === '' ? ['n-1'] : ['n-1', 'n-2']
      const query = { deploymentId: 'none', ...(slug !== undefined && { slug }) }
      expect(ids(await client.instances(query))).toEqual(expected)
      expect(ids(await client.instanceRows(query))).toEqual(expected)
    }
    expect(ids(await client.instances({ deploymentId: 'none', tag: '' }))).toEqual(['n-1'])
    expect(ids(await client.instances({ id: '' }))).toEqual([])
    expect(ids(await client.instances({ nodeUrl: '' }))).toEqual([])
    const rows = await ask('GET /v1/instances?deploymentId=none&slug=')
    expect(rows.answer['instances']).toMatchObject([{ id: 'n-1' }])
    expect(await ask('GET /v1/instances?status=')).toMatchObject({ status: 400 })
    const listed = await ask('GET /registry-svc/instances?deploymentId=none&slug=&status=&tag=&id=x&id=')
    expect(listed).toMatchObject({ status: 200, answer: { instances: [{ id: 'n-1' }, { id: 'n-2' }] } })
  })
})

describe('parts beside a url', () => {
  const beside = { url: 'http://10.0.8.3:8080/x', slug: 'beside' }
  test.each([
    [{ port: 81 }, 'port'],
    [{ scheme: 'https' }, 'scheme'],
    [{ host: '10.0.8.4' }, 'host'],
    [{ ip: '10.0.8.4' }, 'ip'],
    [{ host: 'localhost' }, 'host'],
    [{ path: 'y' }, 'path'],
  ])('that say something else, %j, are refused; of a published client the url counts', async (parts, name) => {
    const words = new RegExp(`^${name}: .* says something else than url`)
    await expect(client.register({ ...beside, ...parts })).rejects.toThrow(words)
    expect(await ask(published, { ...beside, ...parts, id: `beside-${name}` })).toEqual({
      ...{ status: 201, answer: { id: `beside-${name}` } },
    })
  })

  test('an address beside a host that is another one is refused as well; published clients go to the host', async () => {
    const two = { id: 'two', host: '10.0.8.3', ip: '10.0.8.4', port: 80 }
    await expect(client.register(two)).rejects.toThrow(
      /^ip: "10\.0\.8\.4" says something else than url "http:\/\/10\.0\.8\.3:80"/,
    )
    expect(await ask(published, two)).toMatchObject({ status: 201 })
    expect(await client.register({ ...two, host: 'two.test' })).toEqual({ id: 'two' })
  })

  test.each([
    [{ port: 8080, scheme: 'HTTP', path: '/x/', ip: '10.0.8.3' }],
    [{ host: 'web.test' }],
    [{ ip: 'fd00::5' }],
    [{ path: '/x?y=1' }],
  ])('that may say the same, %j, are taken', async (parts) => {
    expect(await client.register({ ...beside, ...parts, id: 'beside' })).toEqual({ id: 'beside' })
  })
})

describe('given twice', () => {
  const ids = async (query: string): Promise<unknown[]> =>
    ((await ask(`GET /registry-svc/instances?${query}`)).answer['instances'] as { id: string }[]).map(({ id }) => id)

  test('tags are AND-ed, of those left out each is, and of all else the last one counts to published clients', async () => {
    for (const [id, tags] of [
      ['t-1', ['a', 'b']],
      ['t-2', ['a']],
      ['t-3', ['b', 'c']],
    ] as const)
      await client.register({ id, tags, url: `http://10.0.7.${id.at(-1)}:80`, slug: 'twice' })
    expect(await ids('slug=twice&tag=a')).toEqual(['t-1', 't-2'])
    expect(await ids('slug=twice&tag=a&tag=b')).toEqual(['t-1'])
    expect(await ids('slug=twice&tag=a&tag=c')).toEqual([])
    expect(await ids('slug=twice&tag=a&tag=')).toEqual(['t-1', 't-2'])
    expect(await ids('ip=10.0.7.1&ip=10.0.7.2')).toEqual(['t-2'])
    expect((await client.instances({ slug: 'twice', tag: ['b', 'c'] })).instances).toMatchObject([{ id: 't-3' }])
    expect((await client.instanceRows({ tag: ['a', 'b'] })).instances).toMatchObject([{ id: 't-1' }])
    expect((await client.pickOnce('twice', { exclude: ['t-2', 't-1'] })).picked?.id).toBe('t-3')
    expect((await client.pickOnce('twice', { exclude: ['t-2', 't-3'] })).picked?.id).toBe('t-1')
    expect(await client.pickOnce('twice', { exclude: ['t-1', 't-2', 't-3'] })).not.toHaveProperty('picked')
  })

  test.each([
    ['/v1/instances?slug=a&slug=b', 'slug'],
    ['/v1/lookup/web?strategy=random&tag=a&tag=b&strategy=random', 'strategy'],
    ['/v1/pick/web?maxAge=2s&maxAge=3s', 'maxAge'],
    ['/v1/history?limit=1&limit=2', 'limit'],
    ['/v1/events?slug=a&slug=', 'slug'],
    ['/v1/prometheus/targets?port=a&port=b', 'port'],
    ['/v1/nodes/pick?by=memory&by=cpu', 'by'],
    ['/v1/instances?metadata.team=a&metadata.team=b', 'metadata.team'],
  ])('%s is refused: which was meant is not for us to say', async (path, name) => {
    expect(await ask(`GET ${path}`)).toMatchObject({
      status: 400,
      answer: { error: `${name}: is given twice; give one, and ask once for each` },
    })
  })

  test('in calls of published clients the last one counts, and they are told where it says something else', async () => {
    const { answer } = await ask('GET /registry-svc/instances?slug=x&slug=twice&ip=10.0.7.1&ip=10.0.7.1')
    expect(answer).toMatchObject({
      instances: [{ id: 't-1' }],
      warnings: ['ignored: slug: is given twice; the last one counts'],
    })
  })

  test('of more parameters than anybody needs none is looked at', async () => {
    const many = Array.from({ length: 257 }, () => 'tag=a').join('&')
    for (const path of ['/v1/instances', '/registry-svc/instances'])
      expect(await ask(`GET ${path}?${many}`)).toMatchObject({
        status: 400,
        answer: { error: expect.stringMatching(/^query: has more than 256/) as string },
      })
  })
})
