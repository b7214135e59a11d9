/** Web pages of other origins: refused unless listed, and what their browsers are told. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectFailure } from './contract/asking.js'
import { request, sendRaw, withBody, type RawAnswer } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

const listed = 'https://ops.example.com'
const other = 'https://evil.example'

function serving(corsOrigins: readonly string[]): (bytes: string) => Promise<RawAnswer> {
  let served: MemoryServer
  beforeAll(async () => {
    served = await serveMemory({ corsOrigins })
  })
  afterAll(() => served.stop())
  return (bytes) => sendRaw(served.url, bytes)
}

const change = (origin: string): string =>
  withBody('PUT /registry-svc/instance', '{"url":"http://a.test"}', [`Origin: ${origin}`])
const preflight = (path: string, origin: string): string =>
  request(`OPTIONS ${path}`, [
    `Origin: ${origin}`,
    'Access-Control-Request-Method: PUT',
    'Access-Control-Request-Headers: authorization,content-type',
  ])

const everyPath = ['/registry-svc/instances', '/registry-svc/node/http%3A%2F%2Fa', '/v1/events', '/anything', '/']

describe('with listed origins', () => {
  const ask = serving([listed, 'http://localhost:3000'])

  test('a listed page may read and change, and its browser is told', async () => {
    for (const origin of [listed, 'http://localhost:3000']) {
      for (const bytes of [request('GET /registry-svc/instances', [`Origin: ${origin}`]), change(origin)]) {
        const { status, headers } = await ask(bytes)
        expect(status).toBeLessThan(300)
        expect(headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'origin' })
        expect(headers).not.toHaveProperty('access-control-allow-credentials')
      }
    }
  })

  test('any page may ask what changes nothing, by whatever method, and its browser shows it no answer', async () => {
    for (const line of ['POST /registry-svc/nodes', 'PUT /registry-svc/echo', 'POST /registry-svc/echo']) {
      const { status, headers } = await ask(withBody(line, '{}', [`Origin: ${other}`]))
      expect({ line, status }).toEqual({ line, status: 200 })
      expect(headers).not.toHaveProperty('access-control-allow-origin')
    }
    expectFailure(await ask(withBody('POST /v1/instances/a/suspect', '', [`Origin: ${other}`])), 403, /Origin/)
  })

  test('it can also read what went wrong', async () => {
    const lines = [`Origin: ${listed}`]
    for (const [bytes, status] of [
      [withBody('PUT /registry-svc/instance', '{', lines), 400],
      [request('GET /nothing', lines), 404],
      [withBody('POST /registry-svc/instances', '', lines), 405],
      [request('GET /v1/lookup/nobody', lines), 404],
    ] as const) {
      const answer = await ask(bytes)
      expectFailure(answer, status, /./)
      expect(answer.headers['access-control-allow-origin']).toBe(listed)
    }
  })

  test('a page that is not listed may change nothing, and its browser shows it nothing', async () => {
    const refused = await ask(change(other))
    expectFailure(refused, 403, /Origin: pages of .*evil.*--cors-origin/)
    const read = await ask(request('GET /registry-svc/instances', [`Origin: ${other}`]))
    for (const { headers } of [refused, read]) {
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers['vary']).toBe('origin')
    }
    for (const near of ['https://ops.example.com.evil.example', 'http://ops.example.com', `${listed}:444`, 'null']) {
      expect((await ask(change(near))).status).toBe(403)
    }
  })

  test.each(everyPath)('a preflight of %s is answered 200, and allows the listed ones alone', async (path) => {
    const [good, bad] = [await ask(preflight(path, listed)), await ask(preflight(path, other))]
    const common = {
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
      'access-control-allow-headers': 'authorization, content-type, last-event-id, x-rollcall-slug',
      vary: 'origin',
    }
    expect(good).toMatchObject({ status: 200, body: '', headers: common })
    expect(good.headers['access-control-allow-origin']).toBe(listed)
    expect(bad).toMatchObject({ status: 200, body: '', headers: common })
    expect(bad.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('being listed is no way around the name that the daemon is called by', async () => {
    const lines = [`Origin: ${listed}`, 'Host: evil.example']
    expectFailure(await ask(withBody('PUT /registry-svc/instance', '{"url":"http://a.test"}', lines)), 403, /Host/)
  })
})

describe('with *', () => {
  const ask = serving(['*'])

  test('every page may read and change', async () => {
    for (const bytes of [request('GET /registry-svc/definitions', [`Origin: ${other}`]), change(other)]) {
      const { status, headers } = await ask(bytes)
      expect(status).toBeLessThan(300)
      expect(headers['access-control-allow-origin']).toBe('*')
    }
    expect((await ask(preflight('/anything', other))).headers['access-control-allow-origin']).toBe('*')
  })
})

describe('with none, as by default', () => {
  const ask = serving([])

  test('no page of another origin is allowed anything', async () => {
    expectFailure(await ask(change(listed)), 403, /Origin/)
    for (const path of everyPath) {
      const answer = await ask(preflight(path, listed))
      expect(answer.status).toBe(200)
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
    const read = await ask(request('GET /registry-svc/instances', [`Origin: ${listed}`]))
    expect(read.headers).not.toHaveProperty('access-control-allow-origin')
  })
})
