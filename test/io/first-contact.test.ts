/** Whether a daemon that was told where the cluster is calls itself ready: table by table, then networks that name each other. */
import { expect, test } from 'vitest'
import { Beginning, standingOf } from '../../src/daemon/first-contact.js'
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
  ['kept out by one, another is not tried yet', ['refused', 'untried'], false, 2999, 'waits'],
  ['kept out by one, another has not said yet who he is', ['refused', 'reached'], false, 2999, 'waits'],
  ['kept out by one, and of another nothing has come', ['refused', 'untried', 'reached'], false, 3000, 'kept out'],
  ['kept out by one, met another', ['refused', 'reached'], true, 0, 'ready'],
  ['met somebody, whatever came of seeds', ['unreachable'], true, 0, 'ready'],
  ['met somebody, while another seed is still dialled', ['reached', 'untried'], true, 2999, 'waits'],
  ['met somebody, and a dial of another seed takes long', ['reached', 'untried'], true, 3000, 'ready'],
])('%s', (_, outcomes, hasMet, since_ms, expected) => {
  const seeds = seedsOf(outcomes)
  const { unready, ...without } = standingOf({ hasMet, seeds }, undefined, since_ms)
  const found =
    unready === undefined ? (without.alone ? 'alone' : 'ready') : unready.cause === 'kept-out' ? 'kept out' : 'waits'
  expect(found).toBe(expected)
  expect(without.behind).toBe(false)
  if (expected === 'kept out') expect(unready?.why).toContain(`--join seed-${outcomes.indexOf('refused')}: why`)
  if (expected === 'waits') expect(unready?.why).toMatch(/no answer from seed-[01]/)
})

const notAll = { cause: 'behind', why: 'not all is here' } as const

test('whoever has met somebody waits for what those hold, and not for ever', () => {
  for (const seeds of [[], seedsOf(['reached'])]) {
    const early = standingOf({ hasMet: true, seeds }, notAll, 29_999)
    expect(early.unready).toEqual({ cause: 'behind', why: 'not all is here; in 1 s this node is ready without' })
    expect(standingOf({ hasMet: true, seeds }, notAll, 30_000)).toEqual({ alone: false, behind: true })
  }
})

/** A beginning whose circumstances are set by hand. */
function beginning(outcomes: readonly SeedOutcome[]) {
  const at = { hasMet: false, outcomes, now: 100, isReady: true, isBehind: false }
  const stages: string[] = []
  const begun = new Beginning({
    contact: () => ({ hasMet: at.hasMet, seeds: seedsOf(at.outcomes) }),
    isReady: () => at.isReady,
    behind: () => (at.isBehind ? notAll : undefined),
    now: () => at.now,
    tell: (stage) => stages.push(stage),
  })
  let isSettled = false
  void begun.settled.then(() => (isSettled = true))
  const seen = async (): Promise<string> => {
    begun.look()
    await Promise.resolve()
    const { unready, alone, behind } = begun.standing()
    return `${unready?.cause ?? 'ready'}${alone ? ' alone' : ''}${behind ? ' behind' : ''}${isSettled ? ', settled' : ''}`
  }
  return { at, seen, stages }
}

test('the beginning is over once what the first ones hold is here, and not before the rest is ready', async () => {
  const { at, seen, stages } = beginning(['untried'])
  expect(await seen()).toBe('seeking')
  Object.assign(at, { hasMet: true, isBehind: true, outcomes: ['reached'] })
  expect(await seen()).toBe('behind')
  Object.assign(at, { isReady: false, isBehind: false })
  expect(await seen()).toBe('ready')
  at.isReady = true
  expect(await seen()).toBe('ready, settled')
  expect(stages).toEqual(['seeking', 'met', 'over'])
})

test('whoever was ready, alone or not, stays so when somebody comes who holds more', async () => {
  for (const [outcomes, expected] of [
    [[], 'ready, settled'],
    [['nobody'], 'ready alone, settled'],
  ] as const) {
    const { at, seen } = beginning(outcomes)
    expect(await seen()).toBe(expected)
    Object.assign(at, { hasMet: true, isBehind: true })
    expect(await seen()).toBe('ready, settled')
  }
})

test('what does not come in time is said for as long as it is missing', async () => {
  const { at, seen } = beginning(['reached'])
  Object.assign(at, { hasMet: true, isBehind: true, now: 30_100 })
  expect(await seen()).toBe('ready behind, settled')
  at.isBehind = false
  expect(await seen()).toBe('ready, settled')
})

test('who is kept out by one of several waits a moment for the others, and is not said to have begun', async () => {
  const { at, seen } = beginning(['refused', 'untried'])
  expect(await seen()).toBe('seeking')
  at.outcomes = ['refused', 'reached']
  expect(await seen()).toBe('seeking')
  Object.assign(at, { hasMet: true, isBehind: true })
  expect(await seen()).toBe('behind')
})

test('nobody waits for whoever is kept out, or cannot be ready in time', async () => {
  const { at, seen } = beginning(['refused'])
  expect(await seen()).toBe('kept-out, settled')
  at.hasMet = true
  expect(await seen()).toBe('ready, settled')
  const ill = beginning(['reached'])
  Object.assign(ill.at, { hasMet: true, isReady: false, now: 30_100 })
  expect(await ill.seen()).toBe('ready, settled')
})

function seedsOf(outcomes: readonly SeedOutcome[]) {
  return outcomes.map((outcome, i) => ({ where: `seed-${i}`, outcome, error: `why ${i}` }))
}

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

test('a seed counts as reached where who is meant by it has come by itself', async () => {
  const site = await startSite({})
  const place = `/ip4/127.0.0.1/tcp/${await freePort()}/p2p/${site.network.peerId}`
  const other = await startSite({ join: [place] })
  const outcome = () => other.network.firstContact().seeds[0]?.outcome
  await eventually('it is not where it was said to be', () => outcome() === 'unreachable')
  site.network.learn(other.network.peerId, other.network.addresses())
  site.network.follow([other.network.peerId], [])
  site.network.dial(other.network.peerId)
  await eventually('it has come', () => other.network.firstContact().hasMet)
  expect(outcome()).toBe('reached')
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
    sites.every(
      ({ network }) => standingOf(network.firstContact(), undefined, 0).alone && !network.firstContact().hasMet,
    ),
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
