// A daemon is upgraded and taken back while callers write and look up: nobody notices. See scripts/violence.ts.
import { afterAll, expect, test } from 'vitest'
import { beforeOperators, isKnown, programAt } from '../../scripts/violence/earlier.js'
import { upgradeAll } from '../../scripts/violence/upgrade.js'
import { Cluster } from './cluster.js'
import { loopback } from './place.js'

const clusters: Cluster[] = []
afterAll(() => Promise.all(clusters.map((cluster) => cluster.close())))

function opened(program?: string): Cluster {
  const cluster = new Cluster(loopback(), program)
  clusters.push(cluster)
  return cluster
}

const isThere = isKnown(beforeOperators)
if (!isThere) console.warn(`left out: the history of this copy does not have ${beforeOperators}`)

test.skipIf(!isThere)('from the earlier version to this one, and back, nothing acknowledged is lost', async () => {
  const programs = { earlier: opened(await programAt(beforeOperators)), later: opened() }
  const { upgrades_ms, returns_ms, lookups_ms, writes, broken } = await upgradeAll({
    ...{ ...programs, daemons: 3, upgraded: 1, soak_ms: 500 },
  })
  expect(broken).toEqual([])
  expect([upgrades_ms.length, returns_ms.length]).toEqual([1, 1])
  for (const count of [lookups_ms.length, writes.registered, writes.removed, writes.defined, writes.reported])
    expect(count).toBeGreaterThan(0)
})
