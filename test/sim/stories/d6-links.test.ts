// Stories of D6: in a larger cluster each is connected with those it has a use for, and with few others.
import { expect, test } from 'vitest'
import { World } from '../world.js'

const count = 40

function settled(): World {
  const world = new World({ seed: 1, plane: true })
  world.startPrepared(Array.from({ length: count }, (_, i) => `n${i}`))
  world.run(60_000)
  return world
}

test('D6: connections that nobody needs are given up, those with observers and subjects stay', () => {
  const world = settled()
  for (const { connected, links } of world.running()) {
    expect(links.wanted.size).toBeGreaterThanOrEqual(8)
    expect(links.wanted.size).toBeLessThanOrEqual(8 + 16 + 4)
    expect([...links.wanted].filter((name) => !connected.has(name))).toEqual([])
  }
  const wants = (a: string, b: string): boolean => world.machine(a).links.wanted.has(b)
  const unwanted = world
    .running()
    .flatMap(({ name, connected }) => [...connected].filter((other) => !wants(name, other) && !wants(other, name)))
  expect(unwanted.length).toBeLessThan(10) // those that are about to go; if none went, there would be 152
})

test('D6: in quiet each sends eight heartbeats a second, and hardly anything besides', () => {
  const world = settled()
  const before = world.wires.sent.beat
  world.run(20_000)
  const perSecond = (world.wires.sent.beat - before) / count / 20
  expect(perSecond).toBeGreaterThanOrEqual(8)
  expect(perSecond).toBeLessThan(10.5)
})

test('D6: usage of a node stays shown when a connection with it ends', () => {
  const world = new World({ seed: 1 })
  world.startAll('a', 'b', 'c')
  world.run(5000)
  world.feed('a', { type: 'vitals', load: 1, vitals: JSON.stringify({ usage: { cpu: { percent: 12.5 } } }) })
  world.run(3000)
  world.cut('a', 'b')
  world.wires.disconnect(world.machine('b'), world.machine('a'))
  world.run(100)
  const nodes = world.machine('b').live.read.nodes(world.moment('b'))
  expect(nodes.find(({ id }) => id === 'node-a')?.usage).toEqual({ cpu: { percent: 12.5 } })
})

test('D6: a question that makes no sense is answered with the end of the answer', () => {
  const world = new World({ seed: 1 })
  world.startAll('a', 'b')
  world.run(5000)
  const nonsense = { type: 'request', from: 'b', id: 77, bytes: Uint8Array.of(9) } as const
  const replies = world.machine('a').live.handle(nonsense, world.moment('a'))
  expect(replies.filter(({ type }) => type === 'reply')).toEqual([
    { type: 'reply', id: 77, bytes: new Uint8Array(), last: true },
  ])
})
