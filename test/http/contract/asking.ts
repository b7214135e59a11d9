/**
 * What the rooms of the contract suite share: how a caller asks, byte for byte, and what each answer has to be like.
 */
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import { expect } from 'vitest'
import type { Schema } from '../../../src/http/json-schema.js'
import * as schemas from '../../../src/http/schemas.js'
import { request, withBody, type RawAnswer } from '../raw.js'

export type Ask = (bytes: string) => Promise<RawAnswer>

export const json = ['Content-Type: application/json']

export function put(fields: object, headers: readonly string[] = []): string {
  return withBody('PUT /registry-svc/instance', JSON.stringify(fields), [...json, ...headers])
}

export function answerOf<T = Record<string, unknown>>({ body }: RawAnswer): T {
  return JSON.parse(body) as T
}

export type Fields = Record<string, unknown>

export async function listed(ask: Ask, query: string): Promise<Fields[]> {
  const answer = await ask(request(`GET /registry-svc/instances?${query}`))
  expect(answer.status).toBe(200)
  expectShape(schemas.Instances, answer)
  return answerOf<{ instances: Fields[] }>(answer).instances
}

const ajv = formats.default(new Ajv({ allErrors: true }))

/** A name may stand but once in what Ajv takes. */
function nameless(schema: Schema): object {
  return JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === '$id' ? undefined : value))) as object
}

export function expectShape(schema: Schema, answer: RawAnswer): void {
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(ajv.validate(nameless(schema), JSON.parse(answer.body)), ajv.errorsText()).toBe(true)
}

export function expectFailure(answer: RawAnswer, status: number, words: RegExp): void {
  expect({ status: answer.status, body: answer.body }).toEqual({ status, body: expect.stringMatching(words) as string })
  expectShape(schemas.Failure, answer)
  expect(answer.body).not.toMatch(/\bat .*\.(ts|js):\d+/)
}
