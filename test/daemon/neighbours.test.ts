// Somebody on the network makes up peers by mDNS, more than are heard; the short form of `npm run violence -- neighbours`.
import { expect, test } from 'vitest'
import { crowd } from '../../scripts/violence/neighbours.js'
import { compiled } from '../io/compiled.js'
import { canMakeCables } from './lan.js'

const permitted = canMakeCables()
if (!permitted) console.warn('network namespaces and bridges are not permitted here: hostile neighbours are not tested')
const neighbour = await compiled('../../scripts/violence/hostile-neighbour.ts')

test.skipIf(!permitted)(
  'a newcomer is found, though a neighbour makes up three thousand peers that say nothing',
  async () => {
    const { broken } = await crowd({ lie: 'silent', sources: 1 }, { newcomers: 2, within_ms: 29_000, neighbour })
    expect(broken).toEqual([])
  },
)
