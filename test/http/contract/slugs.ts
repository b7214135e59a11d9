/** Where the slug of an instance comes from, where no credentials are configured. */
import { expect, test } from 'vitest'
import { type Ask, expectFailure, listed, put } from './asking.js'

export function slugTests(ask: Ask): void {
  const claimed = (claims: object): string =>
    ['{"alg":"none"}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.')
  const slugOf = async (id: string, fields: object, headers: readonly string[]): Promise<unknown> => {
    expect((await ask(put({ id, url: `http://${id}.test:1`, ...fields }, headers))).status).toBe(201)
    return (await listed(ask, `id=${id}`))[0]?.['slug']
  }

  test('the body comes first, then the header, then the claim of the token', async () => {
    const header = 'X-Rollcall-Slug: from-header'
    const token = `Authorization: Bearer ${claimed({ slu: 'from-token' })}`
    expect(await slugOf('s-1', { slug: 'from-body' }, [header, token])).toBe('from-body')
    expect(await slugOf('s-2', { slug: '' }, [header, token])).toBe('from-header')
    expect(await slugOf('s-3', {}, [token])).toBe('from-token')
  })

  test('every name of the claim counts, with and without Bearer', async () => {
    expect(await slugOf('s-4', {}, [`Authorization: ${claimed({ olu: 'by-olu' })}`])).toBe('by-olu')
    expect(await slugOf('s-5', {}, [`Authorization: bearer ${claimed({ '1sl': 'by-1sl' })}`])).toBe('by-1sl')
    expect(await slugOf('s-6', {}, [`Authorization: ${claimed({ slu: '', olu: 'second' })}`])).toBe('second')
  })

  test('an opaque token, a broken one and none are all fine, and name no slug', async () => {
    const headers = [
      'sometoken',
      'Bearer sometoken',
      'Basic dTpw',
      'Bearer a.b.c',
      'Bearer ..',
      `Bearer ${claimed([1])}`,
    ]
    for (const [i, value] of headers.entries()) {
      expect(await slugOf(`s-none-${i}`, {}, [`Authorization: ${value}`])).toBeUndefined()
    }
  })

  test('what is no slug is refused by the name of where it came from', async () => {
    const fields = { id: 's-bad', url: 'http://s-bad.test:1' }
    expectFailure(await ask(put(fields, ['X-Rollcall-Slug: not a slug'])), 400, /x-rollcall-slug/)
    expectFailure(await ask(put(fields, [`Authorization: ${claimed({ slu: '!' })}`])), 400, /claim slu/)
    expectFailure(await ask(put({ ...fields, slug: ' ' })), 400, /slug/)
  })
}
