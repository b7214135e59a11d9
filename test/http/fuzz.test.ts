/** Whatever bytes come: never a 500, never silence, always JSON, and the server lives on. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bodyLimits } from '../../src/http/bodies.js'
import { request, sendRaw, withBody } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

let served: MemoryServer
beforeAll(async () => {
  served = await serveMemory()
})
afterAll(() => served.stop())

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'M-SEARCH']
const paths = [
  ...['/registry-svc/instance', '/registry-svc/instances', '/registry-svc/definition', '/registry-svc/definitions'],
  ...['/registry-svc/nodes', '/registry-svc/node/self', '/v1/lookup', '/v1/instances', '/v1/leave', '/', '*', ''],
]
/** What a path can be made of without ending the request line. */
const pathText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '//',
        '%',
        '%2F',
        '%00',
        '%zz',
        '%25',
        '%E0%A4',
        '..',
        '?',
        '&',
        '=',
        '#',
        ';',
        ':',
        '\\',
        '+',
      ),
      fc.stringMatching(/^[!-~]{1,8}$/),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

const headerValue = fc.stringMatching(/^[ -~\x80-\xff]{0,40}$/)
const headers = fc.array(
  fc.oneof(
    headerValue.map((value) => `Authorization: ${value}`),
    headerValue.map((value) => `Content-Type: ${value}`),
    headerValue.map((value) => `X-Rollcall-Slug: ${value}`),
    headerValue.map((value) => `Origin: ${value}`),
    headerValue.map((value) => `Accept-Version: ${value}`),
    headerValue.map((value) => `Accept: ${value}`),
    fc.constantFrom('Upgrade: websocket', 'Content-Encoding: gzip', 'X-HTTP-Method-Override: DELETE'),
  ),
  { maxLength: 4 },
)

const body = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.json(),
  fc
    .record(
      {
        ...{ id: fc.anything(), url: fc.oneof(fc.webUrl(), fc.anything()), slug: fc.anything(), tags: fc.anything() },
        ...{ port: fc.anything(), host: fc.anything(), ids: fc.anything(), definition: fc.anything() },
      },
      { requiredKeys: [] },
    )
    .map((value) =>
      JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)),
    ),
)

function expectAnswer({ status, body }: { status: number; body: string }, method: string): void {
  expect(status).toBeGreaterThanOrEqual(200)
  expect(status).toBeLessThan(500)
  if (method === 'HEAD' || status === 204 || method === 'OPTIONS') return
  const answer = JSON.parse(body) as { error?: unknown }
  if (status >= 400) expect(typeof answer.error).toBe('string')
}

test('requests of any method, path, headers and body', async () => {
  const requests = fc.tuple(fc.constantFrom(...methods), fc.constantFrom(...paths), pathText, headers, body)
  await fc.assert(
    fc.asyncProperty(requests, async ([method, path, more, lines, text]) => {
      expectAnswer(await sendRaw(served.url, withBody(`${method} ${path}${more}`, text, lines)), method)
    }),
    { numRuns: 600 },
  )
})

test('every text that can be an id, and stand in a path, is registered, listed and removed under just that id', async () => {
  const ids = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    .filter((id) => id.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(id) && id !== '.' && id !== '..')
  await fc.assert(
    fc.asyncProperty(ids, async (id) => {
      const registration = withBody('PUT /registry-svc/instance', JSON.stringify({ id, url: 'http://a.test' }))
      const answer = await sendRaw(served.url, registration)
      expect({ status: answer.status, body: JSON.parse(answer.body) as unknown }).toEqual({ status: 201, body: { id } })
      const listed = await sendRaw(served.url, request(`GET /registry-svc/instances?id=${encodeURIComponent(id)}`))
      expect(JSON.parse(listed.body)).toMatchObject({ instances: [{ id }] })
      const removed = await sendRaw(served.url, request(`DELETE /registry-svc/instance/${encodeURIComponent(id)}`))
      expect(removed.status).toBe(204)
    }),
    { numRuns: 300 },
  )
})

