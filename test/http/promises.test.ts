/** What callers of an earlier version were promised is kept: the API only gains. The promises of that version stand in promised.txt. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readDocument, type OpenApi } from './documented.js'
import { brokenPromises, promisesOf } from './promises.js'
import { serveMemory } from './serve.js'

const promised = readFileSync(new URL('promised.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')

test('nothing is taken away that the version before told of, and nothing more is demanded', async () => {
  const served = await serveMemory()
  const present = promisesOf(await readDocument(served.url))
  await served.stop()
  expect(promised.length).toBeGreaterThan(500)
  expect(brokenPromises(promised, present)).toEqual([])
})

const one = { type: 'object', properties: { id: { type: 'string' }, n: { type: 'integer' } }, required: ['id'] }
const answered = (schema: object): object => ({
  '200': { description: '', content: { 'application/json': { schema } } },
})
const documentOf = (operation: object, schemas: object = {}): OpenApi =>
  ({ paths: { '/x': { put: operation } }, components: { schemas } }) as unknown as OpenApi

const said = (schema: object): object => ({
  requestBody: { required: true, content: { 'application/json': { schema } } },
  responses: {},
})

test.each<[what: string, before: object, after: object, broken: readonly string[]]>([
  [
    'a field more',
    { responses: answered(one) },
    { responses: answered({ ...one, properties: { ...one.properties, z: {} } }) },
    [],
  ],
  [
    'a field less',
    { responses: answered(one) },
    { responses: answered({ ...one, properties: { id: { type: 'string' } } }) },
    ['> PUT /x 200 application/json.n is gone'],
  ],
  [
    'a field that may be absent now',
    { responses: answered(one) },
    { responses: answered({ ...one, required: [] }) },
    ['> PUT /x 200 application/json.id may be absent now'],
  ],
  [
    'a field that is always there now',
    { responses: answered(one) },
    { responses: answered({ ...one, required: ['id', 'n'] }) },
    [],
  ],
  [
    'another type',
    { responses: answered({ type: 'string' }) },
    { responses: answered({ type: 'number' }) },
    ['> PUT /x 200 application/json is never string any more', '> PUT /x 200 application/json is number now'],
  ],
  ['one more value', { responses: answered({ enum: ['a'] }) }, { responses: answered({ enum: ['a', 'b'] }) }, []],
  [
    'a field more of what was closed',
    { responses: answered({ ...one, additionalProperties: false }) },
    { responses: answered({ ...one, properties: { ...one.properties, z: {} }, additionalProperties: false }) },
    ['> PUT /x 200 application/json.z is new where nothing was to come'],
  ],
  ['a field more that may be said', said(one), said({ ...one, properties: { ...one.properties, z: {} } }), []],
  [
    'a field more that has to be said',
    said(one),
    said({ ...one, properties: { ...one.properties, z: {} }, required: ['id', 'z'] }),
    ['< PUT /x application/json.z is demanded, and was not known'],
  ],
  [
    'a field that has to be said now',
    said(one),
    said({ ...one, required: ['id', 'n'] }),
    ['< PUT /x application/json.n is demanded now'],
  ],
  [
    'a limit',
    said({ type: 'integer' }),
    said({ type: 'integer', maximum: 5 }),
    ['< PUT /x application/json is maximum=5 now'],
  ],
  [
    'a parameter less',
    { parameters: [{ name: 'q', in: 'query', schema: { type: 'string' } }], responses: {} },
    { responses: {} },
    ['< PUT /x query q is gone'],
  ],
  [
    'a parameter more that has to be said',
    { responses: {} },
    { parameters: [{ name: 'q', in: 'query', required: true, schema: { type: 'string' } }], responses: {} },
    ['< PUT /x query q is demanded, and was not known'],
  ],
  ['a status less', { responses: answered(one) }, { responses: {} }, ['> PUT /x 200 is gone']],
])('%s is told where it breaks a promise', (_, before, after, broken) => {
  const [promisedThen, present] = [before, after].map((operation) => promisesOf(documentOf(operation)))
  const told = brokenPromises(promisedThen as string[], present as string[])
  expect(told.filter((line) => broken.includes(line))).toEqual(broken)
  expect(told.length === 0).toBe(broken.length === 0)
})

test('models are looked at where they are answered and where they are said', () => {
  const using = {
    ...said({ $ref: '#/components/schemas/One' }),
    responses: answered({ $ref: '#/components/schemas/One' }),
  }
  const before = promisesOf(documentOf(using, { One: one }))
  const after = promisesOf(documentOf(using, { One: { ...one, required: ['id', 'n'] } }))
  expect(brokenPromises(before, after)).toEqual(['< #One.n is demanded now'])
})
