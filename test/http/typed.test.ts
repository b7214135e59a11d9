/**
 * By the document of the API: a value of another type than a field of our own calls has is refused, with the field named; those of published
 * clients are not so strict, though nothing that they send is our fault.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Documented, readDocument, type Operation } from './documented.js'
import { serveMemory, type MemoryServer } from './serve.js'

let served: MemoryServer
let documented: Documented
beforeAll(async () => {
  served = await serveMemory()
  documented = new Documented(await readDocument(served.url))
  const instance = { id: 'a', url: 'http://a.test', slug: 's', check: 'reported' }
  expect((await ask('PUT', '/v1/instances', JSON.stringify(instance))).status).toBe(201)
})
afterAll(() => served.stop())

interface Schema {
  readonly $ref?: string
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
}

/** As they stand in JSON: `1e309` is no number of JavaScript. */
const values = [
  ...[
    '{}',
    '[]',
    'null',
    '""',
    'true',
    'false',
    '-1',
    '0',
    '7',
    '0.5',
    '1e309',
    '"x"',
    '[[]]',
    '[{}]',
    '[null]',
    '[1]',
  ],
  ...['["x",1]', '{"a":{"b":1}}', '{"a":[]}', '{"a":null}', '{"toString":1}', '[{"toString":1}]', '"\\ud800"'],
]

/** What says nothing, and what is read besides the documented form since the first version: it can be meant in one way alone. */
function isTaken(path: string, json: string): boolean {
  if (json === 'null' || json === '""') return true
  if (/^check\.(?:tcp|http|grpc|reported|none|tls)$/.test(path)) return json === 'true'
  return /(?:^|\.)(?:ttl|grace|deregisterAfter|for|interval|timeout|startPeriod)$/.test(path) && /^\d+$/.test(json)
}

/** Fields of objects, and of objects in them; an alternative counts as a schema of its own. */
function fieldsOf(schema: Schema, within: readonly string[] = []): readonly (readonly [readonly string[], Schema])[] {
  const { $ref, anyOf, properties = {} } = schema
  if ($ref !== undefined)
    return fieldsOf(documented.document.components.schemas[$ref.split('/').at(-1) ?? ''] as Schema, within)
  const own = Object.entries(properties).flatMap(([name, field]) => {
    const path = [...within, name]
    return [[path, field] as const, ...fieldsOf(field, path)]
  })
  return [...own, ...(anyOf ?? []).flatMap((alternative) => fieldsOf(alternative, within))]
}

async function ask(method: string, path: string, body?: string): Promise<{ status: number; error: string }> {
  const over = new AbortController()
  const response = await fetch(served.url + path, { method, signal: over.signal, ...(body !== undefined && { body }) })
  const error = response.status < 400 ? '' : ((await response.json()) as { error: string }).error
  over.abort() // a session, or news, have no end of their own
  return { status: response.status, error }
}

const bodies: Readonly<Record<string, object>> = {
  putInstance: { id: 'a', url: 'http://a.test', slug: 's' },
  registerInstance: { id: 'a', url: 'http://a.test', slug: 's' },
  saveDefinition: { definition: { id: 'd' } },
  setStatus: { status: 'Healthy' },
}

/** The same call by path and by query. */
function bodyOf({ operationId }: Operation): object {
  return bodies[operationId.replace(/ById$/, '')] ?? {}
}

function pathOf(path: string, { operationId, parameters = [] }: Operation, more: Record<string, string> = {}): string {
  const needsId = parameters.some(({ name, in: place }) => name === 'id' && place === 'query')
  const which: Record<string, string> = operationId.endsWith('OfAll') ? { slug: 's' } : needsId ? { id: 'a' } : {}
  return `${path.replace('{id}', 'a').replace('{slug}', 's')}?${new URLSearchParams({ ...which, ...more })}`
}

function put(body: object, path: readonly string[], json: string): string {
  const nested = path.reduceRight<string>((inner, name) => `{${JSON.stringify(name)}:${inner}}`, json)
  const [whole, last] = [JSON.stringify(body), nested.slice(1, -1)]
  return whole === '{}' ? nested : `${whole.slice(0, -1)},${last}}`
}

test('of another type in a body', async () => {
  const [taken, wrong]: [Set<string>, string[]] = [new Set(), []]
  let refused = 0
  for (const [line, operation] of documented.operations()) {
    const [method = '', path = ''] = line.split(' ')
    const schema = operation.requestBody?.content['application/json']?.schema
    if (schema === undefined) continue
    const isOwn = path.startsWith('/v1/')
    for (const [field, own] of fieldsOf(schema as Schema))
      for (const json of values) {
        const name = field.join('.')
        const isFit = documented.errors(own, JSON.parse(json)).length === 0
        const { status, error } = await ask(method, pathOf(path, operation), put(bodyOf(operation), field, json))
        const isNamed = status === 400 && (error.startsWith(`${name}: `) || error.startsWith(`${name}.`))
        if (isNamed) refused += 1
        else if (status >= 500 || (isOwn && !isFit && !isTaken(name, json)))
          wrong.push(`${line} ${name}=${json}: ${status} ${error}`)
        else if (status < 300) taken.add(name)
      }
  }
  expect(wrong).toEqual([])
  expect(refused).toBeGreaterThan(1000)
  for (const name of ['tags', 'weight', 'check.http', 'metadata', 'details', 'reason', 'restart', 'draining', 'secret'])
    expect(taken).toContain(name)
})

/** Of each parameter that is no free text something that it cannot be. */
const wrong: Readonly<Record<string, readonly string[]>> = {
  ...{ strategy: ['best', ''], prefer: ['rack', ''], by: ['x'], status: ['Fine', ''], type: ['x', ''], act: ['x'] },
  ...{ maxAge: ['-1s', '1', '1e309s'], since: ['soon', '-1s'], limit: ['-1', '0', '1.5', '1e3', '0x10'] },
  ...{ count: ['-1', '0', '1.5', '1e309'], acks: ['0', '-1', 'two'], ackTimeout: ['soon', '1e9s'] },
}

test('of another type in a query', async () => {
  const told: string[] = []
  for (const [line, operation] of documented.operations()) {
    const [method = '', path = ''] = line.split(' ')
    const names = (operation.parameters ?? []).flatMap(({ name, in: place }) => (place === 'query' ? [name] : []))
    for (const name of path.startsWith('/v1/') ? names : [])
      for (const value of (name === 'by' && path === '/v1/history' ? undefined : wrong[name]) ?? []) {
        const beside = { ...(name === 'ackTimeout' && { acks: '1' }), ...(name === 'count' && { by: 'cpu' }) }
        const body = Object.values(operation.requestBody?.content['application/json']?.examples ?? {})[0]?.value
        const target = pathOf(path, operation, { ...beside, [name]: value })
        const { status, error } = await ask(method, target, body === undefined ? undefined : JSON.stringify(body))
        expect([line, name, value, status, error.split(': ')[0]]).toEqual([line, name, value, 400, name])
        told.push(name)
      }
  }
  expect(Object.keys(wrong).filter((name) => !told.includes(name))).toEqual([])
})
