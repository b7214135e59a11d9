/** Maintenance and checks at the doors: what is asked, what is answered, and what published clients never see of it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient, type Client } from '../../src/client.js'
import * as schemas from '../../src/http/schemas.js'
import { expectShape } from './contract/asking.js'
import { request, sendRaw, withBody } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

let served: MemoryServer
let client: Client
beforeAll(async () => {
  served = await serveMemory()
  client = createClient({ server: served.url })
})
afterAll(() => served.stop())

const path = (id: string): string => `/v1/instances/${encodeURIComponent(id)}/maintenance`

async function whyHidden(id: string): Promise<string | undefined> {
  const { instances } = await client.instanceRows({ id })
  return instances[0]?.why
}

test('an instance goes into maintenance and comes back, each with 204 and no body', async () => {
  await client.register({ id: 'a/b', url: 'http://a.test:1', slug: 'm' })
  const put = await sendRaw(served.url, withBody(`PUT ${path('a/b')}`, '{"reason":"new disk"}'))
  expect(put).toMatchObject({ status: 204, body: '' })
  expect(await whyHidden('a/b')).toBe('in maintenance: new disk')
  expect((await client.instances({ slug: 'm' })).instances).toEqual([])
  const end = await sendRaw(served.url, request(`DELETE ${path('a/b')}`))
  expect(end).toMatchObject({ status: 204, body: '' })
  expect((await client.instances({ slug: 'm' })).instances).toHaveLength(1)
})

test('an id that no path can carry is named in the query', async () => {
  const { service } = served
  await service.register({ id: '..', url: 'http://dots.test:1', slug: 'dots' })
  await client.setMaintenance('..', 'by query')
  expect(await whyHidden('..')).toBe('in maintenance: by query')
  await client.endMaintenance('..')
  expect((await client.instances({ slug: 'dots' })).instances).toHaveLength(1)
  await client.update('..', { weight: 7 })
  await client.setStatus('..', 'Degraded')
  const [row] = (await client.instanceRows({ id: '..' })).instances
  expect(row).toMatchObject({ weight: 7, status: 'Degraded' })
  expect(await client.suspect('..')).toMatchObject({ status: 'Degraded' })
  await expect(client.renew('..')).rejects.toMatchObject({ code: 'conflict' })
  for (const act of [
    'PUT /v1/maintenance',
    'PATCH /v1/instances',
    'PUT /v1/status',
    'PUT /v1/renew',
    'POST /v1/suspect',
  ])
    for (const query of ['', '?id=']) expect((await sendRaw(served.url, request(`${act}${query}`))).status).toBe(400)
})

test.each([
  ['no body', request(`PUT ${path('silent')}`)],
  ['an empty body', withBody(`PUT ${path('silent')}`, '', ['Content-Type: application/json'])],
  ['null', withBody(`PUT ${path('silent')}`, 'null')],
  ['no reason', withBody(`PUT ${path('silent')}`, '{}')],
  ['an empty reason', withBody(`PUT ${path('silent')}`, '{"reason":""}')],
])('%s is a maintenance whose reason nobody gave', async (_, bytes) => {
  await client.register({ id: 'silent', url: 'http://silent.test:1' })
  expect((await sendRaw(served.url, bytes)).status).toBe(204)
  expect(await whyHidden('silent')).toBe('in maintenance: no reason given')
})

test.each([
  ['a reason that is no text', '{"reason":7}', /reason: must be a string/],
  ['a reason without end', JSON.stringify({ reason: 'x'.repeat(300) }), /reason: longer than/],
  ['a list', '[]', /body/],
])('%s is refused in words', async (_, body, words) => {
  const answer = await sendRaw(served.url, withBody(`PUT ${path('silent')}`, body))
  expect({ status: answer.status, body: answer.body }).toEqual({ status: 400, body: expect.stringMatching(words) })
})

test('an instance that nobody knows is a 404, one whose home node is away a 503 that says where', async () => {
  for (const method of ['PUT', 'DELETE']) {
    expect((await sendRaw(served.url, request(`${method} ${path('nobody')}`))).status).toBe(404)
    const answer = await sendRaw(served.url, request(`${method} ${path('ghost')}`))
    expect(answer.status).toBe(503)
    expect(answer.body).toContain('node def')
  }
})

test('the client does the same, and registering ends it', async () => {
  await client.register({ id: 'c', url: 'http://c.test:1' })
  await client.setMaintenance('c', 'by hand')
  expect(await whyHidden('c')).toBe('in maintenance: by hand')
  await client.endMaintenance('c')
  expect(await whyHidden('c')).toBeUndefined()
  await client.setMaintenance('c')
  await client.register({ id: 'c', url: 'http://c.test:1' })
  expect(await whyHidden('c')).toBeUndefined()
  await expect(client.setMaintenance('nobody')).rejects.toMatchObject({ code: 'not-found' })
})

test('a check is taken, shown in the rows, and never in an object of the contract', async () => {
  await client.register({ id: 'checked', url: 'http://c.test:1', slug: 'checked', check: 'http:/healthz' })
  await client.register({ id: 'plain', url: 'http://p.test:1', slug: 'checked' })
  const rows = await sendRaw(served.url, request('GET /v1/instances?slug=checked'))
  expectShape(schemas.InstanceRows, rows)
  expect((JSON.parse(rows.body) as { instances: unknown[] }).instances).toMatchObject([
    { id: 'checked', check: 'http:/healthz' },
    { id: 'plain', check: 'tcp' },
  ])
  for (const call of ['GET /registry-svc/instances?slug=checked', 'GET /v1/lookup/checked']) {
    expect((await sendRaw(served.url, request(call))).body).not.toMatch(/"(check|maintenance)":/)
  }
  await expect(client.register({ url: 'http://a', check: 'http://b/healthz' })).rejects.toMatchObject({
    code: 'malformed',
    message: expect.stringMatching(/^check: .*http:\/path/) as string,
  })
})
