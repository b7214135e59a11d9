// What callers are told of copies: machines that never come back take nothing with them that two were said to hold. Short form of a violence script.
import { afterAll, expect, test } from 'vitest'
import { takeAway } from '../../scripts/violence/copies.js'
import { Cluster } from './cluster.js'
import { loopback } from './place.js'

const cluster = new Cluster(loopback())
afterAll(() => cluster.close())

test('two machines go for good, one after the other, while callers write there with acks=2', async () => {
  const { held_ms, broken } = await takeAway({
    ...{ rounds: 2, writes: 100 },
    start: (name, running) =>
      cluster.start(name, { args: ['--no-mdns', ...running.flatMap(({ address }) => ['--join', address])] }),
  })
  expect(broken).toEqual([])
  expect(held_ms.length).toBeGreaterThanOrEqual(20)
}, 240_000)
