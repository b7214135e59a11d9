/** What a caller does wrong, and the words in which it is told. */
import { expect, test } from 'vitest'
import { request, withBody } from '../raw.js'
import { type Ask, expectFailure, json, put } from './asking.js'

export function faultTests(ask: Ask): void {
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
    ['a method that we do not know', request('PROPFIND /registry-svc/instances'), 405, /PROPFIND/],
    ['a name that is not ours', request('GET /registry-svc/node/self', ['Host: evil.example']), 403, /Host/],
    [
      'a page of another origin',
      withBody('PUT /registry-svc/definition', '{}', ['Origin: http://evil.example']),
      403,
      /Origin/,
    ],
  ]
  test.each(faults)('%s is refused in words', async (_name, bytes, status, words) => {
    expectFailure(await ask(bytes), status, words)
  })

  test.each([
    ['POST /registry-svc/instances', 'GET, HEAD'],
    ['GET /registry-svc/instance', 'PUT'],
    ['PATCH /registry-svc/definition', 'PUT'],
    ['PUT /registry-svc/definition/x', 'DELETE'],
    ['GET /registry-svc/nodes', 'POST'],
    ['DELETE /registry-svc/node/self', 'GET, HEAD'],
    ['DELETE /registry-svc/echo', 'GET, HEAD, POST, PUT'],
    ['PUT /v1/lookup/x', 'GET, HEAD'],
  ])('%s is a method too many: 405 with those that there are', async (line, allowed) => {
    const answer = await ask(withBody(line, '{'))
    expectFailure(answer, 405, new RegExp(allowed))
    expect(answer.headers['allow']).toBe(`${allowed}, OPTIONS`)
  })

  test('HEAD is GET without its body', async () => {
    for (const path of ['/registry-svc/definitions', '/registry-svc/node/self', '/healthz', '/registry-svc/nothing']) {
      const [get, head] = [await ask(request(`GET ${path}`)), await ask(request(`HEAD ${path}`))]
      expect({ path, status: head.status, body: head.body }).toEqual({ path, status: get.status, body: '' })
      expect(head.headers['content-type']).toBe(get.headers['content-type'])
    }
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
