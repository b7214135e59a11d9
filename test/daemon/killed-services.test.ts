// Services killed at random while callers pick: nobody is given a dead one for long, nobody misses a living one. See scripts/violence.ts.
import { afterAll, expect, test } from 'vitest'
import { endServices } from '../../scripts/bench/services/process.js'
import { killServices } from '../../scripts/violence/services.js'
import { allList, Cluster } from './cluster.js'
import { loopback } from './place.js'

const cluster = new Cluster(loopback())
afterAll(async () => {
  endServices()
  await cluster.close()
})

test('a killed service is picked no more, a living one is never missed', async () => {
  const a = await cluster.start('a', { args: ['--no-mdns'] })
  const b = await cluster.start('b', { args: ['--no-mdns', '--join', a.address] })
  const c = await cluster.start('c', { args: ['--no-mdns', '--join', a.address] })
  await allList([a, b, c], ['a', 'b', 'c'])
  const limits = { dead_ms: 10_000, missing_ms: 10_000, gone_ms: 60_000 }
  const { kills, picks, broken } = await killServices([a, b, c], { services: 12, atOnce: 6, callers: 4, ...limits })
  expect(broken).toEqual([])
  expect(kills).toBe(12)
  expect(picks).toBeGreaterThan(0)
})
