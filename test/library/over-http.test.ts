// The client against a real daemon: its news as they come, also over a restart of the daemon, and its picks.
import { afterAll, expect, test } from 'vitest'
import { createClient, type NewsItem } from '../../src/index.js'
import { Cluster, until } from '../daemon/cluster.js'
import { loopback } from '../daemon/place.js'

const cluster = new Cluster(loopback())
afterAll(() => cluster.close())

test('news of a slug come as they happen; after a restart of the daemon a reset says that some are missing', async () => {
  let daemon = await cluster.start('a', { args: ['--no-mdns'] })
  const { host } = new URL(daemon.url)
  const client = createClient({ server: daemon.url })
  const abort = new AbortController()
  const items = client.events({ slug: 'web', signal: abort.signal })
  expect(((await items.next()).value as NewsItem).event).toEqual({ type: 'listening' })
  const { url } = daemon // something that listens
  await client.register({ id: 'i', slug: 'web', url })
  const { event } = (await items.next()).value as NewsItem
  expect(event).toMatchObject({ type: 'instance', slug: 'web', change: 'shown', instance: { slug: 'web' } })
  await client.register({ id: 'other', slug: 'other', url })
  expect((await client.pick('web'))?.slug).toBe('web')

  await daemon.kill('SIGKILL')
  daemon = await cluster.start('a', { args: ['--no-mdns', '--http', host] })
  const seen: string[] = []
  for await (const item of items) {
    seen.push(item.event.type)
    if (item.event.type === 'reset') abort.abort()
  }
  expect(new Set(seen.slice(0, -1))).toEqual(new Set(seen.length === 1 ? [] : ['instance']))
  expect(seen.at(-1)).toBe('reset')
  expect((await client.instances({ slug: 'web' })).instances.length).toBeGreaterThan(0)
})

test('calls are spread evenly over HTTP too, with a change before each, and whoever only looks moves nobody’s pick', async () => {
  const daemon = await cluster.start('b', { args: ['--no-mdns'] })
  const client = createClient({ server: daemon.url })
  const ids = ['s1', 's2', 's3', 's4']
  const put = (id: string, tag: string): Promise<unknown> =>
    client.register({ id, slug: 'spread', url: `http://${id}.test`, check: 'none', tags: [tag] })
  for (const id of ids) await put(id, 'first')
  await until(
    'all are well',
    async () => (await client.instances({ slug: 'spread', status: 'Healthy' })).instances.length === 4,
  )
  const [picked, named, own]: (string | undefined)[][] = [[], [], []]
  for (let i = 0; i < 20; i++) {
    await put(ids[i % 4] as string, `tag ${i}`)
    picked?.push((await client.pickOnce('spread')).picked?.id)
    named?.push((await client.lookup('spread'))?.picked?.id)
    own?.push((await client.pick('spread'))?.id)
    if (i % 3 === 0) await client.lookup('spread')
  }
  const count = (all: readonly unknown[] = []): number[] => ids.map((id) => all.filter((one) => one === id).length)
  expect(count(picked)).toEqual([5, 5, 5, 5])
  expect(count(own)).toEqual([5, 5, 5, 5])
  expect(Math.max(...count(named))).toBeLessThanOrEqual(8)
  await expect(client.pickOnce('nobody')).rejects.toMatchObject({ code: 'not-found' })
})
