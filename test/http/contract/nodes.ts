/** Nodes: every published way to ask for them, and their removal by url. */
import { expect, test } from 'vitest'
import * as schemas from '../../../src/http/schemas.js'
import { request, withBody } from '../raw.js'
import { answerOf, type Ask, expectFailure, expectShape, json } from './asking.js'

export function nodeTests(ask: Ask): void {
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
