/** The OpenAPI document: complete, valid, true to what the server does, good enough to generate a client from. */
import { createHash } from 'node:crypto'
import { Validator } from '@seriousme/openapi-schema-validator'
import openapiTS, { astToString } from 'openapi-typescript'
import { Ajv } from 'ajv'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRoutedApp } from '../../src/http/server.js'
import { silentLog } from '../../src/log.js'
import { Documented, readDocument, type MediaType } from './documented.js'
import { request, sendRaw } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'
import { MemoryService } from './service.js'

let served: MemoryServer
let documented: Documented
beforeAll(async () => {
  served = await serveMemory()
  documented = new Documented(await readDocument(served.url))
})
afterAll(() => served.stop())

test('it is valid OpenAPI 3.1, of the version of the daemon', async () => {
  expect(documented.document.openapi).toBe('3.1.0')
  expect(documented.document.info.version).toBe(served.service.self().version)
  expect(await new Validator().validate({ ...documented.document })).toEqual({ valid: true })
  const answer = await sendRaw(served.url, request('GET /openapi.json'))
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
})

test('every route of the server is in it, and nothing else; by what it says of parameters these can be checked', async () => {
  const app = createRoutedApp({ service: () => new MemoryService(), host: '127.0.0.1', log: silentLog() })
  const routes = new Set<string>()
  app.addHook('onRoute', ({ method, url, schema }) => {
    for (const part of [schema?.params, schema?.querystring]) if (part !== undefined) new Ajv().compile(part as object)
    if ((schema as { hide?: boolean } | undefined)?.hide === true) return
    for (const one of [method].flat()) if (one !== 'HEAD') routes.add(`${one} ${url.replace(/:(\w+)/g, '{$1}')}`)
  })
  await app.ready()
  await app.close()
  expect(routes.size).toBeGreaterThan(20)
  expect(
    documented
      .operations()
      .map(([line]) => line)
      .sort(),
  ).toEqual([...routes].sort())
})

test('every operation has a name of its own, a summary, a tag, and an answer with an example', () => {
  const ids = documented.operations().map(([, { operationId }]) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const [line, { operationId, summary, tags, responses }] of documented.operations()) {
    expect({ line, operationId, summary, tags }).toEqual({
      line,
      operationId: expect.stringMatching(/^[a-z]+([A-Z][a-z]+)*$/) as string,
      summary: expect.stringMatching(/\w{3}/) as string,
      tags: [expect.any(String)],
    })
    const success = Object.entries(responses).filter(([status]) => status.startsWith('2'))
    expect(success.length).toBeGreaterThan(0)
    for (const [status, { content }] of success) {
      if (status === '204') continue
      expect({ line, examples: examplesOf(Object.values(content ?? {})[0]!).length > 0 }).toEqual({
        line,
        examples: true,
      })
    }
    expect(responses['default']?.content?.['application/json']?.schema).toEqual({
      $ref: '#/components/schemas/Failure',
    })
  }
})

test('every example fits its schema', () => {
  const wrong: string[] = []
  let count = 0
  const check = (where: string, media: MediaType): void => {
    for (const example of examplesOf(media)) {
      count += 1
      wrong.push(...documented.errors(media.schema, example).map((error) => `${where}: ${error}`))
    }
  }
  for (const [line, { parameters = [], requestBody, responses }] of documented.operations()) {
    for (const parameter of parameters) check(`${line} ${parameter.name}`, parameter)
    for (const media of Object.values(requestBody?.content ?? {})) check(`${line} body`, media)
    for (const [status, { content = {} }] of Object.entries(responses)) {
      for (const media of Object.values(content)) check(`${line} ${status}`, media)
    }
  }
  expect(wrong).toEqual([])
  expect(count).toBeGreaterThan(50)
})

