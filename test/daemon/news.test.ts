// The news of a daemon: what is told, in which order, how a reader goes on where it left off, and what it is told if it cannot.
import { expect, test } from 'vitest'
import type { RegistryEvent } from '../../src/core/effects.js'
import type { InstanceView, NewsItem } from '../../src/core/views.js'
import { News } from '../../src/daemon/news.js'

const view: InstanceView = { id: 'i', url: 'http://i.test', slug: 's', status: 'Healthy' }

function feed(kept = 4): { news: News; tell: (...ids: string[]) => void; visible: Map<string, InstanceView> } {
  const visible = new Map<string, InstanceView>()
  const news = new News({
    run: '0123abcd',
    instance: (id) => visible.get(id),
    nodeId: (peer) => (peer === 'known' ? 'abc' : undefined),
    wall: () => 0,
    kept,
  })
  const tell = (...ids: string[]): void =>
    ids.forEach((id) => news.tell({ type: 'instance', id, owner: 'known', change: 'hidden' }))
  return { news, tell, visible }
}

function idsIn(items: readonly NewsItem[] | undefined): unknown {
  return items?.map(({ event }) => (event.type === 'instance' ? event.id : event.type))
}

test('what readers see comes with the view that they see, and with nothing else that the registry tells', () => {
  const { news, visible } = feed()
  const told: NewsItem[] = []
  news.subscribe((item) => told.push(item))
  visible.set('i', view)
  const events: RegistryEvent[] = [
    { type: 'ready' },
    { type: 'instance', id: 'i', owner: 'known', slug: 's', change: 'shown' },
    { type: 'instance-status', id: 'i', owner: 'known', from: 'Unknown', to: 'Healthy' },
    { type: 'instance', id: 'i', owner: 'known', slug: 's', change: 'hidden' },
    { type: 'member', peer: 'known', from: 'unknown', to: 'alive', why: 'heard' },
    { type: 'member', peer: 'new', from: 'alive', to: 'hidden', why: 'silent' },
  ]
  for (const event of events) news.tell(event)
  const at = '1970-01-01T00:00:00.000Z'
  expect(told).toEqual([
    { id: '0123abcd-1', at, event: { type: 'instance', id: 'i', slug: 's', change: 'shown', instance: view } },
    { id: '0123abcd-2', at, event: { type: 'instance', id: 'i', slug: 's', change: 'hidden' } },
    {
      ...{ id: '0123abcd-3', at },
      event: { type: 'member', peer: 'known', nodeId: 'abc', from: 'unknown', to: 'alive', why: 'heard' },
    },
    { id: '0123abcd-4', at, event: { type: 'member', peer: 'new', from: 'alive', to: 'hidden', why: 'silent' } },
  ])
})

test('nobody who is told can change what the next one is told', () => {
  const { news, visible } = feed()
  visible.set('i', { ...view, tags: ['a'] })
  const urls: string[] = []
  news.subscribe(({ event }) => {
    const { instance } = event as { instance?: { url: string } }
    expect(() => (instance!.url = 'http://evil.test')).toThrow(TypeError)
  })
  news.subscribe(({ event }) => void urls.push((event as { instance: InstanceView }).instance.url))
  news.tell({ type: 'instance', id: 'i', owner: 'known', change: 'changed' })
  expect(urls).toEqual(['http://i.test'])
})

test('a reader goes on after the last item that it read', () => {
  const { news, tell } = feed()
  expect(news.since(news.position)).toEqual([])
  tell('a', 'b', 'c')
  expect(idsIn(news.since('0123abcd-0'))).toEqual(['a', 'b', 'c'])
  expect(idsIn(news.since('0123abcd-2'))).toEqual(['c'])
  expect(news.since('0123abcd-3')).toEqual([])
})

test('after more news than are kept there is a gap, and only then', () => {
  const { news, tell } = feed(4)
  tell('a', 'b', 'c', 'd', 'e')
  expect(news.since('0123abcd-0')).toBeUndefined()
  expect(idsIn(news.since('0123abcd-1'))).toEqual(['b', 'c', 'd', 'e'])
})

test.each(['', 'x', '0123abcd', '0123abcd-', '0123abcd--1', '0123abcd-01', '0123abcd-1e1', '99999999-1', '0123abcd-3'])(
  'the id %j is not of this run: a gap',
  (id) => {
    const { news, tell } = feed()
    tell('a', 'b')
    expect(news.since(id)).toBeUndefined()
  },
)

test('whoever unsubscribed is told no more, also in the middle of an item; twice is fine', () => {
  const { news, tell } = feed()
  const told: string[] = []
  const listener = ({ id }: NewsItem): void => void told.push(id)
  const ends = [news.subscribe(listener), news.subscribe(listener)]
  tell('a')
  ends[0]!()
  ends[0]!()
  tell('b')
  expect(told).toEqual(['0123abcd-1', '0123abcd-1', '0123abcd-2'])
})

test('a follower gets each item once, from the moment it asked, and ends when told to', async () => {
  const { news, tell } = feed()
  tell('before')
  const abort = new AbortController()
  const items = news.follow([abort.signal])
  tell('a', 'b')
  const got: unknown[] = []
  for await (const item of items) {
    got.push(...(idsIn([item]) as unknown[]))
    if (got.length === 3) setTimeout(() => tell('c'))
    if (got.length === 4) setTimeout(() => abort.abort())
  }
  expect(got).toEqual(['listening', 'a', 'b', 'c'])
})

test('a follower that is too slow is told so, and goes on with what is new', async () => {
  const { news, tell } = feed(3)
  const items = news.follow([])
  expect((await items.next()).value).toMatchObject({ id: '0123abcd-0', event: { type: 'listening' } })
  tell('a', 'b', 'c', 'd')
  expect((await items.next()).value).toMatchObject({ id: '0123abcd-4', event: { type: 'reset' } })
  tell('e')
  expect((await items.next()).value).toMatchObject({ event: { id: 'e' } })
  await items.return()
})
