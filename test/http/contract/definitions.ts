/** Definitions: opaque, saved whole, removed once. */
import { expect, test } from 'vitest'
import * as schemas from '../../../src/http/schemas.js'
import { request, withBody, type RawAnswer } from '../raw.js'
import { answerOf, type Ask, expectFailure, expectShape, json } from './asking.js'

export function definitionTests(ask: Ask): void {
  const save = (definition: string): Promise<RawAnswer> =>
    ask(withBody('PUT /registry-svc/definition', `{"definition":${definition}}`, json))

  test('a definition comes back as it went in, whatever is in it', async () => {
    const odd =
      '{"id":"d-odd","__proto__":{"a":1},"constructor":{"prototype":{}},"made":{"up":[1,null,"é\\u0000"]},"n":1e-7}'
    expect(await save(odd)).toMatchObject({ status: 201, body: '{}' })
    const answer = await ask(request('GET /registry-svc/definitions', json))
    expectShape(schemas.Definitions, answer)
    const found = answerOf<{ definitions: { id: string }[] }>(answer).definitions.find(({ id }) => id === 'd-odd')
    expect(found).toEqual(JSON.parse(odd))
    expect(Object.keys(found ?? {})).toContain('__proto__')
  })

  test('unknown fields survive as they are: deep ones, odd words, numbers as doubles', async () => {
    const deep = '['.repeat(60) + '{"end":[]}' + ']'.repeat(60)
    const definition = `{"id":"d-deep","imageV9":{"":{" ":null}},"deep":${deep},"words":["é","e\\u0301","\\u2028","😀","\\ud83d"],"numbers":[0,-0,1.5,1e21,5e-324,1.7976931348623157e308,9007199254740993,0.1],"envars":[{"key":"A","value":"=&#"}],"toString":1}`
    expect((await save(definition)).status).toBe(201)
    const answer = await ask(request('GET /registry-svc/definitions'))
    const found = answerOf<{ definitions: { id: string }[] }>(answer).definitions.find(({ id }) => id === 'd-deep')
    // Minus zero is a number that JSON can write and JavaScript does not write.
    expect(found).toEqual(JSON.parse(definition.replace('-0,', '0,')))
    expect(Object.keys(found ?? {}).sort()).toEqual(Object.keys(JSON.parse(definition) as object).sort())
  })

  test('a length of 0 and the body null are no definition', async () => {
    for (const body of ['', 'null', '{"definition":null}', '{"definition":"x"}']) {
      expectFailure(await ask(withBody('PUT /registry-svc/definition', body, json)), 400, /definition|body/)
    }
  })

  test('saving replaces the whole of it, removing removes it once', async () => {
    await save('{"id":"d-1","image":{"name":"a"}}')
    await save('{"id":"d-1","envars":[]}')
    const { definitions } = answerOf<{ definitions: { id: string }[] }>(
      await ask(request('GET /registry-svc/definitions')),
    )
    expect(definitions.filter(({ id }) => id === 'd-1')).toEqual([{ id: 'd-1', envars: [] }])
    expect(await ask(request('DELETE /registry-svc/definition/d-1'))).toMatchObject({ status: 204, body: '' })
    expectFailure(await ask(request('DELETE /registry-svc/definition/d-1')), 404, /d-1/)
  })

  test('without an id, or without a definition, it is refused', async () => {
    expectFailure(await save('{"image":{}}'), 400, /definition\.id/)
    expectFailure(await save('[]'), 400, /definition/)
    expectFailure(await ask(withBody('PUT /registry-svc/definition', '{}')), 400, /definition/)
  })
}
