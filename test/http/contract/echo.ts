/** The echo endpoints: what came goes back. */
import { expect, test } from 'vitest'
import { request, withBody } from '../raw.js'
import { type Ask, expectFailure, json } from './asking.js'

export function echoTests(ask: Ask): void {
  test.each([
    ['/registry-svc/echo', {}],
    ['/registry-svc/echo?a=1&b=', { a: '1', b: '' }],
    ['/registry-svc/echo?t=a%20b%26c+d&%C3%A9=%F0%9F%98%80', { t: 'a b&c d', é: '😀' }],
    ['/registry-svc/echo?x=1&x=2&__proto__=3', JSON.parse('{"x":["1","2"],"__proto__":"3"}')],
  ])('GET %s gives its query', async (path, expected) => {
    const answer = await ask(request(`GET ${path}`, json))
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answer.body).toBe(JSON.stringify(expected))
  })

  test.each(['{"a":[1,{"b":null}],"é":"\\u0000😀"}', '[]', '"text"', '0', 'true', 'null'])(
    'POST and PUT of %s give it back',
    async (body) => {
      for (const method of ['POST', 'PUT']) {
        const answer = await ask(withBody(`${method} /registry-svc/echo`, body, json))
        expect({ status: answer.status, value: JSON.parse(answer.body) as unknown }).toEqual({
          status: 200,
          value: JSON.parse(body) as unknown,
        })
        expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
      }
    },
  )

  test('what is no JSON is refused', async () => {
    for (const method of ['POST', 'PUT']) {
      expectFailure(await ask(withBody(`${method} /registry-svc/echo`, '{"a":', json)), 400, /body: not JSON/)
      expectFailure(await ask(withBody(`${method} /registry-svc/echo`, '', json)), 400, /body: empty/)
    }
  })
}