test('bytes that are no HTTP are answered 400, and headers without end 431', async () => {
  const noise: (string | Uint8Array)[] = [
    ...[
      '\r\n\r\n\r\nx\r\n\r\n',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'BREW /pot HTTP/1.1\r\n\r\n',
      '{"json":true}\r\n\r\n',
    ],
    Uint8Array.from({ length: 300 }, (_, i) => (i * 7) % 256),
    'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n',
    ...['/healthz', '/v1/lookup/fuzzed', '/v1/instances'].map((path) =>
      request(`GET ${path}`, ['Host: localhost', 'host: localhost']),
    ),
    'GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n',
    'PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ]
  for (const bytes of noise) {
    const answer = await sendRaw(served.url, bytes)
    expect({ bytes, status: answer.status }).toEqual({ bytes, status: 400 })
    expect(JSON.parse(answer.body)).toEqual({ error: expect.any(String) })
  }
  expect((await sendRaw(served.url, request(`GET /${'a'.repeat(20_000)}`))).status).toBe(431)
  expect((await sendRaw(served.url, request('GET /', [`X: ${'a'.repeat(20_000)}`]))).status).toBe(431)
})

test('a method that no path takes is refused as that, with those that some do', async () => {
  for (const method of ['TRACE', 'PROPFIND', 'M-SEARCH'])
    for (const path of ['/v1/instances', '/nothing']) {
      const { status, headers, body } = await sendRaw(served.url, request(`${method} ${path}`))
      expect({ method, path, status, allow: headers['allow'] }).toEqual({
        ...{ method, path, status: 405, allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' },
      })
      expect(JSON.parse(body)).toEqual({ error: expect.stringMatching(`^${method}: `) as string })
    }
})

test('what speaks another protocol is told so', async () => {
  const lookup = async (path: string): Promise<string> => (await sendRaw(served.url, request(`GET ${path}`))).body
  expect(await lookup('/v1/lookup/müsli')).toMatch(/path: holds letters that a url has not.*percent-encoding/)
  expect(await lookup('/v1/lookup/a b')).toMatch(/this is not an HTTP request \(Expected HTTP/)
  expect((await sendRaw(served.url, request('CONNECT example.com:443'))).status).toBe(405)
  expect((await sendRaw(served.url, request('GET /healthz', ['Expect: wonders']))).status).toBe(417)
})

test('whoever asks before sending a body is told at once that it is too large, or to send it', async () => {
  const asked = (bytes: number, body = ''): string =>
    request('PUT /v1/instances', ['Expect: 100-continue', `Content-Length: ${bytes}`], body)
  const refused = await sendRaw(served.url, asked(bodyLimits.bytes + 1))
  expect(refused).toMatchObject({ status: 413, headers: { connection: 'close' } })
  expect(refused.body).toContain('larger than')
  const body = JSON.stringify({ id: 'awaited', url: 'http://a.test' })
  expect(await sendRaw(served.url, asked(body.length, body))).toMatchObject({
    status: 100,
    body: expect.stringMatching(/^HTTP\/1\.1 201 /),
  })
})

test('a body that is packed is refused as such, and not taken for broken text', async () => {
  const body = JSON.stringify({ id: 'packed', url: 'http://a.test' })
  const answer = await sendRaw(served.url, withBody('PUT /v1/instances', body, ['Content-Encoding: gzip']))
  expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('Content-Encoding: \\"gzip\\"') })
  const plain = await sendRaw(served.url, withBody('PUT /v1/instances', body, ['Content-Encoding: identity']))
  expect(plain.status).toBe(201)
})

test.each(['GET /v1/instances/', 'PUT /v1/instances/?acks=1', 'GET /v1/lookup/web/', 'GET /healthz/'])(
  '%s is told of the slash at its end, and is not taken for the call of a thing without a name',
  async (line) => {
    const answer = await sendRaw(served.url, request(line))
    expect(answer).toMatchObject({ status: 404, body: expect.stringContaining('no such call with a / at its end') })
  },
)

test('after all of it the server still answers', async () => {
  expect((await sendRaw(served.url, request('GET /healthz'))).status).toBe(200)
})
