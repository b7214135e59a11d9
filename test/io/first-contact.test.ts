/** Whether a daemon that was told where the cluster is calls itself ready: table by table, then networks that name each other. */
import { expect, test } from 'vitest'
import { standingOf } from '../../src/daemon/first-contact.js'
import type { SeedOutcome } from '../../src/io/network/contract.js'
import { freePort } from '../../src/io/network/ports.js'
import type { Address, Resolution } from '../../src/io/names.js'
import { eventually } from './eventually.js'
import { connected, startSite, type Site } from './networkworld.js'

test.each<[string, SeedOutcome[], boolean, number, 'ready' | 'alone' | 'waits' | 'kept out']>([
  ['told of nobody', [], false, 0, 'ready'],
  ['not tried yet', ['untried'], false, 0, 'waits'],
  ['one is not there', ['unreachable'], false, 29_999, 'waits'],
  ['none has come for long', ['unreachable', 'untried'], false, 30_000, 'alone'],
  ['somebody was reached, who has not said yet who he is', ['reached'], false, 1000, 'waits'],
  ['names of nobody, or of itself', ['nobody', 'nobody'], false, 0, 'alone'],
  ['one name of nobody, one that is not there', ['nobody', 'unreachable'], false, 0, 'waits'],
  ['kept out, for however long', ['unreachable', 'refused'], false, 1e9, 'kept out'],
  ['kept out by one, met another', ['refused', 'reached'], true, 0, 'ready'],
  ['met somebody, whatever came of seeds', ['unreachable'], true, 0, 'ready'],
])('%s', (_, outcomes, hasMet, since_ms, expected) => {
  const seeds = outcomes.map((outcome, i) => ({ where: `seed-${i}`, outcome, error: `why ${i}` }))
  const { alone, unready } = standingOf({ hasMet, seeds }, since_ms)
  const found =
    unready === undefined ? (alone ? 'alone' : 'ready') : unready.cause === 'kept-out' ? 'kept out' : 'waits'
  expect(found).toBe(expected)
  if (expected === 'kept out') expect(unready?.why).toContain('--join seed-1: why 1')
  if (expected === 'waits') expect(unready?.why).toContain('seed-0')
})

test('three that start at once, each told of the two others, meet', async () => {
  const ports = [await freePort(), await freePort(), await freePort()]
  const sites = await Promise.all(
    ports.map((port) =>
      startSite({
        listen: [`/ip4/127.0.0.1/tcp/${port}`],
        join: ports.filter((other) => other !== port).map((other) => `127.0.0.1:${other}`),
      }),
    ),
  )
  await eventually('all have met somebody', () => sites.every(({ network }) => network.firstContact().hasMet))
})

test('what leads to nobody, to itself alone, or to another cluster, is known for that', async () => {
  const port = await freePort()
  const stranger = await startSite({ cluster: 'other' })
  const site = await startSite({
    listen: [`/ip4/127.0.0.1/tcp/${port}`],
    join: [`127.0.0.1:${port}`, 'nobody.invalid', `127.0.0.1:${await freePort()}`, ...stranger.network.addresses()],
    names: { resolve: (name) => Promise.resolve(resolutionOf(name)), stop() {} },
  })
  await eventually('all are known', () => {
    const { hasMet, seeds } = site.network.firstContact()
    const outcomes = seeds.map(({ outcome }) => outcome)
    return !hasMet && outcomes.join() === 'nobody,nobody,unreachable,refused'
  })
})

/** On one port of addresses of this machine, as the pods of a headless service are; each is told what the name stands for now. */
async function behindOneName(count: number, standsFor: (i: number) => readonly number[]): Promise<Site[]> {
  const port = await freePort()
  const hostOf = (i: number): string => `127.0.${i < count ? 1 : 2}.${(i % 250) + 1}`
  const resolve = (asking: number): Promise<Resolution> => {
    const addresses = standsFor(asking).map((i): Address => ({ address: hostOf(i), family: 4 }))
    return Promise.resolve(addresses.length === 0 ? { type: 'no such name' } : { type: 'found', addresses })
  }
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      startSite({
        listen: [`/ip4/${hostOf(i)}/tcp/${port}`],
        join: [`rollcall.test:${port}`],
        names: { resolve: () => resolve(i), stop() {} },
      }),
    ),
  )
}

test('where a name has stood for nobody, or for each of them alone, and stands for all, they meet', async () => {
  let ready: readonly number[] = []
  const sites = await behindOneName(3, (i) => (i === 2 ? [2] : ready))
  await eventually('each begins', () =>
    sites.every(({ network }) => standingOf(network.firstContact(), 0).alone && !network.firstContact().hasMet),
  )
  ready = [0, 1, 2]
  await eventually('all are connected', () => areAllConnected(sites))
})

test('those who met in twos, by what a name stood for then, become one: it is asked again for ever', async () => {
  let isWhole = false
  const sites = await behindOneName(4, (i) => (isWhole ? [0, 1, 2, 3] : i < 2 ? [0, 1] : [2, 3]))
  const [a, b, c, d] = sites as [Site, Site, Site, Site]
  await connected(a, b)
  await connected(c, d)
  isWhole = true
  await eventually(
    'all have heard of each other',
    () => a.isConnectedTo(c) || a.isConnectedTo(d) || b.isConnectedTo(c) || b.isConnectedTo(d),
  )
})

test('of a name with many addresses each is tried, whatever their order', async () => {
  const many = Array.from({ length: 40 }, (_, i) => i)
  const [one, other] = (await behindOneName(2, (i) => (i === 0 ? [] : [...many.slice(2), 0]))) as [Site, Site]
  await connected(one, other)
})

function areAllConnected(sites: readonly Site[]): boolean {
  return sites.every((site) => sites.every((other) => other === site || site.isConnectedTo(other)))
}

function resolutionOf(name: string): Resolution {
  return name === 'nobody.invalid'
    ? { type: 'no such name' }
    : { type: 'found', addresses: [{ address: name, family: 4 }] }
}
