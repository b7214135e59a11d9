/** Tokens that are for some slugs alone: whatever is not of those is closed to them, call by call. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Credentials } from '../../src/config/tokens.js'
import { expectFailure, put } from './contract/asking.js'
import { request, sendRaw, withBody, type RawAnswer } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

const sha256 = (name: string): Uint8Array => createHash('sha256').update(name).digest()
const credentials: Credentials = {
  tokens: [
    { name: 'all', sha256: sha256('all'), may: 'write' },
    { name: 'web', sha256: sha256('web'), may: 'admin', slugs: ['web'] },
  ],
}
const as = (name: string): string[] => [`Authorization: Bearer ${name}`]

interface Call {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
}

let served: MemoryServer
const ask = (bytes: string): Promise<RawAnswer> => sendRaw(served.url, bytes)
beforeAll(async () => {
  served = await serveMemory({ credentials })
  await ask(put({ id: 'theirs', url: 'http://theirs.test', slug: 'api' }, as('all')))
  await ask(put({ id: 'none', url: 'http://none.test' }, as('all')))
})
afterAll(() => served.stop())

/** Of one's own, whatever the slug; or no more than a look. */
const harmless =
  /^(POST \/registry-svc\/nodes|(POST|PUT) \/registry-svc\/echo|(POST|PUT|DELETE) \/v1\/sessions|POST .*\/suspect)/
const bodies: Record<string, string> = {
  maintenance: '{"reason":"x"}',
  status: '{"status":"Healthy"}',
  instances: '{"id":"ID","url":"http://moved.test","slug":"web"}',
  instance: '{"id":"ID","url":"http://moved.test","slug":"web"}',
  definition: '{"definition":{"id":"d"}}',
}

test('every call that writes refuses what is of another slug, or of none', async () => {
  const { body } = await ask(request('GET /openapi.json', as('all')))
  const { paths } = JSON.parse(body) as { paths: Record<string, Record<string, Call>> }
  const writes = Object.entries(paths).flatMap(([path, calls]) =>
    Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const open: string[] = []
  for (const call of writes.filter((one) => !one.startsWith('GET ') && !harmless.test(one)))
    for (const id of ['theirs', 'none']) {
      const [method = '', path = ''] = call.split(' ')
      const last =
        path
          .split('/')
          .filter((part) => !part.startsWith('{') && part !== 'many')
          .at(-1) ?? ''
      const parameters = paths[path]?.[method.toLowerCase()]?.parameters ?? []
      const takesId = parameters.some((one) => one.in === 'query' && one.name === 'id')
      const query = path.endsWith('/many') ? 'node=http%3A%2F%2F10.0.0.5%3A58231' : takesId ? `id=${id}` : ''
      const sent =
        method === 'PATCH' ? '{"tags":["x"]}' : method === 'DELETE' ? '' : (bodies[last] ?? '').replace('ID', id)
      const line = `${method} ${path.replace(/\{\w+\}/, id)}?${query}`
      const answer = await ask(sent === '' ? request(line, as('web')) : withBody(line, sent, as('web')))
      const { done } = answer.status === 200 ? (JSON.parse(answer.body) as { done?: string[] }) : {}
      if (answer.status !== 403 && done?.length !== 0) open.push(`${line}: ${answer.status} ${answer.body}`)
    }
  expect(writes.length).toBeGreaterThan(30)
  expect(open).toEqual([])
  expect(served.service.left).toBe(false)
})

test('what is of its own slug is its own, and it registers nothing without one', async () => {
  expect((await ask(put({ id: 'w', url: 'http://w.test', slug: 'web' }, as('web')))).status).toBe(201)
  expect((await ask(put({ id: 'w', url: 'http://w2.test' }, as('web')))).status).toBe(201)
  expectFailure(
    await ask(put({ id: 'new', url: 'http://new.test' }, as('web'))),
    403,
    /may neither register nor change what has none/,
  )
  expect((await ask(request('DELETE /registry-svc/instance/w', as('web')))).status).toBe(204)
  expect((await ask(request('DELETE /registry-svc/instance/w', as('web')))).status).toBe(404)
})
