/** The filters of listInstances: each alone, all together, and what odd ones do. */
import { beforeAll, expect, test, vi } from 'vitest'
import { request } from '../raw.js'
import { type Ask, expectFailure, listed, put } from './asking.js'

/** What each filter is asked for, and whom it leaves of the two. */
const alone: readonly [string, readonly string[]][] = [
  ['slug=filtered', ['f-1', 'f-2']],
  ['deploymentId=f-d', ['f-1']],
  ['host=10.9.0.1', ['f-1']],
  ['host=f2.test', ['f-2']],
  ['ip=10.9.0.1', ['f-1']],
  ['slug=filtered&scheme=https', ['f-2']],
  ['id=f-2', ['f-2']],
  ['tag=filter-x', ['f-1']],
  ['tag=filter-y', ['f-1', 'f-2']],
  ['slug=filtered&status=Error', []],
  ['nodeUrl=http%3A%2F%2Fnowhere.test', []],
]

export function filterTests(ask: Ask): void {
  const ids = async (query: string): Promise<unknown[]> => (await listed(ask, query)).map(({ id }) => id).sort()
  const common = { slug: 'filtered', tags: ['filter-y'] }

  beforeAll(async () => {
    const first = { ...common, deploymentId: 'f-d', tags: ['filter-x', 'filter-y'] }
    expect(await ask(put({ ...first, id: 'f-1', url: 'http://10.9.0.1:80/a' }))).toMatchObject({ status: 201 })
    expect(await ask(put({ ...common, id: 'f-2', url: 'https://f2.test:81' }))).toMatchObject({ status: 201 })
  })

  test.each(alone)('%s', async (query, expected) => expect(await ids(query)).toEqual(expected))

  test('the status and the node of an instance find it', async () => {
    // A daemon's check may change the status between the two.
    await vi.waitFor(async () => {
      const [instance] = await listed(ask, 'id=f-1')
      expect(await ids(`id=f-1&status=${String(instance?.['status'])}`)).toEqual(['f-1'])
    })
    const [instance] = await listed(ask, 'id=f-1')
    expect(await ids(`id=f-1&nodeUrl=${encodeURIComponent(String(instance?.['nodeUrl']))}`)).toEqual(['f-1'])
  })

  test('all at once are AND-ed: one that does not fit leaves nobody', async () => {
    const allOf = async (): Promise<Record<string, string>> => {
      const [instance] = await listed(ask, 'id=f-1')
      const { status, nodeUrl } = instance as { status: string; nodeUrl: string }
      return {
        ...{ slug: 'filtered', deploymentId: 'f-d', host: '10.9.0.1', ip: '10.9.0.1', scheme: 'http', id: 'f-1' },
        ...{ nodeUrl, tag: 'filter-x', status },
      }
    }
    const all = await vi.waitFor(async () => {
      const filters = await allOf()
      expect(await ids(new URLSearchParams(filters).toString())).toEqual(['f-1'])
      return filters
    })
    for (const name of Object.keys(all)) {
      const other = name === 'status' ? 'Error' : 'other'
      expect({ name, ids: await ids(new URLSearchParams({ ...all, [name]: other }).toString()) }).toEqual({
        name,
        ids: [],
      })
    }
  })

  test('of two that are given for one name the last counts', async () => {
    expect(await ids('ip=10.0.0.9&ip=10.9.0.1')).toEqual(['f-1'])
    expect(await ids('ip=10.9.0.1&ip=10.0.0.9')).toEqual([])
  })

  test('they are exact, empty ones and unknown ones do not count', async () => {
    expect(await ids('slug=filter')).toEqual([])
    expect(await ids('slug=FILTERED')).toEqual([])
    expect(await ids('id=f-1&slug=&status=&ip=&made-up=1')).toEqual(['f-1'])
    expect(await ids('slug=filtered&')).toEqual(['f-1', 'f-2'])
  })

  test('a status that does not exist is refused with those that do', async () => {
    const answer = await ask(request('GET /registry-svc/instances?status=healthy'))
    expectFailure(answer, 400, /status: must be one of Unknown, Healthy, Degraded, Unreachable, Error/)
  })

  test('a known slug of which nothing is left, and one that nobody knows, are empty lists', async () => {
    const answer = await ask(request('GET /registry-svc/instances?slug=nobody-knows'))
    expect(answer).toMatchObject({ status: 200, body: '{"instances":[]}' })
  })
}
