// What a lively little cluster says, for those who spoil it: messages as they went over the wire.
import { World } from './world.js'
import type { Sent } from './wires.js'

export interface Recorded {
  /** Of `a`, `b` and `c`, as they stand afterwards. */
  readonly world: World
  readonly byKind: Record<Sent['kind'], Uint8Array[]>
}

/** Messages of a lively little cluster, by kind; every kind of message there is. */
export function recordMessages(): Recorded {
  const world = new World({ seed: 7 })
  const byKind: Record<Sent['kind'], Uint8Array[]> = { gossip: [], beat: [], request: [], reply: [] }
  world.wires.tap = ({ kind, bytes }) => void byKind[kind].push(bytes.slice())
  world.startAll('a', 'b', 'c')
  world.run(500)
  for (let i = 0; i < 12; i++) {
    world.register('abc'.charAt(i % 3), { id: `i${i}`, slug: `s${i % 4}`, url: `http://i${i}.test:80`, tags: ['x'] })
    if (i % 4 === 0) world.define('b', `d${i}`, { image: { name: 'x' } })
    world.run(120)
    if (i === 2) world.deregister('a', 'i1') // of b's
    if (i === 6) world.command('a', { type: 'act', id: 'i4', act: { type: 'patch', weight: 3, tags: ['y'] } }) // of b's
    if (i === 8) world.command('a', { type: 'act', id: 'i4', act: { type: 'renew' } }) // which is refused
  }
  world.feed('a', { type: 'vitals', load: 5, vitals: '{"usage":{}}' })
  world.crash('c')
  world.run(5000)
  world.start('c')
  world.run(3000)
  world.partition(['a'], ['b', 'c'])
  for (const name of 'abc') world.register(name, { id: `late-${name}`, slug: 's0', url: `http://late-${name}.test:80` })
  world.run(4000)
  world.heal()
  world.run(9000)
  // The link between two is refused by firewalls: each asks whether the other lives.
  world.partition(['a'], ['b'])
  for (const [name, peer] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const)
    world.feed(name, { type: 'refused', peer, isVacant: true })
  world.run(3000)
  // And where gossip does not come through either, over connections.
  world.wires.gossipOn = false
  world.run(35_000)
  world.wires.gossipOn = true
  world.heal()
  world.run(3000)
  world.wires.tap = undefined
  return { world, byKind }
}
