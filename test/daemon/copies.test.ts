// What callers are told of copies: machines that never come back take nothing with them that two were said to hold. Short form of a violence script.
import { afterAll, expect, test } from 'vitest'
import { type CopiesOptions, takeAway } from '../../scripts/violence/copies.js'
import { Cluster } from './cluster.js'
import { loopback } from './place.js'

const clusters: Cluster[] = []
afterAll(() => Promise.all(clusters.map((cluster) => cluster.close())))

function starting(): CopiesOptions['start'] {
  const cluster = new Cluster(loopback())
  clusters.push(cluster)
  return (name, running) =>
    cluster.start(name, { args: ['--no-mdns', ...running.flatMap(({ address }) => ['--join', address])] })
}

test('two machines go for good, one after the other, while callers write there with acks=2', async () => {
  const { held_ms, broken } = await takeAway({ rounds: 2, writes: 100, start: starting() })
  expect(broken).toEqual([])
  expect(held_ms.length).toBeGreaterThanOrEqual(20)
}, 240_000)

test('so it is where all are killed in the moment of an answer, and the one that gave it never comes back', async () => {
  const { held_ms, broken } = await takeAway({ rounds: 3, writes: 100, isTogether: true, start: starting() })
  expect(broken).toEqual([])
  expect(held_ms.length).toBeGreaterThanOrEqual(30)
}, 240_000)
