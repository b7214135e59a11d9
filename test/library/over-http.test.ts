// The client against a real daemon: its news as they come, also over a restart of the daemon, and its picks.
import { afterAll, expect, test } from 'vitest'
import { createClient, type NewsItem } from '../../src/index.js'
import { Cluster } from '../daemon/cluster.js'
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
