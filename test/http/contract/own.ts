/** Our own endpoints, beside the contract. */
import type { TSchema } from 'typebox'
import { expect, test } from 'vitest'
import * as schemas from '../../../src/http/schemas.js'
import { request } from '../raw.js'
import { answerOf, type Ask, expectFailure, expectShape, put } from './asking.js'

/** @param url of the server itself: an instance that can be reached, whoever checks */
export function ownTests(ask: Ask, url: () => string): void {
  test('each answers in its documented shape', async () => {
    const shapes: Readonly<Record<string, TSchema>> = {
      '/healthz': schemas.Empty,
      '/v1/self': schemas.Self,
      '/v1/peers': schemas.Peers,
      '/v1/members': schemas.Members,
      '/v1/digest': schemas.Digest,
      '/v1/instances': schemas.InstanceRows,
    }
    for (const [path, shape] of Object.entries(shapes)) {
      const answer = await ask(request(`GET ${path}`))
      expect({ path, status: answer.status }).toEqual({ path, status: 200 })
      expectShape(shape, answer)
    }
  })

  test('readiness is a status, and says why not', async () => {
    const answer = await ask(request('GET /readyz'))
    expect([200, 503]).toContain(answer.status)
    expectShape(schemas.Readiness, answer)
    expect(answerOf<{ ready: boolean }>(answer).ready).toBe(answer.status === 200)
  })

  test('a lookup gives the instances of a slug and picks one; what nobody registered is not found', async () => {
    await ask(put({ id: 'l-1', url: url(), slug: 'team/web@2' }))
    const answer = await ask(request(`GET /v1/lookup/${encodeURIComponent('team/web@2')}`))
    expect(answer.status).toBe(200)
    expectShape(schemas.Lookup, answer)
    expect(answerOf(answer)).toMatchObject({
      ...{ slug: 'team/web@2', degraded: false, instances: [{ id: 'l-1' }], picked: { id: 'l-1' } },
    })
    expectFailure(await ask(request('GET /v1/lookup/nobody')), 404, /nobody/)
  })
}
