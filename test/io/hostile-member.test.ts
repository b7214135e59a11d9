/** A member that sends too much, over real connections, as fast as it goes: what one turn of the event loop takes in of it is bounded. */
import { expect, test } from 'vitest'
import { HostileMember } from '../../scripts/violence/hostile-member.js'
import { sipBytes } from '../../src/io/network/sips.js'
import { generateClusterKey } from '../../src/io/network/clusterkey.js'
import { headerBytes } from '../../src/io/network/messages.js'
import { eventually } from './eventually.js'
import { startSite } from './networkworld.js'

test('of frames without end, many to a piece, a turn reads a sip', async () => {
  const site = await startSite()
  const [address = ''] = site.network.addresses()
  const member = new HostileMember(address, 'test')
  await member.start()
  const perTurn: number[] = []
  let before = 0
  const look = (): void => {
    const now = site.network.dropped()['beat-excess'] ?? 0
    if (now > before) perTurn.push(now - before)
    before = now
    turn = setImmediate(look)
  }
  let turn = setImmediate(look)
  void member.flood('junk')
  await eventually('much of it came', () => perTurn.length >= 20)
  clearImmediate(turn)
  await member.stop()
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(sipBytes.most / headerBytes)
})

test.each([
  ['frame', 'muxer-frame', 'a frame of four gigabytes'],
  ['pings', 'muxer-pings', 'pings whose answers it does not read'],
  ['openings', 'muxer-unnamed', 'streams that say much, and never what they are for'],
  ['echoes', 'muxer-untaken', 'pings on one stream whose answers it does not read'],
  ['lengths', 'muxer-untaken', 'lengths that do not end'],
  ['replies', 'muxer-untaken', 'an answer where nobody asked'],
  ['names', 'gossip-malformed', 'a message of gossip that names half a million others'],
] as const)('of %s it holds little: %s is counted', { timeout: 120_000 }, async (kind, reason, what) => {
  const site = await startSite()
  const [address = ''] = site.network.addresses()
  const member = new HostileMember(address, 'test')
  await member.start()
  void member.flood(kind)
  await eventually(`${what} is too much`, () => (site.network.dropped()[reason] ?? 0) > 0, 100_000)
  await member.stop()
})

/** What is bounded is what is deciphered: of a stranger's bytes, and of a member's, one layer further up. */
test.each([
  ['frame', 'muxer-frame'],
  ['lengths', 'muxer-untaken'],
] as const)('with a cluster key %s are bounded as well: %s is counted', async (kind, reason) => {
  const clusterKey = generateClusterKey()
  const site = await startSite({ clusterKey })
  const [address = ''] = site.network.addresses()
  const member = new HostileMember(address, 'test', clusterKey)
  await member.start()
  void member.flood(kind)
  await eventually('it is too much', () => (site.network.dropped()[reason] ?? 0) > 0, 100_000)
  await member.stop()
})
