/** Our own endpoints, beside the contract. */
import { expect, test, vi } from 'vitest'
import type { Schema } from '../../../src/http/json-schema.js'
import * as schemas from '../../../src/http/schemas.js'
import { History } from '../../../src/http/history-schemas.js'
import { LogLines } from '../../../src/http/log-schemas.js'
import { Diagnosis, Survey } from '../../../src/http/survey-schemas.js'
import { request, type RawAnswer } from '../raw.js'
import { answerOf, type Ask, expectFailure, expectShape, listed, put } from './asking.js'

/** @param url of the server itself: an instance that can be reached, whoever checks */
export function ownTests(ask: Ask, url: () => string): void {
  test('each answers in its documented shape', async () => {
    const shapes: Readonly<Record<string, Schema>> = {
      '/healthz': schemas.Empty,
      '/v1/self': schemas.Self,
      '/v1/peers': schemas.Peers,
      '/v1/members': schemas.Members,
      '/v1/digest': schemas.Digest,
      '/v1/survey': Survey,
      '/v1/doctor': Diagnosis,
      '/v1/log': LogLines,
      '/v1/history?id=x&limit=5': History,
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

  test('an answer that was asked for often says at once what has changed', async () => {
    const seen = async (): Promise<{ lookup: string[]; list: string[] }> => {
      const ids = (answer: RawAnswer): string[] =>
        answerOf<{ instances?: { id: string; tags?: string[] }[] }>(answer)
          .instances?.map(({ id, tags = [] }) => [id, ...tags].join())
          .sort() ?? []
      const answers: { lookup: string[]; list: string[] }[] = []
      for (let i = 0; i < 3; i += 1) {
        const lookup = ids(await ask(request('GET /v1/lookup/often')))
        answers.push({ lookup, list: ids(await ask(request('GET /registry-svc/instances?slug=often'))) })
      }
      expect(answers[1]).toEqual(answers[0])
      expect(answers[2]).toEqual(answers[0])
      return answers[0]!
    }
    const expectBoth = async (...ids: string[]): Promise<void> =>
      expect(await seen()).toEqual({ lookup: ids, list: ids })
    await expectBoth()
    for (const id of ['o-1', 'o-2', 'o-3']) await ask(put({ id, url: `${url()}/${id}`, slug: 'often' }))
    await expectBoth('o-1', 'o-2', 'o-3')
    await ask(request('DELETE /registry-svc/instance/o-2'))
    await expectBoth('o-1', 'o-3')
    await ask(put({ id: 'o-3', url: `${url()}/o-3`, slug: 'often', tags: ['new'] }))
    await expectBoth('o-1', 'o-3,new')
    await ask(put({ id: 'o-1', url: `${url()}/o-1`, slug: 'seldom' }))
    await expectBoth('o-3,new')
    await ask(request('DELETE /registry-svc/instance/o-3'))
    await expectBoth()
  })

  test('the picked one goes round', async () => {
    for (const id of ['r-1', 'r-2', 'r-3']) await ask(put({ id, url: `${url()}/${id}`, slug: 'round' }))
    await vi.waitFor(async () => {
      const instances = await listed(ask, 'slug=round')
      expect(new Set(instances.map(({ status }) => status)).size).toBe(1)
    })
    const picked: string[] = []
    for (let i = 0; i < 6; i += 1) {
      const answer = answerOf<{ picked: { id: string } }>(await ask(request('GET /v1/lookup/round')))
      picked.push(answer.picked.id)
    }
    expect([...new Set(picked.slice(0, 3))].sort()).toEqual(['r-1', 'r-2', 'r-3'])
    expect(picked.slice(3)).toEqual(picked.slice(0, 3))
  })
}
