/**
 * What the published clients put on the wire, header for header, and what they do with the answer: traps 1 to 8 of the contract.
 */
import { expect, test } from 'vitest'
import { withBody, type RawAnswer } from '../raw.js'
import { answerOf, type Ask, expectFailure } from './asking.js'
import { readInstance, readNode } from './strict.js'

interface Published {
  readonly name: string
  /** One request, whole; a body of undefined is none at all. */
  readonly speak: (line: string, body?: string, token?: string) => string
  readonly segment: (text: string) => string
}

const go: Published = {
  name: 'the Go client',
  speak: (line, body, token) => {
    const auth = token === undefined ? [] : [`Authorization: Bearer ${token}`]
    const common = [...auth, 'Accept: application/json', 'Content-Type: application/json', 'Accept-Encoding: gzip']
    const agent = 'User-Agent: OpenAPI-Generator/1.0.0/go'
    if (body !== undefined) return withBody(line, `${body}\n`, [agent, ...common])
    return line.startsWith('GET') ? plain(line, [agent, ...common]) : withBody(line, '', [agent, ...common])
  },
  // url.PathEscape leaves the colon as it is
  segment: (text) => encodeURIComponent(text).replaceAll('%3A', ':'),
}

const js: Published = {
  name: 'the JavaScript client',
  speak: (line, body, token) => {
    const auth = token === undefined ? [] : [`Authorization: ${token}`]
    const common = ['content-type: application/json', ...auth, 'accept: */*', 'accept-language: *']
    const agent = ['sec-fetch-mode: cors', 'user-agent: node', 'accept-encoding: gzip, deflate']
    if (body !== undefined) return withBody(line, body, [...common, ...agent])
    return line.startsWith('GET') ? plain(line, [...common, ...agent]) : withBody(line, 'null', [...common, ...agent])
  },
  segment: encodeURIComponent,
}

function plain(line: string, headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close', ...headers, '', ''].join('\r\n')
}

const claimed = ['{"alg":"HS256","typ":"JWT"}', '{"sub":"usr_1","slu":"wire-svc","exp":1}', 'sig']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.')

export function clientTests(ask: Ask): void {
  for (const client of [go, js]) journey(client, ask)
}

function journey({ name, speak, segment }: Published, ask: Ask): void {
  const host = `${name.split(' ')[1]?.toLowerCase()}.test`
  const url = `http://${host}:5981/path`
  const instances = async (query: string): Promise<Record<string, unknown>[]> => {
    const answer = await ask(speak(`GET /registry-svc/instances?${query}`))
    return answerOf<{ instances: Record<string, unknown>[] }>(answer).instances
  }

  test(`${name} registers under the slug of its token, lists, filters by ip twice, removes`, async () => {
    const body = JSON.stringify({ deploymentId: '', url, id: '', host: '', port: 0, scheme: '' })
    const registered = await ask(speak('PUT /registry-svc/instance', body, claimed))
    expect(registered.status).toBe(201)
    expect(() => answerOf(registered)).not.toThrow()
    const found = await instances(`slug=wire-svc&host=${host}&ip=&ip=`)
    expect(found).toMatchObject([{ url, slug: 'wire-svc', scheme: 'http', host, port: 5981, path: 'path' }])
    expect(readInstance(found[0])).toBe(true)
    const id = String(found[0]?.['id'])
    const removed = await ask(speak(`DELETE /registry-svc/instance/${segment(id)}`))
    expect(removed).toMatchObject({ status: 204, body: '' })
    expect(await instances(`host=${host}`)).toEqual([])
    expectFailure(await ask(speak(`DELETE /registry-svc/instance/${segment(id)}`)), 404, /inst/)
  })

  test(`${name} saves a definition with fields of its own version, and reads it back`, async () => {
    const definition = { id: `${host}/def:1`, image: { name: 'hashicorp/http-echo', port: 8080 }, hostPort: 8081 }
    const saved = await ask(speak('PUT /registry-svc/definition', JSON.stringify({ definition })))
    expect(saved).toMatchObject({ status: 201, body: '{}' })
    const listedAll = answerOf<{ definitions: { id: string }[] }>(await ask(speak('GET /registry-svc/definitions')))
    expect(listedAll.definitions.find(({ id }) => id === definition.id)).toEqual(definition)
    const removed = await ask(speak(`DELETE /registry-svc/definition/${segment(definition.id)}`))
    expect(removed).toMatchObject({ status: 204, body: '' })
  })

  test(`${name} lists nodes with no body of its own, and reads the node itself`, async () => {
    const nodes = await ask(speak('POST /registry-svc/nodes'))
    expect(nodes.status).toBe(200)
    const listedNodes = answerOf<{ nodes: unknown[] }>(nodes).nodes
    expect(listedNodes.length).toBeGreaterThan(0)
    expect(listedNodes.every(readNode)).toBe(true)
    const self = await ask(speak('GET /registry-svc/node/self'))
    expect(readNode(answerOf<{ node: unknown }>(self).node)).toBe(true)
  })

  test(`${name} names a node by its url: the path is decoded once, never merged, never redirected`, async () => {
    const odd = `http://${host}:58231//x%2Fy`
    const answer: RawAnswer = await ask(speak(`DELETE /registry-svc/node/${segment(odd)}`))
    expectFailure(answer, 404, new RegExp(odd.replaceAll('/', '\\/')))
    expect(answer.headers['location']).toBeUndefined()
  })

  test(`${name} moves an instance by its id`, async () => {
    const id = `${host}-moved`
    const register = (to: string): Promise<RawAnswer> =>
      ask(speak('PUT /registry-svc/instance', JSON.stringify({ id, url: to, deploymentId: 'depl_1' })))
    expect((await register('http://test-a')).status).toBe(201)
    expect((await register('http://test-b:1')).status).toBe(201)
    expect(await instances(`id=${segment(id)}`)).toMatchObject([{ url: 'http://test-b:1', deploymentId: 'depl_1' }])
  })
}
