/** What is done to an instance that is registered already: how it is asked for, what is refused, whom it is permitted. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createClient, type Client } from '../../src/client.js'
import * as schemas from '../../src/http/act-schemas.js'
import { expectShape } from './contract/asking.js'
import { request, sendRaw, withBody } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

let served: MemoryServer
let client: Client
beforeAll(async () => {
  served = await serveMemory()
  client = createClient({ server: served.url, attempts: 1 })
})
afterAll(() => served.stop())
beforeEach(async () => void (await client.register({ id: 'a/b', slug: 's', url: 'http://a.test:1', tags: ['x'] })))

const path = '/v1/instances/a%2Fb'

test('weight, tags and metadata are changed, and cleared, by PATCH', async () => {
  await client.update('a/b', { weight: 0, tags: ['y'], metadata: { team: 'blue' } })
  const [row] = (await client.instanceRows({ id: 'a/b' })).instances
  expect(row).toMatchObject({ weight: 0, tags: ['y'], metadata: { team: 'blue' } })
  await client.update('a/b', { weight: null, tags: null, metadata: {} })
  const [cleared] = (await client.instanceRows({ id: 'a/b' })).instances
  expect([cleared?.weight, cleared?.tags, cleared?.metadata]).toEqual([undefined, undefined, undefined])
})

test.each([
  ['PATCH', path, '{"weight":-1}', /weight: must be a whole number from 0 to 65535/],
  ['PATCH', path, '{"wieght":1}', /wieght: there is no such field; did you mean weight/],
  ['PATCH', path, '{}', /changes nothing; give some of weight, tags, metadata/],
  ['PATCH', path, '[]', /the request body/],
  ['PATCH', path, '{"metadata":{"a":1}}', /metadata.a: must be a string/],
  ['PUT', `${path}/status`, '{"status":"Fine"}', /status: .*there are Unknown, Healthy/],
  ['PUT', `${path}/status`, '{}', /status: missing/],
  ['PUT', `${path}/status`, '{"status":"Healthy","for":"soon"}', /for: .*is not a duration/],
  ['PUT', `${path}/status`, '{"status":"Healthy","for":"99d"}', /for: must be from/],
  ['PUT', `${path}/renew`, '{"ttl":"5s"}', /ttl: this call takes no fields/],
  ['POST', `${path}/suspect`, '{"why":"x"}', /why: this call takes no fields/],
  ['PUT', '/v1/self/drain', '{"undo":true}', /undo: this call takes no fields/],
  ['PUT', '/v1/maintenance/many', '{}', /slug: missing; give slug, node or zone/],
  ['PUT', '/v1/maintenance/many?node=', '{}', /node: is empty/],
  ['PUT', '/v1/maintenance/many?slug=s&slug=t', '{}', /slug: is given twice/],
  ['PUT', '/v1/maintenance/many?slg=s', '{}', /slg: there is no such parameter; did you mean slug/],
])('%s %s with %s is refused, naming the field', async (method, url, body, words) => {
  const answer = await sendRaw(served.url, withBody(`${method} ${url}`, body))
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 400,
    body: expect.stringMatching(words) as string,
  })
})

test('a service says how it is; one without a ttl needs no renewal; what nobody knows is a 404', async () => {
  await client.setStatus('a/b', 'Degraded', { details: 'warming up', for: '30s' })
  expect((await client.lookup('s'))?.instances[0]).toMatchObject({ status: 'Degraded', details: 'warming up' })
  await expect(client.renew('a/b')).rejects.toMatchObject({ code: 'conflict' })
  await expect(client.renew('nobody')).rejects.toMatchObject({ code: 'not-found' })
  await expect(client.update('nobody', { weight: 1 })).rejects.toMatchObject({ code: 'not-found' })
  await expect(client.setStatus('ghost', 'Healthy')).rejects.toMatchObject({ code: 'unavailable' })
})

test('a suspicion is answered by 200 where it was looked at, by 202 beyond that', async () => {
  served.service.suspicions.length = 0
  const first = await sendRaw(served.url, request(`POST ${path}/suspect`))
  const second = await sendRaw(served.url, request(`POST ${path}/suspect`))
  expect([first.status, second.status]).toEqual([200, 202])
  expectShape(schemas.Suspicion, first)
  expect(served.service.suspicions[0]).toMatch(/^\S+ a\/b$/) // and whose it is
  expect(await client.suspect('a/b')).toMatchObject({ checked: false })
})

test('many are hidden and shown at once, and what fails is told beside what is done', async () => {
  await client.register({ id: 'c', slug: 's', url: 'http://c.test:1' })
  expect(await client.setMaintenanceOfAll({ slug: 's' }, 'new disk')).toEqual({ done: ['a/b', 'c'], failed: [] })
  expect((await client.instances({ slug: 's' })).instances).toEqual([])
  expect(await client.endMaintenanceOfAll({ slug: 's', node: 'abc' })).toMatchObject({ done: ['a/b', 'c'] })
  expect((await client.instances({ slug: 's' })).instances).toHaveLength(2)
  const gone = await client.setMaintenanceOfAll({ slug: 'gone' })
  expect(gone).toEqual({ done: [], failed: [{ id: 'ghost', error: expect.stringContaining('node def') as string }] })
  await expect(client.setMaintenanceOfAll({ slug: 'none' })).rejects.toMatchObject({ code: 'not-found' })
})

test('a lookup says how old its truth may be, and is refused where that is older than was asked for', async () => {
  const header = 'x-rollcall-freshness'
  const ask = async (query: string) => sendRaw(served.url, request(`GET /v1/lookup/s${query}`))
  expect((await ask('?maxAge=340ms')).headers[header]).toBe('heard=340, in-step=2, members=2')
  expect(await client.lookup('s', { maxAge: 340 })).toMatchObject({ heardAge_ms: 340, inStep: 2, members: 2 })
  const refused = await ask('?maxAge=300ms')
  expect([refused.status, refused.headers[header]]).toEqual([503, 'heard=340, in-step=2, members=2'])
  expect(refused.body).toMatch(/maxAge: what this node knows of \\"s\\" is 340ms old/)
  const wrong = await ask('?maxAge=soon')
  expect([wrong.status, wrong.body]).toEqual([400, expect.stringContaining('maxAge: ') as string])
  await expect(client.lookup('s', { maxAge: -1 })).rejects.toMatchObject({ code: 'malformed' })
  const pickOf = async (path: string) => (await sendRaw(served.url, request(`GET /v1/pick/${path}`))).status
  expect([await pickOf('s?maxAge=340ms'), await pickOf('s?maxAge=300ms'), await pickOf('s?maxAge=soon')]).toEqual([
    200, 503, 400,
  ])
  expect(await pickOf('nothing?maxAge=300ms')).toBe(404)
  expect((await client.pick('s', { maxAge: '340ms' }))?.slug).toBe('s')
  await expect(client.pickOnce('s', { maxAge: -1 })).rejects.toMatchObject({ code: 'malformed' })
  served.service.fresh = { inStep: 0, members: 2 }
  expect((await ask('?maxAge=1h')).body).toContain('of unknown age')
  expect((await client.lookup('s'))?.heardAge_ms).toBeUndefined()
  served.service.fresh = { heardAge_ms: 340, inStep: 2, members: 2 }
})

test('a write that is to be held by several says how many hold it; else it answers as ever', async () => {
  const body = '{"url":"http://k.test:1","id":"k"}'
  const put = async (query: string) => sendRaw(served.url, withBody(`PUT /v1/instances${query}`, body))
  expect(JSON.parse((await put('?acks=2&ackTimeout=1s')).body)).toEqual({ id: 'k', acks: 2 })
  expect(JSON.parse((await put('')).body)).toEqual({ id: 'k' })
  for (const [query, why] of [
    ['?acks=0', /acks: must be a whole number from 1 to 4096, or all/],
    ['?acks=some', /acks: /],
    ['?acks=2&ackTimeout=9s', /ackTimeout: must be from 1ms to 5s/],
    ['?ackTimeout=1s', /ackTimeout: counts only with acks/],
    ['?ack=2', /ack: there is no such parameter; did you mean acks/],
  ] as const)
    expect([(await put(query)).status, (await put(query)).body]).toEqual([400, expect.stringMatching(why) as string])
  const hide = await sendRaw(served.url, request('PUT /v1/instances/k/maintenance?acks=all'))
  expect([hide.status, hide.body]).toEqual([200, '{"acks":2}'])
  const drain = await sendRaw(served.url, request('PUT /v1/instances/k/drain?acks=all'))
  expect([drain.status, drain.body]).toEqual([200, '{"acks":2}'])
  expect((await sendRaw(served.url, request('DELETE /v1/drain?id=k'))).status).toBe(204)
  expect((await sendRaw(served.url, withBody('PUT /v1/drain?id=k', '{"reason":"x"}'))).body).toContain('reason: this')
  const node = await sendRaw(served.url, request('PUT /v1/self/drain'))
  expect(node.body).toMatch(/^\{"instances":\d+,"acks":2,"alive":2\}$/)
  expect(served.service.isDraining).toBe(true)
  expect((await sendRaw(served.url, request('DELETE /v1/self/drain'))).body).toBe('{}')
  expect(served.service.isDraining).toBe(false)
  const remove = async (query: string) => sendRaw(served.url, request(`DELETE /v1/instances?id=k${query}`))
  expect((await remove('&acks=2')).body).toBe('{"acks":2}')
  await put('')
  expect((await remove('')).status).toBe(204)
})
