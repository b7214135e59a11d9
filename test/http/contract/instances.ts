/** Registering, moving and removing instances, as a caller sees it. */
import { expect, test } from 'vitest'
import { request, withBody } from '../raw.js'
import { type Ask, expectFailure, json, listed, put } from './asking.js'
import { readInstance } from './strict.js'

export function instanceTests(ask: Ask): void {
  test('a registration is answered 201 with the id, and is listed with what its url says', async () => {
    const answer = await ask(put({ id: 'i-1', url: 'http://10.1.1.1:5981/svc', deploymentId: 'd-1', tags: ['a', 'b'] }))
    expect(answer).toMatchObject({ status: 201, body: '{"id":"i-1"}' })
    const [instance, ...others] = await listed(ask, 'id=i-1')
    expect(others).toEqual([])
    expect(instance).toMatchObject({
      ...{ id: 'i-1', url: 'http://10.1.1.1:5981/svc', deploymentId: 'd-1', tags: ['a', 'b'], scheme: 'http' },
      ...{ host: '10.1.1.1', ip: '10.1.1.1', port: 5981, path: 'svc', nodeUrl: expect.any(String) as string },
    })
  })

  test.each([
    [{ url: 'https://myserver.com:5981/user-svc' }, 'https://myserver.com:5981/user-svc', 'user-svc'],
    [{ scheme: 'https', ip: '192.168.1.1', port: 999 }, 'https://192.168.1.1:999', undefined],
    [{ scheme: 'http', host: 'api.com', port: 80 }, 'http://api.com:80', undefined],
    [{ host: 'h.test', ip: '10.0.0.1', port: 81, path: 'a/b' }, 'http://h.test:81/a/b', 'a/b'],
    [{ ip: 'fd00::5', port: 82, path: '/x' }, 'http://[fd00::5]:82/x', '/x'],
    [{ url: 'http://wins.test', host: 'other.test', port: 9 }, 'http://wins.test', undefined],
  ])('the url rule: %j is %s', async (fields, url, path) => {
    const id = `url-${url}`
    expect(await ask(put({ id, ...fields }))).toMatchObject({ status: 201, body: JSON.stringify({ id }) })
    const [instance] = await listed(ask, `id=${encodeURIComponent(id)}`)
    expect(instance).toMatchObject({ url })
    expect(instance?.['path']).toBe(path)
    expect(readInstance(instance)).toBe(true)
  })

  test('every field that was given is in the listing, with its type, and no other', async () => {
    const given = { id: 'i-all', url: 'http://10.2.2.2:81/p', slug: 'i-all', deploymentId: 'dep', tags: ['t'] }
    await ask(put({ ...given, details: 'made up', status: 'Error', lastHeartbeat: 'x', owner: 'me', unknown: 1 }))
    const [{ status, nodeUrl, details: _, lastHeartbeat: __, ...fields } = {}] = await listed(ask, 'id=i-all')
    expect(fields).toEqual({ ...given, scheme: 'http', host: '10.2.2.2', ip: '10.2.2.2', port: 81, path: 'p' })
    expect(status).not.toBe('Error')
    expect(nodeUrl).toMatch(/^http:\/\//)
  })

  test('empty strings never overwrite, and a registration of length 0 or null is none', async () => {
    await ask(put({ id: 'i-kept', url: 'http://kept.test:1', slug: 'kept-slug' }))
    await ask(put({ id: 'i-kept', url: 'http://kept.test:1', slug: '', scheme: '', path: '', deploymentId: '' }))
    expect(await listed(ask, 'id=i-kept')).toMatchObject([{ slug: 'kept-slug', scheme: 'http' }])
    for (const body of ['', 'null']) {
      expectFailure(await ask(withBody('PUT /registry-svc/instance', body, json)), 400, /body: must be a JSON object/)
    }
  })

  test('registering the same again changes nothing, and a given id with another url moves the instance', async () => {
    const [first, second] = [
      await ask(put({ url: 'http://same.test:1' })),
      await ask(put({ url: 'http://same.test:1' })),
    ]
    expect(second.body).toBe(first.body)
    expect(await listed(ask, 'host=same.test')).toHaveLength(1)
    await ask(put({ id: 'i-moves', url: 'http://before.test:1' }))
    await ask(put({ id: 'i-moves', url: 'http://after.test:1' }))
    expect(await listed(ask, 'id=i-moves')).toMatchObject([{ url: 'http://after.test:1' }])
  })

  test('removing answers 204 without a body, and 404 the second time', async () => {
    await ask(put({ id: 'http://odd id/%?#:1', url: 'http://gone.test:1' }))
    const line = `DELETE /registry-svc/instance/${encodeURIComponent('http://odd id/%?#:1')}`
    const answer = await ask(request(line, json))
    expect(answer).toMatchObject({ status: 204, body: '' })
    expect(answer.headers['content-length'] ?? '0').toBe('0')
    expect(await listed(ask, 'host=gone.test')).toEqual([])
    expectFailure(await ask(request(line)), 404, /odd id/)
  })
}