test('every parameter of a path is named, and the bodies that clients leave out may be left out', () => {
  for (const [line, { parameters = [] }] of documented.operations()) {
    const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`)
    expect({ line, inPath }).toEqual({ line, inPath: line.match(/\{\w+\}/g) ?? [] })
  }
  const { requestBody } = documented.find('POST', '/registry-svc/nodes')!
  expect(requestBody?.required).toBe(false)
  const schema = requestBody?.content['application/json']?.schema ?? {}
  for (const body of [null, {}, { ids: [] }, { ids: ['a'] }]) expect(documented.errors(schema, body)).toEqual([])
  expect(documented.errors(schema, { ids: [1] })).not.toEqual([])
})

test('the models stand once, under their names, and refuse what the Go client refuses', () => {
  const { schemas } = documented.document.components
  expect(Object.keys(schemas)).toEqual(
    expect.arrayContaining(['Instance', 'Node', 'Gpu', 'Usage', 'Definition', 'Failure']),
  )
  const refer = (name: string): object => ({ $ref: `#/components/schemas/${name}` })
  const instance = { id: 'a', url: 'http://a', status: 'Healthy' }
  expect(documented.errors(refer('Instance'), instance)).toEqual([])
  for (const wrong of [{ owner: 'x' }, { status: 'Fine' }, { port: 1.5 }, { id: undefined }]) {
    expect(documented.errors(refer('Instance'), { ...instance, ...wrong })).not.toEqual([])
  }
  expect(Object.keys(schemas).filter((name) => /^def-/.test(name))).toEqual([])
  const inline = JSON.stringify(
    documented
      .operations()
      .map(([, { responses }]) => Object.values(responses).map(({ content }) => content?.['application/json']?.schema)),
  )
  expect(inline).toContain('#/components/schemas/Node')
  expect(inline).not.toContain('"performanceState"')
})

describe('credentials', () => {
  test('are optional where none are configured, and asked for where some are, but for the health checks', async () => {
    expect(documented.document.security).toEqual([{ token: [] }, {}])
    const sha256 = createHash('sha256').update('secret').digest()
    const credentials = { tokens: [{ name: 'a', sha256, may: 'read' as const }] }
    const app = createRoutedApp({
      service: () => new MemoryService(),
      host: '127.0.0.1',
      log: silentLog(),
      credentials,
    })
    const headers = { host: '127.0.0.1', authorization: 'Bearer secret' }
    const { body } = await app.inject({ url: '/openapi.json', headers })
    await app.close()
    const document = JSON.parse(body) as Documented['document']
    expect(document.security).toEqual([{ token: [] }])
    expect(document.components.securitySchemes).toMatchObject({ token: { type: 'http', scheme: 'bearer' } })
    const open = Object.entries(document.paths).filter(([, { get }]) => get?.security?.length === 0)
    expect(open.map(([path]) => path)).toEqual(['/healthz', '/readyz'])
  })
})

test('a client that compiles can be generated from it', async () => {
  const text = astToString(await openapiTS(JSON.stringify(documented.document)))
  for (const name of ['registerInstance', 'listNodes', 'lookup', 'Instance']) expect(text).toContain(`${name}:`)
  const use = `
    const instance: components['schemas']['Instance'] = { id: 'a', url: 'b', status: 'Healthy', port: 1 }
    const body: NonNullable<operations['listNodes']['requestBody']>['content']['application/json'] = { ids: ['a'] }
    const found: operations['lookup']['responses'][200]['content']['application/json'] = { slug: 'a', instances: [instance], degraded: false }
    export { body, found }`
  expect(complaints({ right: text + use, wrong: text + use.replace("status: 'Healthy'", "status: 'Fine'") })).toEqual({
    right: [],
    wrong: [expect.stringMatching(/"Fine"/)],
  })
})

function examplesOf({ example, examples }: MediaType): readonly unknown[] {
  return [...(example === undefined ? [] : [example]), ...Object.values(examples ?? {}).map(({ value }) => value)]
}

/** What the compiler says of each text, which is a module of its own, in memory. */
function complaints(texts: Readonly<Record<string, string>>): Record<string, string[]> {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    types: [],
    lib: ['lib.es2022.d.ts'],
    skipLibCheck: true,
  }
  const files = new Map(Object.entries(texts).map(([name, text]) => [`${name}.ts`, text]))
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (name, language) => {
    const text = files.get(name)
    return text === undefined ? getSourceFile.call(host, name, language) : ts.createSourceFile(name, text, language)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  const wrong = Object.fromEntries(Object.keys(texts).map((name): [string, string[]] => [name, []]))
  for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
    const message = ts.flattenDiagnosticMessageText(messageText, '\n')
    ;(wrong[file?.fileName.replace(/\.ts$/, '') ?? ''] ??= []).push(message)
  }
  return wrong
}
