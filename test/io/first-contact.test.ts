/** Whether a daemon that was told where the cluster is calls itself ready: table by table, then networks that name each other. */
import { expect, test } from 'vitest'
import { standingOf } from '../../src/daemon/first-contact.js'
import type { SeedOutcome } from '../../src/io/network/contract.js'
import { freePort } from '../../src/io/network/ports.js'
import type { Resolution } from '../../src/io/names.js'
import { eventually } from './eventually.js'
import { startSite } from './networkworld.js'

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
  const { alone, reason } = standingOf({ hasMet, seeds }, since_ms)
  const found = reason === undefined ? (alone ? 'alone' : 'ready') : reason.includes('kept out') ? 'kept out' : 'waits'
  expect(found).toBe(expected)
  if (expected === 'kept out') expect(reason).toContain('--join seed-1: why 1')
  if (expected === 'waits') expect(reason).toContain('seed-0')
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

function resolutionOf(name: string): Resolution {
  return name === 'nobody.invalid'
    ? { type: 'no such name' }
    : { type: 'found', addresses: [{ address: name, family: 4 }] }
}
